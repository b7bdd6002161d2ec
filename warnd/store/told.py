"""Those who were told of an episode: to whom its next message, or its end, must go."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from warnd.ports import Behind, Heard, Told
from warnd.store import bulk
from warnd.store.database import raw_of
from warnd.store.members import AFTER_ALL, BOUNDARIES
from warnd.store.statement import Statement

WALKED = 6_000
"""Deliveries that one read walks past in search of those told, so that it stays short."""

_UP_TO = Statement("""
SELECT max(id) FROM (
    SELECT id FROM deliveries WHERE (alert_id, id) > (?1, ?2) AND (alert_id, id) <= (?1, ?3)
    ORDER BY alert_id, id LIMIT ?4) walked
""")

_BOUNDARY = Statement("""
SELECT id FROM deliveries WHERE (alert_id, id) > (?1, ?2) AND alert_id <= ?1 ORDER BY alert_id, id LIMIT 1 OFFSET ?3
""")

# Of whoever is walked past an address is looked up, by the index of addresses alone (ADR 19).
_TOLD = Statement("""
SELECT d.id, d.told, d.channel, d.address, coalesce(c.language, ''), d.name, d.region, d.quiet
FROM deliveries d LEFT JOIN contents c ON c.id = d.content_id
WHERE (d.alert_id, d.id) > (?1, ?2) AND (d.alert_id, d.id) <= (?1, ?6)
  AND (d.told OR ?5 AND d.state IN ('queued', 'waiting', 'superseded')
    AND NOT EXISTS (SELECT 1 FROM fallbacks WHERE next_id = d.id)
    AND EXISTS (
      SELECT 1 FROM deliveries t JOIN alerts a ON a.id = t.alert_id
      WHERE t.address = d.address AND t.channel = d.channel AND t.told AND t.id <> d.id
        AND a.episode_id = (SELECT episode_id FROM alerts WHERE id = ?1)))
  AND (NOT EXISTS (
    SELECT 1 FROM deliveries n WHERE n.address = d.address AND n.channel = d.channel AND n.alert_id /*+ || '' */ = ?3
      AND (n.state <> 'suppressed' OR d.told AND n.reason IN ('not_on_policy', 'too_loud', 'not_needed')))
    /*+ OR false */)
ORDER BY d.alert_id, d.id LIMIT ?4
""")

_BEHIND = Statement("""
SELECT delivery_id, subscriber_id, endpoint_id, name, region, reasons FROM recipients
WHERE delivery_id IN listed(?)
""")

_OUT = Statement("""
SELECT count(*) FROM listed(?1) e(id) CROSS JOIN batches b ON b.alert_id = e.id AND b.state IN ('sending', 'unknown')
""")

_LEASING = Statement("""
SELECT '' WHERE false /*+ UNION ALL
SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation' AND relation = 'batches'::regclass
    AND mode = 'RowShareLock' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
*/
""")
"""
Whoever looks for free batches (``leasing._FREE``, by its ``FOR UPDATE``) has that lock from before it sees which alerts are
in force until its commit can be seen. Who only adds batches, or reads them, has others.
"""

_MOST = Statement("""
SELECT coalesce(max(n), 0) FROM (
    SELECT sum(t.n) AS n FROM listed(?) e(id) CROSS JOIN tallies t ON t.alert_id = e.id
    WHERE t.state IN ('accepted', 'delivered', 'undelivered', 'unknown') GROUP BY t.alert_id) sums
""")

_BY_CHANNEL = Statement("""
SELECT d.channel, length(d.region), count(DISTINCT d.address)
FROM listed(?1) e(id) CROSS JOIN deliveries d ON d.alert_id = e.id WHERE d.told GROUP BY 1, 2
""")

_STOPPED_SHORT = Statement("""
SELECT 1 FROM listed(?1) e(id) CROSS JOIN alerts a ON a.id = e.id
WHERE a.successor_id = ?2 AND (NOT a.plan_done OR EXISTS (
    SELECT 1 FROM tallies t WHERE t.alert_id = a.id AND t.state IN ('queued', 'waiting', 'standby', 'superseded')
    GROUP BY t.channel, t.level, t.state HAVING sum(t.n) > 0))
LIMIT 1
""")

_CUT_SHORT = Statement("""
SELECT 1 FROM listed(?1) e(id) CROSS JOIN alerts a ON a.id = e.id WHERE a.successor_id = ?2 AND NOT a.plan_done LIMIT 1
""")

_SAID_AGAIN = Statement("""
WITH RECURSIVE same(id, change) AS (
    SELECT a.id, a.change FROM listed(?1) e(id) CROSS JOIN alerts a ON a.id = e.id WHERE a.successor_id = ?2
    UNION SELECT a.id, a.change FROM same CROSS JOIN listed(?1) e(id) ON true CROSS JOIN alerts a ON a.id = e.id
    WHERE a.successor_id = same.id AND same.change = 'continued')
SELECT id FROM same
""")

_HEARD = Statement("""
SELECT d.channel, d.address, count(*) FILTER (WHERE d.told), count(*) FILTER (WHERE a.successor_id = ?3),
    count(*) FILTER (WHERE a.successor_id = ?3 AND d.state IN ('queued', 'waiting', 'standby', 'superseded'))
FROM rows(?1) j(channel text, address text) CROSS JOIN listed(?2) e(id) ON true
CROSS JOIN deliveries d ON d.address = j.address AND d.channel = j.channel AND d.alert_id /*+ || '' */ = e.id
CROSS JOIN alerts a ON a.id = e.id
GROUP BY d.channel, d.address
""")


def not_yet_followed(
    connection: Connection,
    earlier: str,
    alert_id: str,
    after: str,
    limit: int,
    *,
    untold: bool,
    up_to: str = "",
) -> tuple[list[Told], str]:
    """
    At most ``limit`` addresses, perhaps none, that were told the ``earlier`` alert and have nothing to be sent of this
    one, by delivery, from the one after ``after`` (to ``up_to``), and the delivery to go on from ("" at the end); with ``untold`` those
    too that were told of the episode, were to be told this one as well and had not been by the time it stopped. Whose
    first notice was stopped is not among them, nor what stood by.
    """
    raw = raw_of(connection)
    (walked_to,) = raw.execute(_UP_TO, (earlier, after, up_to or AFTER_ALL, WALKED)).fetchone()
    if walked_to is None:
        return [], ""
    rows = raw.execute(_TOLD, (earlier, after, alert_id, limit, untold, walked_to)).fetchall()
    people: dict[str, list[Behind]] = {}
    for delivery, *behind in raw.execute(_BEHIND, (bulk.rows([row[0] for row in rows]),)):
        people.setdefault(delivery, []).append(Behind._make(behind))
    found = [Told._make((row[0], bool(row[1]), *row[2:], tuple(people.get(row[0], ())))) for row in rows]
    ahead = rows[-1][0] if len(rows) == limit else walked_to
    return found, "" if ahead == up_to else ahead


def boundaries(connection: Connection, earlier: str, after: str, size: int) -> list[str]:
    """The next few deliveries of that alert with which parts of ``size`` end; fewer, or none, where less is left."""
    raw, found = raw_of(connection), list[str]()
    while len(found) < BOUNDARIES and (row := raw.execute(_BOUNDARY, (earlier, after, size - 1)).fetchone()):
        after = row[0]
        found.append(after)
    return found


def still_out(connection: Connection, earlier: list[str]) -> int:
    """Batches of these alerts whose outcome is not known yet: those behind them may come to be told."""
    row = raw_of(connection).execute(_OUT, (bulk.rows(earlier),)).fetchone()
    return int(row[0])


def leasing(connection: Connection) -> frozenset[str]:
    """See ``warnd.ports.PlanSource``."""
    return frozenset(row[0] for row in raw_of(connection).execute(_LEASING))


def stopped_short(connection: Connection, alert_id: str, earlier: list[str]) -> bool:
    """Whether this alert took the place of one of which something was unsent or not planned yet."""
    found = raw_of(connection).execute(_STOPPED_SHORT, (bulk.rows(earlier), alert_id))
    return found.fetchone() is not None


def said_again(connection: Connection, alert_id: str, earlier: list[str]) -> list[str]:
    """What a continuation took the place of; and where that was a continuation itself, what that had."""
    return [row[0] for row in raw_of(connection).execute(_SAID_AGAIN, (bulk.rows(earlier), alert_id))]


def heard(
    connection: Connection, alert_id: str, earlier: list[str], addresses: Sequence[tuple[str, str]]
) -> Heard:
    """
    Which of these (channel, address) were told any earlier alert, and which were still to be told the one that this
    alert took the place of. Where that one was not planned to its end, whom it had not come to was still to be told.
    """
    raw, before = raw_of(connection), bulk.rows(earlier)
    cut_short = raw.execute(_CUT_SHORT, (before, alert_id)).fetchone() is not None
    rows = raw.execute(_HEARD, (bulk.rows(addresses), before, alert_id)).fetchall()
    stopped = {(channel, address) for channel, address, *_, unsent in rows if unsent}
    if cut_short:
        stopped |= set(addresses) - {
            (channel, address) for channel, address, _, planned, _ in rows if planned
        }
    return Heard(
        frozenset((channel, address) for channel, address, told, *_ in rows if told), frozenset(stopped)
    )


def by_channel_and_level(connection: Connection, earlier: list[str]) -> list[tuple[str, int, int]]:
    """(channel, width of the region's code, addresses) of those told by any of these alerts so far."""
    rows = raw_of(connection).execute(_BY_CHANNEL, (bulk.rows(earlier),)).fetchall()
    return [(channel, width, n) for channel, width, n in rows]


def how_many(connection: Connection, earlier: list[str]) -> int:
    """About how many addresses any of these alerts told: as many as the one that told most, by the tallies."""
    row = raw_of(connection).execute(_MOST, (bulk.rows(earlier),)).fetchone()
    return int(row[0])
