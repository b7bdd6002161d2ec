"""A store file while no daemon has it: written in one transaction, given a feed's key, asked for the path of receipts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection

from warnd.model.ulid import UlidMaker
from warnd.store.database import engine_over, open_writer
from warnd.store.keys import Role, create_key
from warnd.store.receipt_secrets import make_seed, receipt_secret


@contextmanager
def writing(path: Path) -> Iterator[Connection]:
    """The store, in one transaction."""
    with closing(open_writer(path)) as raw:
        engine = engine_over(raw)
        with engine.connect() as connection:
            raw.execute("BEGIN")
            yield connection
            raw.execute("COMMIT")
        engine.dispose()


def feed_key(path: Path) -> str:
    """The text of a new key of the source ``weather``."""
    now = datetime.now(UTC)
    with writing(path) as connection:
        (text, _), _ = create_key(
            connection, "feed", Role.FEED, source="weather", id=UlidMaker().one(now), now=now
        )
        return text


def receipts_path(path: Path, channel: str) -> str:
    """Where its daemon takes the receipts of that channel; the secret in it is made if there is none."""
    with writing(path) as connection:
        make_seed(connection)
        return f"/api/v1/receipts/{channel}/{receipt_secret(connection, channel)}"
