"""The audience as the engine sees it: every rule at once, and how many stand behind each group."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, func, select

from warnd.model.audience import AudienceClass, Relation, Subscription
from warnd.model.color import Color
from warnd.store.tables import groups, memberships, subscriptions


def audience_snapshot(connection: Connection, among: Collection[str] | None = None) -> list[Subscription]:
    """Every live subscription of every live group, or of those ``among`` these ids, as matching wants it."""
    c = subscriptions.c
    statement = (
        select(
            c.id,
            c.group_id,
            c.hazards,
            c.min_color,
            c.relation,
            c.covering_min_color,
            c.language,
            c.channels,
            groups.c.region,
            groups.c.audience,
        )
        .join(groups, groups.c.id == c.group_id)
        .where(c.ended_at.is_(None), groups.c.ended_at.is_(None))
        .order_by(c.id)
    )
    if among is not None:
        statement = statement.where(groups.c.id.in_(among))
    shared: dict[tuple[str, ...], frozenset[str]] = {}

    def once(values: list[str]) -> frozenset[str]:
        """A hundred thousand rules name few distinct sets; each is kept once."""
        return shared.setdefault(tuple(values), frozenset(values))

    return [
        Subscription(
            id=row.id,
            group_id=row.group_id,
            region=row.region,
            audience=AudienceClass(row.audience),
            hazards=once(row.hazards),
            min_color=Color(row.min_color),
            relation=Relation(row.relation),
            covering_min_color=None if row.covering_min_color is None else Color(row.covering_min_color),
            language=row.language,
            channels=None if row.channels is None else once(row.channels),
        )
        for row in connection.execute(statement)
    ]


def group_sizes(connection: Connection, among: Collection[str] | None = None) -> dict[str, int]:
    """How many are in each group, or in those ``among`` these ids; groups with nobody are left out."""
    counted = select(memberships.c.group_id, func.count()).group_by(memberships.c.group_id)
    if among is not None:
        counted = counted.where(memberships.c.group_id.in_(among))
    return dict(connection.execute(counted).all())
