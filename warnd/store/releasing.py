"""What a person decides of an alert: to release one that is held, to reject what waits, to stop one that goes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from warnd.errors import Conflict, NotFound
from warnd.model.alert import AlertState, Change
from warnd.model.color import Lane
from warnd.store.alarms import clear, clear_about
from warnd.store.alerts import stop
from warnd.store.journal import Entry
from warnd.store.tables import alerts, mends, micros


@dataclass(frozen=True, slots=True)
class Decided:
    """An alert after a person's decision; ``stopped`` are those of which nothing more leaves."""

    id: str
    state: AlertState
    lane: Lane
    stopped: tuple[str, ...] = ()


def approve(connection: Connection, id: str, *, by: str, now: datetime) -> tuple[Decided, Sequence[Entry]]:
    """
    Release a held alert in place of those of its episode that are in force.

    Raises NotFound; Conflict when it is not held, was mended by whoever approves, its time is over, or a later message
    of its episode was released.
    """
    row = _in_state(connection, id, (AlertState.HELD,), "approved")
    refuse_mender(connection, id, by)
    if row.deliver_until <= now:
        raise Conflict(
            f"alert {id} may be delivered no more: its time was over at {row.deliver_until.isoformat()}"
        )
    live = connection.execute(
        select(alerts.c.id, alerts.c.sent).where(
            alerts.c.episode_id == row.episode_id, alerts.c.state == AlertState.RELEASED.value
        )
    ).all()
    if later := next((other.id for other in live if other.sent > row.sent), None):
        raise Conflict(f"alert {later} of the same episode is later than {id} and was released")
    stopped = tuple(other.id for other in live)
    ending = AlertState.CANCELLED if row.change == Change.LIFTED.value else AlertState.SUPERSEDED
    entries = stop(connection, stopped, state=ending, at=now, successor=id)
    released = update(alerts).where(alerts.c.id == id)
    connection.execute(released.values(state=AlertState.RELEASED.value, plan_done=False))
    _, waited = clear(connection, "alert_held", id, now=now)
    entry = Entry(micros(now), "alert.approved", id, {"stops": stopped}, by)
    return Decided(id, AlertState.RELEASED, Lane(row.lane), stopped), [entry, *entries, *waited]


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
