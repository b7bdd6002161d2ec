"""Streaming the members of matched groups, in subscriber-id order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from warnd.model.audience import Endpoint, Member
from warnd.store import bulk
from warnd.store.database import raw_of

SCAN_FROM = 20_000
"""From this many memberships on, walking the whole table in order beats sorting the groups' own."""

_PAGE = """
SELECT m.subscriber_id, group_concat(m.group_id) FROM memberships m
WHERE m.subscriber_id > ?1 AND {group} IN (SELECT value FROM json_each(?2))
GROUP BY m.subscriber_id ORDER BY m.subscriber_id LIMIT ?3
"""
_BY_GROUP = _PAGE.format(group="m.group_id")
_BY_SCAN = _PAGE.format(group="m.group_id || ''")

_MEMBERS = """
SELECT s.id, s.name, s.region, s.language, e.id, e.channel, e.address, e.priority, e.state, e.drills
FROM subscribers s LEFT JOIN endpoints e ON e.subscriber_id = s.id
WHERE s.id IN (SELECT value FROM json_each(?)) AND s.ended_at IS NULL
ORDER BY s.id, e.priority, e.id
"""


def members_after(
    connection: Connection, groups: str, after: str, limit: int, *, scan: bool
) -> tuple[list[Member], str]:
    """
    At most ``limit`` members after that subscriber id, and the id to go on from ("" at the end).

    ``groups`` is a JSON array of group ids; ``scan`` chooses the way when they hold ``SCAN_FROM`` members or more.
    """
    raw = raw_of(connection)
    page = raw.execute(_BY_SCAN if scan else _BY_GROUP, (after, groups, limit)).fetchall()
    if not page:
        return [], ""
    endpoints: dict[str, list[Endpoint]] = {}
    facts: dict[str, tuple[str, str, str | None]] = {}
    for id_, name, region, language, *endpoint in raw.execute(
        _MEMBERS, (bulk.rows([row[0] for row in page]),)
    ):
        mine = endpoints.get(id_)
        if mine is None:
            mine = endpoints[id_] = []
            facts[id_] = (name, region, language)
        if endpoint[0] is not None:
            mine.append(_endpoint(endpoint))
    members = [
        Member(id_, *facts[id_], tuple(sorted(found.split(","))), tuple(endpoints[id_]))
        for id_, found in page
        if id_ in facts
    ]
    return members, page[-1][0] if len(page) == limit else ""


def _endpoint(row: Sequence[Any]) -> Endpoint:
    id_, channel, address, priority, state, drills = row
    return Endpoint(id_, channel, address, priority, state == "active", bool(drills))
