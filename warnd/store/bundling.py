"""What went as one message: kept with the lease, ended with the answer, found again for as long as it may go once more."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection

from warnd.model.delivery import Batch, BatchState
from warnd.ports import Settlement
from warnd.store import bulk, tables
from warnd.store.database import raw_of
from warnd.store.statement import Cursor, Statement

OPEN, OVER, REFUSED = "open", "over", "refused"

_BUNDLES = bulk.Insert(
    tables.bundles,
    ("id", "state", "made", "language", "subject", "body", "segments", "template"),
    or_ignore=True,
)
_PARTS = bulk.Insert(tables.bundle_parts, ("delivery_id", "bundle_id", "place", "batch_id"), or_ignore=True)

_END = Statement("""
UPDATE bundles SET state = j.state FROM rows(?) j(id text, state text) WHERE bundles.id = j.id AND bundles.state = 'open'
""")

_CARRIED_BY = Statement("""
SELECT p.batch_id, p.bundle_id FROM deliveries d CROSS JOIN bundle_parts p ON p.delivery_id = d.id
CROSS JOIN bundles g ON g.id = p.bundle_id AND g.state = 'open'
WHERE d.batch_id IN listed(?) AND p.batch_id = d.batch_id
""")


def keep_bundles(cursor: Cursor, bundles: Sequence[Batch]) -> None:
    """With the leases on their parts; what goes again is there already."""
    rows = []
    for one in bundles:
        said = one.content
        rows.append(
            (one.id, OPEN, one.created, said.language, said.subject, said.body, said.segments, said.template)
        )
    _BUNDLES.run(cursor, rows)
    parts = [
        (part.deliveries[0], one.id, place, part.id)
        for one in bundles
        for place, part in enumerate(one.parts)
    ]
    _PARTS.run(cursor, parts)


def end_bundles(cursor: Cursor, settlements: Sequence[Settlement], in_time: Collection[str]) -> None:
    """Those whose parts' leases (by batch) all held, but for what goes again as it is."""
    rows = [
        (one.batch.id, REFUSED if one.state is BatchState.STOPPED else OVER)
        for one in settlements
        if one.state is not BatchState.UNKNOWN and all(part.batch.id in in_time for part in one.parts)
    ]
    if rows:
        cursor.execute(_END, (bulk.rows(rows),))


def dissolve(connection: Connection, bundle: str) -> None:
    """It does not go again as it was: each of its parts goes by itself."""
    raw_of(connection).execute(_END, (bulk.rows([(bundle, OVER)]),))


def carried_by(cursor: Cursor, batches: Sequence[str]) -> dict[str, str]:
    """The open bundles in which these batches went, by batch."""
    return dict(cursor.execute(_CARRIED_BY, (bulk.rows(batches),)).fetchall())
