"""Opening the SQLite file the way durability asks for, and bringing its schema up to date."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.pool import StaticPool

from warnd.errors import StoreError
from warnd.store import revision
from warnd.store.statement import Cursor, Statement, Values

_WRITER_CACHE_KIB = 65536
_READER_CACHE_KIB = 16384
_CHECKPOINT_PAGES = 1000
"""4 MB of log between checkpoints: the commit that finds as much copies it, and red that comes meanwhile waits for 5 to 8 ms."""

_CHECKPOINT_PAGES_BESIDE_RED = 16000
"""A commit of red, or soon after one, leaves it to later ones, up to 64 MB (ADR 26)."""

_RED_SECONDS = 0.03
"""How long after a commit of red the next is awaited: what it let out comes back when the gateway has answered."""

_MAP_BYTES = 256 * 1024 * 1024

FAILURES = (sqlite3.Error, DBAPIError)
"""What the driver raises, by itself or through SQLAlchemy, when the file cannot be read or written as asked."""


def open_writer(path: Path) -> sqlite3.Connection:
    """
    The one connection that writes: WAL, ``synchronous=FULL`` (a commit is on disk when it returns).

    Raises StoreError when the file cannot be opened or does not take these settings.
    """
    connection = _open(path, _WRITER_CACHE_KIB)
    try:
        mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
    except sqlite3.Error as error:
        connection.close()
        raise StoreError(f"{path}: cannot be written as a database: {error}") from error
    if mode != "wal":
        connection.close()
        raise StoreError(f"{path}: cannot keep a write-ahead log here (journal mode stays {mode})")
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that cannot write."""
    connection = _open(path, _READER_CACHE_KIB)
    connection.execute("PRAGMA query_only=1")
    return connection


def engine_over(connection: sqlite3.Connection) -> Engine:
    """SQLAlchemy over that very connection; it begins and commits nothing of its own."""
    return create_engine(
        "sqlite://", creator=lambda: connection, poolclass=StaticPool, isolation_level="AUTOCOMMIT"
    )


def upgrade(connection: Connection) -> None:
    """Bring the schema to the newest revision; what is there already is left alone."""
    if revision.current(connection) == revision.NEWEST:
        return
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(revision.MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


class SqliteCursor:
    """Runs statements on a connection of ``sqlite3``; what each gives is a cursor of its own."""

    __slots__ = ("_connection",)

    dialect = "sqlite"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, statement: Statement, values: Values = (), /) -> sqlite3.Cursor:
        try:
            return self._connection.execute(statement.sqlite, values)
        except sqlite3.IntegrityError as error:
            raise IntegrityError(statement.sqlite, None, error) from error

    def notify(self, hint: str) -> None:
        """A file has one process."""


class SqliteWriting:
    """The connection that ``open_writer`` gave, for the writer; ``clock`` in seconds, never going back."""

    errors: tuple[type[Exception], ...] = (sqlite3.Error,)
    chain = 0

    def __init__(
        self, connection: sqlite3.Connection, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.connection = connection
        self._clock = clock
        self.sqlalchemy = engine_over(connection).connect()
        self.cursor = raw_of(self.sqlalchemy)
        self._red_until = clock()
        self._checkpoint_pages = _CHECKPOINT_PAGES

    def begin(self, *, deciding: bool, red: bool = False) -> None:
        now = self._clock()
        if red:
            self._red_until = now + _RED_SECONDS
        pages = _CHECKPOINT_PAGES_BESIDE_RED if now < self._red_until else _CHECKPOINT_PAGES
        if pages != self._checkpoint_pages:
            self.connection.execute(f"PRAGMA wal_autocheckpoint={pages}")
            self._checkpoint_pages = pages
        self.connection.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        self.connection.execute("COMMIT")

    def rollback(self) -> None:
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")

    def is_passing(self, error: Exception) -> bool:
        return False

    def is_lost(self) -> bool:
        return False

    def close(self) -> None:
        self.sqlalchemy.close()
        self.sqlalchemy.engine.dispose()
        self.connection.close()


def raw_of(connection: Connection) -> Cursor:
    """The driver behind SQLAlchemy's connection, for hot statements."""
    found: Cursor | None = connection.info.get("cursor")
    if found is None:
        driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
        found = connection.info["cursor"] = SqliteCursor(driver)
    return found


def said_by(error: BaseException) -> str:
    """The driver's own words; never the values of the statement, which are about people and which PostgreSQL adds."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    of_the_server = getattr(getattr(cause, "diag", None), "message_primary", None)
    return str(of_the_server or cause).strip()


def _open(path: Path, cache_kib: int) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.touch(mode=0o600)  # it holds addresses of people; the files beside it take its mode
        connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, cached_statements=512, timeout=10
        )
        pragmas: dict[str, Any] = {
            "busy_timeout": 10_000,
            "foreign_keys": 0,
            "cache_size": -cache_kib,
            "mmap_size": _MAP_BYTES,
            "temp_store": "MEMORY",
        }
        for name, value in pragmas.items():
            connection.execute(f"PRAGMA {name}={value}")
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"{path}: {error}") from error
    return connection
