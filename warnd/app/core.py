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
from warnd.app.metrics import Metrics
from warnd.app.places import Places
from warnd.app.traffic import Traffic
from warnd.contract.channel import CallbackRequest, ReceivesReceipts
from warnd.contract.outcome import Accepted, Outcome, Receipt, Rejected, Scope
from warnd.errors import Conflict, Fault, Invalid, InvalidAlert, NotFound, TooMany
from warnd.intake.placing import UNPLACED, placed
from warnd.intake.read import read
from warnd.intake.signature import Checked, check_signature
from warnd.model.admission import Admission, Known
from warnd.model.alert import Alert, AlertState, Parsed, Status, Verdict
from warnd.model.color import Color, Lane
from warnd.model.delivery import Batch, BatchState, State
from warnd.model.release import Person
from warnd.model.ulid import UlidMaker
from warnd.pipeline.admit import Speaker, admit
from warnd.pipeline.broadcast import Broadcaster
from warnd.pipeline.by_hand import to_be_mended
from warnd.pipeline.confirm import confirm
from warnd.pipeline.forecast import Forecast
from warnd.pipeline.lease import InForce
from warnd.pipeline.match import AudienceIndex
from warnd.pipeline.turns import Turns
from warnd.pipeline.worker import Worker
from warnd.ports import Settlement
from warnd.queue.pacing import looks_dead
from warnd.settings import Settings
from warnd.store import alerts, audience, backlog, standing
from warnd.store.alerts import Admitted, RawMessage
from warnd.store.journal import Entry
from warnd.store.plan_source import StoredPlanSource
from warnd.store.sqlite import SqliteStore
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
        self.store = SqliteStore(
            settings.store.path, confirm=confirm, suspend_after=settings.retry.suspend_after
        )
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
        self._signatures = wiring.signature_policies(settings)
        self.hand = wiring.hand(settings, self.surroundings.catalogue)
        self.traffic = Traffic(settings)
        self.foresight = Foresight(self.store, self.surroundings, places=self.places, audience=self.audience)
        self.broadcaster = Broadcaster(
            self.store,
            StoredPlanSource(self.store),
            self.surroundings,
            audience=self.audience,
            in_force=self.in_force,
            alarms=self.alarms,
            post=self._post,
            turns=Turns(red_waits=lambda: any(line.lanes.red_waits for line in self.lines.values())),
            new_ids=self.new_ids,
            clock=self.clock,
        )
        self.feeds = FeedDesk(
            settings.feeds,
            Reception(
                store=self.store,
                alarms=self.alarms,
                metrics=self.metrics,
                catalogue=self.surroundings.catalogue,
                speaker=self.speakers.__getitem__,
                check_signature=self.check_signature,
                admit=self.admit,
                refuse=self.refuse,
                new_id=self.new_id,
                now=self.now,
            ),
        )
        self.clerk: Clerk | None = None
        self._audience: tuple[int, AudienceIndex] | None = None
        self._audience_lock = asyncio.Lock()
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
        group.create_task(self._read_audience_ahead())
        await self.clerk.start_over()
        for line in self.lines.values():
            worker = Worker(
                line.channel,
                line.lanes,
                self.store,
                retry=self.settings.retry,
                in_force=self.in_force,
                watcher=self,
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

    # --- messages in ------------------------------------------------------------------------------

    async def receive_alert(
        self, body: bytes, content_type: str | None, speaker: Speaker, *, issuer: Person | None = None
    ) -> Admitted:
        """
        Admit exactly one message of an authenticated source; it is on disk when this returns.

        Raises InvalidAlert (its bytes are kept all the same) and Conflict; and TooMany, and nothing is kept.
        For more messages in one body see ``app.receiving``.
        """
        raw = RawMessage(self.new_id(), speaker.name, content_type or "", body, self.now(), issuer)
        try:
            parsed = self.read(body, content_type, speaker)
        except InvalidAlert as error:
            self.count(speaker, None)
            await self.refuse(raw, error.faults)
            raise
        self.count(speaker, parsed.alert)
        return await self.admit(parsed, raw, speaker)

    async def refuse(self, raw: RawMessage, faults: Sequence[Fault]) -> None:
        """Keep what no alert could be made of."""
        await self.store.write(alerts.keep_raw, raw, Verdict.REFUSE, faults)
        forged = [one.message for one in faults if one.code == "signature_forged"]
        if forged:
            self.alarms.sound("signature_forged", raw.source, f"source {raw.source}: {'; '.join(forged)}")

    def read(self, body: bytes, content_type: str | None, speaker: Speaker) -> Parsed:
        """One message, as far as its source's policy on signatures lets it be read. Raises InvalidAlert."""
        checked = self.check_signature(body, speaker)
        return checked.judge(read(checked.body, content_type, self.surroundings.catalogue))

    def check_signature(self, body: bytes, speaker: Speaker) -> Checked:
        """What may be read of a body, by its source's policy, and what is to be said of it. Raises InvalidAlert."""
        policy = self._signatures.get(speaker.name)
        return check_signature(body, policy) if policy is not None else Checked(body)

    async def keep_refused(self, body: bytes, content_type: str, speaker: Speaker, fault: Fault) -> None:
        """Keep what an authenticated source sent and nobody would read."""
        raw = RawMessage(self.new_id(), speaker.name, content_type, body, self.now())
        await self.refuse(raw, [fault])

    async def admit(self, parsed: Parsed, raw: RawMessage, speaker: Speaker) -> Admitted:
        """
        Admit what was read from ``raw``; both are on disk when this returns.

        Raises Conflict, and InvalidAlert for what was issued by hand and could not be released.
        """
        lookup = await self.places.look_up(parsed.alert)

        def decide(known: Known) -> Admission:
            located = placed(parsed, known, lookup, source=speaker.regions)
            admission = admit(*located, speaker=speaker, now=raw.received)
            _refuse_by_hand(admission, speaker)
            return admission

        try:
            admitted = await self.store.record(
                alerts.admit,
                parsed,
                raw,
                decide,
                id=self.new_id(),
                policy_revision=self.surroundings.policies.revision,
            )
        except Conflict as error:
            await self.refuse(raw, [Fault("", "conflict", str(error))])
            raise
        except InvalidAlert as error:
            await self.refuse(raw, error.faults)
            raise
        self._after(admitted, parsed)
        if admitted.color is Color.RED and parsed.alert.status is Status.ACTUAL and not admitted.repeat:
            await self._look_at_reds(speaker.name, raw.received)
        return admitted

    async def forecast(
        self, body: bytes, content_type: str | None, speaker: Speaker
    ) -> tuple[Admission, Forecast]:
        """What would become of a message that comes for the first time; nothing is kept. Raises InvalidAlert."""
        parsed = self.read(body, content_type, speaker)
        admission, found = await self.foresight.of_message(parsed, speaker, self.now())
        _refuse_by_hand(admission, speaker)
        return admission, found

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

    # --- the audience -----------------------------------------------------------------------------

    async def audience(self) -> AudienceIndex:
        """The index of all live subscriptions, as of now."""
        async with self._audience_lock:
            revision = await self.store.read(standing.audience_revision)
            if self._audience is None or self._audience[0] != revision:
                self._audience = await self.store.read(_read_audience)
            return self._audience[1]

    async def _read_audience_ahead(self) -> None:
        """A hundred thousand subscriptions are read for seconds: the first warning after a start need not wait."""
        await self.audience()

    async def change_audience(
        self, actor: str, kind: str, function: Callable[..., T], *args: Any, **kwargs: Any
    ) -> T:
        """Run an editing function on groups, subscriptions or subscribers, with its journal entry."""
        now = self.clock()

        def edit(connection: Connection) -> tuple[T, list[Entry]]:
            result = function(connection, *args, **kwargs)
            standing.audience_changed(connection)
            subject = getattr(result, "id", None) or getattr(getattr(result, "after", None), "id", "")
            return result, [Entry(now, kind, str(subject), result, actor)]

        return await self.store.record(edit)

    # --- what sending tells -----------------------------------------------------------------------

    def settled(self, settlement: Settlement, outcomes: Sequence[Outcome]) -> None:
        """``pipeline.worker.Watcher``: count, and sound what a person must act on."""
        batch = settlement.batch
        channel = batch.channel
        accepted = sum(type(one) is Accepted for one in outcomes)
        others = len(outcomes) - accepted
        seconds = (settlement.ended - settlement.started) / 1e6
        self.metrics.sending(channel).settled(seconds=seconds, accepted=accepted, others=others)
        if accepted:
            # One bad number among a hundred is no fault of the account.
            self.alarms.clear("channel_paused", channel)
        if not others:
            self.alarms.clear("channel_down", channel)
            return
        self._sound(batch, settlement, outcomes)

    def _sound(self, batch: Batch, settlement: Settlement, outcomes: Sequence[Outcome]) -> None:
        channel = batch.channel
        first = next(one for one in outcomes if not isinstance(one, Accepted))
        if isinstance(first, Rejected) and first.scope is Scope.ACCOUNT:
            message = f"{channel}: the provider refuses our account ({first.reason.value}, {first.detail})"
            self.alarms.sound("channel_paused", channel, message)
        if settlement.content_refused:
            message = f"{channel}: the provider refuses the text of alert {batch.alert_id} ({first.detail})"
            self.alarms.sound("content_refused", f"{channel}/{batch.alert_id}", message)
            if self.clerk is not None:
                self.clerk.content_refused(batch)
        if not self.lines[channel].lanes.pace.open:
            self.alarms.clear("channel_down", channel)
        elif looks_dead(first):
            self.alarms.sound(
                "channel_down", channel, f"{channel}: no answer from the provider ({first.reason.value})"
            )
        if (
            settlement.state is BatchState.SETTLED
            and settlement.uniform is not None
            and settlement.uniform.state is State.UNKNOWN
        ):
            message = f"{channel}: whether {len(batch)} got it is not known"
            self.alarms.sound("unknown_outcome", batch.alert_id, message)

    # --- inside -----------------------------------------------------------------------------------

    def count(self, speaker: Speaker, alert: Alert | None) -> None:
        """
        Count one message of a source, None one that is no alert.

        Raises TooMany, with an alarm that ends when the source keeps to its rate again.
        """
        source = speaker.name
        try:
            if self.traffic.count(source, alert, time.monotonic()):
                self.alarms.clear("source_over_rate", source)
        except TooMany:
            message = (
                f"source {source} sends more than its rate: all but red, orange and ends is refused for now"
            )
            self.alarms.sound("source_over_rate", source, message)
            raise

    def _after(self, admitted: Admitted, parsed: Parsed) -> None:
        color = admitted.color.value if admitted.color else "none"
        if admitted.repeat:
            return
        self.metrics.alerts.labels(admitted.state.value, color).inc()
        log.info("alert.admitted", alert=admitted.id, state=admitted.state.value, color=color)
        unplaced = [one.message for one in admitted.findings if one.code in UNPLACED]
        if unplaced:
            self.alarms.sound("area_unknown", admitted.id, f"{parsed.alert.headline}: {'; '.join(unplaced)}")
        if admitted.stopped:
            self.in_force.stop(dict.fromkeys(admitted.stopped, self.clock()))
        if admitted.state is AlertState.RELEASED:
            self.plan(admitted.id, admitted.lane)
        elif admitted.state is AlertState.QUARANTINED:
            message = "; ".join(one.message for one in admitted.findings) or "needs a look"
            self.alarms.sound("alert_quarantined", admitted.id, f"{parsed.alert.headline}: {message}")
        elif admitted.hold is not None:
            outlook = admitted.hold.outlook(self.settings.time_zone)
            message = f"{parsed.alert.headline}: waits for a second person; {outlook}"
            self.alarms.sound("alert_held", admitted.id, message)
        elif admitted.state is AlertState.EXPIRED:
            message = f"{parsed.alert.headline or admitted.identifier}: came when its time was over"
            self.alarms.sound("alert_stale", admitted.id, message)

    async def _look_at_reds(self, source: str, now: datetime) -> None:
        reds = await self.store.read(alerts.reds_since, source, now - self.settings.release.unusual_within)
        if message := self.traffic.unusual(source, reds):
            self.alarms.sound("reds_unusual", source, message)

    async def _broadcast(self, alert_id: str, lane: Lane) -> None:
        try:
            await self.broadcaster.broadcast(alert_id, lane)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.exception("broadcast.broke", alert=alert_id, lane=lane.name)
            self.alarms.sound("broadcast_broke", alert_id, f"planning stopped: {error!r}; it is tried again")

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


def _refuse_by_hand(admission: Admission, speaker: Speaker) -> None:
    """Raises InvalidAlert for what was issued by hand and must be mended first."""
    if speaker.by_hand and (faults := to_be_mended(admission)):
        raise InvalidAlert(faults)


def _utc() -> datetime:
    return datetime.now(UTC)


def _read_audience(connection: Connection) -> tuple[int, AudienceIndex]:
    revision = standing.audience_revision(connection)
    return revision, AudienceIndex.of(
        audience.audience_snapshot(connection), audience.group_sizes(connection)
    )
