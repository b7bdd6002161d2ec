"""Who may come in: API keys, signed-in pages and one-time links. Of each only a hash is kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from warnd.errors import Fault, Invalid, NotFound
from warnd.store.journal import Entry
from warnd.store.tables import api_keys, micros, sessions

_PREFIX = "warnd_"
_BYTES = 32


class Role(Enum):
    """``feed`` sends alerts of one source; ``viewer`` looks, ``operator`` also acts, ``admin`` also arranges."""

    FEED = "feed"
    ADMIN = "admin"
    OPERATOR = "operator"
    VIEWER = "viewer"


class Purpose(Enum):
    """``PAGE``: a browser that is signed in. ``LINK``: a link that signs one in, once."""

    PAGE = "page"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """``source`` is the one a feed's key speaks for, None of all others."""

    id: str
    name: str
    role: Role
    source: str | None
    created_at: datetime
    revoked_at: datetime | None


def create_key(
    connection: Connection, name: str, role: Role, *, source: str | None, id: str, now: datetime
) -> tuple[tuple[str, ApiKey], Sequence[Entry]]:
    """
    The key's text, which is not to be had again, and what is kept of it.

    Raises Invalid when a feed has no source, or somebody else has one.
    """
    if (role is Role.FEED) != (source is not None):
        message = "a feed's key belongs to one source" if source is None else "only a feed's key has a source"
        raise Invalid([Fault("source", "invalid", message)])
    text = _PREFIX + secrets.token_urlsafe(_BYTES)
    key = ApiKey(id, name, role, source, now, None)
    connection.execute(
        insert(api_keys).values(
            id=id, name=name, role=role.value, source=source, hash=_hash(text), created_at=now
        )
    )
    facts = {"name": name, "role": role.value, "source": source}
    return (text, key), [Entry(micros(now), "key.created", id, facts)]


def key_of(connection: Connection, text: str) -> ApiKey | None:
    """The key with this text, unless it was revoked."""
    row = connection.execute(
        select(api_keys).where(api_keys.c.hash == _hash(text), api_keys.c.revoked_at.is_(None))
    ).one_or_none()
    return None if row is None else _key(row)


def list_keys(connection: Connection) -> list[ApiKey]:
    """All of them, revoked ones too, the oldest first."""
    return [_key(row) for row in connection.execute(select(api_keys).order_by(api_keys.c.id))]


def revoke_key(connection: Connection, id: str, *, now: datetime) -> tuple[ApiKey, Sequence[Entry]]:
    """It opens nothing any more, nor do the pages and links it had opened. Raises NotFound."""
    connection.execute(
        update(api_keys).where(api_keys.c.id == id, api_keys.c.revoked_at.is_(None)).values(revoked_at=now)
    )
    connection.execute(delete(sessions).where(sessions.c.key_id == id))
    row = connection.execute(select(api_keys).where(api_keys.c.id == id)).one_or_none()
    if row is None:
        raise NotFound("key", id)
    return _key(row), [Entry(micros(now), "key.revoked", id, {"name": row.name})]


def open_session(
    connection: Connection, key_id: str, purpose: Purpose, *, until: datetime, now: datetime
) -> str:
    """The token of a new session; those that are over are cleared away."""
    connection.execute(delete(sessions).where(sessions.c.expires_at <= now))
    token = secrets.token_urlsafe(_BYTES)
    connection.execute(
        insert(sessions).values(hash=_hash(token), key_id=key_id, purpose=purpose.value, expires_at=until)
    )
    return token


def session_key(connection: Connection, token: str, *, now: datetime) -> ApiKey | None:
    """The key behind a signed-in page, while both hold."""
    return _behind(connection, token, Purpose.PAGE, now)


def use_link(connection: Connection, token: str, *, now: datetime) -> ApiKey | None:
    """The key behind a one-time link, which is used up."""
    key = _behind(connection, token, Purpose.LINK, now)
    if key is not None:
        connection.execute(delete(sessions).where(sessions.c.hash == _hash(token)))
    return key


def end_session(connection: Connection, token: str) -> None:
    """Sign out; of what is over already there is nothing to do."""
    connection.execute(delete(sessions).where(sessions.c.hash == _hash(token)))


def _behind(connection: Connection, token: str, purpose: Purpose, now: datetime) -> ApiKey | None:
    row = connection.execute(
        select(api_keys)
        .join(sessions, sessions.c.key_id == api_keys.c.id)
        .where(
            sessions.c.hash == _hash(token),
            sessions.c.purpose == purpose.value,
            sessions.c.expires_at > now,
            api_keys.c.revoked_at.is_(None),
        )
    ).one_or_none()
    return None if row is None else _key(row)


def _hash(text: str) -> str:
    # The key is 256 random bits: there is nothing to guess that a slow hash would protect.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(row.id, row.name, Role(row.role), row.source, row.created_at, row.revoked_at)
