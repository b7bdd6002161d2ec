"""The demo's gateways: the installed emulators, all in one process of their own beside the daemon's."""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import Connection
from typing import Any

from warnd.contract.emulator import Counts, Emulator, Faults, Message
from warnd.contract.registry import emulator_factory
from warnd.errors import ConfigError, WarndError

ADAPTERS = {"sms": "sms.http", "wechat": "wechat.robot", "email": "email.smtp"}
"""The demo's channels by name, each with the adapter whose emulator stands in for its provider."""

REPORTS = "sms"
"""The channel whose provider tells later what arrived."""

_ANSWERS_WITHIN = 30.0
_ENDS_WITHIN = 5.0


def usual_faults(gone: Mapping[str, frozenset[str]]) -> dict[str, Faults]:
    """A little goes wrong with each gateway: some requests have to wait, some fail, ``gone`` addresses are refused."""
    wait = timedelta(milliseconds=300)
    sms = Faults(
        latency=timedelta(milliseconds=20),
        throttled=0.08,
        retry_after=wait,
        unavailable=0.06,
        undelivered=0.01,
    )
    wechat = Faults(latency=timedelta(milliseconds=20), unavailable=0.03)
    email = Faults(throttled=0.03, retry_after=timedelta(seconds=1))
    made = {"sms": sms, "wechat": wechat, "email": email}
    for name, faults in made.items():
        faults.bad_addresses = gone.get(name, frozenset())
    return made


@dataclass(frozen=True, slots=True)
class Seen:
    """What one gateway says it saw so far, and what it took over, oldest first."""

    counts: Counts
    messages: Sequence[Message]

    def addresses(self) -> list[str]:
        """Of every message, repeats included."""
        return [message.address for message in self.messages]


class Gateways:
    """
    The gateways' process, as an async context manager; it ends with this one, however that ends.

    Starting a process takes a while, so there are two steps: entering the context, then ``open``.
    """

    def __init__(self) -> None:
        spawning = multiprocessing.get_context("spawn")
        self._line, self._theirs = spawning.Pipe()
        self._process = spawning.Process(
            target=_live, args=(self._theirs,), name="warnd-gateways", daemon=True
        )

    async def __aenter__(self) -> Gateways:
        self._process.start()
        self._theirs.close()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._line.close()
        await asyncio.to_thread(self._process.join, _ENDS_WITHIN)

    async def open(
        self, faults: Mapping[str, Faults], *, receipt_url: str
    ) -> Mapping[str, Mapping[str, Any]]:
        """
        Take requests, going wrong as ``faults`` say; SMS reports go to ``receipt_url``.

        Returns what each channel's table needs to reach its gateway. Raises WarndError when they do not come up.
        """
        options: Mapping[str, Mapping[str, Any]] = await self._ask((dict(faults), receipt_url))
        return options

    async def seen(self) -> Mapping[str, Seen]:
        """By channel."""
        found: Mapping[str, Seen] = await self._ask(None)
        return found

    async def _ask(self, question: Any) -> Any:
        self._line.send(question)
        if not await asyncio.to_thread(self._line.poll, _ANSWERS_WITHIN):
            raise WarndError("the demo's gateways do not answer")
        try:
            answer = self._line.recv()
        except EOFError as error:
            raise WarndError("the demo's gateways broke down; see above") from error
        if isinstance(answer, WarndError):
            raise answer
        return answer


def _live(line: Connection) -> None:
    """The other process: until the line closes."""
    # Ctrl-C reaches this process too, but the daemon's last requests are still under way then.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Only here: the daemon's process has its own.
    import uvloop

    uvloop.run(_serve(line))


async def _serve(line: Connection) -> None:
    emulators: dict[str, Emulator] = {}
    async with AsyncExitStack() as running:
        while True:
            try:
                question = await asyncio.to_thread(line.recv)
            except EOFError:
                return
            if question is None:
                line.send({name: Seen(each.counts, each.messages()) for name, each in emulators.items()})
                continue
            faults, receipt_url = question
            try:
                emulators = await _opened(faults, receipt_url, running)
            except ConfigError as error:
                line.send(WarndError(f"{error} (pip install 'warnd[demo]' brings what the demo needs)"))
            else:
                line.send({name: dict(each.options) for name, each in emulators.items()})


async def _opened(
    faults: Mapping[str, Faults], receipt_url: str, running: AsyncExitStack
) -> dict[str, Emulator]:
    """Every gateway by channel, to be stopped when ``running`` ends. Raises ConfigError."""
    opened: dict[str, Emulator] = {}
    for name, adapter in ADAPTERS.items():
        reports = receipt_url if name == REPORTS else None
        opened[name] = emulator = emulator_factory(adapter, key="demo")(receipt_url=reports)
        emulator.faults = faults[name]
        await emulator.start()
        running.push_async_callback(emulator.stop)
    return opened
