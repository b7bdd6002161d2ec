"""What a person decides of an alert: to release one that is held, to reject what waits, to stop one that goes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from warnd.errors import Conflict, NotFound
from warnd.model.alert import AlertState
from warnd.model.alert_body import from_body
from warnd.model.color import Lane
from warnd.model.episode import lane_for, stand
from warnd.store.alarms import clear, clear_about
from warnd.store.alerts import join, stop
from warnd.store.bearing import bearing_on
from warnd.store.journal import Entry
from warnd.store.tables import alert_regions, alerts, mends, micros


@dataclass(frozen=True, slots=True)
class Decided:
    """An alert after a person's decision; ``stopped`` are those of which nothing more leaves."""

    id: str
    state: AlertState
    lane: Lane
    stopped: tuple[str, ...] = ()


def approve(connection: Connection, id: str, *, by: str, now: datetime) -> tuple[Decided, Sequence[Entry]]:
    """
    Release a held alert in place of those of its episode that are in force now.

    What it changes is decided anew: others may have come while it waited. An end of what is over by now is kept.
    Raises NotFound; Conflict when it is not held, its time is over, or a later message of its episode was released.
    """
    row = _in_state(connection, id, (AlertState.HELD,), "approved")
    refuse_mender(connection, id, by)
    if row.deliver_until <= now:
        raise Conflict(
            f"alert {id} may be delivered no more: its time was over at {row.deliver_until.isoformat()}"
        )
    alert = from_body(row.body)
    codes = connection.execute(select(alert_regions.c.code).where(alert_regions.c.alert_id == id)).scalars()
    known = bearing_on(connection, alert, source=row.source, but_for=id)
    episode = [one for one in (*known.episode, *known.followers) if one.status is alert.status]
    standing = stand(alert, sorted(codes), episode)
    if (later := standing.overtaken_by) is not None:
        raise Conflict(f"alert {later.id} of the same episode is later than {id} and was released")
    state = AlertState.KEPT if standing.over else AlertState.RELEASED
    stopped = () if standing.over else standing.stops
    entries = stop(connection, stopped, state=standing.ending, at=now, successor=id)
    lane = lane_for(alert, episode, standing.change)
    join(connection, sorted({one.episode_id for one in episode} - {row.episode_id}), into=row.episode_id)
    connection.execute(
        update(alerts)
        .where(alerts.c.id == id)
        .values(
            state=state.value, change=standing.change.value, lane=lane.value,
            plan_done=state is not AlertState.RELEASED,
        )
    )  # fmt: skip
    _, waited = clear(connection, "alert_held", id, now=now)
    facts = {"state": state.value, "change": standing.change.value, "stops": stopped}
    entry = Entry(micros(now), "alert.approved", id, facts, by)
    return Decided(id, state, lane, stopped), [entry, *entries, *waited]


def refuse_mender(connection: Connection, id: str, by: str) -> None:
    """Four eyes: whoever set it right is not the second person. Raises Conflict."""
    theirs = select(mends.c.id).where(mends.c.alert_id == id, mends.c.by == by).limit(1)
    if connection.execute(theirs).first() is not None:
        raise Conflict(f"alert {id} was mended by {by}: a second person approves it")


def reject(
    connection: Connection, id: str, *, by: str, reason: str, now: datetime
) -> tuple[Decided, Sequence[Entry]]:
    """Nobody is told of a held or quarantined alert. Raises NotFound; Conflict when it is neither."""
    row = _in_state(connection, id, (AlertState.HELD, AlertState.QUARANTINED), "rejected")
    connection.execute(update(alerts).where(alerts.c.id == id).values(state=AlertState.REJECTED.value))
    entry = Entry(micros(now), "alert.rejected", id, {"reason": reason}, by)
    return Decided(id, AlertState.REJECTED, Lane(row.lane)), [entry, *clear_about(connection, (id,), now)]


def cancel(
    connection: Connection, id: str, *, by: str, reason: str, now: datetime
) -> tuple[Decided, Sequence[Entry]]:
    """Stop what is unsent of an alert in force; tells nobody. Raises NotFound; Conflict when it is not in force."""
    row = _in_state(connection, id, (AlertState.RELEASED,), "cancelled")
    values = {"state": AlertState.CANCELLED.value, "stopped_at": row.stopped_at or now}
    connection.execute(update(alerts).where(alerts.c.id == id).values(values))
    entry = Entry(micros(now), "alert.cancelled", id, {"reason": reason}, by)
    entries = [entry, *clear_about(connection, (id,), now)]
    return Decided(id, AlertState.CANCELLED, Lane(row.lane), (id,)), entries


def _in_state(connection: Connection, id: str, states: Sequence[AlertState], verb: str) -> Row[Any]:
    row = connection.execute(select(alerts).where(alerts.c.id == id)).one_or_none()
    if row is None:
        raise NotFound("alert", id)
    if row.state not in (state.value for state in states):
        wanted = " or ".join(state.value for state in states)
        raise Conflict(f"alert {id} is {row.state}; only one that is {wanted} can be {verb}")
    return row
