"""Setting a quarantined alert right: it is looked at as it waits, decided anew, and what was mended is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from warnd.errors import Conflict, Fault
from warnd.model.admission import Admission, Known
from warnd.model.alert import AlertState, Parsed
from warnd.model.alert_body import as_body, from_body
from warnd.model.mend import BEYOND, Mend, remedy
from warnd.store.alarms import clear_about
from warnd.store.alerts import as_reading, keep_anew
from warnd.store.bearing import bearing_on
from warnd.store.findings import found
from warnd.store.journal import Entry
from warnd.store.releasing import Decided, in_state
from warnd.store.tables import alerts, mends, micros


@dataclass(frozen=True, slots=True)
class Quarantined:
    """An alert as it waits: what was read, of which source, and how often it was mended."""

    id: str
    source: str
    parsed: Parsed
    mends: int


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why an alert is quarantined, and the key of a mend that answers it; empty: only a rejection is left."""

    finding: Fault
    remedy: str


@dataclass(frozen=True, slots=True)
class Mended:
    """One mend as people read it: by field what was there and what is since, and the state that it came to."""

    at: datetime
    by: str
    reason: str
    changes: Mapping[str, tuple[Any, Any]]
    overridden: tuple[str, ...]
    state: AlertState


def quarantined(connection: Connection, id: str) -> Quarantined:
    """Raises NotFound; Conflict when it is not quarantined."""
    row = in_state(connection, id, (AlertState.QUARANTINED,), "mended")
    read = row.reading
    parsed = Parsed(
        from_body(row.body), read.get("kind", ""), found(read.get("warnings")), found(read.get("doubts"))
    )
    return Quarantined(id, row.source, parsed, _times(connection, id))


def outlook(
    connection: Connection, kept: Quarantined, parsed: Parsed, decide: Callable[[Known], Admission]
) -> Admission:
    """
    Decide on it as things are now.

    Raises Conflict when another source has brought the same warning meanwhile.
    """
    known = bearing_on(connection, parsed.alert, source=kept.source, but_for=kept.id)
    admission = decide(known)
    if admission.same is not None:
        raise Conflict(f"the same warning came as alert {admission.same.id} meanwhile; reject {kept.id}")
    return admission


def mend(
    connection: Connection,
    kept: Quarantined,
    parsed: Parsed,
    decide: Callable[[Known], Admission],
    mend: Mend,
    *,
    by: str,
    mend_id: str,
    policy_revision: str,
    now: datetime,
) -> tuple[tuple[Decided, Admission], Sequence[Entry]]:
    """
    Keep the mended alert with what was decided of it, and say so in the journal with both values of each field.

    ``kept`` is the alert as whoever mends it saw it, ``parsed`` what they made of it. Alarms about it end unless it stays
    quarantined. Raises NotFound; Conflict when it is not quarantined any more, or was mended meanwhile.
    """
    if quarantined(connection, kept.id).mends != kept.mends:
        raise Conflict(f"alert {kept.id} was mended by somebody else meanwhile: look at it again")
    admission, id = outlook(connection, kept, parsed, decide), kept.id
    stopped, ended = keep_anew(connection, id, admission, at=now, policy_revision=policy_revision)
    connection.execute(update(alerts).where(alerts.c.id == id).values(reading=as_reading(parsed)))
    before, after = as_body(kept.parsed.alert), as_body(admission.alert)
    connection.execute(
        insert(mends).values(
            id=mend_id, alert_id=id, at=now, by=by, reason=mend.reason, before=before, after=after,
            overridden=list(mend.overridden), state=admission.state.value,
        )
    )  # fmt: skip
    facts = {
        "changes": _changes(before, after), "overridden": mend.overridden, "reason": mend.reason,
        "state": admission.state.value, "change": admission.change.value, "stops": stopped,
    }  # fmt: skip
    entries = [Entry(micros(now), "alert.mended", id, facts, by), *ended]
    if admission.state is not AlertState.QUARANTINED:
        entries += clear_about(connection, (id,), now)
    return (Decided(id, admission.state, admission.lane, tuple(stopped)), admission), entries


def doubts_of(row: Row[Any]) -> tuple[Doubt, ...]:
    """What keeps an alert quarantined, of all that was found; nothing of any other."""
    if row.state != AlertState.QUARANTINED.value:
        return ()
    read = set(found(row.reading.get("doubts")))
    findings = found(row.findings)
    placed = not any(one.code == "area_unresolved" for one in findings)
    return tuple(
        Doubt(one, remedy(one, placed=placed)) for one in findings if one in read or one.code in BEYOND
    )


def mends_of(connection: Connection, id: str) -> tuple[Mended, ...]:
    """All mends of an alert, the oldest first."""
    rows = connection.execute(select(mends).where(mends.c.alert_id == id).order_by(mends.c.id))
    return tuple(
        Mended(
            row.at, row.by, row.reason, _changes(row.before, row.after), tuple(row.overridden),
            AlertState(row.state),
        )
        for row in rows
    )  # fmt: skip


def _times(connection: Connection, id: str) -> int:
    return connection.execute(select(func.count()).where(mends.c.alert_id == id)).scalar_one()


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {key: (before[key], after[key]) for key in after if before[key] != after[key]}
