"""The only lease there is: one conditional update for all slots that ask at the same time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from warnd.ports import Lease, Leased
from warnd.store import bulk
from warnd.store.statement import Cursor, Statement

_FREE = bulk.folded(
    """
SELECT b.id AS c0 FROM rows(?1) j(id text, epoch integer)
CROSS JOIN batches b ON b.id = j.id CROSS JOIN alerts a ON a.id = b.alert_id
WHERE b.epoch = j.epoch AND b.state IN ('queued', 'waiting', 'unknown')
  AND a.stopped_at IS NULL AND b.deliver_until > ?2 /*+ FOR UPDATE OF b SKIP LOCKED */
""",
    1,
)
"""What another process is leasing is not waited for: to ask for it again costs nothing."""

_LEASE = Statement("""
UPDATE batches SET state = 'sending', epoch = epoch + 1, attempts = attempts + 1, lease_until = ?2, holder = ?3
WHERE id IN listed(?1)
""")

_BLOCKED = Statement("""
SELECT DISTINCT d.batch_id FROM batches b INDEXED BY ix_batches_out
CROSS JOIN alerts e ON e.id = b.alert_id
CROSS JOIN (
    SELECT DISTINCT a.id, a.episode_id FROM listed(?1) j(id)
    CROSS JOIN batches w ON w.id = j.id CROSS JOIN alerts a ON a.id = w.alert_id
) mine ON mine.episode_id = e.episode_id AND mine.id <> e.id
CROSS JOIN deliveries p ON p.batch_id = b.id
CROSS JOIN deliveries d ON d.address = p.address AND d.channel = p.channel AND d.alert_id = mine.id
WHERE b.state = 'sending' AND d.batch_id IN listed(?1)
""")
"""From what is out, which is little, and never by an address, which has been told things for years."""


def lease(cursor: Cursor, wanted: Sequence[Lease], holder: int | None) -> list[Leased]:
    """
    Grant what can be granted, in the order asked, to the worker of this number.

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
    granted = _grant(cursor, asked, holder, until=until, now=now)
    answers = []
    for one in wanted:
        batch = one.batch
        if batch.id in granted:
            granted.discard(batch.id)
            answers.append(Leased(batch.leased()))
        else:
            answers.append(Leased(None, later=batch.id in blocked))
    return answers


def _grant(
    cursor: Cursor, asked: Mapping[str, tuple[str, int]], holder: int | None, *, until: int, now: int
) -> set[str]:
    if not asked:
        return set()
    free = bulk.unfolded(cursor.execute(_FREE, (bulk.rows(list(asked.values())), now)).fetchone())
    granted = {id_ for (id_,) in free}
    if granted:
        cursor.execute(_LEASE, (bulk.rows(sorted(granted)), until, holder))
    return granted
