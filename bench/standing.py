"""A store while no process has it: written in one transaction, given a feed's key, asked for the path of receipts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection

from warnd.model.ulid import UlidMaker
from warnd.store.database import SqliteWriting, open_writer, upgrade
from warnd.store.keys import Role, create_key
from warnd.store.postgres_connection import Place
from warnd.store.postgres_writing import open_postgres
from warnd.store.receipt_secrets import make_seed, receipt_secret

Store = Path | Place
"""An SQLite file, or a PostgreSQL database."""


@contextmanager
def writing(store: Store) -> Iterator[Connection]:
    """The store, its schema up to date, in one transaction."""
    opened = open_postgres(store) if isinstance(store, Place) else _open_file(store)
    with closing(opened):
        opened.begin(deciding=False)
        yield opened.sqlalchemy
        opened.commit()


def feed_key(store: Store) -> str:
    """The text of a new key of the source ``weather``."""
    now = datetime.now(UTC)
    with writing(store) as connection:
        (text, _), _ = create_key(
            connection, "feed", Role.FEED, source="weather", id=UlidMaker().one(now), now=now
        )
        return text


def receipts_path(store: Store, channel: str) -> str:
    """Where its daemon takes the receipts of that channel; the secret in it is made if there is none."""
    with writing(store) as connection:
        make_seed(connection)
        return f"/api/v1/receipts/{channel}/{receipt_secret(connection, channel)}"


def _open_file(path: Path) -> SqliteWriting:
    opened = SqliteWriting(open_writer(path))
    upgrade(opened.sqlalchemy)
    return opened
