"""Conditions a person must act on: raised, seen again, acknowledged, cleared."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, insert, select, update

from warnd.errors import NotFound
from warnd.store.journal import Entry
from warnd.store.tables import alarms, micros


@dataclass(frozen=True, slots=True)
class Alarm:
    """``times`` is how often it was seen since ``since``, last at ``latest``."""

    id: str
    kind: str
    subject: str
    message: str
    since: datetime
    latest: datetime
    times: int
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    cleared_at: datetime | None


def sound(
    connection: Connection, kind: str, subject: str, message: str, *, id: str, now: datetime
) -> tuple[bool, list[Entry]]:
    """Open an alarm, or count it again; whether it is new."""
    again = connection.execute(
        update(alarms)
        .where(alarms.c.kind == kind, alarms.c.subject == subject, alarms.c.cleared_at.is_(None))
        .values(latest=now, times=alarms.c.times + 1, message=message)
    )
    if again.rowcount:
        return False, []
    connection.execute(
        insert(alarms).values(id=id, kind=kind, subject=subject, message=message, since=now, latest=now)
    )
    return True, [
        Entry(micros(now), "alarm.sounded", id, {"kind": kind, "subject": subject, "message": message})
    ]


def clear(connection: Connection, kind: str, subject: str, *, now: datetime) -> tuple[bool, list[Entry]]:
    """The condition is over; whether it was open."""
    ids = list(
        connection.execute(
            update(alarms)
            .where(alarms.c.kind == kind, alarms.c.subject == subject, alarms.c.cleared_at.is_(None))
            .values(cleared_at=now)
            .returning(alarms.c.id)
        ).scalars()
    )
    return bool(ids), [Entry(micros(now), "alarm.cleared", id_, {"kind": kind}) for id_ in ids]


def acknowledge(connection: Connection, id: str, *, by: str, now: datetime) -> tuple[Alarm, list[Entry]]:
    """Somebody has it. Raises NotFound; a second acknowledgement leaves the first."""
    connection.execute(
        update(alarms)
        .where(alarms.c.id == id, alarms.c.acknowledged_at.is_(None))
        .values(acknowledged_by=by, acknowledged_at=now)
    )
    row = connection.execute(select(alarms).where(alarms.c.id == id)).one_or_none()
    if row is None:
        raise NotFound("alarm", id)
    return _alarm(row), [Entry(micros(now), "alarm.acknowledged", id, {}, by)]


def open_alarms(connection: Connection) -> list[Alarm]:
    """Those not cleared, the newest first."""
    rows = connection.execute(
        select(alarms).where(alarms.c.cleared_at.is_(None)).order_by(alarms.c.since.desc())
    )
    return [_alarm(row) for row in rows]


def _alarm(row: Row[tuple[object, ...]]) -> Alarm:
    return Alarm(**row._mapping)
