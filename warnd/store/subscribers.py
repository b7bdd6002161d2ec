"""Subscribers: who may be told, and which groups they are in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, or_, select, update

from warnd.errors import Fault, Invalid, NotFound
from warnd.model.audience import SubscriberKind
from warnd.store.edits import Changed, unique
from warnd.store.endpoints import StoredEndpoint, drop_endpoints
from warnd.store.groups import unknown_groups
from warnd.store.paging import Page, in_chunks, in_subtree, page
from warnd.store.regions import division
from warnd.store.tables import memberships, subscribers


@dataclass(frozen=True, slots=True)
class SubscriberDraft:
    """A subscriber as asked for; ``region`` may still be padded, ``groups`` are ids."""

    kind: SubscriberKind
    name: str
    region: str
    language: str | None = None
    external_id: str | None = None
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Subscriber:
    """``groups`` are the ids of those they are in now."""

    id: str
    kind: SubscriberKind
    name: str
    region: str
    language: str | None
    external_id: str | None
    created_at: datetime
    ended_at: datetime | None = None
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EndedSubscriber:
    """Somebody who is told no more: as they were, with the endpoints that are gone."""

    subscriber: Subscriber
    endpoints: tuple[StoredEndpoint, ...]

    @property
    def id(self) -> str:
        return self.subscriber.id


def create_subscriber(
    connection: Connection, draft: SubscriberDraft, *, id: str, now: datetime
) -> Subscriber:
    """
    Somebody who had ended comes back under their old id when the external id is theirs.

    Raises Invalid (region, groups), Conflict when a living subscriber has the external id.
    """
    values: dict[str, Any] = {
        "kind": draft.kind.value,
        "name": draft.name,
        "region": division(connection, draft.region),
        "language": draft.language,
        "external_id": draft.external_id,
        "ended_at": None,
    }
    _check_groups(connection, draft.groups)
    former = _ended_with(connection, draft.external_id)
    if former is not None:
        connection.execute(update(subscribers).where(subscribers.c.id == former).values(values))
    else:
        with unique(f"there is a subscriber with the external_id {draft.external_id} already"):
            connection.execute(insert(subscribers).values(id=id, created_at=now, **values))
    stored = former or id
    _join(connection, stored, draft.groups)
    return get_subscriber(connection, stored)


def get_subscriber(connection: Connection, id: str) -> Subscriber:
    """Ended ones too. Raises NotFound."""
    row = connection.execute(select(subscribers).where(subscribers.c.id == id)).one_or_none()
    if row is None:
        raise NotFound("subscriber", id)
    return _with_groups(connection, (_subscriber(row),))[0]


def list_subscribers(
    connection: Connection,
    *,
    region: str | None = None,
    q: str | None = None,
    group: str | None = None,
    kind: SubscriberKind | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page[Subscriber]:
    """Living ones, oldest first; ``q`` is a part of the name or the whole external id."""
    statement = select(subscribers).where(subscribers.c.ended_at.is_(None))
    if region:
        statement = statement.where(in_subtree(subscribers.c.region, region))
    if q:
        by_name = subscribers.c.name.icontains(q, autoescape=True)
        statement = statement.where(or_(by_name, subscribers.c.external_id == q))
    if kind is not None:
        statement = statement.where(subscribers.c.kind == kind.value)
    if group:
        members = select(memberships.c.subscriber_id).where(memberships.c.group_id == group)
        statement = statement.where(subscribers.c.id.in_(members))
    found = page(connection, statement, subscribers.c.id, _subscriber, limit=limit, cursor=cursor)
    return replace(found, items=_with_groups(connection, found.items))


def update_subscriber(connection: Connection, id: str, changes: Mapping[str, Any]) -> Changed[Subscriber]:
    """
    ``changes`` by the body's keys, as plain values; ``groups``, if there, are all of them.

    Raises NotFound, also of an ended one; Invalid (region, groups); Conflict (external id).
    """
    before = live_subscriber(connection, id)
    values = dict(changes)
    groups = values.pop("groups", None)
    if "region" in values:
        values["region"] = division(connection, values["region"])
    if groups is not None:
        _check_groups(connection, groups)
        connection.execute(delete(memberships).where(memberships.c.subscriber_id == id))
        _join(connection, id, groups)
    if values:
        with unique("there is a subscriber with that external_id already"):
            connection.execute(update(subscribers).where(subscribers.c.id == id).values(values))
    return Changed(before, get_subscriber(connection, id))


def end_subscriber(connection: Connection, id: str, *, now: datetime) -> EndedSubscriber:
    """
    Nobody tells them any more: memberships and endpoints go, the row is kept, marked.

    The answer holds what went. Raises NotFound.
    """
    subscriber = live_subscriber(connection, id)
    connection.execute(delete(memberships).where(memberships.c.subscriber_id == id))
    endpoints = drop_endpoints(connection, id)
    connection.execute(update(subscribers).where(subscribers.c.id == id).values(ended_at=now))
    return EndedSubscriber(replace(subscriber, ended_at=now), endpoints)


def live_subscriber(connection: Connection, id: str) -> Subscriber:
    """Raises NotFound of an ended one as well."""
    subscriber = get_subscriber(connection, id)
    if subscriber.ended_at is not None:
        raise NotFound("subscriber", id)
    return subscriber


def _ended_with(connection: Connection, external_id: str | None) -> str | None:
    if external_id is None:
        return None
    statement = select(subscribers.c.id).where(
        subscribers.c.external_id == external_id, subscribers.c.ended_at.is_not(None)
    )
    return connection.execute(statement).scalar_one_or_none()


def _check_groups(connection: Connection, ids: Sequence[str]) -> None:
    unknown = unknown_groups(connection, ids)
    faults = [
        Fault(f"groups[{index}]", "unknown_group", f"there is no group {id}")
        for index, id in enumerate(ids)
        if id in unknown
    ]
    if faults:
        raise Invalid(faults)


def _join(connection: Connection, subscriber: str, ids: Iterable[str]) -> None:
    rows = [{"subscriber_id": subscriber, "group_id": id} for id in dict.fromkeys(ids)]
    if rows:
        connection.execute(insert(memberships).values(rows))


def _with_groups(connection: Connection, found: Sequence[Subscriber]) -> tuple[Subscriber, ...]:
    groups: dict[str, list[str]] = {subscriber.id: [] for subscriber in found}
    for chunk in in_chunks(groups):
        statement = select(memberships.c.subscriber_id, memberships.c.group_id).order_by(
            memberships.c.group_id
        )
        for subscriber, group in connection.execute(statement.where(memberships.c.subscriber_id.in_(chunk))):
            groups[subscriber].append(group)
    return tuple(replace(subscriber, groups=tuple(groups[subscriber.id])) for subscriber in found)


def _subscriber(row: Row[Any]) -> Subscriber:
    return Subscriber(
        id=row.id,
        kind=SubscriberKind(row.kind),
        name=row.name,
        region=row.region,
        language=row.language,
        external_id=row.external_id,
        created_at=row.created_at,
        ended_at=row.ended_at,
    )
