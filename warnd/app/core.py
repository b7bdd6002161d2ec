"""The application: opened for a command, started for the daemon."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection

from warnd.app import wiring
from warnd.app.board import AlarmBoard
from warnd.app.clerk import Clerk
from warnd.app.commons import Commons
from warnd.app.company import Alone, Company
from warnd.app.failover import Failover
from warnd.app.feeds import FeedDesk
from warnd.app.feeds.reception import Reception
from warnd.app.foresight import Foresight
from warnd.app.intake import Intake
from warnd.app.live_audience import LiveAudience
from warnd.app.machine import Machine
from warnd.app.metrics import Metrics
from warnd.app.places import Places
from warnd.app.planning import Planning
from warnd.app.punctuality import Punctuality
from warnd.app.pushes import Pushes
from warnd.app.quiet import QuietKeeper
from warnd.app.ranges import Ranges
from warnd.app.refusals import Refusals
from warnd.app.sending import Sending
from warnd.app.timers import Schedule, Timers
from warnd.app.together import Together
from warnd.app.watching import Watching
from warnd.contract.channel import CallbackRequest, ReceivesReceipts
from warnd.contract.outcome import Receipt
from warnd.errors import Fault, Invalid, NotFound
from warnd.model.color import Lane
from warnd.model.delivery import Batch, Rank
from warnd.model.ulid import UlidMaker
from warnd.pipeline.broadcast import Broadcaster
from warnd.pipeline.chunks import Chunks
from warnd.pipeline.lease import InForce, lent_for
from warnd.pipeline.ranges import RangePlanner
from warnd.pipeline.turns import Turns
from warnd.settings import Settings
from warnd.store.journal import Entry
from warnd.store.plan_source import StoredPlanSource
from warnd.store.postgres import PostgresStore
from warnd.store.standing import audience_changed
from warnd.store.tables import micros
from warnd.store.touched import groups_of
from warnd.store.workers import Joining

T = TypeVar("T")


class App:
    """
    Everything of one store and one configuration.

    ``open`` is enough for commands that read and write the store; ``start`` makes it one of the processes that work.
    ``wall`` gives the time of day, ``steady`` the seconds of a clock that nobody sets; the system's own unless given.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        wall: Callable[[], datetime] | None = None,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
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
        self.pushes = Pushes(self.alarms)
        self.machine = Machine(
            self.store, alarms=self.alarms, retry=settings.retry, clock=self.clock, steady=steady
        )
        self.commons = self._commons()
        self.lines = wiring.lines(
            settings,
            load=self._load,
            clock=self.clock,
            monotonic=time.monotonic,
            holds=self._may_leave,
            commons=self.commons or wiring.Own(),
        )
        self.routes = {name: line.route for name, line in self.lines.items()}
        self.surroundings = wiring.surroundings(settings, self.routes)
        self.speakers = wiring.speakers(settings, self.surroundings.catalogue)
        self.hand = wiring.hand(settings, self.surroundings.catalogue)
        self.foresight = Foresight(
            self.store, self.surroundings, places=self.places, audience=self.audience.index
        )
        chunks = Chunks(
            self.store,
            StoredPlanSource(self.store),
            self.surroundings,
            audience=self.audience.index,
            alarms=self.alarms,
            post=self._post,
            turns=Turns(red_waits=self._red_waits, make_way=self._make_way),
            new_ids=self.new_ids,
            clock=self.clock,
        )
        self.broadcaster = Broadcaster(
            chunks, in_force=self.in_force, split=self._split if self.store.shared else None
        )
        self.punctuality = Punctuality(
            self.store,
            policies=self.surroundings.policies,
            channels=tuple(self.lines),
            accepted=lambda channel: self.metrics.sending(channel).accepted,
            alarms=self.alarms,
            clock=self.clock,
        )
        self.planning = Planning(self.broadcaster, self.alarms, began=self.punctuality.began)
        self.ranges = Ranges(
            RangePlanner(chunks, go_on=self.planning.plan, handed_out=self._split),
            self.store,
            self.alarms,
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
            plan=self.planning.plan,
            new_id=self.new_id,
            now=self.now,
        )
        self.refusals = Refusals(self.store, clock=self.clock)
        self.watching = Watching(
            self.lines,
            metrics=self.metrics,
            alarms=self.alarms,
            content_refused=self.refusals.heard,
            clock=self.clock,
        )
        if self.commons is not None:
            self.commons.watching = self.watching
        self.sending = Sending(
            self.lines,
            self.store,
            retry=settings.retry,
            in_force=self.in_force,
            watching=self.watching,
            refusals=self.refusals,
            bundlers=wiring.bundlers(
                self.lines,
                self.store,
                templates=self.surroundings.templates,
                alarms=self.alarms,
                clock=self.clock,
                new_ids=self.new_ids,
            ),
            receive=self._receive_from,
            takes=self._may_leave,
            clock=self.clock,
            new_ids=self.new_ids,
        )
        self.clerk = Clerk(
            self.store,
            routes=self.routes,
            retry=settings.retry,
            in_force=self.in_force,
            alarms=self.alarms,
            failover=Failover(self.store, unfit=self.watching.unfit, clock=self.clock),
            quiet=QuietKeeper(
                self.store,
                policies=self.surroundings.policies,
                zone=self.surroundings.zone,
                clock=self.clock,
            ),
            punctuality=self.punctuality,
            post=self._post,
            plan=self.planning.plan,
            new_ids=self.new_ids,
            clock=self.clock,
            out=lambda: self.sending.out,
            look=self.machine.look,
        )
        self.machine.on_jump.append(self.clerk.gather_soon)
        self.machine.on_jump += [line.lanes.offer_all for line in self.lines.values()]
        self.company = self._company()
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
        self.started = False

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
        self.store.on_failure = self.machine.store_failed
        self.store.on_gather = self.clerk.gather_soon

    async def close(self) -> None:
        """Close the store; safe to call twice."""
        await self.alarms.settle()
        await self.store.close()

    async def start(
        self,
        group: asyncio.TaskGroup,
        *,
        role: str = "serve",
        name: str = "",
        sends: bool = True,
        schedule: Schedule = nullcontext,
    ) -> None:
        """
        Be one of the processes that work on the store, under this ``name``; the tasks belong to ``group``.

        One that ``sends`` opens the channels and begins to send what is due. ``schedule`` runs while this process keeps
        the timers. Raises ConfigError and StoreError.
        """
        await self.machine.start()
        await self.places.load()
        if sends:
            await self.sending.open()
        group.create_task(self.audience.index())  # ahead: the first warning need not wait for it
        timers = Timers(self.clerk, self.planning, schedule, group)
        joining = self._joining(role, name, sends=sends)
        if self.commons is not None:
            await self.commons.enter(joining.name, group)
        await self.company.enter(joining, timers, group)
        if sends:
            self.sending.start(group)
        self.started = True

    async def stop(self) -> None:
        """Take no new lease, let sends finish within the grace period, return the rest. Loses nothing."""
        self.company.resign()
        await self.sending.stop(self.settings.server.grace)
        if self.commons is not None:
            await self.commons.leave()
        await self.company.leave()

    # --- broadcasts, receipts and the audience ------------------------------------------------------

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
            audience_changed(connection, groups_of(result))
            subject = getattr(result, "id", None) or getattr(getattr(result, "after", None), "id", "")
            return result, [Entry(now, kind, str(subject), result, actor)]

        return await self.store.record(edit)

    # --- inside -----------------------------------------------------------------------------------

    def _company(self) -> Company:
        if not isinstance(self.store, PostgresStore):
            return Alone(self.store, now=self.now)
        return Together(
            self.store,
            self.lines,
            clerk=self.clerk,
            planning=self.planning,
            ranges=self.ranges,
            in_force=self.in_force,
            alarms=self.alarms,
            look=self.machine.look,
            clock=self.clock,
            now=self.now,
        )

    def _commons(self) -> Commons | None:
        if self.settings.queue.is_local:
            return None
        address = wiring.queue_address(self.settings.queue)
        return Commons(address, self.store, alarms=self.alarms, clock=self.clock, monotonic=time.monotonic)

    def _joining(self, role: str, name: str, *, sends: bool) -> Joining:
        host = socket.gethostname()
        lent = [lent_for(line.channel.capabilities.timeout) for line in self.lines.values()]
        return Joining(
            name=name or f"{host}-{os.getpid()}",
            host=host,
            role=role,
            channels=tuple(self.lines) if sends else (),
            patience=timedelta(microseconds=max(lent, default=0)),
        )

    def _may_leave(self, batch: Batch, now: int) -> bool:
        return self.in_force.holds(batch, now) and self.company.takes(batch, now)

    def _red_waits(self) -> bool:
        return any(line.lanes.red_waits for line in self.lines.values())

    def _split(self) -> None:
        self.ranges.look()

    def _make_way(self) -> None:
        self.sending.make_way()

    def _post(self, batches: Sequence[Batch]) -> None:
        self.sending.post(batches)

    async def _load(self, channel: str, lane: Lane, after: str, limit: int, *, rank: Rank) -> Sequence[Batch]:
        return await self.company.load(channel, lane, after, limit, rank=rank)

    async def _receive_from(self, channel: str, receipts: Sequence[Receipt]) -> None:
        await self.store.receive(channel, receipts, self.clock())
        for one in receipts:
            self.metrics.receipts.labels(channel, one.status.value).inc()


def _utc() -> datetime:
    return datetime.now(UTC)
