"""Several processes on one PostgreSQL: each sends its share, hears what the others did, and one keeps the timers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog

from warnd.app.board import AlarmBoard
from warnd.app.clerk import Clerk
from warnd.app.ending import ended
from warnd.app.missing import Missing
from warnd.app.planning import Planning
from warnd.app.ranges import Ranges
from warnd.app.targets import Targets
from warnd.app.timers import Timers
from warnd.app.wiring import Line
from warnd.errors import StoreError
from warnd.model.color import Lane
from warnd.model.delivery import Batch, Rank
from warnd.model.share import WHOLE, Share
from warnd.pipeline.lease import InForce
from warnd.store import backlog, workers
from warnd.store.postgres import PostgresStore
from warnd.store.presence import Presence
from warnd.store.workers import Joining

log = structlog.get_logger()

LYING_US = 1_000_000
"""What has been due for so long and nobody took is anybody's, be it in whose share it may."""

_LEFT_LYING = 64
"""Of which as many are looked at in one go."""

_STORE_REST = 1.0

_HANDING_OVER = 3
"""Beats at which it is looked up what the others asked: they learn a beat later that an address is theirs no more."""


class Together:
    """
    See ``Company``. A channel whose targets have a rate of their own is shared strictly: only who has an address to
    itself can count what goes there. ``look`` looks at the machine, as the clerk does in a process that keeps the timers.
    """

    def __init__(
        self,
        store: PostgresStore,
        lines: Mapping[str, Line],
        *,
        clerk: Clerk,
        planning: Planning,
        ranges: Ranges,
        targets: Targets,
        in_force: InForce,
        alarms: AlarmBoard,
        look: Callable[[], Awaitable[None]],
        clock: Callable[[], int],
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._lines = lines
        self._clerk = clerk
        self._planning = planning
        self._ranges = ranges
        self._targets = targets
        self._in_force = in_force
        self._alarms = alarms
        self._missing = Missing(store, alarms, now=now)
        self._look = look
        self._clock = clock
        self._now = now
        self._share = WHOLE
        self._senders: tuple[int, ...] = ()
        self._handing_over = 0
        self._strict = {name for name, line in lines.items() if line.settings.target_rate is not None}
        self._presence: Presence | None = None
        self._timers: Timers | None = None
        self._attending: asyncio.Task[None] | None = None
        self._reading: set[asyncio.Task[None]] = set()

    # --- being one of them ------------------------------------------------------------------------

    async def enter(self, joining: Joining, timers: Timers, group: asyncio.TaskGroup) -> None:
        self._timers = timers

        async def join() -> int:
            number = await self._store.write(workers.join, joining, self._now(), alone=False)
            self._store.lease_as(number)
            return number

        self._presence = Presence(
            self._store.place, self, join=join, own=lambda: self._store.backend, eager=joining.role == "serve"
        )
        self._attending = group.create_task(self._presence.run())
        await self._presence.present.wait()
        self._ranges.begin(group)
        self._missing.entered(joining.name)

    def resign(self) -> None:
        self._ranges.end()
        if self._presence is not None:
            self._presence.resign()

    async def leave(self) -> None:
        if self._presence is None or self._attending is None:
            return
        presence, self._presence = self._presence, None
        await ended([self._attending])
        await asyncio.gather(*self._reading, return_exceptions=True)
        try:
            await self._store.write(workers.leave, presence.number, self._now())
        except StoreError as error:
            log.warning("worker.not_signed_off", error=str(error))

    # --- what is this one's to send ---------------------------------------------------------------

    def takes(self, batch: Batch, now: int) -> bool:
        if self._lines[batch.channel].lanes.is_shared or self._share.has(batch):
            return True
        # What this process has had out it keeps: whose share it is may not know that it rests again.
        return batch.channel not in self._strict and (batch.epoch > 0 or batch.due <= now - LYING_US)

    async def load(self, channel: str, lane: Lane, after: str, limit: int, *, rank: Rank) -> Sequence[Batch]:
        """A store that fails is asked again until it answers."""
        while True:
            try:
                return await self._rest_of(channel, lane, after, limit, rank=rank)
            except StoreError as error:
                log.error("store.failed", by="lanes", channel=channel, error=str(error))
                await asyncio.sleep(_STORE_REST)

    async def _rest_of(
        self, channel: str, lane: Lane, after: str, limit: int, *, rank: Rank
    ) -> Sequence[Batch]:
        share = self._share
        found = await self._store.read(
            backlog.open_batches, channel, lane, after, limit, rank=rank, share=share
        )
        if found or after or share.of == 1 or channel in self._strict:
            return found
        return await self._store.read(
            backlog.left_lying, channel, lane, self._clock() - LYING_US, _LEFT_LYING, rank=rank
        )

    # --- what the presence tells ------------------------------------------------------------------

    def met(self, number: int, senders: Sequence[int]) -> None:
        self._ranges.look()
        # Who keeps the timers has the clerk look at its machine.
        self._read(
            self._missing.look() if self._timers is not None and self._timers.kept else self._look_about()
        )
        self._read(self._missing.beat())
        if self._handing_over:
            self._handing_over -= 1
            self._read(self._targets.recall())
        if self._senders != (found := tuple(senders)):
            self._change_shares(number, found)

    def _change_shares(self, number: int, found: tuple[int, ...]) -> None:
        before, self._senders = self._senders, found
        if not set(before) <= set(found):
            # What those sounded who are gone is for the others to end.
            self._read(self._alarms.remember())
        if number not in found:
            return
        share = Share(found.index(number), len(found))
        if before:
            self._handing_over = _HANDING_OVER
            self._read(self._take_over(share, found))
        else:
            self._take(share)

    async def _take_over(self, share: Share, senders: tuple[int, ...]) -> None:
        """What falls to this process may go once it is known what those asked who had it."""
        try:
            await self._targets.recall()
        finally:
            if self._senders == senders:
                self._take(share)

    def _take(self, share: Share) -> None:
        self._share = share
        log.info("share.changed", place=share.place, of=share.of)
        for line in self._lines.values():
            line.lanes.pace.share_among(share.of)
            line.lanes.look_again()

    def heard(self, kind: str, about: Sequence[str]) -> None:
        match kind, about:
            case "batches", [channel, lane, id_] if channel in self._lines:
                self._lines[channel].lanes.look(Lane(int(lane)), id_)
            case "stopped", [alert_id]:
                self._in_force.stop((alert_id,))
            case "plan", [alert_id, lane]:
                self._planning.plan(alert_id, Lane(int(lane)))
            case "throttled", [channel, seconds, *deliveries] if channel in self._lines:
                self._read(self._targets.heard(channel, float(seconds), deliveries))
            case "ranges", []:
                self._ranges.look()
            case "gather", []:
                self._clerk.gather_soon()

    def was_away(self) -> None:
        self._read(self._catch_up())
        self._clerk.gather_soon()
        for line in self._lines.values():
            line.lanes.look_again()

    def keeps_timers(self, kept: bool) -> None:
        assert self._timers is not None  # noqa: S101  set before there is a presence
        if kept == self._timers.kept:
            return
        if kept:
            self._timers.take()
        else:
            self._timers.drop()
        log.info("timers.taken" if kept else "timers.dropped")

    # --- inside -----------------------------------------------------------------------------------

    async def _catch_up(self) -> None:
        stopped = await self._store.read(backlog.unswept)
        self._in_force.stop(alert_id for alert_id, _ in stopped)

    async def _look_about(self) -> None:
        await self._look()

    def _read(self, reading: Coroutine[Any, Any, None]) -> None:
        """Beside whatever is heard meanwhile; what fails is asked again when there is reason to."""

        async def read() -> None:
            try:
                await reading
            except StoreError as error:
                log.error("store.failed", by="company", error=str(error))

        task = asyncio.get_running_loop().create_task(read())
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)
