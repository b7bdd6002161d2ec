"""What is on disk by a clock that was set since: waits and holds, which last as long as they were to last."""

from __future__ import annotations

from sqlalchemy import Connection

from warnd.store.database import raw_of
from warnd.store.statement import Statement

_LATEST = Statement("SELECT at FROM journal WHERE chain = 0 ORDER BY seq DESC LIMIT 1")

_BATCHES = Statement("""
UPDATE batches SET due = ?1 WHERE state IN ('waiting', 'unknown') AND due > ?1 AND due <= ?2
""")

_DELIVERIES = Statement("""
UPDATE deliveries SET due = ?1 WHERE state = 'waiting' AND batch_id IS NULL AND due > ?1 AND due <= ?2
""")

_HOLDS = Statement("""
UPDATE alerts SET hold_due = hold_due + ?1 WHERE state = 'held' AND (received_at < ?2 OR received_at > ?3)
""")


def latest_fact(connection: Connection) -> int | None:
    """When the last thing was written down in the chain there always is, in microseconds; None of a new store."""
    row = raw_of(connection).execute(_LATEST).fetchone()
    return None if row is None else int(row[0])


def make_up_for(connection: Connection, *, seen: int, expected: int, now: int, longest: int) -> None:
    """
    The clock says ``now`` instead of ``expected``; it said ``seen`` when it was last known to be as before.

    A clock set back would let retries wait for as much longer: those that were to come within the ``longest`` wait
    come now. What waits for a time of day has a later one, and stays. Holds are moved with the clock: nobody's time to
    decide is cut short or drawn out. All are microseconds.
    """
    raw = raw_of(connection)
    by = now - expected
    if by < 0:
        raw.execute(_BATCHES, (now, expected + longest))
        raw.execute(_DELIVERIES, (now, expected + longest))
    # Whatever was admitted by the clock as it is now came between these two.
    raw.execute(_HOLDS, (by, seen + by, now))
