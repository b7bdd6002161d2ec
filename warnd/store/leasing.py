"""The only lease there is: one conditional update for all slots that ask at the same time."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from warnd.ports import Lease, Leased
from warnd.store import bulk

_LEASE = """
UPDATE batches SET state = 'sending', epoch = epoch + 1, attempts = attempts + 1, lease_until = ?2
WHERE id IN (
    SELECT b.id FROM json_each(?1) j
    CROSS JOIN batches b ON b.id = json_extract(j.value, '$[0]')
    CROSS JOIN alerts a ON a.id = b.alert_id
    WHERE b.epoch = json_extract(j.value, '$[1]') AND b.state IN ('queued', 'waiting', 'unknown')
      AND a.stopped_at IS NULL AND b.deliver_until > ?3)
"""

_GRANTED = """
SELECT b.id FROM json_each(?1) j CROSS JOIN batches b ON b.id = json_extract(j.value, '$[0]')
WHERE b.state = 'sending' AND b.epoch = json_extract(j.value, '$[1]') + 1 AND b.lease_until = ?2
"""

_BLOCKED = """
SELECT DISTINCT d.batch_id FROM deliveries d
CROSS JOIN alerts a ON a.id = d.alert_id
CROSS JOIN deliveries p ON p.address = d.address AND p.channel = d.channel AND p.alert_id <> d.alert_id
CROSS JOIN alerts e ON e.id = p.alert_id AND e.episode_id = a.episode_id
CROSS JOIN batches b ON b.id = p.batch_id AND b.state = 'sending'
WHERE d.batch_id IN (SELECT value FROM json_each(?))
"""


def lease(cursor: sqlite3.Cursor, wanted: Sequence[Lease]) -> list[Leased]:
    """
    Grant what can be granted, in the order asked.

    One conditional update is the only lease there is: the batch rests at the epoch the hint knows, its alert
    is in force, and nobody of it is being told something earlier of the same episode right now.
    """
    blocked: set[str] = set()
    followers = [one.batch.id for one in wanted if one.batch.follows]
    if followers:
        blocked = {row[0] for row in cursor.execute(_BLOCKED, (bulk.rows(followers),))}
    asked = {one.batch.id: (one.batch.id, one.batch.epoch) for one in wanted if one.batch.id not in blocked}
    # Asked for at nearly the same moment: the longest lease and the latest clock do for all.
    until, now = max(one.until for one in wanted), max(one.now for one in wanted)
    granted = _grant(cursor, asked, until=until, now=now)
    answers = []
    for one in wanted:
        batch = one.batch
        if batch.id in granted:
            granted.discard(batch.id)
            answers.append(Leased(batch.leased()))
        else:
            answers.append(Leased(None, later=batch.id in blocked))
    return answers


def _grant(cursor: sqlite3.Cursor, asked: Mapping[str, tuple[str, int]], *, until: int, now: int) -> set[str]:
    if not asked:
        return set()
    # A stale hint names the epoch before somebody else's lease: only the end of the lease tells whose it is.
    rows = bulk.rows(list(asked.values()))
    cursor.execute(_LEASE, (rows, until, now))
    if cursor.rowcount == len(asked):
        return set(asked)
    return {row[0] for row in cursor.execute(_GRANTED, (rows, until))} if cursor.rowcount else set()
