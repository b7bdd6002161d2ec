"""What stands by: started when the delivery before it fell, stood down when that succeeded."""

from __future__ import annotations

from collections.abc import Sequence

from warnd.model.region import level_of
from warnd.store import bulk
from warnd.store.pending import Pending
from warnd.store.statement import Cursor, Statement

_BEHIND = bulk.folded(
    """
SELECT n.id AS c0, n.alert_id AS c1, n.channel AS c2, n.region AS c3 FROM deliveries n
WHERE n.state = 'standby' AND n.id IN (
    SELECT f.next_id FROM fallbacks f
    WHERE f.delivery_id IN listed(?1) AND (f.until = 'delivered' OR ?2)) /*+ ORDER BY n.id FOR UPDATE OF n */
""",
    4,
)

_START = Statement("""
UPDATE deliveries SET state = 'waiting', due = ?1, updated = ?1 WHERE id IN listed(?2)
""")

LATE_FROM_NOW = Statement("""
UPDATE fallbacks SET late_at = ?1 + late_after WHERE delivery_id IN listed(?2)
""")

_AWAIT_RECEIPT = Statement("""
UPDATE fallbacks SET late_at = ?1 + late_after WHERE until = 'delivered' AND delivery_id IN (
    SELECT d.id FROM deliveries d
    WHERE d.batch_id IN listed(?2) AND d.state = 'accepted')
""")

_NOT_NEEDED = bulk.folded(
    """
SELECT n.id AS c0, n.alert_id AS c1, n.channel AS c2, n.region AS c3 FROM deliveries n
WHERE n.state = 'standby' AND n.id IN (
    SELECT f.next_id FROM fallbacks f
    WHERE f.delivery_id IN (SELECT d.id FROM deliveries d WHERE d.batch_id IN listed(?1)
                            UNION ALL SELECT e.id FROM listed(?2) e(id))
      AND NOT EXISTS (SELECT 1 FROM fallbacks o CROSS JOIN deliveries p ON p.id = o.delivery_id
                      WHERE o.next_id = f.next_id AND p.state <> 'delivered'
                        AND NOT (p.state = 'accepted' AND o.until = 'accepted')
                        AND NOT (p.state = 'suppressed' AND p.reason = 'not_needed'))) /*+ ORDER BY n.id FOR UPDATE OF n */
""",
    4,
)

_STAND_DOWN = Statement("""
UPDATE deliveries SET state = 'suppressed', reason = 'not_needed', updated = ?1
WHERE id IN listed(?2)
""")

_FALLEN = Statement("""
SELECT d.id FROM deliveries d LEFT JOIN batches b ON b.id = d.batch_id
WHERE d.id IN listed(?) AND (d.state IN ('failed', 'expired') OR d.state = 'unknown' AND b.state = 'settled')
""")


def start_fallbacks(
    cursor: Cursor,
    fallen: Sequence[str],
    now: int,
    pending: Pending,
    *,
    for_want_of_receipts: bool = False,
) -> None:
    """
    Wake the standbys behind deliveries that failed or are late; from now on their own time runs.

    ``for_want_of_receipts``: only those that stand by until the one before is delivered.
    """
    if not fallen:
        return
    values = (bulk.rows(fallen), not for_want_of_receipts)
    rows = bulk.unfolded(cursor.execute(_BEHIND, values).fetchone())
    if rows:
        ids = _moved(rows, pending, after="waiting")
        cursor.execute(_START, (now, ids))
        cursor.execute(LATE_FROM_NOW, (now, ids))
        pending.gather = True


def stand_down(
    cursor: Cursor,
    now: int,
    pending: Pending,
    *,
    batches: Sequence[str] = (),
    deliveries: Sequence[str] = (),
) -> None:
    """
    Those that stand by for what has succeeded, of these batches and deliveries, are not needed; nor are those that
    stand by for them in turn.
    """
    while batches or deliveries:
        values = (bulk.rows(batches), bulk.rows(deliveries))
        rows = bulk.unfolded(cursor.execute(_NOT_NEEDED, values).fetchone())
        if rows:
            cursor.execute(_STAND_DOWN, (now, _moved(rows, pending, after="suppressed")))
        batches, deliveries = (), [row[0] for row in rows]


def _moved(rows: Sequence[Sequence[str]], pending: Pending, *, after: str) -> str:
    """Count these standbys as moved; their ids as a parameter."""
    for _, alert_id, channel, region in rows:
        pending.moved(alert_id, channel, (level_of(region),), before="standby", after=after)
    return bulk.rows([row[0] for row in rows])


def await_receipts(cursor: Cursor, batches: Sequence[str], now: int) -> None:
    """Where acceptance is not enough, the time for a receipt runs from now."""
    cursor.execute(_AWAIT_RECEIPT, (now, bulk.rows(batches)))


def catch_up(cursor: Cursor, deliveries: Sequence[str], now: int, pending: Pending) -> None:
    """Something stands by for these as well, of which some have come to their end already."""
    fallen = cursor.execute(_FALLEN, (bulk.rows(deliveries),)).fetchall()
    start_fallbacks(cursor, [row[0] for row in fallen], now, pending)
    stand_down(cursor, now, pending, deliveries=deliveries)
