"""Committing a plan in chunks: deliveries, who stands behind them, their batches, and the cursor after them."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence

from warnd.model.delivery import Batch
from warnd.model.region import WIDTHS
from warnd.ports import Chunk, Committed
from warnd.store import bulk, tables
from warnd.store.pending import Pending

_BATCHES = bulk.Insert(
    tables.batches,
    ("id", "alert_id", "channel", "content_id", "lane", "state", "due", "created", "deliver_until", "size",
     "attempts", "unknowns", "follows", "ordered"),
)  # fmt: skip

_DELIVERIES = bulk.Insert(
    tables.deliveries,
    ("id", "alert_id", "channel", "address", "round", "batch_id", "content_id", "lane", "state", "reason", "name",
     "region", "updated"),
    or_ignore=True,
)  # fmt: skip
_RECIPIENTS = bulk.Insert(
    tables.recipients,
    ("delivery_id", "subscriber_id", "endpoint_id", "name", "region", "reasons"),
    or_ignore=True,
)

_SHARE = """
INSERT OR IGNORE INTO recipients (delivery_id, subscriber_id, endpoint_id, name, region, reasons)
SELECT d.id, json_extract(j.value, '$[4]'), json_extract(j.value, '$[5]'), json_extract(j.value, '$[2]'),
    json_extract(j.value, '$[3]'), json_extract(j.value, '$[6]')
FROM json_each(?1) j CROSS JOIN deliveries d
  ON d.address = json_extract(j.value, '$[1]') AND d.channel = json_extract(j.value, '$[0]')
 AND d.alert_id = ?2 AND d.round = ?3
"""

_FALLBACKS = bulk.Insert(tables.fallbacks, ("delivery_id", "next_id"), or_ignore=True)
_RECIPIENTS = bulk.Insert(
    tables.recipients,
    ("delivery_id", "subscriber_id", "endpoint_id", "name", "region", "reasons"),
    or_ignore=True,
)

_CONTENTS = bulk.Insert(
    tables.contents,
    ("id", "alert_id", "channel", "kind", "language", "subject", "body", "segments", "template", "template_code",
     "variables"),
    or_ignore=True,
)  # fmt: skip

_GAPS = bulk.Insert(
    tables.coverage_gaps, ("alert_id", "region", "subscriber_id", "name", "why"), or_ignore=True
)

_PRESENT = "SELECT id FROM deliveries WHERE id IN (SELECT value FROM json_each(?))"

_PROGRESS = """
UPDATE alerts SET plan_cursor = ?, planned = ?, plan_done = ?
WHERE id = ? AND coalesce(plan_cursor, '') = ? AND stopped_at IS NULL RETURNING id
"""

_LEVELS = {width: level for level, width in enumerate(WIDTHS)}


def commit_chunk(cursor: sqlite3.Cursor, chunk: Chunk, pending: Pending) -> Committed:
    """
    A part of a plan with its cursor. Addresses that the alert reaches already in this round are not added
    twice: their recipients are, and their batches come back without them.
    """
    progress = (chunk.cursor, chunk.planned, int(chunk.done), chunk.alert_id, chunk.after)
    if cursor.execute(_PROGRESS, progress).fetchone() is None:
        return Committed((), stopped=True)
    if chunk.contents:
        _insert_contents(cursor, chunk)
    batches: Sequence[Batch] = chunk.batches
    if chunk.deliveries:
        batches = _insert_deliveries(cursor, chunk, pending)
    if chunk.shared:
        cursor.execute(_SHARE, (bulk.rows(chunk.shared), chunk.alert_id, chunk.round))
    if chunk.fallbacks:
        _FALLBACKS.run(cursor, chunk.fallbacks)
    if chunk.gaps:
        _GAPS.run(cursor, [(chunk.alert_id, *gap) for gap in chunk.gaps])
    return Committed(batches)


def insert_batches(cursor: sqlite3.Cursor, batches: Sequence[Batch]) -> None:
    rows = [
        (b.id, b.alert_id, b.channel, b.content.id, b.lane.value, b.state.value, b.due, b.created, b.deliver_until,
         len(b), b.attempts, b.unknowns, int(b.follows), int(b.ordered))
        for b in batches
    ]  # fmt: skip
    _BATCHES.run(cursor, rows)


def _insert_contents(cursor: sqlite3.Cursor, chunk: Chunk) -> None:
    rows = [
        (c.id, c.alert_id, channel, c.kind, c.language, c.subject, c.body, c.segments, c.template, c.template_code,
         bulk.rows(c.variables))
        for channel, c in chunk.contents
    ]  # fmt: skip
    _CONTENTS.run(cursor, rows)


def _insert_deliveries(cursor: sqlite3.Cursor, chunk: Chunk, pending: Pending) -> Sequence[Batch]:
    rows = [
        (d.id, chunk.alert_id, d.channel, d.address, chunk.round, d.batch_id, d.content_id, chunk.lane, d.state,
         d.reason, d.name, d.region, chunk.now)
        for d in chunk.deliveries
    ]  # fmt: skip
    inserted = _DELIVERIES.run(cursor, rows)
    batches, fresh = chunk.batches, chunk.deliveries
    if inserted != len(rows):
        ids = bulk.rows([d.id for d in chunk.deliveries])
        present = {row[0] for row in cursor.execute(_PRESENT, (ids,))}
        fresh = [d for d in chunk.deliveries if d.id in present]
        batches = [kept for batch in chunk.batches if (kept := _only(batch, present)) is not None]
        again = [(d.channel, d.address, d.name, d.region, d.subscriber_id, d.endpoint_id, d.reasons)
                 for d in chunk.deliveries if d.id not in present]  # fmt: skip
        cursor.execute(_SHARE, (bulk.rows(again), chunk.alert_id, chunk.round))
    if batches:
        insert_batches(cursor, batches)
    people = [(d.id, d.subscriber_id, d.endpoint_id, d.name, d.region, d.reasons) for d in fresh]
    _RECIPIENTS.run(cursor, people)
    counted = Counter((d.channel, _LEVELS[len(d.region)], d.state) for d in fresh)
    for (channel, level, state), n in counted.items():
        pending.tally[chunk.alert_id, channel, level, state] += n
    return batches


def _only(batch: Batch, present: set[str]) -> Batch | None:
    keep = [index for index, delivery in enumerate(batch.deliveries) if delivery in present]
    if len(keep) == len(batch):
        return batch
    return batch.only(keep) if keep else None
