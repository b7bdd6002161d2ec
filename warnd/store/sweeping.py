"""Saying on every row, in chunks, what is already true of its alert or its batch: stopped, refused, run out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import Connection

from warnd.model.delivery import Batch, BatchState, State
from warnd.model.region import level_of
from warnd.store import bulk, hints, ranges
from warnd.store.bundling import carried_by
from warnd.store.database import raw_of
from warnd.store.fallbacks import start_fallbacks
from warnd.store.journal import Entry
from warnd.store.pending import Pending
from warnd.store.planning import insert_batches, only
from warnd.store.statement import Statement

_UNSENT = Statement("""
SELECT d.id, d.channel, d.region, d.state FROM deliveries d
LEFT JOIN batches b ON b.id = d.batch_id
WHERE (d.alert_id, d.id) > (?1, ?2) AND d.alert_id <= ?1 AND d.state IN ('queued', 'standby', 'waiting')
  AND (b.state IS NULL OR b.state <> 'sending')
ORDER BY d.alert_id, d.id LIMIT ?3
""")

_MARK = Statement("""
UPDATE deliveries SET state = ?1, updated = ?2 WHERE id IN listed(?3)
""")

_STOP_BATCHES = Statement("""
UPDATE batches SET state = 'stopped' WHERE alert_id = ? AND state IN ('queued', 'waiting')
""")

_STOP_UNKNOWN = Statement("UPDATE batches SET state = 'settled' WHERE alert_id = ? AND state = 'unknown'")

_LEFT = Statement("""
SELECT 1 FROM batches WHERE alert_id = ? AND state IN ('queued', 'waiting', 'sending', 'unknown') LIMIT 1
""")

_SWEPT = Statement("UPDATE alerts SET swept = true WHERE id = ?")

_RUN_OUT = Statement("""
UPDATE batches SET state = ?1, lease_until = NULL, epoch = batches.epoch + 1, unknowns = unknowns + 1, due = ?2
FROM rows(?3) j(id text, epoch integer)
WHERE batches.id = j.id AND batches.epoch = j.epoch AND batches.state = 'sending' RETURNING batches.id
""")

_MEMBERS = Statement("""
SELECT alert_id, channel, region, state FROM deliveries
WHERE batch_id IN listed(?) AND state IN ('queued', 'waiting', 'unknown')
""")

_RUN_OUT_DELIVERIES = Statement("""
UPDATE deliveries SET state = 'unknown', reason = 'interrupted', told = true, updated = ?1
WHERE batch_id IN listed(?2) AND state IN ('queued', 'waiting', 'unknown')
""")

_REFUSED = Statement("""
SELECT d.id, d.alert_id, d.channel, d.region, d.state FROM deliveries d
JOIN batches b ON b.id = d.batch_id
WHERE d.content_id = ?1 AND d.alert_id = ?2 AND d.channel = ?3 AND d.state IN ('queued', 'waiting', 'unknown')
  AND b.state <> 'sending'
LIMIT ?4
""")

_REFUSE = Statement("""
UPDATE deliveries SET state = 'failed', reason = 'content_refused', updated = ?1
WHERE id IN listed(?2)
""")

_REFUSE_BATCHES = Statement("""
UPDATE batches SET state = 'settled'
WHERE alert_id = ?1 AND content_id = ?2 AND state IN ('queued', 'waiting', 'unknown')
""")

_GATHER = Statement("""
UPDATE deliveries SET batch_id = j.batch_id, state = 'queued', due = NULL, attempts = 0,
    reason = nullif(reason, 'quiet_hours'), updated = ?2
FROM rows(?1) j(id text, batch_id text) WHERE deliveries.id = j.id
""")

_STILL_BATCHLESS = bulk.folded(
    """
SELECT id AS c0 FROM deliveries
WHERE id IN listed(?) AND batch_id IS NULL AND state = 'waiting' /*+ ORDER BY id FOR UPDATE */
""",
    1,
)


def sweep_stopped(
    connection: Connection, pending: Pending, alert_id: str, state: State, after: str, now: int, limit: int
) -> str | None:
    """
    Mark a chunk of what a stopped alert has unsent; the id to go on from, or None when it is all swept.

    Batches that are out are left to their settling. "" says to come back: some are out, or may have come back
    behind the place where this chunk began.
    """
    raw = raw_of(connection)
    left = True
    if not after:
        ranges.drop(raw, alert_id)
        raw.execute(_STOP_BATCHES, (alert_id,))
        raw.execute(_STOP_UNKNOWN, (alert_id,))
        # Before the rows are read: what another process settles between the two is there to be marked.
        left = raw.execute(_LEFT, (alert_id,)).fetchone() is not None
    rows = raw.execute(_UNSENT, (alert_id, after, limit)).fetchall()
    if rows:
        raw.execute(_MARK, (state.value, now, bulk.rows([row[0] for row in rows])))
        for (channel, level, before), n in Counter((r[1], level_of(r[2]), r[3]) for r in rows).items():
            pending.moved(alert_id, channel, [level] * n, before=before, after=state.value)
    if len(rows) == limit:
        return str(rows[-1][0])
    if left:
        return ""
    raw.execute(_SWEPT, (alert_id,))
    return None


def run_out(
    connection: Connection, pending: Pending, batches: Sequence[Batch], now: int, state: BatchState
) -> list[Batch]:
    """
    Leases that ended without an outcome: whether anything left is not known.

    ``state`` is UNKNOWN for batches to be sent again unchanged, SETTLED when that has been done often enough.
    Returns those that really had run out.
    """
    raw = raw_of(connection)
    ids = bulk.rows([(batch.id, batch.epoch) for batch in batches])
    gone = {row[0] for row in raw.execute(_RUN_OUT, (state.value, now, ids)).fetchall()}
    found = [batch for batch in batches if batch.id in gone]
    if not found:
        return []
    for alert_id, channel, region, before in raw.execute(_MEMBERS, (bulk.rows(sorted(gone)),)).fetchall():
        pending.moved(alert_id, channel, (level_of(region),), before=before, after=State.UNKNOWN.value)
    raw.execute(_RUN_OUT_DELIVERIES, (now, bulk.rows(sorted(gone))))
    bundles = carried_by(raw, [batch.id for batch in found])
    for batch in found:
        body = {
            "channel": batch.channel, "alert": batch.alert_id, "try": batch.attempts, "size": len(batch),
            "all": {"outcome": "unknown", "reason": "interrupted"},
            **({"bundle": bundles[batch.id]} if batch.id in bundles else {}),
        }  # fmt: skip
        if batch.unknowns:
            body["possible_repeat"] = True
        pending.entries.append(Entry(now, "attempt.interrupted", batch.id, body))
    if state is BatchState.SETTLED:
        fallen = [delivery for batch in found if batch.ordered for delivery in batch.deliveries]
        start_fallbacks(raw, fallen, now, pending)
    else:
        hints.batches_made(raw, found)
    return found


def stop_content(connection: Connection, pending: Pending, batch: Batch, now: int, limit: int) -> bool:
    """Fail what would carry a text this channel has refused; whether there may be more."""
    raw = raw_of(connection)
    content = batch.content.id
    raw.execute(_REFUSE_BATCHES, (batch.alert_id, content))
    rows = raw.execute(_REFUSED, (content, batch.alert_id, batch.channel, limit)).fetchall()
    if not rows:
        return False
    ids = [row[0] for row in rows]
    raw.execute(_REFUSE, (now, bulk.rows(ids)))
    for _, alert_id, channel, region, before in rows:
        pending.moved(alert_id, channel, (level_of(region),), before=before, after=State.FAILED.value)
    start_fallbacks(raw, ids, now, pending)
    return len(rows) == limit


def gather(connection: Connection, pending: Pending, batches: Sequence[Batch], now: int) -> list[Batch]:
    """
    Put batchless deliveries into these new batches; the batches, without those that were stopped meanwhile.
    """
    raw = raw_of(connection)
    ids = bulk.rows([delivery for batch in batches for delivery in batch.deliveries])
    waiting = {row[0] for row in bulk.unfolded(raw.execute(_STILL_BATCHLESS, (ids,)).fetchone())}
    kept = [one for batch in batches if (one := only(batch, waiting)) is not None]
    rows = [(delivery, batch.id) for batch in kept for delivery in batch.deliveries]
    raw.execute(_GATHER, (bulk.rows(rows), now))
    insert_batches(raw, kept)
    for batch in kept:
        pending.moved(batch.alert_id, batch.channel, batch.levels, before="waiting", after="queued")
    hints.batches_made(raw, kept)
    return kept
