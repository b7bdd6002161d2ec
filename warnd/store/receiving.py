"""Keeping the provider's later words and applying them to their deliveries, early and repeated ones too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from warnd.contract.outcome import Receipt, ReceiptStatus
from warnd.model.delivery import State
from warnd.model.region import level_of
from warnd.store import bulk, tables
from warnd.store.database import raw_of
from warnd.store.journal import Entry
from warnd.store.pending import Pending
from warnd.store.statement import Cursor, Statement

Confirm = Callable[[State, ReceiptStatus], State | None]
"""The decision of ``pipeline.confirm``: the state a receipt leads to, or None when it changes nothing."""

_RECEIPTS = bulk.Insert(
    tables.receipts,
    ("id", "channel", "receipt_key", "address", "status", "at", "received", "detail", "delivery_id"),
)

_BY_KEY = Statement("""
SELECT k.receipt_key, d.id, d.address, d.state, d.alert_id, d.region
FROM listed(?2) j(key) CROSS JOIN receipt_keys k ON k.channel = ?1 AND k.receipt_key = j.key
CROSS JOIN deliveries d ON d.id = k.delivery_id /*+ ORDER BY d.id FOR UPDATE OF d */
""")

_EARLY = Statement("""
SELECT r.id, r.receipt_key, r.address, r.status, r.detail FROM listed(?2) j(key)
CROSS JOIN receipts r ON r.channel = ?1 AND r.receipt_key = j.key AND r.delivery_id IS NULL
""")

_MISSED = Statement("""
SELECT r.channel, r.receipt_key FROM receipts r
WHERE r.delivery_id IS NULL AND r.id >= ?1
  AND EXISTS (SELECT 1 FROM receipt_keys k WHERE k.channel = r.channel AND k.receipt_key = r.receipt_key)
""")

_CLAIM = Statement("""
UPDATE receipts SET delivery_id = j.delivery_id FROM rows(?) j(id text, delivery_id text) WHERE receipts.id = j.id
""")

_CONFIRM = Statement("""
UPDATE deliveries SET state = j.state, detail = j.detail, updated = j.updated, told = true
FROM rows(?) j(id text, state text, detail text, updated bigint) WHERE deliveries.id = j.id
""")


class _Kept(NamedTuple):
    """A receipt as its row has it."""

    id: str
    key: str
    address: str | None
    status: str
    detail: str


def receive(
    cursor: Cursor,
    channel: str,
    receipts: Sequence[tuple[str, Receipt]],
    now: int,
    pending: Pending,
    confirm: Confirm,
) -> None:
    """Keep every receipt (new id, receipt), then apply those whose delivery is known; the rest wait."""
    rows = [
        (id_, channel, one.key, one.address, one.status.value,
         tables.micros(one.at) if one.at is not None else None, now, one.detail[:200], None)
        for id_, one in receipts
    ]  # fmt: skip
    _RECEIPTS.run(cursor, rows)
    delivered = sum(one.status is ReceiptStatus.DELIVERED for _, one in receipts)
    body = {"received": len(rows), "delivered": delivered, "first": rows[0][0], "last": rows[-1][0]}
    pending.entries.append(Entry(now, "receipts.received", channel, body))
    kept = [_Kept(id_, one.key, one.address, one.status.value, one.detail[:200]) for id_, one in receipts]
    _apply(cursor, channel, kept, now, pending, confirm)


def confirm_early(
    cursor: Cursor, channel: str, keys: Sequence[str], now: int, pending: Pending, confirm: Confirm
) -> None:
    """Apply receipts that came before the keys they name: a provider's callback may overtake its answer."""
    early = cursor.execute(_EARLY, (channel, bulk.rows(keys))).fetchall()
    if early:
        _apply(cursor, channel, [_Kept(*row) for row in early], now, pending, confirm)


def missed(connection: Connection, since: str) -> list[tuple[str, str]]:
    """
    (channel, key) of receipts with an id from ``since`` on that wait for a delivery though their key is known.

    Where several processes write, a receipt and the outcome that brings its key may be committed at one moment, neither
    knowing of the other.
    """
    return [(channel, key) for channel, key in raw_of(connection).execute(_MISSED, (since,))]


def match_missed(
    connection: Connection, pending: Pending, found: Sequence[tuple[str, str]], now: int, confirm: Confirm
) -> None:
    """Apply what ``missed`` found."""
    for channel in {channel for channel, _ in found}:
        keys = [key for each, key in found if each == channel]
        confirm_early(raw_of(connection), channel, keys, now, pending, confirm)


def _apply(
    cursor: Cursor,
    channel: str,
    kept: Sequence[_Kept],
    now: int,
    pending: Pending,
    confirm: Confirm,
) -> None:
    named: dict[str, list[tuple[str, str, str, str, str]]] = {}
    keys = list({one.key for one in kept})
    for key, *delivery in cursor.execute(_BY_KEY, (channel, bulk.rows(keys))):
        named.setdefault(key, []).append(tuple(delivery))
    states: dict[str, str] = {}
    claimed: list[tuple[str, str]] = []
    changed: dict[str, tuple[str, str, str | None, int]] = {}
    for one in kept:
        for id_, address, state, alert_id, region in named.get(one.key, ()):
            if one.address is not None and one.address != address:
                continue
            claimed.append((one.id, id_))
            before = State(states.get(id_, state))
            after = confirm(before, ReceiptStatus(one.status))
            if after is None:
                continue
            states[id_] = after.value
            changed[id_] = (id_, after.value, one.detail or None, now)
            pending.moved(alert_id, channel, (level_of(region),), before=before.value, after=after.value)
    if claimed:
        cursor.execute(_CLAIM, (bulk.rows(claimed),))
    if changed:
        cursor.execute(_CONFIRM, (bulk.rows(list(changed.values())),))
