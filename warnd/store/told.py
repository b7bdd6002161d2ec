"""Those who were told of an episode: to whom its next message, or its end, must go."""

from __future__ import annotations

from sqlalchemy import Connection

from warnd.ports import Behind, Told
from warnd.store import bulk
from warnd.store.database import raw_of

_TOLD = """
SELECT d.id, d.channel, d.address, coalesce(c.language, ''), d.name, d.region
FROM json_each(?1) e CROSS JOIN deliveries d ON d.alert_id = e.value
LEFT JOIN contents c ON c.id = d.content_id
WHERE d.told = 1 AND NOT EXISTS (
    SELECT 1 FROM deliveries n WHERE n.address = d.address AND n.channel = d.channel AND n.alert_id = ?2
      AND (n.state <> 'suppressed' OR n.reason = 'not_on_policy'))
LIMIT ?3
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


def not_yet_followed(connection: Connection, earlier: list[str], alert_id: str, limit: int) -> list[Told]:
    """At most ``limit`` addresses that were told one of the ``earlier`` alerts and have nothing of this one."""
    raw = raw_of(connection)
    rows = raw.execute(_TOLD, (bulk.rows(earlier), alert_id, limit)).fetchall()
    people: dict[str, list[Behind]] = {}
    for delivery, *behind in raw.execute(_BEHIND, (bulk.rows([row[0] for row in rows]),)):
        people.setdefault(delivery, []).append(Behind._make(behind))
    return [Told._make((*row[1:], tuple(people.get(row[0], ())))) for row in rows]


def still_out(connection: Connection, earlier: list[str]) -> int:
    """Batches of these alerts whose outcome is not known yet: those behind them may come to be told."""
    row = raw_of(connection).execute(_OUT, (bulk.rows(earlier),)).fetchone()
    return int(row[0])


_BY_CHANNEL = """
SELECT d.channel, length(d.region), count(DISTINCT d.address)
FROM json_each(?1) e CROSS JOIN deliveries d ON d.alert_id = e.value WHERE d.told = 1 GROUP BY 1, 2
"""


def by_channel_and_level(connection: Connection, earlier: list[str]) -> list[tuple[str, int, int]]:
    """(channel, width of the region's code, addresses) of those told by any of these alerts so far."""
    rows = raw_of(connection).execute(_BY_CHANNEL, (bulk.rows(earlier),)).fetchall()
    return [(channel, width, n) for channel, width, n in rows]


def how_many(connection: Connection, earlier: list[str]) -> int:
    """Addresses told by any of these alerts so far."""
    row = raw_of(connection).execute(_COUNT, (bulk.rows(earlier),)).fetchone()
    return int(row[0])
