"""The embedded store: one SQLite file, its writer thread, and a few readers."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection

from warnd.errors import StoreError
from warnd.store.database import (
    FAILURES,
    SqliteWriting,
    engine_over,
    open_reader,
    open_writer,
    said_by,
    upgrade,
)
from warnd.store.receiving import Confirm
from warnd.store.threads import ThreadedStore
from warnd.store.writer import Writing

T = TypeVar("T")


class SqliteStore(ThreadedStore):
    """``warnd.ports.Store`` on one file."""

    def __init__(self, path: Path, *, confirm: Confirm, suspend_after: int = 3) -> None:
        super().__init__(confirm=confirm, suspend_after=suspend_after)
        self.path = path
        self.directory = path.parent
        self._write_connection: SqliteWriting | None = None
        self._local = threading.local()
        self._opened: list[tuple[sqlite3.Connection, Connection]] = []

    def _open(self) -> Writing:
        self._write_connection = SqliteWriting(open_writer(self.path))
        upgrade(self._write_connection.sqlalchemy)
        return self._write_connection

    def _close(self) -> None:
        for raw, over in self._opened:
            over.close()
            over.engine.dispose()
            raw.close()
        self._opened.clear()
        if self._write_connection is not None:
            self._write_connection.close()
            self._write_connection = None

    def _read(self, function: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
        if not hasattr(self._local, "raw"):
            raw = open_reader(self.path)
            self._local.raw, self._local.connection = raw, engine_over(raw).connect()
            self._opened.append((raw, self._local.connection))
        raw = self._local.raw
        try:
            raw.execute("BEGIN")
            try:
                return function(self._local.connection, *args, **kwargs)
            finally:
                raw.execute("ROLLBACK")
        except FAILURES as error:
            raise StoreError(f"nothing could be read: {said_by(error)}") from error
