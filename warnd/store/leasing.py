"""The only lease there is: one conditional update for all slots that ask at the same time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from warnd.model.delivery import Batch
from warnd.ports import Lease, Leased
from warnd.store import bulk
from warnd.store.bundling import keep_bundles
from warnd.store.statement import Cursor, Statement

_AT_REST = """
SELECT b.id AS c0 FROM rows(?1) j(id text, epoch integer)
CROSS JOIN batches b ON b.id = j.id CROSS JOIN alerts a ON a.id = b.alert_id
WHERE b.epoch = j.epoch AND b.state IN ('queued', 'waiting', 'unknown')
  AND a.stopped_at IS NULL AND b.deliver_until > ?2 /*+ FOR UPDATE OF b SKIP LOCKED */
"""
"""What another process is leasing is not waited for: to ask for it again costs nothing."""

_ALL_FREE = Statement(f"SELECT count(*) FROM ({_AT_REST}) free")
_FREE = bulk.folded(_AT_REST, 1)

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
    Grant what can be granted, in the order asked, to the worker of this number; a bundle whole or not at all.

    One conditional update is the only lease there is: the batch rests at the epoch the hint knows, its alert
    is in force, and nobody of it is being told something earlier of the same episode right now.
    """
    batches = [ask.batch for ask in wanted]
    if any(batch.parts for batch in batches):
        batches = [each for batch in batches for each in batch.each]
    held_up = blocked(cursor, [batch.id for batch in batches if batch.follows])
    asked = {batch.id: (batch.id, batch.epoch) for batch in batches if batch.id not in held_up}
    # Asked for at nearly the same moment: the longest lease and the latest clock do for all.
    until, now = max(one.until for one in wanted), max(one.now for one in wanted)
    free = _free(cursor, asked.values(), now)
    granted: list[str] = []
    bundles: list[Batch] = []
    answers = []
    for ask in wanted:
        batch = ask.batch
        ids = [each.id for each in batch.parts] or [batch.id]
        if free.issuperset(ids):
            free.difference_update(ids)
            granted += ids
            if batch.parts:
                bundles.append(batch)
            answers.append(Leased(batch.leased()))
        else:
            # What is left of a bundle is still to be told, and soon.
            answers.append(Leased(None, later=bool(batch.parts) or batch.id in held_up))
    if granted:
        cursor.execute(_LEASE, (bulk.rows(sorted(granted)), until, holder))
    if bundles:
        keep_bundles(cursor, bundles)
    return answers


def blocked(cursor: Cursor, batches: Sequence[str]) -> set[str]:
    """Those of these batches of which somebody is being told something earlier of the same episode right now."""
    if not batches:
        return set()
    return {row[0] for row in cursor.execute(_BLOCKED, (bulk.rows(batches),))}


def _free(cursor: Cursor, asked: Iterable[tuple[str, int]], now: int) -> set[str]:
    wanted = list(asked)
    if not wanted:
        return set()
    values = (bulk.rows(wanted), now)
    if cursor.execute(_ALL_FREE, values).fetchone()[0] == len(wanted):
        return {id_ for id_, _ in wanted}
    return {id_ for (id_,) in bulk.unfolded(cursor.execute(_FREE, values).fetchone())}
