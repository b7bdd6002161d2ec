"""What is here that bears on a message: the same identity, and the whole episodes it belongs to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Connection, Row, and_, bindparam, or_, select

from warnd.model.admission import Earlier, Known
from warnd.model.alert import Alert, AlertState, AlertType, Change, Reference, Status
from warnd.model.alert_body import from_body
from warnd.model.color import Color
from warnd.model.episode import national
from warnd.model.meaning import digest_of, words_of
from warnd.model.release import BY_HAND
from warnd.model.ulid import floor
from warnd.store import regions
from warnd.store.paging import in_chunks
from warnd.store.tables import alert_references, alert_regions, alerts

_MOST_REFERENCES = 50
_OF_LATE = timedelta(days=1)
"""How far back the same words are looked for among what was issued by hand: longer than the holds are by far."""

_WAITING = (AlertState.HELD.value, AlertState.QUARANTINED.value)
_EARLIER = [column for column in alerts.c if column.name not in ("body", "findings")]
"""A body is long, and most bear on nothing any more."""

_LET_IN_BY_NOBODY = (AlertState.QUARANTINED.value, AlertState.REJECTED.value)


_SAME = (
    select(*_EARLIER)
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
    .order_by(alerts.c.id)
)
"""Built once: putting such a statement together costs more than running it."""


def bearing_on(connection: Connection, alert: Alert, *, source: str, but_for: str = "") -> Known:
    """What is here that bears on a message of a ``source``, ``but_for`` the alert that it is already."""
    codes = [code for area in alert.areas for code in area.regions]
    resolved, unknown = regions.resolve(connection, codes)
    by_hand = source == BY_HAND
    return Known(
        _same(connection, alert, source, but_for),
        _episodes(connection, _named(connection, alert, but_for), but_for),
        resolved,
        unknown,
        digest_of(alert),
        _episodes(connection, _following(connection, alert, but_for), but_for),
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
    return next(iter(_earlier(connection, connection.execute(_SAME, bound).all())), None)


def _named(connection: Connection, alert: Alert, but_for: str) -> list[str]:
    """
    Episodes that the message refers to; what refers to itself, or uses an identifier again, goes on with that one.

    A reference without a sender is to any sender's, first of all to one of the message's own.
    """
    others = [one for one in alert.references if one.identifier != alert.identifier][:_MOST_REFERENCES]
    wanted = [_called(one) for one in (Reference(alert.sender, alert.identifier), *others)]
    found = connection.execute(
        select(alerts.c.episode_id, alerts.c.sender, alerts.c.identifier)
        .where(or_(*wanted), alerts.c.id != but_for)
        .order_by(alerts.c.id)
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
    return list(dict.fromkeys(connection.execute(_REFERRING, bound).scalars()))


def _issued(connection: Connection, alert: Alert) -> list[Earlier]:
    found = connection.execute(
        select(*_EARLIER)
        .where(
            alerts.c.id >= floor(alert.sent - _OF_LATE),
            alerts.c.source == BY_HAND,
            alerts.c.sender == alert.sender,
            alerts.c.state.in_((AlertState.HELD.value, AlertState.RELEASED.value)),
        )
        .order_by(alerts.c.id)
    )
    return _earlier(connection, found.all())


def _names(connection: Connection, codes: Sequence[str]) -> dict[str, str]:
    meant = regions.meanings(connection, codes)
    full = regions.full_names(connection, meant.values())
    return {code: full[division] for code, division in meant.items()}


def _called(one: Reference) -> ColumnElement[bool]:
    if not one.sender or national(one.identifier):
        return alerts.c.identifier == one.identifier
    return and_(alerts.c.sender == one.sender, alerts.c.identifier == one.identifier)


def _episodes(connection: Connection, ids: Sequence[str], but_for: str) -> list[Earlier]:
    """All messages of these episodes, episode by episode, in the order they came."""
    if not ids:
        return []
    place = {id_: number for number, id_ in enumerate(ids)}
    found = connection.execute(
        select(*_EARLIER).where(alerts.c.episode_id.in_(ids), alerts.c.id != but_for).order_by(alerts.c.id)
    ).all()
    return _earlier(connection, sorted(found, key=lambda row: place[row.episode_id]))


def _earlier(connection: Connection, rows: Sequence[Row[Any]]) -> list[Earlier]:
    """
    In their order, by a query for each kind of part: some send every message of years under one identifier.

    What a message says is looked at of those in force alone, for nothing else is continued.
    """
    ids = [row.id for row in rows]
    codes, refers, words = defaultdict[str, set[str]](set), defaultdict[str, set[tuple[str, str]]](set), {}
    for chunk in in_chunks(ids):
        holds = select(alert_regions.c.alert_id, alert_regions.c.code)
        for id_, code in connection.execute(holds.where(alert_regions.c.alert_id.in_(chunk))):
            codes[id_].add(code)
        named = alert_references.c
        for id_, *name in connection.execute(
            select(named.alert_id, named.sender, named.identifier).where(named.alert_id.in_(chunk))
        ):
            refers[id_].add((name[0], name[1]))
    in_force = [row.id for row in rows if row.state == AlertState.RELEASED.value]
    for chunk in in_chunks(in_force):
        for id_, body in connection.execute(select(alerts.c.id, alerts.c.body).where(alerts.c.id.in_(chunk))):
            words[id_] = words_of(from_body(body))
    return [
        Earlier(
            row.id, row.episode_id, row.sender, row.identifier, row.source, row.sent, AlertState(row.state),
            AlertType(row.type), row.hazard, Color(row.color) if row.color else None, frozenset(codes[row.id]),
            row.digest, Change(row.change), Status(row.status), frozenset(refers[row.id]), words.get(row.id, ""),
            went_out=row.plan_cursor is not None, all_planned=row.plan_done, expires=row.expires,
        )
        for row in rows
    ]  # fmt: skip
