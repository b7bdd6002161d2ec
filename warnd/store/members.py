"""Streaming the members of matched groups, in subscriber-id order."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from sqlalchemy import Connection

from warnd.model.audience import Endpoint, Member
from warnd.store import bulk
from warnd.store.database import raw_of
from warnd.store.statement import Statement

SCAN_FROM = 20_000
"""From this many memberships on, walking the whole table in order beats sorting the groups' own."""

LISTED = 4_000
"""Groups that are named to the database one by one; of more, each page would cost more to ask for than to read."""

_PAGES = 8
"""Pages that one read walks through for members of the groups wanted, so that it stays short."""

BOUNDARIES = 4
"""Of ranges that one read finds."""

AFTER_ALL = "~"
"""Comes after every id."""

_BY_GROUP = bulk.folded(
    """
SELECT m.subscriber_id AS c0, group_concat(m.group_id) AS c1 FROM memberships m
WHERE m.subscriber_id > ?1 AND m.group_id IN listed(?2)
GROUP BY m.subscriber_id ORDER BY m.subscriber_id LIMIT ?3
""",
    2,
)
_BY_SCAN = bulk.folded(
    """
SELECT m.subscriber_id AS c0, group_concat(m.group_id) AS c1 FROM memberships m
WHERE m.subscriber_id > ?1 AND m.subscriber_id <= ?4 AND (m.group_id || '' IN listed(?2) /*+ OR false */)
GROUP BY m.subscriber_id ORDER BY m.subscriber_id LIMIT ?3
""",
    2,
)
"""
``|| ''`` keeps SQLite, and ``OR false`` PostgreSQL, from beginning with the groups: both read the memberships in order,
no further than the page.
"""

_EVERYBODY = bulk.folded(
    """
SELECT m.subscriber_id AS c0, group_concat(m.group_id) AS c1 FROM memberships m
WHERE m.subscriber_id > ?1 AND m.subscriber_id <= ?3 GROUP BY m.subscriber_id ORDER BY m.subscriber_id LIMIT ?2
""",
    2,
)
_BOUNDARY = Statement("""
SELECT m.subscriber_id FROM memberships m WHERE m.subscriber_id > ?1 AND (m.group_id || '' IN listed(?3) /*+ OR false */)
ORDER BY m.subscriber_id LIMIT 1 OFFSET ?2
""")
_BOUNDARY_AMONG_ALL = Statement("""
SELECT m.subscriber_id FROM memberships m WHERE m.subscriber_id > ?1 ORDER BY m.subscriber_id LIMIT 1 OFFSET ?2
""")

_MEMBERS = bulk.folded(
    """
SELECT s.id AS c0, s.name AS c1, s.region AS c2, s.language AS c3, e.id AS c4, e.channel AS c5, e.address AS c6,
    e.priority AS c7, e.state AS c8, e.drills AS c9
FROM listed(?) j(id) CROSS JOIN subscribers s ON s.id = j.id LEFT JOIN endpoints e ON e.subscriber_id = s.id
WHERE s.ended_at IS NULL
ORDER BY s.id, e.priority, e.id
""",
    10,
)

_SHARED = Statement("""
SELECT e.id FROM listed(?) j(id) CROSS JOIN endpoints e ON e.id = j.id
WHERE EXISTS (SELECT 1 FROM endpoints o WHERE o.channel = e.channel AND o.address = e.address AND o.id <> e.id)
""")


def members_after(
    connection: Connection, groups: str, after: str, limit: int, *, scan: bool, up_to: str = ""
) -> tuple[list[Member], str]:
    """
    At most ``limit`` members after that subscriber id, those ``up_to`` another unless that is "", and the id to go on from
    ("" at the end).

    ``groups`` is a JSON array of group ids; ``scan`` chooses the way when they hold ``SCAN_FROM`` members or more, as they
    do where there is an ``up_to``.
    """
    raw = raw_of(connection)
    if scan or up_to:
        found = raw.execute(_BY_SCAN, (after, groups, limit, up_to or AFTER_ALL))
    else:
        found = raw.execute(_BY_GROUP, (after, groups, limit))
    page = bulk.unfolded(found.fetchone())
    members = _members(connection, [(id_, _sorted(of.split(","))) for id_, of in page])
    return members, page[-1][0] if len(page) == limit else ""


def members_among(
    connection: Connection, groups: Container[str], after: str, limit: int, *, up_to: str = ""
) -> tuple[list[Member], str]:
    """
    The same of so many ``groups`` that most memberships are in one of them: everybody is walked past.

    Fewer than ``limit`` may come before the end, even none.
    """
    wanted: list[tuple[str, tuple[str, ...]]] = []
    for _ in range(_PAGES):
        values = (after, limit, up_to or AFTER_ALL)
        page = bulk.unfolded(raw_of(connection).execute(_EVERYBODY, values).fetchone())
        for id_, found in page:
            after = id_
            if mine := [group for group in found.split(",") if group in groups]:
                wanted.append((id_, _sorted(mine)))
                if len(wanted) == limit:
                    return _members(connection, wanted), after
        if len(page) < limit:
            return _members(connection, wanted), ""
    return _members(connection, wanted), after


def boundaries(connection: Connection, groups: str | None, after: str, size: int) -> list[str]:
    """
    The next few subscribers after that one with whom parts of so many memberships in these groups (a JSON array; None for
    any) end; fewer, or none, where what follows is less than another such part.
    """
    raw, found = raw_of(connection), list[str]()
    while len(found) < BOUNDARIES:
        values = (after, size - 1) if groups is None else (after, size - 1, groups)
        row = raw.execute(_BOUNDARY_AMONG_ALL if groups is None else _BOUNDARY, values).fetchone()
        if row is None:
            break
        after = row[0]
        found.append(after)
    return found


def shared(connection: Connection, endpoints: str) -> set[str]:
    """Those of a JSON array of endpoint ids whose address another endpoint of their kind has too."""
    return {row[0] for row in raw_of(connection).execute(_SHARED, (endpoints,))}


def _members(connection: Connection, wanted: list[tuple[str, tuple[str, ...]]]) -> list[Member]:
    """These subscribers with the groups they are wanted for, but for those who are told no more."""
    endpoints: dict[str, list[Endpoint]] = {}
    facts: dict[str, list[Any]] = {}
    ids = bulk.rows([id_ for id_, _ in wanted])
    for row in bulk.unfolded(raw_of(connection).execute(_MEMBERS, (ids,)).fetchone()):
        mine = endpoints.get(row[0])
        if mine is None:
            mine = endpoints[row[0]] = []
            facts[row[0]] = row
        if row[4] is not None:
            mine.append(Endpoint(row[4], row[5], row[6], row[7], row[8] == "active", row[9] == 1))
    return [
        Member(id_, fact[1], fact[2], fact[3], found, tuple(endpoints[id_]))
        for id_, found in wanted
        if (fact := facts.get(id_)) is not None
    ]


def _sorted(found: list[str]) -> tuple[str, ...]:
    return tuple(sorted(found)) if len(found) > 1 else (found[0],)
