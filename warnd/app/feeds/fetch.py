"""Asking a feed over HTTP: within its own hosts, a size and a time, again when the network stumbles."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urljoin, urlsplit

import aiohttp
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_exponential, wait_random

from warnd import __version__
from warnd.contract.http import retry_after
from warnd.errors import WarndError

TRIES = 3
"""Of one request, when nothing or a 5xx comes back. What fails them all is asked again at the next poll."""

_REDIRECTS = 3
_Origin = tuple[str, str, int]
"""Scheme, host and port."""

_PORTS = {"http": 80, "https": 443}
_GONE = frozenset({404, 410})
_CHUNK = 64 * 1024


class FeedUnreachable(WarndError):
    """
    A feed gave no answer that can be read.

    ``passing``: the same request may succeed in a moment; ``gone``: it never will again; ``wait``: it wants to be
    left alone for so long.
    """

    def __init__(
        self, message: str, *, passing: bool = False, gone: bool = False, wait: timedelta | None = None
    ) -> None:
        super().__init__(message)
        self.passing = passing
        self.gone = gone
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Answer:
    """``body`` is None when nothing has changed; ``etag`` and ``modified`` are its validators, maybe empty."""

    url: str
    body: bytes | None
    etag: str = ""
    modified: str = ""


@dataclass(frozen=True, slots=True)
class Gate:
    """
    Where a feed's requests may go: to ``home`` and the ``hosts`` that the operator named, nowhere else.

    What a feed answers is not trusted to choose an address: a link or a redirect to another host, another port,
    from https to http or to the machine's own network is refused before a byte leaves. ``headers`` may hold
    credentials and go to the origin of ``home`` alone, which its scheme is a part of (RFC 6454).
    """

    home: str
    hosts: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def check(self, url: str) -> None:
        """Raises FeedUnreachable, naming the host and never the path."""
        try:
            origin = _origin(url)
        except ValueError as error:
            raise FeedUnreachable(f"an address in its answer cannot be asked: {error}") from None
        if origin not in self._allowed():
            scheme, host, port = origin
            raise FeedUnreachable(
                f"it leads to {scheme}://{host}:{port}, which is neither its own host nor among its hosts"
            )

    def headers_for(self, url: str) -> Mapping[str, str]:
        return self.headers if _origin(url) == _origin(self.home) else {}

    def _allowed(self) -> set[_Origin]:
        scheme, host, port = home = _origin(self.home)
        allowed = {home} | ({("https", host, 443)} if (scheme, port) == ("http", 80) else set())
        for named in self.hosts:
            name, _, number = named.partition(":")
            allowed |= {(each, name, int(number or usual)) for each, usual in _PORTS.items()}
        return allowed


def _origin(url: str) -> _Origin:
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or parts.username is not None:
        raise ValueError("it is no plain http or https address")
    return parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]


class Fetcher:
    """
    One feed's way to the network. ``sleep`` waits between tries.

    No exception of its client passes: all are FeedUnreachable, whose words name neither path nor credential.
    """

    def __init__(
        self,
        gate: Gate,
        *,
        timeout: timedelta,
        max_body: int,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._gate = gate
        self._timeout = aiohttp.ClientTimeout(total=timeout.total_seconds())
        self._max_body = max_body
        self._sleep = sleep

    async def get(self, url: str, *, headers: Mapping[str, str], since: Answer | None = None) -> Answer:
        """Only what has changed ``since`` that answer, if one is given. Raises FeedUnreachable."""
        asked = {"User-Agent": f"warnd/{__version__}", **headers}
        if since is not None and since.etag:
            asked["If-None-Match"] = since.etag
        if since is not None and since.modified:
            asked["If-Modified-Since"] = since.modified
        async for attempt in AsyncRetrying(
            retry=retry_if_exception(lambda error: isinstance(error, FeedUnreachable) and error.passing),
            stop=stop_after_attempt(TRIES),
            wait=wait_exponential(multiplier=0.5, max=5) + wait_random(0, 0.25),
            sleep=self._sleep,
            reraise=True,
        ):
            with attempt:
                return await self._once(url, asked)
        raise AssertionError("tenacity re-raises what the last try raised")

    async def _once(self, url: str, asked: Mapping[str, str]) -> Answer:
        self._gate.check(url)
        try:
            async with aiohttp.ClientSession(timeout=self._timeout) as session:
                for _ in range(_REDIRECTS + 1):
                    headers = {**asked, **self._gate.headers_for(url)}
                    async with session.get(url, headers=headers, allow_redirects=False) as reply:
                        if not 300 <= reply.status < 400 or reply.status == 304:
                            return await self._read(url, reply)
                        url = urljoin(url, reply.headers.get("Location", ""))
                    self._gate.check(url)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            kind = "took too long" if isinstance(error, TimeoutError) else type(error).__name__
            raise FeedUnreachable(f"no answer: {kind}", passing=True) from error
        raise FeedUnreachable(f"it redirects more than {_REDIRECTS} times")

    async def _read(self, url: str, reply: aiohttp.ClientResponse) -> Answer:
        if reply.status == 304:
            return Answer(url, None)
        if reply.status != 200:
            wait = retry_after(reply.headers.get("Retry-After"))
            raise FeedUnreachable(
                f"it answers HTTP {reply.status}",
                passing=reply.status >= 500 and wait is None,
                gone=reply.status in _GONE,
                wait=wait,
            )
        body = bytearray()
        # Counted as unpacked, so that a small answer cannot grow without end.
        async for chunk in reply.content.iter_chunked(_CHUNK):
            body += chunk
            if len(body) > self._max_body:
                raise FeedUnreachable(f"its answer is larger than {self._max_body} bytes")
        headers = reply.headers
        return Answer(
            url, bytes(body), headers.get("ETag", "")[:1000], headers.get("Last-Modified", "")[:100]
        )
