"""
Forgetting what need no longer be kept, a chunk at a time.

What stays: the verdict on every message but exact repeats, the alert itself with its counts, and the journal.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, exists, func, or_, select, tuple_, update

from warnd.model.alert import AlertState
from warnd.store import bulk, tables
from warnd.store.database import raw_of
from warnd.store.journal import Entry
from warnd.store.statement import Statement
from warnd.store.tables import instant, micros

_OVER = tuple(
    state.value
    for state in (AlertState.SUPERSEDED, AlertState.CANCELLED, AlertState.EXPIRED, AlertState.REJECTED)
)
"""An alert that is still in force keeps its deliveries however old: its end must reach those it told."""


class ReceiptKey(NamedTuple):
    """What a provider calls a delivery."""

    channel: str
    receipt_key: str
    delivery_id: str


BEFORE_ALL = ReceiptKey("", "", "")

_FORGET_KEYS = Statement("""
DELETE FROM receipt_keys WHERE (channel, receipt_key, delivery_id) IN (
    SELECT j.channel, j.receipt_key, j.delivery_id FROM rows(?) j(channel text, receipt_key text, delivery_id text))
""")

_FORGOTTEN = "deliveries.forgotten"
_FORGOTTEN_AT = Statement("SELECT min(at) FROM journal WHERE subject = ? AND kind = ?")

_WAITING = (AlertState.HELD.value, AlertState.QUARANTINED.value)


def erase_bodies(connection: Connection, before: datetime, limit: int) -> int:
    """
    Empty the bodies of messages that came before then, and forget exact repeats; at the most ``limit`` of each, how many.

    What still waits for a person keeps its own: it is what that person has to go by.
    """
    raw, alerts = tables.raw_messages, tables.alerts
    waits = exists().where(alerts.c.id == raw.c.alert_id, alerts.c.state.in_(_WAITING))
    old = select(raw.c.id).where(raw.c.received_at < before, func.length(raw.c.body) > 0, ~waits).limit(limit)
    repeats = select(raw.c.id).where(raw.c.received_at < before, raw.c.same_as.is_not(None)).limit(limit)
    emptied = connection.execute(update(raw).where(raw.c.id.in_(old)).values(body=b"")).rowcount
    return emptied + connection.execute(delete(raw).where(raw.c.id.in_(repeats))).rowcount


def alerts_to_forget(connection: Connection, before: datetime) -> list[str]:
    """Alerts that ended before then and still have something of their story, the oldest first."""
    alerts = tables.alerts
    story = (
        exists().where(part.c.alert_id == alerts.c.id)
        for part in (tables.deliveries, tables.contents, tables.coverage_gaps)
    )
    return list(
        connection.execute(
            select(alerts.c.id)
            .where(alerts.c.state.in_(_OVER), alerts.c.stopped_at < before, alerts.c.swept, or_(*story))
            .order_by(alerts.c.id)
        ).scalars()
    )


def begin_to_forget(connection: Connection, alert_id: str, now: datetime) -> tuple[None, list[Entry]]:
    """
    The fact that an alert's story is kept no longer, once; told before the first of it goes.

    So nobody takes what is left of a story that was cut short for the whole.
    """
    begun = forgotten_at(connection, alert_id) is not None
    return None, [] if begun else [Entry(micros(now), _FORGOTTEN, alert_id, {}, "schedule")]


def forgotten_at(connection: Connection, alert_id: str) -> datetime | None:
    """When an alert's deliveries, contents and gaps went, None while they are kept."""
    (at,) = raw_of(connection).execute(_FORGOTTEN_AT, (alert_id, _FORGOTTEN)).fetchone()
    return None if at is None else instant(at)


def forget_deliveries(connection: Connection, alert_id: str, limit: int) -> int:
    """
    Delete at most ``limit`` deliveries of an alert with all that hangs on them but their receipt keys; how many there were.

    When fewer were left, its batches, contents and gaps go with them. A limit beyond some thousands is more
    than one statement can bind.
    """
    deliveries = tables.deliveries
    mine = select(deliveries.c.id).where(deliveries.c.alert_id == alert_id)
    ids = connection.execute(mine.order_by(deliveries.c.id).limit(limit)).scalars().all()
    _forget_bundles(connection, ids)
    for part in (
        tables.recipients,
        tables.fallbacks,
        tables.former_batches,
        tables.receipts,
    ):
        connection.execute(delete(part).where(part.c.delivery_id.in_(ids)))
    connection.execute(delete(deliveries).where(deliveries.c.id.in_(ids)))
    if len(ids) < limit:
        for part in (tables.batches, tables.contents, tables.coverage_gaps):
            connection.execute(delete(part).where(part.c.alert_id == alert_id))
    return len(ids)


def stray_keys(
    connection: Connection, after: ReceiptKey, limit: int
) -> tuple[Sequence[ReceiptKey], ReceiptKey | None]:
    """
    Of the next ``limit`` receipt keys those whose delivery is gone, and the last that was looked at, None at the end.

    A walk past all of them: an index by delivery would cost every acceptance more than this costs each night.
    """
    keys, deliveries = tables.receipt_keys.c, tables.deliveries.c
    rows = connection.execute(
        select(keys.channel, keys.receipt_key, keys.delivery_id, deliveries.id)
        .outerjoin_from(tables.receipt_keys, tables.deliveries, deliveries.id == keys.delivery_id)
        .where(tuple_(keys.channel, keys.receipt_key, keys.delivery_id) > after)
        .order_by(keys.channel, keys.receipt_key, keys.delivery_id)
        .limit(limit)
    ).all()
    stray = [ReceiptKey(*row[:3]) for row in rows if row[3] is None]
    return stray, ReceiptKey(*rows[-1][:3]) if len(rows) == limit else None


def forget_keys(connection: Connection, stray: Sequence[ReceiptKey]) -> int:
    """Delete these receipt keys; how many there were."""
    return raw_of(connection).execute(_FORGET_KEYS, (bulk.rows(stray),)).rowcount


def _forget_bundles(connection: Connection, deliveries: Sequence[str]) -> None:
    """What these were carried in, once nothing is left of what it carried."""
    parts, bundles = tables.bundle_parts, tables.bundles
    theirs = select(parts.c.bundle_id).where(parts.c.delivery_id.in_(deliveries)).distinct()
    ids = connection.execute(theirs).scalars().all()
    connection.execute(delete(parts).where(parts.c.delivery_id.in_(deliveries)))
    left = exists().where(parts.c.bundle_id == bundles.c.id)
    connection.execute(delete(bundles).where(bundles.c.id.in_(ids), ~left))


def forget_stray_receipts(connection: Connection, before: datetime) -> int:
    """Delete receipts that came before then and never matched a delivery; how many."""
    receipts = tables.receipts
    stray = delete(receipts).where(receipts.c.delivery_id.is_(None), receipts.c.received < micros(before))
    return connection.execute(stray).rowcount


def end_sessions(connection: Connection, now: datetime) -> int:
    """Delete signed-in pages and one-time links whose time is over; how many."""
    sessions = tables.sessions
    return connection.execute(delete(sessions).where(sessions.c.expires_at <= now)).rowcount
