"""Committing a plan in chunks: deliveries, who stands behind them, their batches, and the cursor after them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any

from warnd.model.delivery import Batch, State
from warnd.model.region import LEVELS
from warnd.model.share import number_of
from warnd.ports import Chunk, Committed, Fallback, PlannedDelivery
from warnd.store import bulk, hints, ranges, tables
from warnd.store.fallbacks import LATE_FROM_NOW, catch_up
from warnd.store.pending import Pending
from warnd.store.statement import Cursor, Statement

_BATCHES = bulk.Insert(
    tables.batches,
    ("id", "alert_id", "channel", "content_id", "lane", "state", "due", "created", "deliver_until", "size",
     "attempts", "unknowns", "follows", "ordered", "number", "quiet", "rank"),
)  # fmt: skip

_DELIVERIES = bulk.Insert(
    tables.deliveries,
    ("id", "alert_id", "channel", "address", "round", "batch_id", "content_id", "lane", "state", "reason", "name",
     "region", "updated", "due", "quiet"),
    or_ignore=True,
)  # fmt: skip
_ADDRESS = attrgetter("address", "channel")
"""As the unique index of deliveries has them."""

_RECIPIENTS = bulk.Insert(
    tables.recipients,
    ("delivery_id", "subscriber_id", "endpoint_id", "name", "region", "reasons"),
    or_ignore=True,
)

_SHARE = Statement("""
INSERT INTO recipients (delivery_id, subscriber_id, endpoint_id, name, region, reasons)
SELECT d.id, j.subscriber_id, j.endpoint_id, j.name, j.region, j.reasons
FROM rows(?1) j(channel text, address text, name text, region text, subscriber_id text, endpoint_id text, reasons text)
CROSS JOIN deliveries d
  ON d.address = j.address AND d.channel = j.channel AND d.alert_id /*+ || '' */ = ?2 AND d.round = ?3
WHERE true ON CONFLICT DO NOTHING
""")

_QUIETER = Statement("""
SELECT j.id, d.id, d.state, d.region FROM rows(?1) j(address text, channel text, id text, state text)
CROSS JOIN deliveries d
  ON d.address = j.address AND d.channel = j.channel AND d.alert_id /*+ || '' */ = ?2 AND d.round = ?3
WHERE d.state = 'suppressed' AND coalesce(d.reason, '') <> 'fell_over'
   OR d.state IN ('standby', 'waiting') AND d.batch_id IS NULL AND NOT d.told
  AND (d.state = 'standby' OR d.reason = 'quiet_hours') AND j.state = 'queued' /*+ ORDER BY d.id FOR UPDATE OF d */
""")

_TAKE_OVER = Statement("""
UPDATE deliveries SET state = j.state, batch_id = j.batch_id, content_id = j.content_id, reason = j.reason,
    due = j.due, quiet = j.quiet, updated = ?2
FROM rows(?1) j(id text, state text, batch_id text, content_id text, reason text, due bigint, quiet text)
WHERE deliveries.id = j.id
""")

_ROWS = Statement("""
SELECT j.id, d.id FROM rows(?1) j(address text, channel text, id text) CROSS JOIN deliveries d
  ON d.address = j.address AND d.channel = j.channel AND d.alert_id /*+ || '' */ = ?2 AND d.round = ?3
""")

_FALLBACKS = bulk.Insert(
    tables.fallbacks, ("delivery_id", "next_id", "until", "late_after", "late_at"), or_ignore=True
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

_PRESENT = Statement("SELECT id FROM deliveries WHERE id IN listed(?)")

_PROGRESS = Statement("""
UPDATE alerts SET plan_cursor = ?, planned = planned + ?, plan_of = ?, plan_done = ?
WHERE id = ? AND coalesce(plan_cursor, '') = ? AND stopped_at IS NULL RETURNING id
""")


def commit_chunk(cursor: Cursor, chunk: Chunk, pending: Pending, holder: int | None) -> Committed:
    """
    A part of a plan with its cursor; one of a range is committed by the worker of this number. Addresses that the alert
    reaches already in this round are not added twice: their recipients are, and their batches come back without them. One
    that was not to be told, or stands by, and now is to be told, is told by the row it has.
    """
    if not _goes_on(cursor, chunk, holder):
        return Committed((), stopped=True)
    if chunk.contents:
        _insert_contents(cursor, chunk)
    batches: Sequence[Batch] = chunk.batches
    there: Mapping[str, str] = {}
    if chunk.deliveries:
        batches, there = _insert_deliveries(cursor, chunk, pending)
    if chunk.shared:
        cursor.execute(_SHARE, (bulk.rows(chunk.shared), chunk.alert_id, chunk.round))
    if chunk.fallbacks:
        links = [_renamed_link(link, there) for link in chunk.fallbacks]
        _FALLBACKS.run(cursor, links)
        if there:
            catch_up(cursor, [link.delivery_id for link in links], chunk.now, pending)
    if chunk.gaps:
        _GAPS.run(cursor, [(chunk.alert_id, *gap) for gap in chunk.gaps])
    hints.batches_made(cursor, batches)
    if chunk.opens:
        ranges.hand_out(cursor, chunk)
    return Committed(batches, last=chunk.up_to is not None and ranges.count(cursor, chunk))


def _goes_on(cursor: Cursor, chunk: Chunk, holder: int | None) -> bool:
    """Whether the cursor, the plan's own or its range's, was where the chunk begins and has moved to its end."""
    if chunk.up_to is not None:
        return ranges.move_on(cursor, chunk, holder)
    progress = (chunk.cursor, chunk.planned, chunk.plan_of, chunk.done, chunk.alert_id, chunk.after)
    return cursor.execute(_PROGRESS, progress).fetchone() is not None


def insert_batches(cursor: Cursor, batches: Sequence[Batch]) -> None:
    rows = [
        (b.id, b.alert_id, b.channel, b.content.id, b.lane.value, b.state.value, b.due, b.created, b.deliver_until,
         len(b), b.attempts, b.unknowns, b.follows, b.ordered, number_of(b), b.quiet, b.rank.value)
        for b in batches
    ]  # fmt: skip
    _BATCHES.run(cursor, rows)


def _insert_contents(cursor: Cursor, chunk: Chunk) -> None:
    rows = [
        (c.id, c.alert_id, channel, c.kind, c.language, c.subject, c.body, c.segments, c.template, c.template_code,
         bulk.rows(c.variables))
        for channel, c in chunk.contents
    ]  # fmt: skip
    _CONTENTS.run(cursor, rows)


def _insert_deliveries(
    cursor: Cursor, chunk: Chunk, pending: Pending
) -> tuple[Sequence[Batch], Mapping[str, str]]:
    """The batches that can be leased, and for each delivery whose address has a row already the id of that row."""
    planned = chunk.deliveries
    if chunk.up_to is not None:
        # Another range may have the same addresses: whoever waits for one has gone as far in the same order.
        planned = sorted(planned, key=_ADDRESS)
    of, n = _columns(planned), len(planned)
    alert, round_, lane, now = (chunk.alert_id,) * n, (chunk.round,) * n, (chunk.lane,) * n, (chunk.now,) * n
    inserted = _DELIVERIES.columns(
        cursor,
        (of.id, alert, of.channel, of.address, round_, of.batch_id, of.content_id, lane, of.state, of.reason, of.name,
         of.region, now, of.due, of.quiet),
    )  # fmt: skip
    batches = chunk.batches
    there: Mapping[str, str] = {}
    if inserted != n:
        ids = bulk.rows([d.id for d in chunk.deliveries])
        present = {row[0] for row in cursor.execute(_PRESENT, (ids,))}
        of = _columns([d for d in chunk.deliveries if d.id in present])
        again = [d for d in chunk.deliveries if d.id not in present]
        taken_over = _take_over(cursor, chunk, again, pending)
        there = {id_: row for id_, (row, _) in taken_over.items()}
        present.update(there)
        batches = [
            _renamed(kept, taken_over)
            for batch in chunk.batches
            if (kept := only(batch, present)) is not None
        ]
        people = [
            (d.channel, d.address, d.name, d.region, d.subscriber_id, d.endpoint_id, d.reasons) for d in again
        ]
        cursor.execute(_SHARE, (bulk.rows(people), chunk.alert_id, chunk.round))
        if chunk.fallbacks:
            # What stands by for a shared address stands by for the row that it has.
            known = bulk.rows([(d.address, d.channel, d.id) for d in again])
            there = dict(cursor.execute(_ROWS, (known, chunk.alert_id, chunk.round)).fetchall())
    if batches:
        insert_batches(cursor, batches)
    if of.id:
        _RECIPIENTS.columns(cursor, (of.id, of.subscriber_id, of.endpoint_id, of.name, of.region, of.reasons))
    counted = Counter(zip(of.channel, map(len, of.region), of.state, strict=True))
    for (channel, digits, state), n in counted.items():
        pending.tally[chunk.alert_id, channel, LEVELS[digits], state] += n
    return batches, there


def _columns(deliveries: Sequence[PlannedDelivery]) -> Any:
    """Under the name of each field what it is in all of them, in their order."""
    columns: list[Any] = list(zip(*deliveries, strict=True))
    return PlannedDelivery(*columns or [()] * len(PlannedDelivery._fields))


def _take_over(
    cursor: Cursor, chunk: Chunk, again: Sequence[PlannedDelivery], pending: Pending
) -> dict[str, tuple[str, int]]:
    """
    Rows that are there but were not to be told (or only later), and now are: new id → (the row's, its level).

    An address is shared: one person's reason to be told outweighs another's not to be.
    """
    wanted = [(d.address, d.channel, d.id, d.state) for d in again if d.state != State.SUPPRESSED.value]
    rows = cursor.execute(_QUIETER, (bulk.rows(wanted), chunk.alert_id, chunk.round)).fetchall()
    if not rows:
        return {}
    planned = {d.id: d for d in again}
    changes = []
    for new, row, before, region in rows:
        one = planned[new]
        changes.append((row, one.state, one.batch_id, one.content_id, one.reason, one.due, one.quiet))
        pending.moved(chunk.alert_id, one.channel, (LEVELS[len(region)],), before=before, after=one.state)
    cursor.execute(_TAKE_OVER, (bulk.rows(changes), chunk.now))
    cursor.execute(
        LATE_FROM_NOW, (chunk.now, bulk.rows([row for _, row, before, _ in rows if before == "standby"]))
    )
    return {new: (row, LEVELS[len(region)]) for new, row, _, region in rows}


def _renamed(batch: Batch, taken_over: Mapping[str, tuple[str, int]]) -> Batch:
    """The batch with the rows that are there already, in the order of their ids: so it is read back, byte for byte."""
    if taken_over.keys().isdisjoint(batch.deliveries):
        return batch
    members = sorted(
        (*taken_over.get(id_, (id_, level)), address)
        for id_, level, address in zip(batch.deliveries, batch.levels, batch.addresses, strict=True)
    )
    ids, levels, addresses = zip(*members, strict=True)
    return replace(batch, deliveries=ids, addresses=addresses, levels=bytes(levels))


def _renamed_link(link: Fallback, there: Mapping[str, str]) -> Fallback:
    return link._replace(
        delivery_id=there.get(link.delivery_id, link.delivery_id),
        next_id=there.get(link.next_id, link.next_id),
    )


def only(batch: Batch, present: Container[str]) -> Batch | None:
    """The batch with just these deliveries; None when none is left."""
    keep = [index for index, delivery in enumerate(batch.deliveries) if delivery in present]
    if len(keep) == len(batch):
        return batch
    return batch.only(keep) if keep else None
