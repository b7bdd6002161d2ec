"""The parts of the application: what there is of one store and one configuration, and who hears whom."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from warnd.app import wiring
from warnd.app.board import AlarmBoard
from warnd.app.bygone import Bygone
from warnd.app.clerk import Clerk
from warnd.app.commons import Commons
from warnd.app.company import Alone, Company
from warnd.app.doubts import Doubts
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
from warnd.app.targets import Targets
from warnd.app.together import Together
from warnd.app.watching import Watching
from warnd.contract.outcome import Receipt
from warnd.model.color import Lane
from warnd.model.delivery import Batch, Rank
from warnd.model.ulid import UlidMaker
from warnd.pipeline.broadcast import Broadcaster
from warnd.pipeline.chunks import Chunks
from warnd.pipeline.lease import InForce
from warnd.pipeline.ranges import RangePlanner
from warnd.pipeline.turns import Turns
from warnd.settings import Settings
from warnd.store.plan_source import StoredPlanSource
from warnd.store.postgres import PostgresStore
from warnd.store.tables import micros


class Parts:
    """
    Made, and not begun. ``wall`` gives the time of day, ``steady`` the seconds of a clock that nobody sets; the system's own
    unless given.
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
        self.bygone = Bygone(
            self.routes,
            settings.feeds,
            self.speakers,
            self.surroundings.templates,
            with_redis=not settings.queue.is_local,
        )
        self.hand = wiring.hand(settings, self.surroundings.catalogue)
        self.foresight = Foresight(
            self.store, self.surroundings, places=self.places, audience=self.audience.index
        )
        self.punctuality = self._punctuality()
        chunks = self._chunks()
        self.broadcaster = Broadcaster(
            chunks, in_force=self.in_force, split=self._split if self.store.shared else None
        )
        self.planning = Planning(self.broadcaster, self.alarms, began=self.punctuality.began)
        self.ranges = Ranges(
            RangePlanner(chunks, go_on=self.planning.plan, handed_out=self._split),
            self.store,
            self.alarms,
            clock=self.clock,
        )
        self.intake = self._intake()
        self.feeds = self._feeds()
        self.refusals = Refusals(self.store, clock=self.clock)
        self.targets = Targets(self.lines, self.store, clock=self.clock, monotonic=time.monotonic)
        self.watching = self._watching()
        self.sending = self._sending()
        self.clerk = self._clerk()
        self.company = self._company()
        self.machine.on_jump.append(self.clerk.gather_soon)
        self.machine.on_jump += [line.lanes.offer_all for line in self.lines.values()]

    # --- clock and ids ----------------------------------------------------------------------------

    def clock(self) -> int:
        """Microseconds since 1970."""
        return time.time_ns() // 1000 if self._real_time else micros(self.now())

    def new_id(self) -> str:
        return self.ids.one(self.now())

    def new_ids(self, count: int) -> list[str]:
        return self.ids.many(count, self.now())

    # --- making them -------------------------------------------------------------------------------

    def _punctuality(self) -> Punctuality:
        return Punctuality(
            self.store,
            policies=self.surroundings.policies,
            alarms=self.alarms,
            clock=self.clock,
        )

    def _chunks(self) -> Chunks:
        return Chunks(
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

    def _intake(self) -> Intake:
        return Intake(
            self.settings,
            self.store,
            self.surroundings,
            alarms=self.alarms,
            metrics=self.metrics,
            places=self.places,
            foresight=self.foresight,
            in_force=self.in_force,
            signatures=wiring.signature_policies(self.settings),
            plan=self.planning.plan,
            new_id=self.new_id,
            now=self.now,
        )

    def _feeds(self) -> FeedDesk:
        return FeedDesk(
            self.settings.feeds,
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

    def _watching(self) -> Watching:
        watching = Watching(
            self.lines,
            metrics=self.metrics,
            alarms=self.alarms,
            content_refused=self.refusals.heard,
            not_all_accepted=self.targets.answered,
            clock=self.clock,
        )
        if self.commons is not None:
            self.commons.watching = watching
        return watching

    def _sending(self) -> Sending:
        return Sending(
            self.lines,
            self.store,
            retry=self.settings.retry,
            in_force=self.in_force,
            watching=self.watching,
            refusals=self.refusals,
            targets=self.targets,
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

    def _clerk(self) -> Clerk:
        return Clerk(
            self.store,
            routes=self.routes,
            retry=self.settings.retry,
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
            doubts=Doubts(self.store, clock=self.clock),
            post=self._post,
            plan=self.planning.plan,
            new_ids=self.new_ids,
            clock=self.clock,
            out=lambda: self.sending.out,
            look=self.machine.look,
        )

    def _company(self) -> Company:
        if not isinstance(self.store, PostgresStore):
            return Alone(self.store, now=self.now)
        return Together(
            self.store,
            self.lines,
            clerk=self.clerk,
            planning=self.planning,
            ranges=self.ranges,
            targets=self.targets,
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

    # --- who hears whom -----------------------------------------------------------------------------

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
