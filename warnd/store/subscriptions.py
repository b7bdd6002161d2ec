"""Subscriptions: the rules by which a group is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from warnd.errors import Fault, Invalid, NotFound
from warnd.model.audience import EVERY_HAZARD, Relation
from warnd.model.color import Color
from warnd.store.edits import Changed
from warnd.store.groups import unknown_groups
from warnd.store.paging import Page, in_subtree, page
from warnd.store.tables import groups, subscriptions


@dataclass(frozen=True, slots=True)
class SubscriptionDraft:
    """A rule as asked for; its parts as in ``warnd.model.audience.Subscription``."""

    group_id: str
    hazards: tuple[str, ...] = (EVERY_HAZARD,)
    min_color: Color = Color.BLUE
    relation: Relation = Relation.BOTH
    covering_min_color: Color | None = None
    language: str | None = None
    channels: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class StoredSubscription:
    id: str
    group_id: str
    hazards: tuple[str, ...]
    min_color: Color
    relation: Relation
    covering_min_color: Color | None
    language: str | None
    channels: tuple[str, ...] | None
    created_at: datetime
    ended_at: datetime | None = None


def create_subscription(
    connection: Connection, draft: SubscriptionDraft, *, id: str, now: datetime
) -> StoredSubscription:
    """Raises Invalid when no live group has that id."""
    if unknown_groups(connection, (draft.group_id,)):
        raise Invalid([Fault("group", "unknown_group", f"there is no group {draft.group_id}")])
    values = {
        "id": id,
        "group_id": draft.group_id,
        "hazards": list(draft.hazards),
        "min_color": draft.min_color.value,
        "relation": draft.relation.value,
        "covering_min_color": draft.covering_min_color.value if draft.covering_min_color else None,
        "language": draft.language,
        "created_at": now,
    }
    if draft.channels is not None:
        values["channels"] = list(draft.channels)
    connection.execute(insert(subscriptions).values(values))
    return get_subscription(connection, id)


def get_subscription(connection: Connection, id: str) -> StoredSubscription:
    """Ended ones too. Raises NotFound."""
    row = connection.execute(select(subscriptions).where(subscriptions.c.id == id)).one_or_none()
    if row is None:
        raise NotFound("subscription", id)
    return _subscription(row)


def list_subscriptions(
    connection: Connection,
    *,
    group: str | None = None,
    region: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page[StoredSubscription]:
    """Live ones, oldest first: of one group, or of the groups in the subtree of ``region``."""
    statement = select(subscriptions).where(subscriptions.c.ended_at.is_(None))
    if group:
        statement = statement.where(subscriptions.c.group_id == group)
    if region:
        statement = statement.join(groups, groups.c.id == subscriptions.c.group_id)
        statement = statement.where(in_subtree(groups.c.region, region))
    return page(connection, statement, subscriptions.c.id, _subscription, limit=limit, cursor=cursor)


def update_subscription(
    connection: Connection, id: str, changes: Mapping[str, Any]
) -> Changed[StoredSubscription]:
    """``changes`` by column, as plain values; the group stays. Raises NotFound, also of an ended one."""
    before = _live(connection, id)
    if changes:
        connection.execute(update(subscriptions).where(subscriptions.c.id == id).values(dict(changes)))
    return Changed(before, get_subscription(connection, id))


def end_subscription(connection: Connection, id: str, *, now: datetime) -> StoredSubscription:
    """It applies no more; the row is kept, marked. Raises NotFound."""
    _live(connection, id)
    connection.execute(update(subscriptions).where(subscriptions.c.id == id).values(ended_at=now))
    return get_subscription(connection, id)


def _live(connection: Connection, id: str) -> StoredSubscription:
    subscription = get_subscription(connection, id)
    if subscription.ended_at is not None:
        raise NotFound("subscription", id)
    return subscription


def _subscription(row: Row[Any]) -> StoredSubscription:
    return StoredSubscription(
        id=row.id,
        group_id=row.group_id,
        hazards=tuple(row.hazards),
        min_color=Color(row.min_color),
        relation=Relation(row.relation),
        covering_min_color=_color(row.covering_min_color),
        language=row.language,
        channels=None if row.channels is None else tuple(row.channels),
        created_at=row.created_at,
        ended_at=row.ended_at,
    )


def _color(value: str | None) -> Color | None:
    return None if value is None else Color(value)
