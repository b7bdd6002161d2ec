"""What the processes on one PostgreSQL have in common in Redis, and what becomes of it when that is away."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable

import structlog

from warnd.app.board import AlarmBoard
from warnd.app.watching import Watching
from warnd.errors import ConfigError
from warnd.queue.pacing import Pace
from warnd.queue.rates import Rate
from warnd.queue.redis.link import Address, Away, Link
from warnd.queue.redis.pace import SharedPace

log = structlog.get_logger()

_PACES = "warnd:paces"


class Commons:
    """
    A part of the application from its making on; of use once it has been ``entered``. ``monotonic`` gives seconds.

    Nothing here is needed: without a link each process keeps to its part of each rate, and sounds an alarm.
    """

    def __init__(self, address: Address, *, alarms: AlarmBoard, monotonic: Callable[[], float]) -> None:
        self._link = Link(address, self, topics=(_PACES,))
        self._alarms = alarms
        self._monotonic = monotonic
        self._who = secrets.token_hex(8)
        self._paces: dict[str, SharedPace] = {}
        self._linking: asyncio.Task[None] | None = None
        self._name = ""
        self.watching: Watching | None = None

    def pace(self, channel: str, rate: Rate | None, target_rate: Rate | None, patience: int) -> Pace:
        """See ``wiring.MakePace``: one that all processes keep together."""
        self._paces[channel] = made = SharedPace(
            self._link,
            channel,
            who=self._who,
            rate=rate,
            target_rate=target_rate,
            patience=patience / 1e6,
            monotonic=self._monotonic,
        )
        return made

    async def enter(self, name: str, group: asyncio.TaskGroup) -> None:
        """
        Link up, or go on without for now; ``name`` is that of the process.

        Raises ConfigError when the server is there and can never be used.
        """
        self._name = name
        try:
            found = await self._link.faults()
        except Away as away:
            log.warning("redis.away", error=str(away))
        else:
            if found:
                raise ConfigError("queue.url", "; ".join(found))
        self._linking = group.create_task(self._link.run())
        await self._link.tried.wait()

    async def leave(self) -> None:
        """Safe to call twice."""
        if self._linking is not None:
            self._linking.cancel()
            await asyncio.gather(self._linking, return_exceptions=True)
            self._linking = None

    # --- what the link tells ----------------------------------------------------------------------

    async def linked(self) -> None:
        for pace in self._paces.values():
            await pace.link_up()
        self._alarms.clear("redis_away", self._name)

    def heard(self, topic: str, about: str) -> None:
        if about in self._paces:
            self._paces[about].look_soon()

    async def beat(self) -> None:
        forgotten = False
        for channel, pace in self._paces.items():
            forgotten = await pace.look() or forgotten
            if self.watching is not None:
                self.watching.found_well(channel, up=not pace.open, paid=not pace.paused)
        if forgotten:
            message = "Redis has forgotten what it knew; hints were found in the store, paces began anew"
            self._alarms.sound("redis_forgot", "queue", message)

    def lost(self, why: str) -> None:
        for pace in self._paces.values():
            pace.link_down()
        message = f"{self._name} cannot use Redis: {why}; it keeps to its own part of each rate meanwhile"
        self._alarms.sound("redis_away", self._name, message)
