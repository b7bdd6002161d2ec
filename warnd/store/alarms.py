"""Conditions a person must act on: raised, seen again, acknowledged, cleared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from warnd.errors import NotFound
from warnd.ports import Facts
from warnd.store.journal import Entry
from warnd.store.paging import MOST, Page, in_chunks
from warnd.store.tables import alarms, contents, micros

ENDED_BY_WORD = (
    *("alert_stale", "feed_refused", "signature_forged"),
    *("hold_released", "hold_rejected", "reds_unusual", "clock_jumped", "worker_silent"),
    "redis_forgot",
)
"""Alarms that no condition need end: they go with their acknowledgement."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """
    ``message`` is its sentence in English, which ``facts`` fill in: for each language its phrases have another.

    ``times`` is how often it was seen since ``since``, last at ``latest``.
    """

    id: str
    kind: str
    subject: str
    message: str
    facts: Mapping[str, Any]
    since: datetime
    latest: datetime
    times: int
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    cleared_at: datetime | None


def together(unwritten: Iterable[Alarm], stored: Iterable[Alarm]) -> list[Alarm]:
    """
    What stands, each condition once: first what the store could not take, then the others that it has.

    What it has of the former keeps its id, and who took it up; its words and time are those that were not written.
    """
    known = {(one.kind, one.subject): one for one in stored}
    first = []
    for one in unwritten:
        earlier = known.pop((one.kind, one.subject), None)
        if earlier is None:
            first.append(one)
        else:
            first.append(replace(earlier, message=one.message, facts=one.facts, latest=one.latest))
    return [*first, *known.values()]


def sound(
    connection: Connection,
    kind: str,
    subject: str,
    message: str,
    facts: Facts,
    *,
    id: str,
    now: datetime,
) -> tuple[bool, list[Entry]]:
    """Open an alarm, or count it again; whether it is new."""
    said = {"latest": now, "message": message, "facts": dict(facts)}
    again = connection.execute(
        update(alarms)
        .where(alarms.c.kind == kind, alarms.c.subject == subject, alarms.c.cleared_at.is_(None))
        .values(times=alarms.c.times + 1, **said)
    )
    if again.rowcount:
        return False, []
    connection.execute(insert(alarms).values(id=id, kind=kind, subject=subject, since=now, **said))
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


def clear_about(connection: Connection, alert_ids: Sequence[str], now: datetime) -> list[Entry]:
    """Nothing is left to do about these alerts: they were rejected or stopped, or their time is over."""
    entries = []
    for chunk in in_chunks(alert_ids):
        # A refused text is the alert's on one channel: its alarm is about ``sms/01K…``.
        texts = select(contents.c.channel + "/" + contents.c.alert_id).where(contents.c.alert_id.in_(chunk))
        for about in (alarms.c.subject.in_(chunk), alarms.c.subject.in_(texts)):
            over = connection.execute(
                update(alarms)
                .where(about, alarms.c.cleared_at.is_(None))
                .values(cleared_at=now)
                .returning(alarms.c.id, alarms.c.kind)
            )
            entries += [Entry(micros(now), "alarm.cleared", row.id, {"kind": row.kind}) for row in over]
    return entries


def acknowledge(connection: Connection, id: str, *, by: str, now: datetime) -> tuple[Alarm, list[Entry]]:
    """
    Somebody has it. Raises NotFound; a second acknowledgement leaves the first.

    It closes what no condition will ever end: that something happened which a person must look at.
    """
    connection.execute(
        update(alarms)
        .where(alarms.c.id == id, alarms.c.acknowledged_at.is_(None))
        .values(acknowledged_by=by, acknowledged_at=now)
    )
    entries = [Entry(micros(now), "alarm.acknowledged", id, {}, by)]
    over = connection.execute(
        update(alarms)
        .where(alarms.c.id == id, alarms.c.kind.in_(ENDED_BY_WORD), alarms.c.cleared_at.is_(None))
        .values(cleared_at=now)
        .returning(alarms.c.kind)
    )
    entries += [Entry(micros(now), "alarm.cleared", id, {"kind": kind}) for kind in over.scalars()]
    row = connection.execute(select(alarms).where(alarms.c.id == id)).one_or_none()
    if row is None:
        raise NotFound("alarm", id)
    return _alarm(row), entries


def open_alarms(connection: Connection) -> list[Alarm]:
    """Those not cleared, the newest first."""
    rows = connection.execute(
        select(alarms).where(alarms.c.cleared_at.is_(None)).order_by(alarms.c.id.desc())
    )
    return [_alarm(row) for row in rows]


def stands(connection: Connection, kind: str) -> bool:
    """Whether there is an open one of this kind."""
    found = select(alarms.c.id).where(alarms.c.kind == kind, alarms.c.cleared_at.is_(None)).limit(1)
    return connection.execute(found).first() is not None


def list_alarms(connection: Connection, *, limit: int = 50, cursor: str | None = None) -> Page[Alarm]:
    """The same in pages."""
    size = max(1, min(limit, MOST))
    statement = select(alarms).where(alarms.c.cleared_at.is_(None))
    if cursor is not None:
        statement = statement.where(alarms.c.id < cursor)
    rows = connection.execute(statement.order_by(alarms.c.id.desc()).limit(size + 1)).all()
    return Page(tuple(_alarm(row) for row in rows[:size]), rows[size - 1].id if len(rows) > size else None)


def _alarm(row: Row[tuple[object, ...]]) -> Alarm:
    return Alarm(**row._mapping)
