"""Which deliveries may have told somebody twice: a page's worth at a time, by key."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from warnd.store import bulk
from warnd.store.database import raw_of
from warnd.store.statement import Statement

_UNCLEAR = Statement("""
SELECT d.id, b.id FROM listed(?1) l(id) CROSS JOIN deliveries d ON d.id = l.id
CROSS JOIN batches b ON b.id = d.batch_id WHERE b.unknowns > 0
UNION ALL
SELECT f.delivery_id, b.id FROM listed(?1) l(id) CROSS JOIN former_batches f ON f.delivery_id = l.id
CROSS JOIN batches b ON b.id = f.batch_id WHERE b.unknowns > 0
""")
"""With the batch of theirs of which a try ended without a clear answer: few, and mostly none."""

_MARKED = Statement("""
SELECT DISTINCT j.subject FROM listed(?) l(id) CROSS JOIN journal j ON j.subject = l.id
WHERE j.kind IN ('attempt.ended', 'attempt.interrupted') AND instr(j.body, '"possible_repeat":true') > 0
    AND instr(j.body, '"not_sent":') = 0
""")
"""That another try followed, of which anything left, is in the journal alone: a receipt may have come first."""

_BESIDE = Statement("""
SELECT DISTINCT d.id FROM listed(?) l(id) CROSS JOIN fallbacks f ON f.next_id = l.id
CROSS JOIN deliveries d ON d.id = f.next_id CROSS JOIN deliveries p ON p.id = f.delivery_id
WHERE p.told AND d.state NOT IN ('standby', 'suppressed') AND (d.batch_id IS NOT NULL OR d.attempts > 0)
""")
"""Started though the one before them may have got through."""


def possible_repeats(connection: Connection, deliveries: Sequence[str]) -> frozenset[str]:
    """Those that were tried again after a try without a clear answer, or started beside one that may have got through."""
    raw = raw_of(connection)
    asked = bulk.rows(list(deliveries))
    found = {row[0] for row in raw.execute(_BESIDE, (asked,))}
    unclear = raw.execute(_UNCLEAR, (asked,)).fetchall()
    if unclear:
        batches = bulk.rows(sorted({batch for _, batch in unclear}))
        marked = {row[0] for row in raw.execute(_MARKED, (batches,))}
        found.update(delivery for delivery, batch in unclear if batch in marked)
    return frozenset(found)
