"""Streaming the members of matched groups, in subscriber-id order."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from warnd.model.audience import Endpoint, Member
from warnd.store import bulk
from warnd.store.database import raw_of

SCAN_FROM = 20_000
"""From this many memberships on, walking the whole table in order beats sorting the groups' own."""

_PAGE = """
SELECT m.subscriber_id AS c0, group_concat(m.group_id) AS c1 FROM memberships m
WHERE m.subscriber_id > ?1 AND {group} IN listed(?2)
GROUP BY m.subscriber_id ORDER BY m.subscriber_id LIMIT ?3
"""
_BY_GROUP = bulk.folded(_PAGE.format(group="m.group_id"), 2)
_BY_SCAN = bulk.folded(_PAGE.format(group="m.group_id || ''"), 2)

_MEMBERS = bulk.folded(
    """
SELECT s.id AS c0, s.name AS c1, s.region AS c2, s.language AS c3, e.id AS c4, e.channel AS c5, e.address AS c6,
    e.priority AS c7, e.state AS c8, e.drills AS c9
FROM subscribers s LEFT JOIN endpoints e ON e.subscriber_id = s.id
WHERE s.id IN listed(?) AND s.ended_at IS NULL
ORDER BY s.id, e.priority, e.id
""",
    10,
)


def members_after(
    connection: Connection, groups: str, after: str, limit: int, *, scan: bool
) -> tuple[list[Member], str]:
    """
    At most ``limit`` members after that subscriber id, and the id to go on from ("" at the end).

    ``groups`` is a JSON array of group ids; ``scan`` chooses the way when they hold ``SCAN_FROM`` members or more.
    """
    raw = raw_of(connection)
    page = bulk.unfolded(raw.execute(_BY_SCAN if scan else _BY_GROUP, (after, groups, limit)).fetchone())
    if not page:
        return [], ""
    endpoints: dict[str, list[Endpoint]] = {}
    facts: dict[str, list[Any]] = {}
    ids = bulk.rows([row[0] for row in page])
    for row in bulk.unfolded(raw.execute(_MEMBERS, (ids,)).fetchone()):
        mine = endpoints.get(row[0])
        if mine is None:
            mine = endpoints[row[0]] = []
            facts[row[0]] = row
        if row[4] is not None:
            mine.append(Endpoint(row[4], row[5], row[6], row[7], row[8] == "active", row[9] == 1))
    members = [
        Member(id_, fact[1], fact[2], fact[3], _sorted(found), tuple(endpoints[id_]))
        for id_, found in page
        if (fact := facts.get(id_)) is not None
    ]
    return members, page[-1][0] if len(page) == limit else ""


def _sorted(found: str) -> tuple[str, ...]:
    return tuple(sorted(found.split(","))) if "," in found else (found,)
