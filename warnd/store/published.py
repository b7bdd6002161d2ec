"""What is in force and what has ended lately, as others may know it: real, public warnings that went out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, or_, select

from warnd.errors import NotFound
from warnd.model.alert import PUBLIC, AlertState, Change, Status
from warnd.model.color import Color, lane_of
from warnd.model.region import ancestors
from warnd.model.ulid import floor
from warnd.store.tables import alert_regions, alerts

_FOR_ALL = and_(alerts.c.status == Status.ACTUAL.value, alerts.c.body["scope"].as_string() == PUBLIC)
_WENT_OUT = alerts.c.state.in_(
    one.value
    for one in (AlertState.RELEASED, AlertState.SUPERSEDED, AlertState.CANCELLED, AlertState.EXPIRED)
)


@dataclass(frozen=True, slots=True)
class FeedFilter:
    """
    What does not narrow is None.

    ``region``: in force there, in a part of it, or in a division it lies in. ``color``: of this color or above, and
    whatever lowers or lifts such a warning.
    """

    region: str | None = None
    color: Color | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """An alert that went out. ``body`` is as INTERFACE.md writes it."""

    id: str
    received_at: datetime
    body: Mapping[str, Any]


def published_ids(
    connection: Connection, filters: FeedFilter, *, ends_since: datetime, now: datetime, limit: int
) -> list[str]:
    """Warnings in force at ``now``, and ends that came since ``ends_since``; the newest first. Parses no body."""
    lifts = alerts.c.change == Change.LIFTED.value
    narrowed = [_FOR_ALL, *_narrowed(filters)]
    in_force = select(alerts.c.id).where(
        alerts.c.state == AlertState.RELEASED.value,
        ~lifts,
        or_(alerts.c.expires.is_(None), alerts.c.expires > now),
        *narrowed,
    )
    ended = select(alerts.c.id).where(alerts.c.id >= floor(ends_since), lifts, _WENT_OUT, *narrowed)
    both = in_force.union_all(ended).subquery()
    return list(connection.execute(select(both.c.id).order_by(both.c.id.desc()).limit(limit)).scalars())


def published(connection: Connection, ids: Sequence[str]) -> list[Published]:
    """These alerts, the newest first; some hundreds at the most."""
    rows = connection.execute(
        select(alerts.c.id, alerts.c.received_at, alerts.c.body)
        .where(alerts.c.id.in_(ids))
        .order_by(alerts.c.id.desc())
    )
    return [Published(*row) for row in rows]


def one_published(connection: Connection, id: str) -> Published:
    """Raises NotFound, also for an alert that nobody but those on duty may know of."""
    row = connection.execute(
        select(alerts.c.id, alerts.c.received_at, alerts.c.body).where(alerts.c.id == id, _FOR_ALL, _WENT_OUT)
    ).one_or_none()
    if row is None:
        raise NotFound("published alert", id)
    return Published(*row)


def _narrowed(filters: FeedFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filters.color is not None:
        # A lowering and an end travel in the lane of what they lower or end: whoever heard of that hears of them.
        conditions.append(alerts.c.lane <= lane_of(filters.color).value)
    if (region := filters.region) is not None:
        below = and_(alert_regions.c.code >= region, alert_regions.c.code < region + ":")
        around = alert_regions.c.code.in_(ancestors(region))
        conditions.append(exists().where(alert_regions.c.alert_id == alerts.c.id, or_(below, around)))
    return conditions
