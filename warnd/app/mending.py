"""Setting a quarantined alert right, from whichever door: what would become of it, and the act."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Connection

from warnd.app.acts import act_on
from warnd.app.alarm_words import Concern, concern, held
from warnd.app.core import App
from warnd.errors import Conflict, Fault, Invalid
from warnd.intake.findings import Findings
from warnd.intake.judge import Paths, judge
from warnd.intake.placing import placed
from warnd.model.admission import Admission, Known
from warnd.model.alert import AlertState, Parsed
from warnd.model.hazard import HazardCatalogue
from warnd.model.mend import Mend
from warnd.pipeline.admit import Speaker
from warnd.pipeline.forecast import Forecast
from warnd.pipeline.mend import faults, mended, readmit
from warnd.store import mending
from warnd.store.findings import written
from warnd.store.journal import Entry
from warnd.store.mending import Quarantined
from warnd.store.releasing import Decided

log = structlog.get_logger()


async def mend(app: App, alert_id: str, given: Mend, *, by: str) -> Decided:
    """
    Mend a quarantined alert and let what follows happen at once, in one commit.

    People are told if its source is official; else it is held for a second person. With doubts left it stays
    quarantined, the mend kept. Raises NotFound; Conflict when somebody was quicker; Invalid for a mend with faults.
    """
    kept, parsed, speaker = await _look(app, alert_id, given)
    lookup = await app.places.look_up(parsed.alert)
    now = app.now()

    def decide(known: Known) -> Admission:
        return _decided(*placed(parsed, known, lookup, source=speaker.regions), given, speaker, now)

    mend_id, alarm_id = app.new_ids(2)

    def keep(connection: Connection) -> tuple[Decided, Sequence[Entry]]:
        (decided, admission), entries = mending.mend(
            connection, kept, parsed, decide, given, by=by, mend_id=mend_id,
            policy_revision=app.surroundings.policies.revision, now=now,
        )  # fmt: skip
        # In the same commit: a restart in between must not leave a second person without a word.
        if (said := _concern(alert_id, admission, app.settings.time_zone)) is not None:
            entries = [*entries, *said.write(connection, id=alarm_id, now=now)]
        return decided, entries

    decided = await app.store.record(keep)
    log.info("alert.mended", alert=alert_id, state=decided.state.value, by=by)
    act_on(app, decided)
    return decided


async def try_mending(app: App, alert_id: str, given: Mend) -> tuple[Admission, Forecast]:
    """What would become of it, and whom that would tell; nothing is kept. Raises the same."""
    kept, parsed, speaker = await _look(app, alert_id, given)
    lookup = await app.places.look_up(parsed.alert)

    def decide(known: Known) -> Admission:
        return _decided(*placed(parsed, known, lookup, source=speaker.regions), given, speaker, app.now())

    admission = await app.store.read(mending.outlook, kept, parsed, decide)
    return admission, await app.foresight.of_admission(admission, app.now())


def _concern(alert_id: str, admission: Admission, zone: ZoneInfo) -> Concern | None:
    """What still needs a person when it has been mended."""
    title = admission.alert.headline or admission.alert.identifier
    if admission.state is AlertState.QUARANTINED:
        doubts = written(admission.findings)
        return concern("alert_quarantined", alert_id, headline=title, findings=doubts)
    return held(alert_id, title, admission.hold, zone) if admission.hold is not None else None


async def _look(app: App, alert_id: str, given: Mend) -> tuple[Quarantined, Parsed, Speaker]:
    """The alert as it waits, what the mend makes of it, and who said it."""
    if given.hazard is not None and app.surroundings.catalogue.get(given.hazard) is None:
        message = f"{given.hazard!r} is no slug of the hazard catalogue"
        raise Invalid([Fault("hazard", "hazard_unknown", message)])
    kept = await app.store.read(mending.quarantined, alert_id)
    speaker = app.speakers.get(kept.source)
    if speaker is None:
        raise Conflict(
            f"the source {kept.source} is not configured any more: nobody says what it may speak for"
        )
    return kept, _judged(mended(kept.parsed, given), app.surroundings.catalogue), speaker


def _judged(parsed: Parsed, catalogue: HazardCatalogue) -> Parsed:
    """With what is odd about it as a whole since it was mended."""
    found = Findings()
    judge(parsed.alert, catalogue, Paths(), found)
    known = {finding.code for finding in (*parsed.warnings, *parsed.doubts)}
    return replace(
        parsed,
        warnings=(*parsed.warnings, *(one for one in found.warnings if one.code not in known)),
        doubts=(*parsed.doubts, *(one for one in found.doubts if one.code not in known)),
    )


def _decided(parsed: Parsed, known: Known, given: Mend, speaker: Speaker, now: datetime) -> Admission:
    """Raises Invalid when the mend itself has faults, so that nothing is kept of it."""
    admission = readmit(parsed, known, given, speaker=speaker, now=now)
    if found := faults(given, admission, now):
        raise Invalid(found)
    return admission
