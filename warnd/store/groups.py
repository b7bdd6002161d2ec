"""Groups: named sets of subscribers at a region."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from warnd.errors import NotFound
from warnd.model.audience import AudienceClass
from warnd.store.edits import Changed, unique
from warnd.store.paging import Page, in_chunks, in_subtree, page
from warnd.store.regions import division
from warnd.store.tables import groups, memberships, subscriptions


@dataclass(frozen=True, slots=True)
class GroupDraft:
    """A group as asked for; ``region`` may still be padded."""

    name: str
    region: str
    audience: AudienceClass
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    id: str
    name: str
    region: str
    audience: AudienceClass
    labels: tuple[str, ...]
    created_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class EndedGroup:
    """A group that is no more, with the ids of those who were in it and of its subscriptions."""

    group: Group
    members: tuple[str, ...]
    subscriptions: tuple[str, ...]

    @property
    def id(self) -> str:
        return self.group.id


def create_group(connection: Connection, draft: GroupDraft, *, id: str, now: datetime) -> Group:
    """Raises Invalid (region), Conflict when a live group of that region has the name."""
    region = division(connection, draft.region)
    values = {
        "id": id,
        "name": draft.name,
        "region": region,
        "audience": draft.audience.value,
        "labels": list(draft.labels),
        "created_at": now,
    }
    with unique(f"region {region} has a group {draft.name} already"):
        connection.execute(insert(groups).values(values))
    return get_group(connection, id)


def get_group(connection: Connection, id: str) -> Group:
    """Ended ones too. Raises NotFound."""
    row = connection.execute(select(groups).where(groups.c.id == id)).one_or_none()
    if row is None:
        raise NotFound("group", id)
    return _group(row)


def list_groups(
    connection: Connection,
    *,
    region: str | None = None,
    q: str | None = None,
    audience: AudienceClass | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page[Group]:
    """Live groups, oldest first: those in the subtree of ``region`` whose name holds ``q``."""
    statement = select(groups).where(groups.c.ended_at.is_(None))
    if region:
        statement = statement.where(in_subtree(groups.c.region, region))
    if q:
        statement = statement.where(groups.c.name.icontains(q, autoescape=True))
    if audience is not None:
        statement = statement.where(groups.c.audience == audience.value)
    return page(connection, statement, groups.c.id, _group, limit=limit, cursor=cursor)


def update_group(connection: Connection, id: str, changes: Mapping[str, Any]) -> Changed[Group]:
    """``changes`` by column, as plain values. Raises NotFound, also of an ended one; Invalid, Conflict."""
    before = live_group(connection, id)
    values = dict(changes)
    if "region" in values:
        values["region"] = division(connection, values["region"])
    if values:
        with unique("that region has a group of that name already"):
            connection.execute(update(groups).where(groups.c.id == id).values(values))
    return Changed(before, get_group(connection, id))


def end_group(connection: Connection, id: str, *, now: datetime) -> EndedGroup:
    """Nobody is told through it any more; it and its subscriptions are kept, marked. Raises NotFound."""
    live_group(connection, id)
    of_group = (subscriptions.c.group_id == id, subscriptions.c.ended_at.is_(None))
    members = tuple(
        connection.execute(
            select(memberships.c.subscriber_id)
            .where(memberships.c.group_id == id)
            .order_by(memberships.c.subscriber_id)
        ).scalars()
    )
    rules = tuple(connection.execute(select(subscriptions.c.id).where(*of_group)).scalars())
    connection.execute(delete(memberships).where(memberships.c.group_id == id))
    connection.execute(update(subscriptions).where(*of_group).values(ended_at=now))
    connection.execute(update(groups).where(groups.c.id == id).values(ended_at=now))
    return EndedGroup(get_group(connection, id), members, rules)


def live_group(connection: Connection, id: str) -> Group:
    """Raises NotFound of an ended one as well."""
    group = get_group(connection, id)
    if group.ended_at is not None:
        raise NotFound("group", id)
    return group


def unknown_groups(connection: Connection, ids: Iterable[str]) -> set[str]:
    """Those of the ids that no live group has."""
    wanted = set(ids)
    for chunk in in_chunks(sorted(wanted)):
        live = select(groups.c.id).where(groups.c.id.in_(chunk), groups.c.ended_at.is_(None))
        wanted -= set(connection.execute(live).scalars())
    return wanted


def _group(row: Row[Any]) -> Group:
    return Group(
        id=row.id,
        name=row.name,
        region=row.region,
        audience=AudienceClass(row.audience),
        labels=tuple(row.labels),
        created_at=row.created_at,
        ended_at=row.ended_at,
    )
