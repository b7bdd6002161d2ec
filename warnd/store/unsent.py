"""How much broadcasts under way have left to send, and have handed over, by channel, from the tallies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select

from warnd.model.alert import AlertState
from warnd.model.color import Color, Lane
from warnd.store import bulk
from warnd.store.database import raw_of
from warnd.store.statement import Statement
from warnd.store.tables import alerts, micros

_UNDER_WAY = Statement("""
SELECT a.id, a.headline, a.color, a.hazard, a.lane, a.plan_done, coalesce(t.channel, ''),
    coalesce(sum(t.n) FILTER (WHERE t.state = 'queued' OR t.state = 'waiting' AND a.lane <= ?2), 0),
    coalesce(sum(t.n) FILTER (WHERE t.state IN ('accepted', 'delivered', 'undelivered')), 0)
FROM listed(?1) j(id) CROSS JOIN alerts a ON a.id = j.id LEFT JOIN tallies t ON t.alert_id = a.id
WHERE a.stopped_at IS NULL AND a.color IS NOT NULL GROUP BY a.id, t.channel
""")


class UnderWay(NamedTuple):
    """
    What an alert has left to send on a channel, and what the provider has of it: the ``deliveries`` that are unsent, and
    those ``handed_over`` by whichever process. ``channel`` is empty where it has none at all.
    """

    alert_id: str
    headline: str
    color: Color
    hazard: str
    lane: Lane
    planned: bool
    channel: str
    deliveries: int
    handed_over: int


def in_force(connection: Connection) -> list[tuple[str, int]]:
    """Released alerts that have not stopped, each with when it came, in microseconds."""
    rows = connection.execute(
        select(alerts.c.id, alerts.c.received_at).where(
            alerts.c.state == AlertState.RELEASED.value, alerts.c.stopped_at.is_(None)
        )
    ).all()
    return [(row.id, micros(row.received_at)) for row in rows]


def under_way(connection: Connection, alert_ids: Sequence[str]) -> list[UnderWay]:
    """
    Of these alerts those in force, by channel. What waits counts for red and orange alone: the others may wait for
    the end of quiet hours.
    """
    rows = raw_of(connection).execute(_UNDER_WAY, (bulk.rows(alert_ids), Lane.ORANGE.value)).fetchall()
    return [
        UnderWay(id_, headline, Color(color), hazard, Lane(lane), bool(planned), channel, left, gone)
        for id_, headline, color, hazard, lane, planned, channel, left, gone in rows
    ]
