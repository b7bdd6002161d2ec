"""Taking batches back from the lanes, and their deliveries out of them, to be gathered anew at their time."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from warnd.store import bulk

_AT_REST = bulk.folded(
    """
SELECT b.id AS c0 FROM json_each(?) j CROSS JOIN batches b ON b.id = j.value WHERE b.state IN ('queued', 'waiting')
""",
    1,
)

_STOP = "UPDATE batches SET state = 'stopped' WHERE id IN (SELECT value FROM json_each(?))"

_FORMER = """
INSERT OR IGNORE INTO former_batches (delivery_id, batch_id)
SELECT d.id, d.batch_id FROM deliveries d
WHERE d.id IN (SELECT value FROM json_each(?)) AND d.batch_id IS NOT NULL
"""

_LEAVE = """
UPDATE deliveries SET state = 'waiting', updated = ?1, batch_id = NULL, reason = coalesce(?2, reason),
    due = max(?3, (SELECT b.due FROM batches b WHERE b.id = deliveries.batch_id)),
    attempts = attempts + (SELECT b.attempts FROM batches b WHERE b.id = deliveries.batch_id)
WHERE id IN (SELECT value FROM json_each(?4))
"""


def take_back(cursor: sqlite3.Cursor, batches: Sequence[str]) -> list[str]:
    """Stop these where they still rest, so that no lease is granted on them any more; which they were."""
    found = [row[0] for row in bulk.unfolded(cursor.execute(_AT_REST, (bulk.rows(batches),)).fetchone())]
    cursor.execute(_STOP, (bulk.rows(found),))
    return found


def leave(
    cursor: sqlite3.Cursor, deliveries: Sequence[str], *, due: int, now: int, reason: str | None = None
) -> None:
    """They wait without a batch until ``due``, or until their batch was due; the tries it had stay theirs."""
    ids = bulk.rows(deliveries)
    cursor.execute(_FORMER, (ids,))
    cursor.execute(_LEAVE, (now, reason, due, ids))
