"""Applying what attempts came to: batches, deliveries, receipt keys, fallbacks; all slots' in one commit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from warnd.model.delivery import Batch, BatchState, State
from warnd.ports import Settlement
from warnd.store import bulk, tables
from warnd.store.bundling import end_bundles
from warnd.store.fallbacks import await_receipts, stand_down, start_fallbacks
from warnd.store.journal import Entry
from warnd.store.pending import Pending
from warnd.store.planning import insert_batches
from warnd.store.receiving import Confirm, confirm_early
from warnd.store.statement import Cursor, Statement

_EPOCHS = Statement(
    "SELECT id, epoch, state FROM batches WHERE id IN listed(?) /*+ ORDER BY id FOR UPDATE */"
)

_IN_TIME = Statement("""
SELECT count(*) FROM (
    SELECT b.epoch FROM rows(?) j(id text, epoch integer) CROSS JOIN batches b ON b.id = j.id
    WHERE b.epoch = j.epoch AND b.state = 'sending' /*+ ORDER BY b.id FOR UPDATE OF b */) held
""")

_END_BATCHES = Statement("""
UPDATE batches SET lease_until = NULL, state = 'settled', due = 0 WHERE id IN listed(?)
""")

_SETTLE_BATCHES = Statement("""
UPDATE batches SET lease_until = NULL, state = j.state, due = j.due, unknowns = j.unknowns
FROM rows(?) j(id text, state text, due bigint, unknowns integer) WHERE batches.id = j.id
""")

_SETTLE_ALIKE = Statement("""
UPDATE deliveries SET state = ?1, reason = ?2, detail = ?3, told = told OR ?4, updated = ?5
WHERE batch_id IN listed(?6) AND state IN ('queued', 'waiting', 'unknown')
""")

_SETTLE_EACH = Statement("""
UPDATE deliveries SET state = j.state, reason = j.reason, detail = j.detail, told = deliveries.told OR j.told,
    updated = j.updated
FROM rows(?) j(id text, state text, reason text, detail text, told boolean, updated bigint) WHERE deliveries.id = j.id
""")

_DEPART = Statement("""
UPDATE deliveries SET state = j.state, reason = j.reason, detail = j.detail, updated = j.updated, due = j.due,
    attempts = deliveries.attempts + j.tries, batch_id = NULL
FROM rows(?) j(id text, state text, reason text, detail text, updated bigint, due bigint, tries integer)
WHERE deliveries.id = j.id
""")

_JOIN_BATCH = Statement("""
UPDATE deliveries SET batch_id = j.batch_id, state = j.state, attempts = 0, updated = j.updated
FROM rows(?) j(id text, batch_id text, state text, updated bigint) WHERE deliveries.id = j.id
""")

_FORMER = bulk.Insert(tables.former_batches, ("delivery_id", "batch_id"), or_ignore=True)
_KEYS = bulk.Insert(tables.receipt_keys, ("channel", "receipt_key", "delivery_id"), or_ignore=True)

_REFUSED_CONTENTS = Statement("""
UPDATE contents SET refused_at = coalesce(refused_at, ?) WHERE id IN listed(?)
""")

_FORGIVEN = Statement("""
UPDATE endpoints SET rejections = 0 WHERE rejections > 0 AND id IN (
    SELECT r.endpoint_id FROM listed(?) j(id)
    CROSS JOIN deliveries d ON d.id = j.id CROSS JOIN recipients r ON r.delivery_id = d.id
    WHERE (SELECT p.state FROM deliveries p
           WHERE p.address = d.address AND p.channel = d.channel AND p.id < d.id
             AND p.state IN ('accepted', 'delivered', 'failed')
           ORDER BY p.id DESC LIMIT 1) IN ('accepted', 'delivered'))
""")
"""An acceptance in between ends the row of refusals; looked up when the next one comes, so that acceptances cost nothing."""

_REJECTED = Statement("""
UPDATE endpoints SET rejections = rejections + 1,
    state = CASE WHEN rejections + 1 >= ?2 THEN 'suspended' ELSE state END
WHERE id IN (SELECT r.endpoint_id FROM recipients r
             WHERE r.delivery_id IN listed(?1))
""")

_FALLEN = frozenset({State.FAILED, State.UNKNOWN, State.EXPIRED})
"""States that wake the next channel of an ordered policy."""


def settle(
    cursor: Cursor,
    settlements: Sequence[Settlement],
    pending: Pending,
    *,
    confirm: Confirm,
    suspend_after: int,
) -> None:
    """Apply what the attempts came to. An attempt whose lease was taken over is kept in the journal alone."""
    bundles = [one for one in settlements if one.parts]
    if bundles:
        settlements = [each for one in settlements for each in one.each]
    current = _in_time(cursor, settlements, pending, confirm)
    if not current:
        return
    if bundles:
        end_bundles(cursor, bundles, {one.batch.id for one in current})
    _settle_batches(cursor, current)
    _settle_alike(cursor, [one for one in current if one.uniform is not None], pending)
    mixed = [one for one in current if one.uniform is None]
    if mixed:
        _settle_mixed(cursor, mixed, pending)
    _keep_keys(cursor, current, pending, confirm)
    _follow_up(cursor, current, pending, suspend_after)


def _settle_batches(cursor: Cursor, settlements: Sequence[Settlement]) -> None:
    ended: list[str] = []
    others: list[tuple[object, ...]] = []
    for one in settlements:
        if one.state is BatchState.SETTLED and not one.due and one.unknowns == one.batch.unknowns:
            ended.append(one.batch.id)
        else:
            others.append((one.batch.id, one.state.value, one.due, one.unknowns))
    if ended:
        cursor.execute(_END_BATCHES, (bulk.rows(ended),))
    if others:
        cursor.execute(_SETTLE_BATCHES, (bulk.rows(others),))


def _in_time(
    cursor: Cursor, settlements: Sequence[Settlement], pending: Pending, confirm: Confirm
) -> Sequence[Settlement]:
    """Those whose lease still holds; the others are dealt with here."""
    leases = bulk.rows([(one.batch.id, one.batch.epoch) for one in settlements])
    if cursor.execute(_IN_TIME, (leases,)).fetchone()[0] == len(settlements):
        pending.entries.extend(_attempt(one, in_time=True) for one in settlements)
        return settlements
    ids = bulk.rows([one.batch.id for one in settlements])
    now_at = {row[0]: (row[1], row[2]) for row in cursor.execute(_EPOCHS, (ids,))}
    current: list[Settlement] = []
    for one in settlements:
        in_time = now_at.get(one.batch.id) == (one.batch.epoch, BatchState.SENDING.value)
        pending.entries.append(_attempt(one, in_time=in_time))
        if in_time:
            current.append(one)
        else:
            _settle_late(cursor, one, now_at.get(one.batch.id), pending, confirm)
    return current


def _attempt(one: Settlement, *, in_time: bool) -> Entry:
    batch = one.batch
    body = {
        "channel": batch.channel,
        "alert": batch.alert_id,
        "try": batch.attempts,
        "epoch": batch.epoch,
        "started": one.started,
        "size": len(batch),
        **one.outcome,
    }
    if batch.unknowns:
        body["possible_repeat"] = True
    if not in_time:
        body["late"] = True
    return Entry(one.ended, "attempt.ended", batch.id, body)


def _settle_late(
    cursor: Cursor,
    one: Settlement,
    now_at: tuple[int, str] | None,
    pending: Pending,
    confirm: Confirm,
) -> None:
    """
    The lease had passed to somebody else before this answer came.

    A clear acceptance still stops a repeat that has not left yet.
    """
    if one.uniform is None or one.uniform.state is not State.ACCEPTED:
        return
    if now_at is None or now_at[1] != BatchState.UNKNOWN.value:
        return
    cursor.execute(_SETTLE_BATCHES, (bulk.rows([(one.batch.id, "settled", 0, one.batch.unknowns)]),))
    late = one._replace(batch=replace(one.batch, state=BatchState.UNKNOWN))
    _settle_alike(cursor, [late], pending)
    _keep_keys(cursor, [late], pending, confirm)
    _relieve(cursor, [late], pending)


def _settle_alike(cursor: Cursor, settlements: Sequence[Settlement], pending: Pending) -> None:
    by_fate: dict[tuple[str, str | None, str | None, bool], list[Settlement]] = {}
    moved = defaultdict[tuple[str, str, str, str], bytearray](bytearray)
    for one in settlements:
        batch, fate = one.batch, one.uniform
        assert fate is not None  # noqa: S101  the caller chose by it
        reason = fate.reason.value if fate.reason else None
        state = fate.state.value
        by_fate.setdefault((state, reason, fate.detail or None, fate.told), []).append(one)
        moved[batch.alert_id, batch.channel, batch.state.value, state] += batch.levels
    for (alert_id, channel, before, after), levels in moved.items():
        pending.moved(alert_id, channel, levels, before=before, after=after)
    for (state, reason, detail, told), alike in by_fate.items():
        ids = bulk.rows([one.batch.id for one in alike])
        cursor.execute(_SETTLE_ALIKE, (state, reason, detail, told, alike[-1].ended, ids))


def _settle_mixed(cursor: Cursor, settlements: Sequence[Settlement], pending: Pending) -> None:
    decided: list[tuple[object, ...]] = []
    departed: list[tuple[object, ...]] = []
    joined: list[tuple[object, ...]] = []
    former: list[tuple[str, str]] = []
    for one in settlements:
        batch = one.batch
        before = batch.state.value
        for index, fate in one.fates:
            reason = fate.reason.value if fate.reason else None
            row = (
                batch.deliveries[index],
                fate.state.value,
                reason,
                fate.detail or None,
                fate.told,
                one.ended,
            )
            decided.append(row)
            _moved_one(pending, batch, index, before, fate.state.value)
        for index, fate, due in one.departures:
            reason = fate.reason.value if fate.reason else None
            delivery = batch.deliveries[index]
            departed.append(
                (delivery, fate.state.value, reason, fate.detail or None, one.ended, due, batch.attempts)
            )
            former.append((delivery, batch.id))
            _moved_one(pending, batch, index, before, fate.state.value)
        for split in one.splits:
            joined.extend((delivery, split.id, split.state.value, one.ended) for delivery in split.deliveries)
            former.extend((delivery, batch.id) for delivery in split.deliveries)
            pending.moved(batch.alert_id, batch.channel, split.levels, before=before, after=split.state.value)
    if decided:
        cursor.execute(_SETTLE_EACH, (bulk.rows(decided),))
    if departed:
        cursor.execute(_DEPART, (bulk.rows(departed),))
        pending.gather = True
    if splits := [split for one in settlements for split in one.splits]:
        insert_batches(cursor, splits)
        cursor.execute(_JOIN_BATCH, (bulk.rows(joined),))
    if former:
        _FORMER.run(cursor, former)


def _moved_one(pending: Pending, batch: Batch, index: int, before: str, after: str) -> None:
    pending.moved(batch.alert_id, batch.channel, (batch.levels[index],), before=before, after=after)


def _keep_keys(cursor: Cursor, settlements: Sequence[Settlement], pending: Pending, confirm: Confirm) -> None:
    by_channel: dict[str, tuple[list[str], list[str]]] = {}
    for one in settlements:
        keys, deliveries = by_channel.setdefault(one.batch.channel, ([], []))
        for place, key in one.receipt_keys:
            keys.append(key)
            deliveries.append(one.batch.deliveries[place])
    now = max(one.ended for one in settlements)
    for channel, (keys, deliveries) in by_channel.items():
        if keys:
            _KEYS.columns(cursor, ((channel,) * len(keys), keys, deliveries))
            confirm_early(cursor, channel, keys, now, pending, confirm)


def _follow_up(
    cursor: Cursor, settlements: Sequence[Settlement], pending: Pending, suspend_after: int
) -> None:
    refused = [one.batch.content.id for one in settlements if one.content_refused]
    if refused:
        cursor.execute(_REFUSED_CONTENTS, (settlements[-1].ended, bulk.rows(refused)))
    rejected = [one.batch.deliveries[index] for one in settlements for index in one.rejected]
    if rejected:
        cursor.execute(_FORGIVEN, (bulk.rows(rejected),))
        cursor.execute(_REJECTED, (bulk.rows(rejected), suspend_after))
    start_fallbacks(cursor, _fallen(settlements), settlements[-1].ended, pending)
    _relieve(cursor, settlements, pending)


def _relieve(cursor: Cursor, settlements: Sequence[Settlement], pending: Pending) -> None:
    """What stands by for acceptances is not needed, or waits for their receipts."""
    if ordered := [one.batch.id for one in settlements if one.batch.ordered]:
        stand_down(cursor, settlements[-1].ended, pending, batches=ordered)
        await_receipts(cursor, ordered, settlements[-1].ended)


def _fallen(settlements: Sequence[Settlement]) -> list[str]:
    fallen: list[str] = []
    for one in settlements:
        if not one.batch.ordered:
            continue
        if one.uniform is not None:
            if one.uniform.state in _FALLEN and one.state is BatchState.SETTLED:
                fallen.extend(one.batch.deliveries)
        else:
            fallen.extend(one.batch.deliveries[i] for i, fate in one.fates if fate.state in _FALLEN)
    return fallen
