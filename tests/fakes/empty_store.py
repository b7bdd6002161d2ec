"""An SQLite store with nothing in it: its schema is made once, and copied for whoever wants one."""

from __future__ import annotations

from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from warnd.store.database import engine_over, open_writer, upgrade


def empty_store(path: Path) -> Path:
    """One at that path; the path."""
    path.write_bytes(_migrated())
    return path


@cache
def _migrated() -> bytes:
    with TemporaryDirectory() as place:
        path = Path(place) / "warnd.db"
        with closing(open_writer(path)) as raw, engine_over(raw).connect() as connection:
            upgrade(connection)
        return path.read_bytes()
