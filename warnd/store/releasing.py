"""What is decided of an alert: to release one that is held, to reject what waits, to stop one that goes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, select, update

from warnd.errors import Conflict, NotFound, SamePerson
from warnd.model.admission import Earlier
from warnd.model.alert import Alert, AlertState, Change
from warnd.model.alert_body import as_body, from_body
from warnd.model.color import Lane
from warnd.model.episode import Standing, awaiting, by_episode, completed, lane_for, spoken_for, stand, where
from warnd.model.release import TIME_OUT, Person, Then
from warnd.store import hints
from warnd.store.alarms import clear, clear_about
from warnd.store.alerts import join, place, stop
from warnd.store.bearing import bearing_on
from warnd.store.database import raw_of
from warnd.store.journal import Entry
from warnd.store.tables import alert_regions, alerts, mends, micros


@dataclass(frozen=True, slots=True)
class Decided:
    """An alert after the decision; ``stopped`` are those of which nothing more leaves."""

    id: str
    state: AlertState
    lane: Lane
    stopped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TimedOut:
    """What became of an alert that nobody decided; ``obstacle`` says why it could not be released as it was to be."""

    decided: Decided
    headline: str
    obstacle: str = ""


@dataclass(frozen=True, slots=True)
class Outlook:
    """A held alert as its release would make it; ``earlier`` are the others of its episode by then."""

    alert: Alert
    change: Change
    regions: tuple[str, ...]
    earlier: tuple[str, ...]


class _Now(NamedTuple):
    """A held alert among the others of its ``episode``; ``own`` are the divisions that it names itself."""

    alert: Alert
    own: Sequence[str]
    regions: Sequence[str]
    episode: Sequence[Earlier]
    standing: Standing


def approve(connection: Connection, id: str, *, by: Person, now: datetime) -> tuple[Decided, Sequence[Entry]]:
    """
    Release a held alert in place of those of its episode that are in force now; an end of what is over is kept.

    Raises NotFound; SamePerson when it was issued by whoever approves; Conflict when it is not held, its time is
    over, it speaks for another's warning, or a later message of its episode was released or ended it.
    """
    row = in_state(connection, id, (AlertState.HELD,), "approved")
    refuse_issuer(row, by, f"alert {id} was issued by {row.issuer}: a second person approves it")
    refuse_mender(connection, id, by)
    return _release(connection, row, by=by.name, now=now)


def outlook(connection: Connection, id: str, *, now: datetime) -> Outlook | None:
    """What a release would bring about; None if nothing. Raises NotFound, and Conflict when it is not held."""
    row = in_state(connection, id, (AlertState.HELD,), "released")
    try:
        alert, _, regions, episode, standing = _as_of(connection, row, now)
    except Conflict:
        return None
    if standing.over:
        return None
    return Outlook(alert, standing.change, tuple(regions), tuple(one.id for one in episode))


def refuse_mender(connection: Connection, id: str, by: Person) -> None:
    """Four eyes. Raises SamePerson when ``by`` set this alert right."""
    menders = connection.execute(select(mends.c.by).where(mends.c.alert_id == id)).scalars()
    if any(by.is_also(Person(name)) for name in menders):
        raise SamePerson(f"alert {id} was mended by {by.name}: a second person approves it")


def reject(
    connection: Connection, id: str, *, by: str, reason: str, now: datetime
) -> tuple[Decided, Sequence[Entry]]:
    """Nobody is told of a held or quarantined alert. Raises NotFound; Conflict when it is neither."""
    row = in_state(connection, id, (AlertState.HELD, AlertState.QUARANTINED), "rejected")
    return _reject(connection, row, by=by, reason=reason, now=now)


def cancel(
    connection: Connection, id: str, *, by: str, reason: str, now: datetime
) -> tuple[Decided, Sequence[Entry]]:
    """Stop what is unsent of an alert in force; tells nobody. Raises NotFound; Conflict when it is not in force."""
    row = in_state(connection, id, (AlertState.RELEASED,), "cancelled")
    values = {"state": AlertState.CANCELLED.value, "stopped_at": row.stopped_at or now}
    connection.execute(update(alerts).where(alerts.c.id == id).values(values))
    hints.alerts_stopped(raw_of(connection), (id,))
    entry = Entry(micros(now), "alert.cancelled", id, {"reason": reason}, by)
    entries = [entry, *clear_about(connection, (id,), now)]
    return Decided(id, AlertState.CANCELLED, Lane(row.lane), (id,)), entries


def overdue(connection: Connection, now: datetime) -> list[str]:
    """Held alerts that nobody decided in time, the most urgent first."""
    waiting = select(alerts.c.id).where(alerts.c.state == AlertState.HELD.value, alerts.c.hold_due <= now)
    return list(connection.execute(waiting.order_by(alerts.c.lane, alerts.c.hold_due)).scalars())


def time_out(connection: Connection, id: str, *, now: datetime) -> tuple[TimedOut, Sequence[Entry]]:
    """
    Decide a held alert as was said when its hold began.

    What can be released no more is rejected, with the reason. Raises Conflict when somebody was quicker.
    """
    row = in_state(connection, id, (AlertState.HELD,), "timed out")
    headline, reason, obstacle = row.headline or row.identifier, "nobody decided in time", ""
    if row.hold_then == Then.RELEASE.value:
        try:
            decided, entries = _release(connection, row, by=TIME_OUT, now=now)
        except Conflict as error:
            obstacle = str(error)
            reason = f"{reason}, and it could not be released: {obstacle}"
        else:
            return TimedOut(decided, headline), entries
    decided, entries = _reject(connection, row, by=TIME_OUT, reason=reason, now=now)
    return TimedOut(decided, headline, obstacle), entries


def refuse_issuer(row: Row[Any], by: Person, message: str) -> None:
    """Four eyes. Raises SamePerson with the message when ``by`` issued this alert by hand."""
    if row.issuer is not None and by.is_also(Person(row.issuer, row.issuer_key)):
        raise SamePerson(message)


def in_state(connection: Connection, id: str, states: Sequence[AlertState], verb: str) -> Row[Any]:
    """The row of an alert that is in one of these states. Raises NotFound, and Conflict when it is in another."""
    row = connection.execute(select(alerts).where(alerts.c.id == id)).one_or_none()
    if row is None:
        raise NotFound("alert", id)
    if row.state not in (state.value for state in states):
        wanted = " or ".join(state.value for state in states)
        raise Conflict(f"alert {id} is {row.state}; only one that is {wanted} can be {verb}")
    return row


def _release(
    connection: Connection, row: Row[Any], *, by: str, now: datetime
) -> tuple[Decided, Sequence[Entry]]:
    alert, own, regions, episode, standing = _as_of(connection, row, now)
    state = AlertState.KEPT if standing.over else AlertState.RELEASED
    stopped = () if standing.over else standing.stops
    entries = stop(connection, stopped, state=standing.ending, at=now, successor=row.id)
    lane = lane_for(alert, episode, standing.change)
    join(connection, sorted({one.episode_id for one in episode} - {row.episode_id}), into=row.episode_id)
    connection.execute(
        update(alerts)
        .where(alerts.c.id == row.id)
        .values(
            state=state.value, change=standing.change.value, lane=lane.value,
            plan_done=state is not AlertState.RELEASED,
            color=alert.color.value if alert.color else None, hazard=alert.hazard, body=as_body(alert),
        )
    )  # fmt: skip
    if not own:
        place(connection, row.id, regions)
    if state is AlertState.RELEASED:
        hints.plan_goes_on(raw_of(connection), row.id, lane)
    _, waited = clear(connection, "alert_held", row.id, now=now)
    facts = {"state": state.value, "change": standing.change.value, "stops": stopped}
    entry = Entry(micros(now), "alert.approved", row.id, facts, by)
    return Decided(row.id, state, lane, stopped), [entry, *entries, *waited]


def _as_of(connection: Connection, row: Row[Any], now: datetime) -> _Now:
    """
    What it changes, and what it leaves to its episode, is decided anew: others may have come while it waited.

    Raises Conflict when it can be released no more.
    """
    if row.deliver_until <= now:
        raise Conflict(
            f"alert {row.id} may be delivered no more: its time was over at {row.deliver_until.isoformat()}"
        )
    alert = from_body(row.body)
    codes = connection.execute(
        select(alert_regions.c.code).where(alert_regions.c.alert_id == row.id).order_by(alert_regions.c.code)
    ).scalars()
    own = list(codes)
    episode = _episode(connection, row, alert)
    regions = where(own, episode)
    alert = completed(alert, episode)
    standing = stand(alert, regions, episode, now=now)
    if (later := standing.overtaken_by) is not None:
        became = "has ended it" if later.change is Change.LIFTED else "was released"
        raise Conflict(f"alert {later.id} of the same episode is later than {row.id} and {became}")
    return _Now(alert, own, regions, episode, standing)


def _episode(connection: Connection, row: Row[Any], alert: Alert) -> list[Earlier]:
    """
    The messages that the alert is tied to by now, as if it came only now.

    Raises Conflict when all that it names is another's: what it names may have come while it waited.
    """
    known = bearing_on(connection, alert, source=row.source, but_for=row.id)
    named = by_episode(alert, known.episode)
    theirs = spoken_for(alert, row.source, named)
    if named and not theirs:
        raise Conflict(
            f"neither the sender nor the source of alert {row.id} may speak for the warning that it refers to"
        )
    theirs |= awaiting(alert, row.source, known.followers)
    return [one for of in theirs.values() for one in of]


def _reject(
    connection: Connection, row: Row[Any], *, by: str, reason: str, now: datetime
) -> tuple[Decided, Sequence[Entry]]:
    connection.execute(update(alerts).where(alerts.c.id == row.id).values(state=AlertState.REJECTED.value))
    entry = Entry(micros(now), "alert.rejected", row.id, {"reason": reason}, by)
    decided = Decided(row.id, AlertState.REJECTED, Lane(row.lane))
    return decided, [entry, *clear_about(connection, (row.id,), now)]
