"""Links by which a named person decides on a held alert, once: minted by somebody else than its issuer."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from warnd.errors import Conflict, NotFound
from warnd.model.alert import AlertState
from warnd.model.release import Person
from warnd.store import releasing
from warnd.store.journal import Entry
from warnd.store.releasing import Decided, refuse_issuer, refuse_mender
from warnd.store.tables import alerts, approval_links, micros

_BYTES = 32


@dataclass(frozen=True, slots=True)
class ApprovalLink:
    """What a link opens: one alert, for one person, until then."""

    alert_id: str
    name: str
    expires_at: datetime


def mint(
    connection: Connection, alert_id: str, *, name: str, by: Person, now: datetime
) -> tuple[tuple[str, ApprovalLink], Sequence[Entry]]:
    """
    The token of a new link, which is not to be had again; it ends with the hold.

    Raises NotFound; Conflict when the alert is not held; SamePerson when its issuer, or who mended it, mints it or would get it.
    """
    row = connection.execute(select(alerts).where(alerts.c.id == alert_id)).one_or_none()
    if row is None:
        raise NotFound("alert", alert_id)
    if row.state != AlertState.HELD.value or row.hold_due <= now:
        raise Conflict(f"alert {alert_id} is {row.state}; a link is for one that is held")
    refuse_issuer(row, by, f"alert {alert_id} was issued by {row.issuer}, who may hand out no link to it")
    refuse_issuer(
        row, Person(name), f"alert {alert_id} was issued by {row.issuer}: a link is for another person"
    )
    for person in (by, Person(name)):
        refuse_mender(connection, alert_id, person)
    token = secrets.token_urlsafe(_BYTES)
    link = ApprovalLink(alert_id, name, row.hold_due)
    connection.execute(
        approval_links.insert().values(
            hash=_hash(token), alert_id=alert_id, name=name, minted_by=by.name, expires_at=link.expires_at
        )
    )
    facts = {"for": name, "until": link.expires_at.isoformat()}
    return (token, link), [Entry(micros(now), "link.minted", alert_id, facts, by.name)]


def find(connection: Connection, token: str, *, now: datetime) -> ApprovalLink | None:
    """What the link opens; None when it never was, is used or over, or its alert is decided. Uses nothing up."""
    row = connection.execute(
        select(approval_links)
        .join(alerts, alerts.c.id == approval_links.c.alert_id)
        .where(
            approval_links.c.hash == _hash(token),
            approval_links.c.used_at.is_(None),
            approval_links.c.expires_at > now,
            alerts.c.state == AlertState.HELD.value,
        )
    ).one_or_none()
    return None if row is None else ApprovalLink(row.alert_id, row.name, row.expires_at)


def follow(
    connection: Connection, token: str, *, release: bool, reason: str, now: datetime
) -> tuple[Decided, Sequence[Entry]]:
    """
    Release or reject as the person the link is for, and use it up with that.

    Raises NotFound when the link opens nothing, and what the decision raises; then it is not used up.
    """
    link = find(connection, token, now=now)
    if link is None:
        raise NotFound("link", "of that address")
    if release:
        decided, entries = releasing.approve(connection, link.alert_id, by=Person(link.name), now=now)
    else:
        decided, entries = releasing.reject(connection, link.alert_id, by=link.name, reason=reason, now=now)
    used = update(approval_links).where(approval_links.c.hash == _hash(token))
    connection.execute(used.values(used_at=now))
    return decided, [*entries, Entry(micros(now), "link.used", link.alert_id, {}, link.name)]


def _hash(token: str) -> str:
    # 256 random bits, as an API key is: nothing to guess that a slow hash would protect.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
