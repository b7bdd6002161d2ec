"""What stands by: started when the delivery before it fell, stood down when that succeeded."""

from __future__ import annotations

from collections.abc import Sequence

from warnd.model.region import level_of
from warnd.store import bulk
from warnd.store.pending import Pending
from warnd.store.statement import Cursor, Statement

_START = Statement("""
UPDATE deliveries SET state = 'waiting', due = ?1, updated = ?1 WHERE state = 'standby' AND id IN (
    SELECT f.next_id FROM fallbacks f
    WHERE f.delivery_id IN listed(?2) AND (f.until = 'delivered' OR ?3))
RETURNING id, alert_id, channel, region
""")

LATE_FROM_NOW = Statement("""
UPDATE fallbacks SET late_at = ?1 + late_after WHERE delivery_id IN listed(?2)
""")

_AWAIT_RECEIPT = Statement("""
UPDATE fallbacks SET late_at = ?1 + late_after WHERE until = 'delivered' AND delivery_id IN (
    SELECT d.id FROM deliveries d
    WHERE d.batch_id IN listed(?2) AND d.state = 'accepted')
""")

_STAND_DOWN = Statement("""
UPDATE deliveries SET state = 'suppressed', reason = 'not_needed', updated = ?1
WHERE state = 'standby' AND id IN (
    SELECT f.next_id FROM fallbacks f
    WHERE f.delivery_id IN (SELECT d.id FROM deliveries d WHERE d.batch_id IN listed(?2)
                            UNION ALL SELECT e.id FROM listed(?3) e(id))
      AND NOT EXISTS (SELECT 1 FROM fallbacks o CROSS JOIN deliveries p ON p.id = o.delivery_id
                      WHERE o.next_id = f.next_id AND p.state <> 'delivered'
                        AND NOT (p.state = 'accepted' AND o.until = 'accepted')
                        AND NOT (p.state = 'suppressed' AND p.reason = 'not_needed')))
RETURNING id, alert_id, channel, region
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
    rows = cursor.execute(_START, (now, bulk.rows(fallen), not for_want_of_receipts)).fetchall()
    for _, alert_id, channel, region in rows:
        pending.moved(alert_id, channel, (level_of(region),), before="standby", after="waiting")
    if rows:
        pending.gather = True
        cursor.execute(LATE_FROM_NOW, (now, bulk.rows([row[0] for row in rows])))


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
        rows = cursor.execute(_STAND_DOWN, (now, bulk.rows(batches), bulk.rows(deliveries))).fetchall()
        for _, alert_id, channel, region in rows:
            pending.moved(alert_id, channel, (level_of(region),), before="standby", after="suppressed")
        batches, deliveries = (), [row[0] for row in rows]


def await_receipts(cursor: Cursor, batches: Sequence[str], now: int) -> None:
    """Where acceptance is not enough, the time for a receipt runs from now."""
    cursor.execute(_AWAIT_RECEIPT, (now, bulk.rows(batches)))
