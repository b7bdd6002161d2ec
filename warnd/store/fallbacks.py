"""What stands by: started when the delivery before it fell, stood down when that succeeded."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from warnd.model.region import level_of
from warnd.store import bulk
from warnd.store.pending import Pending

_START = """
UPDATE deliveries SET state = 'waiting', due = ?1, updated = ?1 WHERE state = 'standby' AND id IN (
    SELECT f.next_id FROM fallbacks f WHERE f.delivery_id IN (SELECT value FROM json_each(?2)))
RETURNING id, alert_id, channel, region
"""

_STAND_DOWN = """
UPDATE deliveries SET state = 'suppressed', reason = 'not_needed', updated = ?1
WHERE state = 'standby' AND id IN (
    SELECT f.next_id FROM fallbacks f
    WHERE f.delivery_id IN (SELECT d.id FROM deliveries d WHERE d.batch_id IN (SELECT value FROM json_each(?2))
                            UNION ALL SELECT value FROM json_each(?3))
      AND NOT EXISTS (SELECT 1 FROM fallbacks o CROSS JOIN deliveries p ON p.id = o.delivery_id
                      WHERE o.next_id = f.next_id AND p.state NOT IN ('accepted', 'delivered')))
RETURNING id, alert_id, channel, region
"""

_FALLEN = """
SELECT d.id FROM deliveries d LEFT JOIN batches b ON b.id = d.batch_id
WHERE d.id IN (SELECT value FROM json_each(?))
  AND (d.state IN ('failed', 'expired') OR d.state = 'unknown' AND b.state = 'settled')
"""


def start_fallbacks(cursor: sqlite3.Cursor, fallen: Sequence[str], now: int, pending: Pending) -> None:
    """Wake the standbys behind deliveries that failed or are late."""
    if not fallen:
        return
    for _, alert_id, channel, region in cursor.execute(_START, (now, bulk.rows(fallen))).fetchall():
        pending.moved(alert_id, channel, (level_of(region),), before="standby", after="waiting")
        pending.gather = True


def stand_down(
    cursor: sqlite3.Cursor,
    now: int,
    pending: Pending,
    *,
    batches: Sequence[str] = (),
    deliveries: Sequence[str] = (),
) -> None:
    """Those that stand by only for what has succeeded, of these batches and deliveries, are not needed."""
    if not batches and not deliveries:
        return
    rows = cursor.execute(_STAND_DOWN, (now, bulk.rows(batches), bulk.rows(deliveries))).fetchall()
    for _, alert_id, channel, region in rows:
        pending.moved(alert_id, channel, (level_of(region),), before="standby", after="suppressed")


def catch_up(cursor: sqlite3.Cursor, deliveries: Sequence[str], now: int, pending: Pending) -> None:
    """Something stands by for these as well, of which some have come to their end already."""
    wanted = bulk.rows(deliveries)
    start_fallbacks(cursor, [row[0] for row in cursor.execute(_FALLEN, (wanted,)).fetchall()], now, pending)
    stand_down(cursor, now, pending, deliveries=deliveries)
