"""Messages in: each read as its source's rights allow, counted, admitted on disk, and what follows from it begun."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Connection

from warnd.app.alarm_words import Concern, concern, held
from warnd.app.board import AlarmBoard
from warnd.app.foresight import Foresight
from warnd.app.metrics import Metrics
from warnd.app.places import Places
from warnd.app.traffic import Traffic
from warnd.errors import Conflict, Fault, InvalidAlert, TooMany
from warnd.intake.placing import UNPLACED, placed
from warnd.intake.read import Reading, read, read_all
from warnd.intake.signature import Checked, SignaturePolicy, check_signature
from warnd.model.admission import Admission, Known
from warnd.model.alert import Alert, AlertState, Parsed, Status, Verdict
from warnd.model.color import Color, Lane
from warnd.model.release import Person
from warnd.pipeline.admit import Speaker, admit
from warnd.pipeline.by_hand import to_be_mended
from warnd.pipeline.forecast import Forecast
from warnd.pipeline.lease import InForce
from warnd.pipeline.surroundings import Surroundings
from warnd.settings import Settings
from warnd.store import alerts
from warnd.store.alerts import Admitted, RawMessage
from warnd.store.findings import written
from warnd.store.journal import Entry
from warnd.store.threads import ThreadedStore

log = structlog.get_logger()
T = TypeVar("T")

_LARGE = 64 * 1024
"""Bytes from which a body is read beside the event loop: a megabyte takes half a second."""


class Intake:
    """
    Takes in what authenticated sources say. For bodies of several messages see ``app.receiving``.

    ``signatures`` are policies by source; ``plan`` starts a broadcast.
    """

    def __init__(
        self,
        settings: Settings,
        store: ThreadedStore,
        surroundings: Surroundings,
        *,
        alarms: AlarmBoard,
        metrics: Metrics,
        places: Places,
        foresight: Foresight,
        in_force: InForce,
        signatures: Mapping[str, SignaturePolicy],
        plan: Callable[[str, Lane], None],
        new_id: Callable[[], str],
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._traffic = Traffic(settings)
        self._store = store
        self._catalogue = surroundings.catalogue
        self._policy_revision = surroundings.policies.revision
        self._alarms = alarms
        self._metrics = metrics
        self._places = places
        self._foresight = foresight
        self._in_force = in_force
        self._signatures = signatures
        self._plan = plan
        self._new_id = new_id
        self._now = now

    def raw(
        self, body: bytes, content_type: str | None, speaker: Speaker, *, issuer: Person | None = None
    ) -> RawMessage:
        """A body as it came just now."""
        return RawMessage(self._new_id(), speaker.name, content_type or "", body, self._now(), issuer)

    async def receive(
        self, body: bytes, content_type: str | None, speaker: Speaker, *, issuer: Person | None = None
    ) -> Admitted:
        """
        Admit exactly one message of an authenticated source; it is on disk when this returns.

        Raises InvalidAlert (its bytes are kept all the same) and Conflict; and TooMany, and nothing is kept.
        """
        raw = self.raw(body, content_type, speaker, issuer=issuer)
        try:
            parsed = await aside(len(body), lambda: self.read(body, content_type, speaker))
        except InvalidAlert as error:
            self.count(speaker, None)
            await self.refuse(raw, error.faults)
            raise
        self.count(speaker, parsed.alert)
        return await self.admit(parsed, raw, speaker)

    def read(self, body: bytes, content_type: str | None, speaker: Speaker) -> Parsed:
        """One message, as far as its source's policy on signatures lets it be read. Raises InvalidAlert."""
        checked = self.check_signature(body, speaker)
        return checked.judge(read(checked.body, content_type, self._catalogue))

    def open(self, body: bytes, content_type: str | None, speaker: Speaker) -> tuple[Checked, Reading]:
        """The same of a body with any number of messages, each read when it is asked for. Raises InvalidAlert."""
        checked = self.check_signature(body, speaker)
        return checked, read_all(checked.body, content_type, self._catalogue)

    def check_signature(self, body: bytes, speaker: Speaker) -> Checked:
        """What may be read of a body, by its source's policy, and what is to be said of it. Raises InvalidAlert."""
        policy = self._signatures.get(speaker.name)
        return check_signature(body, policy) if policy is not None else Checked(body)

    async def keep(self, raw: RawMessage, verdict: Verdict, faults: Sequence[Fault]) -> None:
        """Keep a body that is not itself an alert, with what was said of it."""
        await self._store.write(alerts.keep_raw, raw, verdict, faults)

    async def refuse(self, raw: RawMessage, faults: Sequence[Fault]) -> None:
        """Keep what no alert could be made of."""
        await self.keep(raw, Verdict.REFUSE, faults)
        for forged in (one for one in faults if one.code == "signature_forged"):
            self._alarms.sound(
                "signature_forged", raw.source, case="text" if forged.about == "text" else "key"
            )

    async def admit(self, parsed: Parsed, raw: RawMessage, speaker: Speaker) -> Admitted:
        """
        Admit what was read from ``raw``; both, and the alarms that follow, are on disk when this returns.

        Raises Conflict, and InvalidAlert for what was issued by hand and could not be released.
        """
        lookup = await self._places.look_up(parsed.alert)
        id_, alarm_ids = self._new_id(), (self._new_id(), self._new_id())

        def decide(known: Known) -> Admission:
            located = placed(parsed, known, lookup, source=speaker.regions)
            admission = admit(*located, speaker=speaker, now=raw.received)
            _refuse_by_hand(admission, speaker)
            return admission

        def keep(connection: Connection) -> tuple[Admitted, list[Entry]]:
            admitted, entries = alerts.admit(
                connection, parsed, raw, decide, id=id_, policy_revision=self._policy_revision
            )
            concerns = _concerns(admitted, parsed.alert, self._settings.time_zone)
            for alarm_id, one in zip(alarm_ids, concerns, strict=False):
                entries.extend(one.write(connection, id=alarm_id, now=raw.received))
            return admitted, entries

        try:
            admitted = await self._store.record(keep)
        except Conflict as error:
            await self.refuse(raw, [Fault("", "conflict", str(error))])
            raise
        except InvalidAlert as error:
            await self.refuse(raw, error.faults)
            raise
        if not admitted.repeat:
            self._go_on(admitted)
            if admitted.color is Color.RED and parsed.alert.status is Status.ACTUAL:
                await self._look_at_reds(speaker.name, raw.received)
        return admitted

    async def forecast(
        self, body: bytes, content_type: str | None, speaker: Speaker
    ) -> tuple[Admission, Forecast]:
        """What would become of a message that comes for the first time; nothing is kept. Raises InvalidAlert."""
        parsed = await aside(len(body), lambda: self.read(body, content_type, speaker))
        admission, found = await self._foresight.of_message(parsed, speaker, self._now())
        _refuse_by_hand(admission, speaker)
        return admission, found

    def count(self, speaker: Speaker, alert: Alert | None) -> None:
        """
        Count one message of a source, None one that is no alert.

        Raises TooMany, with an alarm that ends when the source keeps to its rate again.
        """
        source = speaker.name
        try:
            if self._traffic.count(source, alert, time.monotonic()):
                self._alarms.clear("source_over_rate", source)
        except TooMany:
            self._alarms.sound("source_over_rate", source)
            raise

    def _go_on(self, admitted: Admitted) -> None:
        """What is on disk is known to the process too, and what is released goes out."""
        color = admitted.color.value if admitted.color else "none"
        self._metrics.alerts.labels(admitted.state.value, color).inc()
        log.info("alert.admitted", alert=admitted.id, state=admitted.state.value, color=color)
        if admitted.stopped:
            self._in_force.stop(admitted.stopped)
        if admitted.state is AlertState.RELEASED:
            self._plan(admitted.id, admitted.lane)

    async def _look_at_reds(self, source: str, now: datetime) -> None:
        within, usual = self._settings.release.unusual_within, self._traffic.usual_reds(source)
        reds = await self._store.read(alerts.reds_since, source, now - within)
        if reds > usual:
            seconds = int(within.total_seconds())
            self._alarms.sound("reds_unusual", source, reds=reds, seconds=seconds, usual=usual)


async def aside(size: int, work: Callable[[], T]) -> T:
    """Work on a body of that many bytes; a large one in a thread, so that nobody waits for it."""
    return await asyncio.to_thread(work) if size > _LARGE else work()


def _concerns(admitted: Admitted, alert: Alert, zone: ZoneInfo) -> Iterator[Concern]:
    """What a person must act on now that a message is here; two at the most."""
    if admitted.repeat:
        return
    id, title = admitted.id, alert.headline or admitted.identifier
    if unplaced := [one for one in admitted.findings if one.code in UNPLACED]:
        yield concern("area_unknown", id, headline=title, findings=written(unplaced))
    if admitted.state is AlertState.QUARANTINED:
        yield concern("alert_quarantined", id, headline=title, findings=written(admitted.findings))
    elif admitted.hold is not None:
        yield held(id, title, admitted.hold, zone)
    elif admitted.state is AlertState.EXPIRED:
        yield concern("alert_stale", id, headline=title)


def _refuse_by_hand(admission: Admission, speaker: Speaker) -> None:
    """Raises InvalidAlert for what was issued by hand and must be mended first."""
    if speaker.by_hand and (faults := to_be_mended(admission)):
        raise InvalidAlert(faults)
