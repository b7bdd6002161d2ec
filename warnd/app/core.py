"""The application: opened for a command, started for the daemon."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection

from warnd.app import wiring
from warnd.app.board import AlarmBoard
from warnd.app.clerk import Clerk
from warnd.app.feeds import FeedDesk
from warnd.app.feeds.reception import Reception
from warnd.app.foresight import Foresight
from warnd.app.intake import Intake
from warnd.app.live_audience import LiveAudience
from warnd.app.metrics import Metrics
from warnd.app.places import Places
from warnd.app.watching import Watching
from warnd.contract.channel import CallbackRequest, ReceivesReceipts
from warnd.contract.outcome import Receipt
from warnd.errors import Fault, Invalid, NotFound
from warnd.model.color import Lane
from warnd.model.delivery import Batch
from warnd.model.ulid import UlidMaker
from warnd.pipeline.broadcast import Broadcaster
from warnd.pipeline.lease import InForce
from warnd.pipeline.turns import Turns
from warnd.pipeline.worker import Worker
from warnd.settings import Settings
from warnd.store import backlog
from warnd.store.journal import Entry
from warnd.store.plan_source import StoredPlanSource
from warnd.store.standing import audience_changed
from warnd.store.tables import micros

log = structlog.get_logger()
T = TypeVar("T")


class App:
    """
    Everything of one store and one configuration.

    ``open`` is enough for commands that read and write the store; ``start`` also sends. ``wall`` gives the
    time of day, the only clock there is; the system's own unless given.
    """

    def __init__(self, settings: Settings, *, wall: Callable[[], datetime] | None = None) -> None:
        self.settings = settings
        self._real_time = wall is None
        self.now = wall or _utc
        self.ids = UlidMaker()
        self.store = wiring.store(settings)
        self.audience = LiveAudience(self.store)
        self.places = Places(self.store, settings.regions)
        self.metrics = Metrics()
        self.in_force = InForce()
        self.alarms = AlarmBoard(self.store, now=self.now, new_id=self.new_id)
        self.lines = wiring.lines(
            settings,
            load=self._load,
            clock=self.clock,
            monotonic=time.monotonic,
            holds=self.in_force.holds,
        )
        self.routes = {name: line.route for name, line in self.lines.items()}
        self.surroundings = wiring.surroundings(settings, self.routes)
        self.speakers = wiring.speakers(settings, self.surroundings.catalogue)
        self.hand = wiring.hand(settings, self.surroundings.catalogue)
        self.foresight = Foresight(
            self.store, self.surroundings, places=self.places, audience=self.audience.index
        )
        self.broadcaster = Broadcaster(
            self.store,
            StoredPlanSource(self.store),
            self.surroundings,
            audience=self.audience.index,
            in_force=self.in_force,
            alarms=self.alarms,
            post=self._post,
            turns=Turns(red_waits=lambda: any(line.lanes.red_waits for line in self.lines.values())),
            new_ids=self.new_ids,
            clock=self.clock,
        )
        self.intake = Intake(
            settings,
            self.store,
            self.surroundings,
            alarms=self.alarms,
            metrics=self.metrics,
            places=self.places,
            foresight=self.foresight,
            in_force=self.in_force,
            signatures=wiring.signature_policies(settings),
            plan=self.plan,
            new_id=self.new_id,
            now=self.now,
        )
        self.watching = Watching(
            self.lines, metrics=self.metrics, alarms=self.alarms, content_refused=self._content_refused
        )
        self.feeds = FeedDesk(
            settings.feeds,
            Reception(
                store=self.store,
                alarms=self.alarms,
                metrics=self.metrics,
                catalogue=self.surroundings.catalogue,
                speaker=self.speakers.__getitem__,
                check_signature=self.intake.check_signature,
                admit=self.intake.admit,
                refuse=self.intake.refuse,
                new_id=self.new_id,
                now=self.now,
            ),
        )
        self.clerk: Clerk | None = None
        self._workers: list[Worker] = []
        self._opened = AsyncExitStack()
        self._group: asyncio.TaskGroup | None = None
        self._planning: dict[str, asyncio.Task[None]] = {}
        self._standing: list[asyncio.Task[None]] = []

    # --- clock and ids ----------------------------------------------------------------------------

    def clock(self) -> int:
        """Microseconds since 1970."""
        return time.time_ns() // 1000 if self._real_time else micros(self.now())

    def new_id(self) -> str:
        return self.ids.one(self.now())

    def new_ids(self, count: int) -> list[str]:
        return self.ids.many(count, self.now())

    # --- life -------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Open the store. Raises StoreError."""
        await self.store.open()
        await self.alarms.remember()
        self.store.on_failure = lambda message: self.alarms.sound("store_failed", "store", message)

    async def close(self) -> None:
        """Close the store; safe to call twice."""
        await self.alarms.settle()
        await self.store.close()

    async def start(self, group: asyncio.TaskGroup) -> None:
        """
        Read the boundaries, open the channels and begin to send what is due; the tasks belong to ``group``.

        Raises ConfigError.
        """
        self._group = group
        await self.places.load()
        for name, line in self.lines.items():
            await line.channel.open(partial(self._receive_from, name))
            self._opened.push_async_callback(line.channel.close)
        self.clerk = Clerk(
            self.store,
            routes=self.routes,
            retry=self.settings.retry,
            in_force=self.in_force,
            alarms=self.alarms,
            post=self._post,
            plan=self.plan,
            new_ids=self.new_ids,
            clock=self.clock,
        )
        self.store.on_gather = self.clerk.gather_soon
        group.create_task(self.audience.index())  # ahead: the first warning need not wait for it
        await self.clerk.start_over()
        for line in self.lines.values():
            worker = Worker(
                line.channel,
                line.lanes,
                self.store,
                retry=self.settings.retry,
                in_force=self.in_force,
                watcher=self.watching,
                clock=self.clock,
                new_ids=self.new_ids,
                requests=line.slots,
                red_only=wiring.red_only(line.slots),
            )
            self._workers.append(worker)
            self._standing.append(group.create_task(line.lanes.refill()))
            group.create_task(worker.run())
        self._standing.append(group.create_task(self.clerk.rounds()))
        self._standing.append(group.create_task(self.clerk.gathering()))

    async def stop(self) -> None:
        """Take no new lease, let sends finish within the grace period, return the rest. Loses nothing."""
        for task in (*self._standing, *self._planning.values()):
            task.cancel()
        grace = self.settings.server.grace
        await asyncio.gather(*(worker.stop(grace) for worker in self._workers))
        self._workers.clear()
        await self._opened.aclose()

    # --- broadcasts, receipts and the audience ------------------------------------------------------

    def plan(self, alert_id: str, lane: Lane) -> None:
        """Start (or go on with) an alert's broadcast, unless it is under way."""
        if self._group is None or alert_id in self._planning:
            return
        task = self._group.create_task(self._broadcast(alert_id, lane))
        self._planning[alert_id] = task
        task.add_done_callback(lambda _: self._planning.pop(alert_id, None))

    async def receive_receipts(self, channel: str, request: CallbackRequest) -> int:
        """
        Keep and apply what a provider pushed; how many it were. Raises NotFound and Invalid.
        """
        line = self.lines.get(channel)
        if line is None or not isinstance(line.channel, ReceivesReceipts):
            raise NotFound("channel that takes receipts", channel)
        try:
            receipts = line.channel.parse(request)
        except ValueError as error:
            raise Invalid([Fault("", "unreadable_receipts", str(error))]) from error
        await self._receive_from(channel, receipts)
        return len(receipts)

    async def change_audience(
        self, actor: str, kind: str, function: Callable[..., T], *args: Any, **kwargs: Any
    ) -> T:
        """Run an editing function on groups, subscriptions or subscribers, with its journal entry."""
        now = self.clock()

        def edit(connection: Connection) -> tuple[T, list[Entry]]:
            result = function(connection, *args, **kwargs)
            audience_changed(connection)
            subject = getattr(result, "id", None) or getattr(getattr(result, "after", None), "id", "")
            return result, [Entry(now, kind, str(subject), result, actor)]

        return await self.store.record(edit)

    # --- inside -----------------------------------------------------------------------------------

    async def _broadcast(self, alert_id: str, lane: Lane) -> None:
        try:
            await self.broadcaster.broadcast(alert_id, lane)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.exception("broadcast.broke", alert=alert_id, lane=lane.name)
            self.alarms.sound("broadcast_broke", alert_id, f"planning stopped: {error!r}; it is tried again")

    def _content_refused(self, batch: Batch) -> None:
        if self.clerk is not None:
            self.clerk.content_refused(batch)

    def _post(self, batches: Sequence[Batch]) -> None:
        by_channel: dict[str, list[Batch]] = {}
        for batch in batches:
            by_channel.setdefault(batch.channel, []).append(batch)
        for channel, mine in by_channel.items():
            self.lines[channel].lanes.post(mine)

    async def _load(
        self, channel: str, lane: Lane, after: str, limit: int, *, behind: bool
    ) -> Sequence[Batch]:
        return await self.store.read(backlog.open_batches, channel, lane, after, limit, behind=behind)

    async def _receive_from(self, channel: str, receipts: Sequence[Receipt]) -> None:
        await self.store.receive(channel, receipts, self.clock())
        for one in receipts:
            self.metrics.receipts.labels(channel, one.status.value).inc()


def _utc() -> datetime:
    return datetime.now(UTC)
