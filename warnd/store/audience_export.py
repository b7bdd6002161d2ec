"""The audience as the rows of its file, page by page, so that an export never holds a long read open."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import Connection, select

from warnd.model.audience_import import AudienceRow, GroupName
from warnd.store.paging import Page, in_chunks, page
from warnd.store.tables import endpoints, groups, memberships, subscribers

_PAGE = 500
_NO_ENDPOINT = ("", "", "", "")
_NO_GROUPS = ("", "")


def export_page(
    connection: Connection, cursor: str | None = None, *, limit: int = _PAGE
) -> Page[AudienceRow]:
    """
    The rows of the next ``limit`` living subscribers: one for every endpoint, or one without. An import of all of them
    changes nothing.

    A row's ``audience`` speaks of all its groups, so that who is in groups of several classes gets a row for
    each, an endpoint then being repeated.
    """
    living = select(subscribers).where(subscribers.c.ended_at.is_(None))
    found = page(connection, living, subscribers.c.id, lambda row: row, limit=limit, cursor=cursor)
    named = [row.id for row in found.items]
    held, joined = _endpoint_cells(connection, named), _group_cells(connection, named)
    rows: list[AudienceRow] = []
    for row in found.items:
        reached, classes = held.get(row.id, [_NO_ENDPOINT]), joined.get(row.id, [_NO_GROUPS])
        for index in range(max(len(reached), len(classes))):
            names, audience = classes[min(index, len(classes) - 1)]
            channel, address, priority, drills = reached[min(index, len(reached) - 1)]
            rows.append(
                AudienceRow(
                    external_id=row.external_id or row.id,
                    kind=row.kind,
                    name=row.name,
                    region=row.region,
                    groups=names,
                    audience=audience,
                    channel=channel,
                    address=address,
                    priority=priority,
                    language=row.language or "",
                    drills=drills,
                )
            )
    return Page(tuple(rows), found.next_cursor)


def _endpoint_cells(connection: Connection, of: Iterable[str]) -> dict[str, list[tuple[str, str, str, str]]]:
    cells: defaultdict[str, list[tuple[str, str, str, str]]] = defaultdict(list)
    e = endpoints.c
    statement = select(e.subscriber_id, e.channel, e.address, e.priority, e.drills).order_by(e.priority, e.id)
    for chunk in in_chunks(of):
        for id, channel, address, priority, drills in connection.execute(
            statement.where(e.subscriber_id.in_(chunk))
        ):
            cells[id].append((channel, address, str(priority), "true" if drills else "false"))
    return cells


def _group_cells(connection: Connection, of: Iterable[str]) -> dict[str, list[tuple[str, str]]]:
    """By subscriber: names of the groups of one class, joined, and the class."""
    named: defaultdict[str, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    statement = (
        select(memberships.c.subscriber_id, groups.c.audience, groups.c.region, groups.c.name)
        .join(groups, groups.c.id == memberships.c.group_id)
        .where(groups.c.ended_at.is_(None))
        .order_by(groups.c.region, groups.c.name)
    )
    for chunk in in_chunks(of):
        for id, audience, region, name in connection.execute(
            statement.where(memberships.c.subscriber_id.in_(chunk))
        ):
            named[id][audience].append(str(GroupName(region, name)))
    return {
        id: [(";".join(names), audience) for audience, names in classes.items()]
        for id, classes in named.items()
    }
