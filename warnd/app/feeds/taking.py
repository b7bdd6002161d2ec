"""Taking in what an entry holds: read, kept raw, admitted; whatever is wrong with it stays its own affair."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

import structlog

from warnd.app.feeds.reception import Reception
from warnd.errors import Conflict, Fault, InvalidAlert, StoreError
from warnd.intake.feeds import Reader
from warnd.model.alert import Alert, AlertType, Parsed, Verdict
from warnd.model.alert_body import ENDS
from warnd.model.episode import national
from warnd.model.hazard import OTHER
from warnd.store import feeds
from warnd.store.alerts import RawMessage

log = structlog.get_logger()


class Taken(Enum):
    """
    What became of an entry.

    ``repeat`` was here already, ``differs`` too but with other words; ``past`` was over before the feed was first
    asked; ``refused`` is no valid warning; ``unfetched`` could not be had, and is tried again, as is ``broken``,
    a fault of ours.
    """

    ADMITTED = "admitted"
    REPEAT = "repeat"
    DIFFERS = "differs"
    PAST = "past"
    REFUSED = "refused"
    UNFETCHED = "unfetched"
    BROKEN = "broken"

    @property
    def is_final(self) -> bool:
        """Whether the entry need not be looked at again as long as it stays the same."""
        return self not in (Taken.UNFETCHED, Taken.BROKEN)

    @property
    def is_fault(self) -> bool:
        return self in (Taken.REFUSED, Taken.UNFETCHED, Taken.BROKEN)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One entry of a feed. ``alert`` is None for what could not be read; ``state`` empty for what was not admitted."""

    key: str
    taken: Taken
    alert: Alert | None = None
    verdict: Verdict | None = None
    state: str = ""
    findings: tuple[Fault, ...] = ()


class Taker:
    """Takes in the entries of one feed, which speaks as ``source``."""

    def __init__(self, reader: Reader, source: str, reception: Reception) -> None:
        self._reader = reader
        self._source = source
        self._reception = reception

    async def take(self, key: str, body: bytes, *, since: datetime) -> Outcome:
        """
        Keep and admit what an entry holds; ``since`` is when its feed was first asked. Raises StoreError.

        What was over by then is not even kept raw: a new feed's window holds hundreds of them, and nobody sent them here.
        """
        here = self._reception
        raw = RawMessage(here.new_id(), self._source, self._reader.content_type, body, here.now())
        try:
            parsed = await self._read(body)
        except InvalidAlert as error:
            await here.refuse(raw, error.faults)
            return Outcome(key, Taken.REFUSED, findings=error.faults)
        alert = parsed.alert
        if alert.deliver_until <= since:
            return Outcome(key, Taken.PAST, alert, parsed.verdict)
        try:
            admitted = await here.admit(parsed, raw, here.speaker(self._source))
        except Conflict as error:
            return Outcome(key, Taken.DIFFERS, alert, findings=(Fault("", "conflict", str(error)),))
        taken = Taken.REPEAT if admitted.repeat else Taken.ADMITTED
        return Outcome(key, taken, alert, admitted.verdict, admitted.state.value, admitted.findings)

    async def foresee(self, key: str, body: bytes, *, since: datetime) -> Outcome:
        """What would become of an entry that is not here yet; nothing is kept."""
        try:
            parsed = await self._read(body)
        except InvalidAlert as error:
            return Outcome(key, Taken.REFUSED, findings=error.faults)
        taken = Taken.PAST if parsed.alert.deliver_until <= since else Taken.ADMITTED
        findings = (*parsed.warnings, *parsed.doubts)
        return Outcome(key, taken, parsed.alert, parsed.verdict, findings=findings)

    async def _read(self, body: bytes) -> Parsed:
        """
        The alert in an entry's bytes, with the references that only what is here can tell. Raises InvalidAlert.

        Its source's policy on signatures says which of the bytes are read. All of it is done beside the event loop, so
        that no pushed alert waits for a window of them.
        """
        here = self._reception

        def judged() -> Parsed:
            checked = here.check_signature(body, here.speaker(self._source))
            return checked.judge(self._reader.alert(checked.body, here.catalogue))

        parsed = await asyncio.to_thread(judged)
        return await self._referring(parsed) if self._reader.names_no_earlier else parsed

    async def _referring(self, parsed: Parsed) -> Parsed:
        """
        A change that does not say of what speaks of what its issuer has in force of that hazard; an end, of that color.
        """
        alert = parsed.alert
        ends = alert.parameters.get(ENDS) == "true"
        if alert.references or not (ends or alert.type is AlertType.UPDATE):
            return parsed
        if alert.hazard == OTHER or not national(alert.identifier):
            return parsed
        color = alert.color if ends else None
        found = await self._reception.store.read(
            feeds.in_force, alert.sender, alert.hazard, until=alert.sent, color=color
        )
        found = tuple(one for one in found if one.identifier != alert.identifier)
        if not found:
            return parsed
        others = (one for one in parsed.warnings if one.code != "references_missing")
        return replace(
            parsed, alert=replace(alert, references=found), warnings=(*others, _inferred(alert, len(found)))
        )

    async def take_safely(self, key: str, body: bytes, *, since: datetime) -> Outcome:
        """The same; a fault of ours in one entry is logged and stops none of the others. Raises StoreError."""
        try:
            return await self.take(key, body, since=since)
        except StoreError:
            raise
        except Exception:
            log.exception("feed_entry.broke", source=self._source, key=key)
            return Outcome(key, Taken.BROKEN)


def _inferred(alert: Alert, n: int) -> Fault:
    message = f"it does not say what it changes: taken as {n} of {alert.sender} in force for {alert.hazard}"
    return Fault("references", "references_inferred", message)


def faults_of(outcomes: Sequence[Outcome]) -> int:
    return sum(one.taken.is_fault for one in outcomes)
