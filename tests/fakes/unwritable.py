"""A store that cannot be written and can be read, as after the system has remounted a failing disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from warnd.store.sqlite import SqliteStore


@contextmanager
def unwritable(store: SqliteStore) -> Iterator[None]:
    """SQLite's own refusal to write."""
    writing = store._write_connection
    assert writing is not None
    writing.connection.execute("PRAGMA query_only=1")
    try:
        yield
    finally:
        writing.connection.execute("PRAGMA query_only=0")
