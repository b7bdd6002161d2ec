"""
Ranges of large plans: rows that the processes on a shared store take one by one, each with a cursor of its own.

A plan that is split is done when none of its ranges is left. What is the same for all of them, the alert's own row, a range's
chunk touches last and in the order of commits: so the last of several that end at once knows that it is.
"""

from __future__ import annotations

from sqlalchemy import Connection

from warnd.model.color import Lane
from warnd.ports import Chunk, OpenRange
from warnd.store import bulk, hints, tables
from warnd.store.database import raw_of
from warnd.store.statement import Cursor, Statement

HELD_US = 30_000_000
"""For so long after its last chunk a range is its holder's; a chunk takes a second where red is let pass."""

_OPEN = bulk.Insert(tables.plan_ranges, ("alert_id", "last", "cursor", "earlier"))

_TO_BE_HAD = Statement("""
SELECT r.alert_id, a.lane, r.cursor, r.last, r.earlier FROM plan_ranges r CROSS JOIN alerts a ON a.id = r.alert_id
WHERE a.stopped_at IS NULL AND a.lane BETWEEN ?1 AND ?2 AND (r.holder IS NULL OR r.holder = ?3 OR r.held_until < ?4
    OR NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = r.holder AND w.ended_at IS NULL))
ORDER BY a.lane, r.alert_id, r.cursor LIMIT ?5
""")

_MOVE_ON = Statement("""
UPDATE plan_ranges SET cursor = ?1, holder = ?8, held_until = ?3
WHERE alert_id = ?4 AND last = ?5 AND cursor = ?6
  AND (holder IS NULL OR holder = ?2 OR held_until < ?7
    OR NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = plan_ranges.holder AND w.ended_at IS NULL))
  AND EXISTS (SELECT 1 FROM alerts a WHERE a.id = plan_ranges.alert_id AND a.stopped_at IS NULL)
RETURNING alert_id
""")

_COUNT = Statement("UPDATE alerts SET planned = planned + ? WHERE id = ?")

_CLOSE = Statement("DELETE FROM plan_ranges WHERE alert_id = ? AND last = ?")

_IF_THAT_WAS_ALL = Statement("""
UPDATE alerts SET plan_done = ?1
WHERE id = ?2 AND NOT EXISTS (SELECT 1 FROM plan_ranges r WHERE r.alert_id = alerts.id) RETURNING id
""")

_DROP = Statement("DELETE FROM plan_ranges WHERE alert_id = ?")


def to_be_had(
    connection: Connection, lanes: tuple[Lane, Lane], holder: int | None, now: int, limit: int
) -> list[OpenRange]:
    """
    Ranges of alerts in force, of lanes from the one to the other, that the worker of this number may take: nobody's, its
    own, and those of who has ended or was silent for too long. The most urgent come first.
    """
    values = (lanes[0].value, lanes[1].value, holder, now, limit)
    rows = raw_of(connection).execute(_TO_BE_HAD, values).fetchall()
    return [OpenRange(alert_id, Lane(lane), *of) for alert_id, lane, *of in rows]


def move_on(cursor: Cursor, chunk: Chunk, holder: int | None) -> bool:
    """
    Take a chunk's range, or go on with it; False when it is another's, or its alert is not in force.

    One conditional update, as a lease is: the cursor stands where the chunk begins. A chunk that opens others lets go of it.
    """
    values = (
        chunk.cursor, holder, chunk.now + HELD_US, chunk.alert_id, chunk.up_to, chunk.after, chunk.now,
        None if chunk.opens else holder,
    )  # fmt: skip
    return cursor.execute(_MOVE_ON, values).fetchone() is not None


def hand_out(cursor: Cursor, chunk: Chunk) -> None:
    """Open the ranges that the chunk leaves to whoever takes them."""
    _OPEN.run(cursor, [(chunk.alert_id, last, after, chunk.earlier) for after, last in chunk.opens])
    hints.ranges_opened(cursor)


def count(cursor: Cursor, chunk: Chunk) -> bool:
    """
    What was planned is counted, and a range that has come to its end is closed; whether no other is left. A plan that is not
    done with that is gone on with.

    The alert's row is locked from here to the end of the commit, and what is left is looked for after that.
    """
    if chunk.planned or chunk.cursor == chunk.up_to:
        cursor.execute(_COUNT, (chunk.planned, chunk.alert_id))
    if chunk.cursor != chunk.up_to:
        return False
    cursor.execute(_CLOSE, (chunk.alert_id, chunk.up_to))
    if cursor.execute(_IF_THAT_WAS_ALL, (chunk.done, chunk.alert_id)).fetchone() is None:
        return False
    if not chunk.done:
        hints.plan_goes_on(cursor, chunk.alert_id, Lane(chunk.lane))
    return True


def drop(cursor: Cursor, alert_id: str) -> None:
    """
    No more of a stopped alert is planned, and what was being committed is in the store when this returns.

    Again until none is left: such a commit may have handed out further ones.
    """
    while cursor.execute(_DROP, (alert_id,)).rowcount:
        continue
