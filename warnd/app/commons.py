"""What the processes on one PostgreSQL have in common in Redis, and what becomes of it when that is away."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import structlog

from warnd.app.board import AlarmBoard
from warnd.app.ending import ended
from warnd.app.watching import Watching
from warnd.errors import ConfigError, StoreError
from warnd.model.color import Lane
from warnd.model.delivery import Batch, Rank
from warnd.queue.filled import FilledLanes
from warnd.queue.local import ChannelLanes
from warnd.queue.pacing import Pace
from warnd.queue.rates import Rate
from warnd.queue.redis.lanes import TOPIC, SharedLanes
from warnd.queue.redis.link import Address, Away, Link
from warnd.queue.redis.pace import SharedPace
from warnd.store import backlog
from warnd.store.threads import ThreadedStore

T = TypeVar("T")

log = structlog.get_logger()

_PACES = "warnd:paces"
_STORE_REST = 1.0


class _Shelf:
    """See ``warnd.queue.redis.lanes.Shelf``; a store that fails is asked again until it answers."""

    def __init__(self, store: ThreadedStore) -> None:
        self._store = store

    async def at_rest(self, ids: Sequence[str]) -> Sequence[Batch]:
        return await self._read(backlog.batches_at_rest, ids)

    async def ids(
        self, channel: str, lane: Lane, after: str, limit: int, *, rank: Rank
    ) -> Sequence[tuple[str, int]]:
        return await self._read(backlog.open_ids, channel, lane, after, limit, rank)

    async def _read(self, function: Callable[..., T], *args: Any) -> T:
        while True:
            try:
                return await self._store.read(function, *args)
            except StoreError as error:
                log.error("store.failed", by="commons", error=str(error))
                await asyncio.sleep(_STORE_REST)


class Commons:
    """
    A part of the application from its making on; of use once it has been ``entered``. ``clock`` gives microseconds since
    1970, ``monotonic`` seconds.

    Nothing here is needed: without a link each process keeps to its part of the batches and of each rate, and sounds an
    alarm.
    """

    def __init__(
        self,
        address: Address,
        store: ThreadedStore,
        *,
        alarms: AlarmBoard,
        clock: Callable[[], int],
        monotonic: Callable[[], float],
    ) -> None:
        self._link = Link(address, self, topics=(_PACES, TOPIC))
        self._shelf = _Shelf(store)
        self._alarms = alarms
        self._clock = clock
        self._monotonic = monotonic
        self._who = secrets.token_hex(8)
        self._paces: dict[str, SharedPace] = {}
        self._lanes: dict[str, SharedLanes] = {}
        self._linking: asyncio.Task[None] | None = None
        self._name = ""
        self.watching: Watching | None = None

    def pace(self, channel: str, rate: Rate | None, target_rate: Rate | None, patience: int) -> Pace:
        """One that all processes keep together."""
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

    def lanes(self, hand: ChannelLanes, capacity: int) -> FilledLanes:
        """
        Lanes that all have in common; but where targets have a rate of their own the process's.

        There each sends what is for its part of the addresses, counts what goes to each, and tells each one thing before
        it tells any a second.
        """
        if hand.pace.target_rate is not None:
            return hand
        self._lanes[hand.channel] = made = SharedLanes(
            hand,
            self._link,
            who=self._who,
            capacity=capacity,
            shelf=self._shelf,
            clock=self._clock,
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
        await asyncio.gather(*(lanes.settle() for lanes in self._lanes.values()))
        if self._linking is not None:
            await ended([self._linking])
            self._linking = None

    # --- what the link tells ----------------------------------------------------------------------

    async def linked(self) -> None:
        for pace in self._paces.values():
            await pace.link_up()
        for lanes in self._lanes.values():
            lanes.link_up()
        self._alarms.clear("redis_away", self._name)

    def heard(self, topic: str, about: str) -> None:
        match topic:
            case "warnd:paces" if about in self._paces:
                self._paces[about].look_soon()
            case "warnd:lanes" if about in self._lanes:
                self._lanes[about].posted()

    async def beat(self) -> None:
        forgotten = False
        for channel, pace in self._paces.items():
            forgotten = await pace.look() or forgotten
            if self.watching is not None:
                self.watching.found_well(channel, up=not pace.open, paid=not pace.paused)
        if forgotten:
            self._alarms.sound("redis_forgot", "queue")

    def lost(self, why: str) -> None:
        for pace in self._paces.values():
            pace.link_down()
        for lanes in self._lanes.values():
            lanes.link_down()
        self._alarms.sound("redis_away", self._name, why=why.removesuffix("."))
