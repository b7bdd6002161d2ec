"""Endpoints: the addresses at which subscribers are told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from warnd.errors import Fault, Invalid, NotFound
from warnd.model.audience import EndpointState
from warnd.store.edits import Changed, unique
from warnd.store.paging import Page, in_subtree, page
from warnd.store.tables import endpoints, memberships, subscribers


@dataclass(frozen=True, slots=True)
class EndpointDraft:
    """An endpoint as asked for; ``address`` is normalised already."""

    subscriber_id: str
    channel: str
    address: str
    priority: int = 1
    state: EndpointState = EndpointState.ACTIVE
    drills: bool = False


@dataclass(frozen=True, slots=True)
class StoredEndpoint:
    """``rejections``: refusals of the address in a row."""

    id: str
    subscriber_id: str
    channel: str
    address: str
    priority: int
    state: EndpointState
    drills: bool
    rejections: int
    created_at: datetime


def create_endpoint(
    connection: Connection, draft: EndpointDraft, *, id: str, now: datetime
) -> StoredEndpoint:
    """Raises Invalid when no living subscriber has that id, Conflict when they have the address already."""
    living = select(subscribers.c.id).where(
        subscribers.c.id == draft.subscriber_id, subscribers.c.ended_at.is_(None)
    )
    if connection.execute(living).one_or_none() is None:
        message = f"there is no subscriber {draft.subscriber_id}"
        raise Invalid([Fault("subscriber", "unknown_subscriber", message)])
    values = {
        "id": id,
        "subscriber_id": draft.subscriber_id,
        "channel": draft.channel,
        "address": draft.address,
        "priority": draft.priority,
        "state": draft.state.value,
        "drills": draft.drills,
        "created_at": now,
    }
    with unique(f"the subscriber has this address on {draft.channel} already"):
        connection.execute(insert(endpoints).values(values))
    return get_endpoint(connection, id)


def get_endpoint(connection: Connection, id: str) -> StoredEndpoint:
    """Raises NotFound."""
    row = connection.execute(select(endpoints).where(endpoints.c.id == id)).one_or_none()
    if row is None:
        raise NotFound("endpoint", id)
    return _endpoint(row)


def list_endpoints(
    connection: Connection,
    *,
    subscriber: str | None = None,
    channel: str | None = None,
    state: EndpointState | None = None,
    region: str | None = None,
    group: str | None = None,
    q: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page[StoredEndpoint]:
    """Oldest first; ``region`` and ``group`` are the subscriber's, ``q`` is a part of the address."""
    statement = select(endpoints)
    if subscriber:
        statement = statement.where(endpoints.c.subscriber_id == subscriber)
    if channel:
        statement = statement.where(endpoints.c.channel == channel)
    if state is not None:
        statement = statement.where(endpoints.c.state == state.value)
    if region:
        there = select(subscribers.c.id).where(in_subtree(subscribers.c.region, region))
        statement = statement.where(endpoints.c.subscriber_id.in_(there))
    if group:
        members = select(memberships.c.subscriber_id).where(memberships.c.group_id == group)
        statement = statement.where(endpoints.c.subscriber_id.in_(members))
    if q:
        statement = statement.where(endpoints.c.address.icontains(q, autoescape=True))
    return page(connection, statement, endpoints.c.id, _endpoint, limit=limit, cursor=cursor)


def update_endpoint(connection: Connection, id: str, changes: Mapping[str, Any]) -> Changed[StoredEndpoint]:
    """
    ``changes`` by column, as plain values; another address comes normalised.

    A new address, or the word that the old one is active, forgets earlier refusals. Raises NotFound,
    Conflict.
    """
    before = get_endpoint(connection, id)
    values = dict(changes)
    if (
        values.get("state") == EndpointState.ACTIVE.value
        or values.get("address", before.address) != before.address
    ):
        values["rejections"] = 0
    if values:
        with unique(f"the subscriber has this address on {before.channel} already"):
            connection.execute(update(endpoints).where(endpoints.c.id == id).values(values))
    return Changed(before, get_endpoint(connection, id))


def delete_endpoint(connection: Connection, id: str) -> StoredEndpoint:
    """The endpoint as it was; deliveries keep their own record of the address. Raises NotFound."""
    endpoint = get_endpoint(connection, id)
    connection.execute(delete(endpoints).where(endpoints.c.id == id))
    return endpoint


def drop_endpoints(connection: Connection, subscriber: str) -> tuple[StoredEndpoint, ...]:
    """Remove all of a subscriber's endpoints; the answer is what they were."""
    theirs = endpoints.c.subscriber_id == subscriber
    dropped = tuple(
        _endpoint(row) for row in connection.execute(select(endpoints).where(theirs).order_by(endpoints.c.id))
    )
    connection.execute(delete(endpoints).where(theirs))
    return dropped


def _endpoint(row: Row[Any]) -> StoredEndpoint:
    return StoredEndpoint(
        id=row.id,
        subscriber_id=row.subscriber_id,
        channel=row.channel,
        address=row.address,
        priority=row.priority,
        state=EndpointState(row.state),
        drills=bool(row.drills),
        rejections=row.rejections,
        created_at=row.created_at,
    )
