"""A process's link to Redis or Valkey: made anew whenever it is lost, and everybody whom it concerns is told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any, Protocol

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential

from warnd.errors import WarndError

log = structlog.get_logger()

OLDEST_REDIS, OLDEST_VALKEY = (7, 0), (7, 2)
"""The first whose scripts are replicated by what they did, so that they may read the clock and then write."""

_ANSWER_SECONDS = 1.0
"""A server that takes longer is away: what it is asked keeps no warning waiting."""

_BEAT_SECONDS = 1.0
_LONGEST_REST = 2.0


class Away(WarndError):
    """The server cannot be asked just now, or is not fit to be."""


@dataclass(frozen=True, slots=True)
class Address:
    """Of a server. ``password`` is None where it asks for none."""

    url: str
    password: str | None = None

    def client(self) -> Redis:
        return Redis.from_url(
            self.url,
            password=self.password,
            # With a time-out of its own redis-py waits by asyncio.wait_for, which may lose a cancellation (Python 3.11).
            socket_timeout=None,
            socket_connect_timeout=_ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),
            client_name="warnd",
        )


class Attendant(Protocol):
    """Whom a link tells what it learns."""

    async def linked(self) -> None:
        """The server can be asked. Raises Away when it cannot after all; told again by every new link."""

    def heard(self, topic: str, about: str) -> None:
        """Another process, or this one, published that."""

    async def beat(self) -> None:
        """A second has gone by, with nothing amiss. Raises Away."""

    def lost(self, why: str) -> None:
        """It cannot be asked; told again by every try to reach it that fails."""


class Link:
    """
    ``topics`` are what is heard of. ``ask`` raises Away at once while there is no link, and ends one that fails it.
    """

    def __init__(self, address: Address, attendant: Attendant, *, topics: Sequence[str]) -> None:
        self._address = address
        self._attendant = attendant
        self._topics = topics
        self._client: Redis | None = None
        self._scripts: dict[str, Any] = {}
        self._broken = asyncio.Event()
        self._why = ""
        self.tried = asyncio.Event()

    async def ask(self, script: str, keys: Sequence[str], *arguments: object) -> Any:
        """What this Lua script of the package answers. Raises Away."""
        if self._client is None:
            raise Away("there is no link to Redis")
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                return await self._scripts[script](keys=keys, args=arguments)
        except (RedisError, OSError) as error:
            self._break(_said(error))
            raise Away(_said(error)) from error

    async def faults(self) -> list[str]:
        """Why the server cannot be used as it is set up. Raises Away."""
        info, _ = await asked(self._address)
        return faults(info)

    async def run(self) -> None:
        """For ever."""
        patiently = AsyncRetrying(
            retry=retry_if_exception_type((RedisError, OSError, Away)),
            wait=wait_random_exponential(multiplier=0.2, max=_LONGEST_REST),
            before_sleep=self._failed,
        )
        while True:
            client: Redis = await patiently(self._connected)
            try:
                await self._attend(client)
            except (RedisError, OSError, Away) as error:
                self._lose(_said(error))
            finally:
                self._client = None
                with suppress(RedisError, OSError):
                    await client.aclose()

    async def _connected(self) -> Redis:
        """A client of a server that is fit, after everybody has made use of it. Raises what says why it cannot."""
        client = self._address.client()
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                _check(await client.info())
            self._scripts = {name: client.register_script(_text(name)) for name in _NAMES}
            self._broken.clear()
            self._client = client
            await self._attendant.linked()
        except BaseException:
            self._client = None
            with suppress(RedisError, OSError):
                await client.aclose()
            raise
        self.tried.set()
        log.info("redis.linked")
        return client

    async def _attend(self, client: Redis) -> None:
        """Until the link breaks; that is raised."""
        async with client.pubsub(ignore_subscribe_messages=True) as heard:
            async with asyncio.timeout(_ANSWER_SECONDS):
                await heard.subscribe(*self._topics)
            await self._attendant.beat()  # for what was published before this one listened
            listening = asyncio.create_task(self._listen(heard))
            broken = asyncio.create_task(self._broken.wait())
            try:
                while True:
                    done, _ = await asyncio.wait(
                        (listening, broken), timeout=_BEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED
                    )
                    if listening in done:
                        listening.result()
                    if broken in done:
                        raise Away(self._why)
                    await self._attendant.beat()
            finally:
                for task in (listening, broken):
                    task.cancel()
                await asyncio.gather(listening, broken, return_exceptions=True)

    async def _listen(self, heard: Any) -> None:
        while True:
            message = await heard.get_message(timeout=_BEAT_SECONDS)
            if message is not None:
                self._attendant.heard(message["channel"].decode(), message["data"].decode())

    def _break(self, why: str) -> None:
        self._why = why
        self._broken.set()
        self._lose(why)

    def _lose(self, why: str) -> None:
        if self._client is not None:
            self._client = None
            log.warning("redis.lost", error=why)
        self._attendant.lost(why)

    def _failed(self, state: RetryCallState) -> None:
        assert state.outcome is not None  # noqa: S101  it is called after a try
        self._attendant.lost(_said(state.outcome.exception()))
        self.tried.set()


async def asked(address: Address) -> tuple[Mapping[str, Any], datetime]:
    """What the server says of itself (``INFO``), and what time it has. Raises Away."""
    client = address.client()
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            info = await client.info()
            seconds, micros = await client.time()
    except (RedisError, OSError) as error:
        raise Away(_said(error)) from error
    finally:
        with suppress(RedisError, OSError):
            await client.aclose()
    return info, datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=micros)


def version_of(info: Mapping[str, Any]) -> tuple[str, str]:
    """The name of the server and its version, of what ``INFO`` answers."""
    if "valkey_version" in info:
        return "Valkey", str(info["valkey_version"])
    return "Redis", str(info["redis_version"])


def faults(info: Mapping[str, Any]) -> list[str]:
    """Why a server that says this of itself cannot be used."""
    found = []
    name, version = version_of(info)
    oldest = OLDEST_VALKEY if name == "Valkey" else OLDEST_REDIS
    if tuple(int(part) for part in version.split(".")[:2]) < oldest:
        found.append(f"{name} {version}; {'.'.join(map(str, oldest))} or later is needed")
    if (policy := info["maxmemory_policy"]) != "noeviction":
        found.append(f"maxmemory-policy is {policy}: it must be noeviction, or what is shared may vanish")
    return found


def _check(info: Mapping[str, Any]) -> None:
    if found := faults(info):
        raise Away("; ".join(found))


def _said(error: BaseException | None) -> str:
    return str(error) or f"no answer within {_ANSWER_SECONDS:g} s"


def keeps(info: Mapping[str, Any]) -> bool:
    """Whether the server writes an append-only file."""
    return bool(info["aof_enabled"])


_NAMES = ("pace", "lanes")


def _text(name: str) -> str:
    return (files("warnd.queue.redis") / f"{name}.lua").read_text(encoding="utf-8")
