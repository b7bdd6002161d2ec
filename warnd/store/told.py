"""Those who were told of an episode: to whom its next message, or its end, must go."""

from __future__ import annotations

from sqlalchemy import Connection

from warnd.ports import Behind, Told
from warnd.store import bulk
from warnd.store.database import raw_of

_TOLD = """
SELECT d.id, d.told, d.channel, d.address, coalesce(c.language, ''), d.name, d.region
FROM deliveries d LEFT JOIN contents c ON c.id = d.content_id
WHERE d.alert_id = ?1 AND d.id > ?2 AND (d.told = 1 OR ?5 AND d.state IN ('queued', 'waiting', 'superseded'))
  AND NOT EXISTS (
    SELECT 1 FROM deliveries n WHERE n.address = d.address AND n.channel = d.channel AND n.alert_id = ?3
      AND (n.state <> 'suppressed' OR d.told = 1 AND n.reason IN ('not_on_policy', 'not_needed')))
ORDER BY d.id LIMIT ?4
"""

_BEHIND = """
SELECT delivery_id, subscriber_id, endpoint_id, name, region, reasons FROM recipients
WHERE delivery_id IN (SELECT value FROM json_each(?))
"""

_OUT = """
SELECT count(*) FROM json_each(?1) e CROSS JOIN batches b ON b.alert_id = e.value AND b.state IN ('sending', 'unknown')
"""

_COUNT = """
SELECT count(DISTINCT d.channel || ' ' || d.address)
FROM json_each(?1) e CROSS JOIN deliveries d ON d.alert_id = e.value WHERE d.told = 1
"""


def not_yet_followed(
    connection: Connection, earlier: str, alert_id: str, after: str, limit: int, *, untold: bool
) -> list[Told]:
    """
    Addresses that were told the ``earlier`` alert and have nothing to be sent of this one, by delivery, from the one
    after ``after``; with ``untold`` those too that were to be told it and had not been by the time it stopped.
    """
    raw = raw_of(connection)
    rows = raw.execute(_TOLD, (earlier, after, alert_id, limit, untold)).fetchall()
    people: dict[str, list[Behind]] = {}
    for delivery, *behind in raw.execute(_BEHIND, (bulk.rows([row[0] for row in rows]),)):
        people.setdefault(delivery, []).append(Behind._make(behind))
    return [Told._make((row[0], bool(row[1]), *row[2:], tuple(people.get(row[0], ())))) for row in rows]


def still_out(connection: Connection, earlier: list[str]) -> int:
    """Batches of these alerts whose outcome is not known yet: those behind them may come to be told."""
    row = raw_of(connection).execute(_OUT, (bulk.rows(earlier),)).fetchone()
    return int(row[0])


def how_many(connection: Connection, earlier: list[str]) -> int:
    """Addresses told by any of these alerts so far."""
    row = raw_of(connection).execute(_COUNT, (bulk.rows(earlier),)).fetchone()
    return int(row[0])
