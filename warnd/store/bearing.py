"""What is here that bears on a message: the same identity, and the whole episodes it belongs to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import Boolean, ColumnElement, Connection, Select, and_, bindparam, func, or_, select

from warnd.model.admission import Earlier, Known
from warnd.model.alert import Alert, AlertState, AlertType, Change, Reference, Status
from warnd.model.alert_body import from_body
from warnd.model.color import Color
from warnd.model.episode import national
from warnd.model.meaning import digest_of, words_of
from warnd.model.release import BY_HAND
from warnd.model.ulid import floor
from warnd.store import regions
from warnd.store.tables import alert_references, alert_regions, alerts

_MOST_REFERENCES = 50
_OF_LATE = timedelta(days=1)
"""How far back the same words are looked for among what was issued by hand: longer than the holds are by far."""

_WAITING = (AlertState.HELD.value, AlertState.QUARANTINED.value)

_STATES = {one.value: one for one in AlertState}
_TYPES = {one.value: one for one in AlertType}
_CHANGES = {one.value: one for one in Change}
_STATUSES = {one.value: one for one in Status}
_COLORS: dict[str | None, Color | None] = {None: None, **{one.value: one for one in Color}}
_NOWHERE = frozenset[str]()
_LET_IN_BY_NOBODY = (AlertState.QUARANTINED.value, AlertState.REJECTED.value)


class _Reading(NamedTuple):
    """Statements that read the alerts ``wanted`` part by part."""

    rows: Select[Any]
    regions: Select[Any]
    references: Select[Any]
    bodies: Select[Any]

    @classmethod
    def of(cls, which: ColumnElement[bool]) -> _Reading:
        a, refers, holds = alerts.c, alert_references.c, alert_regions.c
        return cls(
            select(
                a.id, a.episode_id, a.sender, a.identifier, a.source, a.sent, a.state, a.type, a.hazard, a.color,
                a.digest, a.change, a.status, a.plan_cursor.is_not(None), a.plan_done, a.expires,
            ).where(which, a.id != bindparam("but_for")).order_by(a.id),
            select(holds.alert_id, func.aggregate_strings(holds.code, " "))
            .where(holds.alert_id.in_(select(a.id).where(which)))
            .group_by(holds.alert_id),
            select(refers.alert_id, refers.sender, refers.identifier)
            .join(alerts, a.id == refers.alert_id)
            .where(which, a.sent == bindparam("its_sent")),
            # "+ ''": by the state alone it would read every alert in force.
            select(a.id, a.body).where(which, a.state + "" == AlertState.RELEASED.value),
        )  # fmt: skip


_OF_EPISODES = _Reading.of(alerts.c.episode_id.in_(bindparam("wanted", expanding=True)))
_OF_IDS = _Reading.of(alerts.c.id.in_(bindparam("wanted", expanding=True)))

_SAME = (
    select(alerts.c.id)
    .where(
        alerts.c.sender == bindparam("its_sender"),
        alerts.c.identifier == bindparam("its_identifier"),
        alerts.c.sent >= bindparam("since"),
        alerts.c.sent < bindparam("until"),
        alerts.c.id != bindparam("but_for"),
    )
    .order_by(alerts.c.source != bindparam("its_source"), alerts.c.state.in_(_WAITING), alerts.c.id)
    .limit(1)
)

_REFERRING = (
    select(alerts.c.episode_id)
    .join(alert_references, alert_references.c.alert_id == alerts.c.id)
    .where(
        alert_references.c.identifier == bindparam("its_identifier"),
        or_(
            bindparam("any_sender", type_=Boolean),
            alert_references.c.sender.in_((bindparam("its_sender"), "")),
        ),
        alerts.c.id != bindparam("but_for"),
        alerts.c.state.not_in(_LET_IN_BY_NOBODY),
    )
    .group_by(alerts.c.episode_id)
    .order_by(func.min(alerts.c.id))
)
"""Built once: putting such a statement together costs more than running it."""


def bearing_on(connection: Connection, alert: Alert, *, source: str, but_for: str = "") -> Known:
    """What is here that bears on a message of a ``source``, ``but_for`` the alert that it is already."""
    codes = [code for area in alert.areas for code in area.regions]
    resolved, unknown = regions.resolve(connection, codes)
    by_hand = source == BY_HAND
    named, following = _named(connection, alert, but_for), _following(connection, alert, but_for)
    messages = defaultdict[str, list[Earlier]](list)
    for one in _earlier(connection, _OF_EPISODES, dict.fromkeys((*named, *following)), alert, but_for):
        messages[one.episode_id].append(one)
    return Known(
        _same(connection, alert, source, but_for),
        [one for episode in named for one in messages[episode]],
        resolved,
        unknown,
        digest_of(alert),
        [one for episode in following for one in messages[episode]],
        _issued(connection, alert) if by_hand else (),
        _names(connection, codes) if by_hand else {},
    )


def _same(connection: Connection, alert: Alert, source: str, but_for: str) -> Earlier | None:
    """The alert of the same identity: the source's own, if there is one, else another's, one that waits at the last."""
    # CAP knows no fraction of a second: what was forwarded and comes back has lost it.
    second = alert.sent.replace(microsecond=0)
    bound = {
        "its_sender": alert.sender,
        "its_identifier": alert.identifier,
        "since": second,
        "until": second + timedelta(seconds=1),
        "its_source": source,
        "but_for": but_for,
    }
    same = connection.execute(_SAME, bound).scalars().all()
    return next(iter(_earlier(connection, _OF_IDS, same, alert, but_for)), None)


def _named(connection: Connection, alert: Alert, but_for: str) -> list[str]:
    """
    Episodes that the message refers to; what refers to itself, or uses an identifier again, goes on with that one.

    A reference without a sender is to any sender's, first of all to one of the message's own.
    """
    others = [one for one in alert.references if one.identifier != alert.identifier][:_MOST_REFERENCES]
    wanted = [_called(one) for one in (Reference(alert.sender, alert.identifier), *others)]
    called = alerts.c.episode_id, alerts.c.sender, alerts.c.identifier
    found = connection.execute(
        select(*called)
        .where(or_(*wanted), alerts.c.id != but_for)
        .group_by(*called)
        .order_by(func.min(alerts.c.id))
    ).all()
    own = {row.identifier for row in found if row.sender == alert.sender}
    bare = {one.identifier for one in others if not one.sender} & own
    kept = [row for row in found if row.sender == alert.sender or row.identifier not in bare]
    return list(dict.fromkeys(row.episode_id for row in kept))


def _following(connection: Connection, alert: Alert, but_for: str) -> list[str]:
    """Episodes of messages that refer to this one and came before it, but for those nobody let through."""
    bound = {
        "its_sender": alert.sender,
        "its_identifier": alert.identifier,
        "any_sender": national(alert.identifier),
        "but_for": but_for,
    }
    return list(connection.execute(_REFERRING, bound).scalars())


def _issued(connection: Connection, alert: Alert) -> list[Earlier]:
    found = connection.execute(
        select(alerts.c.id)
        .where(
            alerts.c.id >= floor(alert.sent - _OF_LATE),
            alerts.c.source == BY_HAND,
            alerts.c.sender == alert.sender,
            alerts.c.state.in_((AlertState.HELD.value, AlertState.RELEASED.value)),
        )
        .order_by(alerts.c.id)
    )
    return _earlier(connection, _OF_IDS, found.scalars().all(), alert)


def _names(connection: Connection, codes: Sequence[str]) -> dict[str, str]:
    meant = regions.meanings(connection, codes)
    full = regions.full_names(connection, meant.values())
    return {code: full[division] for code, division in meant.items()}


def _called(one: Reference) -> ColumnElement[bool]:
    if not one.sender or national(one.identifier):
        return alerts.c.identifier == one.identifier
    return and_(alerts.c.sender == one.sender, alerts.c.identifier == one.identifier)


def _earlier(
    connection: Connection, reading: _Reading, wanted: Iterable[str], alert: Alert, but_for: str = ""
) -> list[Earlier]:
    """
    In the order they came, by a statement for each kind of part: some send every message of years under one identifier.

    Only what a rule looks at is read: what they refer to of those sent at the same time as the ``alert``, and what they
    say of those in force, for nothing else is continued.
    """
    bound = {"wanted": list(wanted), "but_for": but_for, "its_sent": alert.sent}
    if not bound["wanted"]:
        return []
    rows = connection.execute(reading.rows, bound).all()
    areas = _Areas()
    codes = {id_: areas[joined] for id_, joined in connection.execute(reading.regions, bound).all()}
    refers = defaultdict[str, set[tuple[str, str]]](set)
    for id_, sender, identifier in connection.execute(reading.references, bound).all():
        refers[id_].add((sender, identifier))
    words = {id_: words_of(from_body(body)) for id_, body in connection.execute(reading.bodies, bound)}
    return [
        Earlier(
            id_, episode_id, sender, identifier, source, sent, _STATES[state], _TYPES[type_], hazard,
            _COLORS[color], codes.get(id_, _NOWHERE), digest, _CHANGES[change], _STATUSES[status],
            frozenset(refers.get(id_, ())), words.get(id_, ""), went_out, all_planned, expires,
        )
        for (id_, episode_id, sender, identifier, source, sent, state, type_, hazard, color, digest, change, status,
             went_out, all_planned, expires) in rows
    ]  # fmt: skip


class _Areas(dict[str, frozenset[str]]):
    """Sets of codes by how the store joins them; the messages of an episode share a few."""

    def __missing__(self, joined: str) -> frozenset[str]:
        found = self[joined] = frozenset(joined.split())
        return found
