"""Taking batches back from the lanes, and their deliveries out of them, to be gathered anew at their time."""

from __future__ import annotations

from collections.abc import Sequence

from warnd.store import bulk
from warnd.store.statement import Cursor, Statement

_AT_REST = bulk.folded(
    """
SELECT b.id AS c0 FROM listed(?) e(id) CROSS JOIN batches b ON b.id = e.id
WHERE b.state IN ('queued', 'waiting') /*+ ORDER BY b.id FOR UPDATE OF b */
""",
    1,
)

_STOP = Statement("UPDATE batches SET state = 'stopped' WHERE id IN listed(?)")

_FORMER = Statement("""
INSERT INTO former_batches (delivery_id, batch_id)
SELECT d.id, d.batch_id FROM deliveries d WHERE d.id IN listed(?) AND d.batch_id IS NOT NULL
ON CONFLICT DO NOTHING
""")

_LEAVE = Statement("""
UPDATE deliveries SET state = 'waiting', updated = ?1, batch_id = NULL, reason = coalesce(?2, deliveries.reason),
    due = CASE WHEN b.due > ?3 THEN b.due ELSE ?3 END, attempts = deliveries.attempts + b.attempts
FROM batches b WHERE b.id = deliveries.batch_id AND deliveries.id IN listed(?4)
""")


def take_back(cursor: Cursor, batches: Sequence[str]) -> list[str]:
    """Stop these where they still rest, so that no lease is granted on them any more; which they were."""
    found = [row[0] for row in bulk.unfolded(cursor.execute(_AT_REST, (bulk.rows(batches),)).fetchone())]
    cursor.execute(_STOP, (bulk.rows(found),))
    return found


def leave(
    cursor: Cursor, deliveries: Sequence[str], *, due: int, now: int, reason: str | None = None
) -> None:
    """They wait without a batch until ``due``, or until their batch was due; the tries it had stay theirs."""
    ids = bulk.rows(deliveries)
    cursor.execute(_FORMER, (ids,))
    cursor.execute(_LEAVE, (now, reason, due, ids))
