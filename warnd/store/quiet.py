"""Holding up through quiet hours what is not to wake anybody: out of the lanes, due at their end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from warnd.model.delivery import State, Why
from warnd.model.region import level_of
from warnd.store import bulk
from warnd.store.database import raw_of
from warnd.store.leaving import leave, take_back
from warnd.store.pending import Pending
from warnd.store.statement import Statement

_RESTING = Statement("""
SELECT b.id, b.quiet, b.deliver_until FROM batches b CROSS JOIN alerts a ON a.id = b.alert_id
WHERE b.quiet <> '' AND b.state IN ('queued', 'waiting') AND b.unknowns = 0 AND b.id > ? AND a.stopped_at IS NULL
ORDER BY b.id LIMIT ?
""")

_MEMBERS = bulk.folded(
    """
SELECT id AS c0, alert_id AS c1, channel AS c2, region AS c3, state AS c4, batch_id AS c5 FROM deliveries
WHERE batch_id IN listed(?) AND state IN ('queued', 'waiting')
""",
    6,
)

_POSTPONE = Statement("""
UPDATE deliveries SET due = j.due, reason = ?1, updated = ?2
FROM rows(?3) j(id text, due bigint) CROSS JOIN deliveries d ON d.id = j.id
WHERE deliveries.id = d.id AND d.state = 'waiting' AND d.batch_id IS NULL
""")

_LATE_FROM_DUE = Statement("""
UPDATE fallbacks SET late_at = late_after + j.due FROM rows(?) j(id text, due bigint)
WHERE fallbacks.delivery_id = j.id AND fallbacks.late_at IS NOT NULL
""")


class Resting(NamedTuple):
    """A batch in the lanes that keeps quiet hours."""

    id: str
    quiet: str
    deliver_until: int


def resting(connection: Connection, after: str, limit: int) -> list[Resting]:
    """Those at rest of alerts in force, by id, from the one after ``after``."""
    return [Resting._make(row) for row in raw_of(connection).execute(_RESTING, (after, limit))]


def postpone(connection: Connection, _: Pending, until: Mapping[str, int], now: int) -> None:
    """Deliveries without a batch wait so long; the time for what stands by for them runs from then."""
    raw, rows = raw_of(connection), bulk.rows(list(until.items()))
    raw.execute(_POSTPONE, (Why.QUIET_HOURS.value, now, rows))
    raw.execute(_LATE_FROM_DUE, (rows,))


def hold(connection: Connection, pending: Pending, batches: Sequence[str], until: int, now: int) -> int:
    """Take these batches back from the lanes, as far as they still rest; how many deliveries wait now."""
    raw = raw_of(connection)
    taken = take_back(raw, batches)
    rows = bulk.unfolded(raw.execute(_MEMBERS, (bulk.rows(taken),)).fetchone())
    ids = [row[0] for row in rows]
    leave(raw, ids, due=until, now=now, reason=Why.QUIET_HOURS.value)
    raw.execute(_LATE_FROM_DUE, (bulk.rows([(id_, until) for id_ in ids]),))
    for _, alert_id, channel, region, before, _ in rows:
        pending.moved(alert_id, channel, (level_of(region),), before=before, after=State.WAITING.value)
    return len(rows)
