"""``ports.Piles`` over the store: what waits for one address of a channel, and in which bundle something went."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection

from warnd.model.alert import Status
from warnd.model.color import Lane
from warnd.model.content import Content
from warnd.model.delivery import Batch
from warnd.model.ulid import floor
from warnd.ports import Pile, Store, Unclear
from warnd.store.backlog import OF_BATCH, batches_of
from warnd.store.bundling import dissolve
from warnd.store.database import raw_of
from warnd.store.leasing import blocked
from warnd.store.statement import Statement
from warnd.store.tables import instant

_YOUNGER = timedelta(days=2)
"""
Of alerts that came within this time. An address may have thousands of deliveries, of which the index gives those of the
latest alerts; what is older and still waits goes by itself.
"""

_STATUS = Statement("SELECT a.status FROM batches b CROSS JOIN alerts a ON a.id = b.alert_id WHERE b.id = ?")

_PILE = Statement(f"""
SELECT {OF_BATCH}
FROM deliveries d CROSS JOIN batches b ON b.id = d.batch_id CROSS JOIN alerts a ON a.id = b.alert_id
WHERE d.address = ?1 AND d.channel = ?2 AND d.alert_id > ?3 AND d.state IN ('queued', 'waiting')
  AND b.state IN ('queued', 'waiting') AND b.unknowns = 0 AND b.size = 1 AND b.deliver_until > ?4
  AND b.lane BETWEEN ?5 AND ?6 AND a.status = ?7 AND a.stopped_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM bundle_parts p CROSS JOIN bundles g ON g.id = p.bundle_id
                  WHERE p.delivery_id = d.id AND g.state = 'refused')
ORDER BY b.lane, b.rank, b.id LIMIT ?8
""")

_OPEN = Statement("""
SELECT g.id, g.made, g.language, g.subject, g.body, g.segments, g.template
FROM bundle_parts p CROSS JOIN bundles g ON g.id = p.bundle_id WHERE p.delivery_id = ? AND g.state = 'open'
""")

_PARTS = Statement(f"""
SELECT {OF_BATCH}, b.unknowns > 0 AND b.state IN ('waiting', 'unknown') AND b.deliver_until > ?2 AND a.stopped_at IS NULL
    AND d.state IN ('waiting', 'unknown')
FROM bundle_parts p CROSS JOIN deliveries d ON d.id = p.delivery_id CROSS JOIN batches b ON b.id = p.batch_id
CROSS JOIN alerts a ON a.id = b.alert_id
WHERE p.bundle_id = ?1 ORDER BY p.place
""")
"""The seventeenth column says whether it may go again as it was."""


class StoredPiles:
    """Reads for bundling."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def pile(self, batch: Batch, lanes: tuple[Lane, Lane], now: int, limit: int) -> Pile | None:
        return await self._store.read(pile, batch, lanes, now, limit)

    async def unclear(self, batch: Batch, now: int) -> Unclear:
        bundle, found = await self._store.read(unclear, batch, now)
        if bundle is not None and found == Unclear(None):
            await self._store.write(dissolve, bundle)
        return found


def pile(connection: Connection, batch: Batch, lanes: tuple[Lane, Lane], now: int, limit: int) -> Pile | None:
    """See ``ports.Piles``."""
    raw = raw_of(connection)
    row = raw.execute(_STATUS, (batch.id,)).fetchone()
    if row is None:
        return None
    first, last = lanes
    values = (
        batch.addresses[0], batch.channel, floor(instant(now) - _YOUNGER), now, first.value, last.value, row[0], limit
    )  # fmt: skip
    found = batches_of(connection, raw.execute(_PILE, values).fetchall())
    if len(found) < limit and all(one.id != batch.id for one in found):
        return None
    held_up = blocked(raw, [one.id for one in found if one.follows])
    return Pile(Status(row[0]), [one for one in found if one.id not in held_up])


def unclear(connection: Connection, batch: Batch, now: int) -> tuple[str | None, Unclear]:
    """See ``ports.Piles``; with the id of the open bundle, if there is one."""
    raw = raw_of(connection)
    row = raw.execute(_OPEN, (batch.deliveries[0],)).fetchone()
    if row is None:
        return None, Unclear(None)
    bundle, made, language, subject, body, segments, template = row
    rows = raw.execute(_PARTS, (bundle, now)).fetchall()
    if any(one[5] == "sending" for one in rows):
        return bundle, Unclear(None, out=True)
    if not all(one[16] for one in rows):
        return bundle, Unclear(None)
    parts = batches_of(connection, rows)
    first = parts[0]
    said = Content(bundle, first.alert_id, first.content.kind, language, body, subject, segments, template)
    return bundle, Unclear(Batch.carrying(parts, said, made))
