"""Falling over: whose time for a channel is over, and the next channel instead of it, in one commit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import Connection

from warnd.model.color import Lane
from warnd.model.delivery import State, Why
from warnd.model.region import level_of
from warnd.ports import Standing
from warnd.store import bulk
from warnd.store.database import raw_of
from warnd.store.fallbacks import stand_down, start_fallbacks
from warnd.store.journal import Entry
from warnd.store.leaving import leave, take_back
from warnd.store.pending import Pending
from warnd.store.statement import Statement

_STANDING = """
SELECT f.delivery_id AS c0, f.next_id AS c1, d.alert_id AS c2, d.channel AS c3, d.lane AS c4, d.batch_id AS c5,
    d.state AS c6, coalesce(b.state, '') = 'sending' AS c7, d.told AS c8, a.stopped_at IS NOT NULL AS c9,
    f.until AS c10, f.late_after AS c11, f.late_at AS c12, n.channel AS c13, n.state AS c14,
    NOT EXISTS (SELECT 1 FROM fallbacks g WHERE g.delivery_id = f.next_id) AS c15
"""
_WIDTH = 16

_LATE = bulk.folded(
    f"""{_STANDING}
FROM fallbacks f CROSS JOIN deliveries d ON d.id = f.delivery_id CROSS JOIN deliveries n ON n.id = f.next_id
CROSS JOIN alerts a ON a.id = d.alert_id LEFT JOIN batches b ON b.id = d.batch_id
WHERE f.late_at <= ?1 ORDER BY f.late_at, f.delivery_id LIMIT ?2
""",
    _WIDTH,
)

_KEPT_WAITING = bulk.folded(
    f"""{_STANDING}
FROM batches b CROSS JOIN deliveries d ON d.batch_id = b.id CROSS JOIN fallbacks f ON f.delivery_id = d.id
CROSS JOIN deliveries n ON n.id = f.next_id CROSS JOIN alerts a ON a.id = d.alert_id
WHERE b.channel = ?1 AND b.lane = ?2 AND b.ordered AND b.state IN ('queued', 'waiting') AND b.id > ?3
  AND d.state IN ('queued', 'waiting') AND n.state = 'standby' AND f.late_at IS NOT NULL
ORDER BY b.id, d.id LIMIT ?4
""",
    _WIDTH,
)

_TAKEN_BACK = bulk.folded(
    """
SELECT d.id AS c0, d.alert_id AS c1, d.channel AS c2, d.region AS c3, d.state AS c4, d.batch_id AS c5,
    NOT d.told AND d.id IN listed(?2) AND EXISTS (
        SELECT 1 FROM fallbacks f CROSS JOIN deliveries n ON n.id = f.next_id
        WHERE f.delivery_id = d.id AND n.state = 'standby') AS c6
FROM deliveries d WHERE d.state IN ('queued', 'waiting') AND d.id IN (
    SELECT m.id FROM deliveries m WHERE m.batch_id IN listed(?1)
    UNION ALL SELECT l.id FROM listed(?2) e(id) CROSS JOIN deliveries l ON l.id = e.id WHERE l.batch_id IS NULL)
/*+ ORDER BY d.id FOR UPDATE OF d */
""",
    7,
)

_FELL_OVER = Statement("""
UPDATE deliveries SET state = 'suppressed', reason = ?1, detail = NULL, updated = ?2
WHERE id IN listed(?3)
""")

_LOOK_AT = Statement("""
UPDATE fallbacks SET late_at = j.at
FROM rows(?) j(delivery_id text, next_id text, at bigint, seen bigint)
WHERE fallbacks.delivery_id = j.delivery_id AND fallbacks.next_id = j.next_id AND fallbacks.late_at = j.seen
""")


def late(connection: Connection, now: int, limit: int) -> list[Standing]:
    """Deliveries for which another stands by and whose time is over, the longest so first."""
    return _unfolded(connection, _LATE, now, limit)


def kept_waiting(connection: Connection, channel: str, lane: Lane, after: str, limit: int) -> list[Standing]:
    """Those at rest in a lane of a channel, by batch, from the one after ``after``."""
    return _unfolded(connection, _KEPT_WAITING, channel, lane.value, after, limit)


def look_at(
    connection: Connection, pending: Pending, found: Sequence[tuple[Standing, int | None]], now: int
) -> None:
    """When to look at each again, or that there is no need to; what has succeeded meanwhile needs no standby."""
    raw = raw_of(connection)
    rows = [(one.delivery_id, one.next_id, at, one.late_at) for one, at in found]
    raw.execute(_LOOK_AT, (bulk.rows(rows),))
    decided = [one.delivery_id for one, at in found if at is None and one.next_state is State.STANDBY]
    stand_down(raw, now, pending, deliveries=decided)


def start(connection: Connection, pending: Pending, found: Sequence[Standing], now: int) -> None:
    """What stands by for these starts beside them: it may be a repeat, and is needed."""
    start_fallbacks(raw_of(connection), [one.delivery_id for one in found], now, pending)
    for (alert_id, channel), n in Counter((one.alert_id, one.channel) for one in found).items():
        body = {"channel": channel, "deliveries": n, "possible_repeat": True}
        pending.entries.append(Entry(now, "fallbacks.started", alert_id, body))


def fall_over(connection: Connection, pending: Pending, found: Sequence[Standing], now: int) -> int:
    """
    Take these back, which certainly nobody has accepted, and start what stands by for them; how many they were.

    Left out is what was leased or settled meanwhile. Whoever shared a batch with them and does not fall over is
    gathered anew.
    """
    raw = raw_of(connection)
    batches = sorted({one.batch_id for one in found if one.batch_id is not None})
    taken = take_back(raw, batches)
    wanted = bulk.rows(sorted({one.delivery_id for one in found}))
    rows = bulk.unfolded(raw.execute(_TAKEN_BACK, (bulk.rows(taken), wanted)).fetchone())
    fell = [row for row in rows if row[6]]
    left = [row for row in rows if not row[6] and row[5] is not None]
    raw.execute(_FELL_OVER, (Why.FELL_OVER.value, now, bulk.rows([row[0] for row in fell])))
    for (alert_id, channel), n in Counter((row[1], row[2]) for row in fell).items():
        body = {"channel": channel, "deliveries": n}
        pending.entries.append(Entry(now, "deliveries.fell_over", alert_id, body))
    if left:
        leave(raw, [row[0] for row in left], due=now, now=now)
        pending.gather = True
    for part, after in ((fell, State.SUPPRESSED), (left, State.WAITING)):
        for _, alert_id, channel, region, before, *_ in part:
            pending.moved(alert_id, channel, (level_of(region),), before=before, after=after.value)
    start_fallbacks(raw, [row[0] for row in fell], now, pending)
    return len(fell)


def _unfolded(connection: Connection, statement: Statement, *values: object) -> list[Standing]:
    rows = bulk.unfolded(raw_of(connection).execute(statement, values).fetchone())
    return [
        Standing._make(
            (*row[:6], State(row[6]), *map(bool, row[7:10]), *row[10:14], State(row[14]), bool(row[15]))
        )
        for row in rows
    ]
