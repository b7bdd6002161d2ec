"""Connections to PostgreSQL the way warnd needs them: durable, in byte order, planned as the statements are written."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain as chained
from itertools import count
from typing import Any

import psycopg
from psycopg import RawCursor
from psycopg.types.string import StrDumperUnknown, TextLoader
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.pool import StaticPool

from warnd.errors import StoreError
from warnd.store.database import upgrade
from warnd.store.statement import Statement, Values

OLDEST = 14
"""The oldest PostgreSQL that its makers still mend."""

_PLANNED_AS_WRITTEN = {
    "join_collapse_limit": "1",  # tables are joined in the order of their JOINs
    "enable_seqscan": "off",  # an index serves whatever is written often, also before a table's first ANALYZE
    "jit": "off",
    "client_encoding": "UTF8",
    "timezone": "UTC",
}
_CONNECT_SECONDS = 5
_UNANSWERED_MS = 20_000
"""A server that acknowledges nothing for so long is gone: whoever waits for its commit hears of it."""

LOCKS = 0x77726E64
"""The first key of the advisory locks of writers; the second is a chain's number, or one of these."""
_DECIDING, _UPGRADING = -1, -2
"""Second keys of the locks that are no chain's."""

_LEAST_REST, _MOST_REST = 0.1, 5.0
"""Seconds between two tries to reach a server that is away."""

CHANNEL = "warnd"
"""What hints are notified on."""

_NOTIFY = Statement("SELECT pg_notify(?, ?)")
_PASSING = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the database is: a ``postgresql://`` address, and the password unless the address or the server needs none."""

    url: str
    password: str | None = None


class _Text(StrDumperUnknown):
    """A NUL, which no text of PostgreSQL's may hold, becomes U+FFFD."""

    def dump(self, obj: str) -> bytes | None:
        return super().dump(obj.replace("\0", "\ufffd"))  # type: ignore[return-value]


class Given:
    """What a statement gave; all of it is here already."""

    __slots__ = ("_rows", "rowcount")

    def __init__(self, rows: list[Any], rowcount: int) -> None:
        self._rows = rows
        self.rowcount = rowcount

    def fetchone(self) -> Any:
        return self._rows[0] if self._rows else None

    def fetchall(self) -> list[Any]:
        return self._rows

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)


class PostgresCursor:
    """Runs statements on a connection of ``psycopg``, each prepared once; JSON comes as text."""

    __slots__ = ("_cursor",)

    dialect = "postgresql"

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._cursor = RawCursor(connection)
        for kind in ("json", "jsonb"):
            self._cursor.adapters.register_loader(kind, TextLoader)

    def execute(self, statement: Statement, values: Values = (), /) -> Given:
        bound = [values[name] for name in statement.names] if isinstance(values, dict) else values
        try:
            self._cursor.execute(statement.postgresql, bound or None, prepare=True)
        except psycopg.IntegrityError as error:
            raise IntegrityError(statement.postgresql, None, error) from error
        rows = self._cursor.fetchall() if self._cursor.description is not None else []
        return Given(rows, self._cursor.rowcount)

    def notify(self, hint: str) -> None:
        self.execute(_NOTIFY, (CHANNEL, hint))


class Session:
    """One connection, for hot statements and for SQLAlchemy. Raises psycopg.OperationalError when it cannot be had."""

    def __init__(self, place: Place) -> None:
        self.raw = _connect(place)
        try:
            self.sqlalchemy = _over(self.raw)
        except BaseException:
            self.raw.close()
            raise
        self.cursor = PostgresCursor(self.raw)
        self.sqlalchemy.info["cursor"] = self.cursor

    @property
    def is_lost(self) -> bool:
        return self.raw.closed

    def close(self) -> None:
        with suppress(psycopg.Error, DBAPIError):  # what is lost cannot say goodbye
            self.sqlalchemy.close()
            self.sqlalchemy.engine.dispose()
        self.raw.close()


class PostgresWriting:
    """
    The connection that writes, and the chain of the journal that is its own for as long as it lives.

    A connection that is lost is made anew by the next commit; until the server is back each fails at once.
    """

    errors: tuple[type[Exception], ...] = (psycopg.Error,)

    def __init__(self, place: Place) -> None:
        self.chain = 0
        self._place = place
        self._rest = _LEAST_REST
        self._not_before = 0.0
        self._session = self._open()

    @property
    def cursor(self) -> PostgresCursor:
        return self._session.cursor

    @property
    def sqlalchemy(self) -> Connection:
        return self._session.sqlalchemy

    @property
    def backend(self) -> int:
        """The server's number of this connection."""
        return 0 if self._session.is_lost else self._session.raw.info.backend_pid

    def begin(self, *, deciding: bool) -> None:
        if self._session.is_lost:
            self._reopen()
        self._session.raw.execute("BEGIN")
        if deciding:
            # What is decided on what was read must find it so: such commits of all processes go one by one.
            self._session.raw.execute("SELECT pg_advisory_xact_lock(%s, %s)", (LOCKS, _DECIDING))

    def commit(self) -> None:
        done = self._session.raw.execute("COMMIT").statusmessage
        if done != "COMMIT":
            raise StoreError("the server undid the commit")

    def rollback(self) -> None:
        if not self._session.is_lost:
            self._session.raw.execute("ROLLBACK")

    def is_passing(self, error: Exception) -> bool:
        return isinstance(error.orig if isinstance(error, DBAPIError) else error, _PASSING)

    def is_lost(self) -> bool:
        return self._session.is_lost

    def close(self) -> None:
        self._session.close()

    def _open(self) -> Session:
        session = Session(self._place)
        try:
            _check(session.raw)
            self.chain = _free_chain(session.raw, self.chain)
        except BaseException:
            session.close()
            raise
        return session

    def _reopen(self) -> None:
        now = time.monotonic()
        if now < self._not_before:
            raise StoreError("the connection to the database is lost")
        try:
            session = self._open()
        except (psycopg.Error, DBAPIError):
            self._not_before = time.monotonic() + self._rest
            self._rest = min(self._rest * 2, _MOST_REST)
            raise
        self._rest = _LEAST_REST
        self._session.close()
        self._session = session


def open_postgres(place: Place) -> PostgresWriting:
    """
    The connection that writes, its schema up to date.

    Raises StoreError when the server cannot be reached or does not do what warnd relies on.
    """
    try:
        writing = PostgresWriting(place)
    except (psycopg.Error, DBAPIError) as error:
        raise StoreError(f"{named(place)}: {_said(error)}") from error
    try:
        _upgrade(writing)
    except (psycopg.Error, DBAPIError) as error:
        writing.close()
        raise StoreError(
            f"{named(place)}: its schema cannot be brought up to date: {_said(error)}"
        ) from error
    return writing


def named(place: Place) -> str:
    """The address without its password."""
    parts = psycopg.conninfo.conninfo_to_dict(place.url)
    host = parts.get("host") or parts.get("hostaddr") or "the local server"
    return f"PostgreSQL database {parts.get('dbname') or parts.get('user') or ''} on {host}"


def faults(connection: psycopg.Connection[Any]) -> list[str]:
    """What of this server or database warnd cannot work with, in plain sentences."""
    found = []
    if connection.info.server_version < OLDEST * 10_000:
        found.append(
            f"PostgreSQL {connection.info.server_version // 10_000} is too old; {OLDEST} or later is needed"
        )
    standby, synchronous, encoding, in_order = _facts(connection)
    if standby:
        found.append("it is a standby, which takes no writes")
    if synchronous == "off":
        found.append("synchronous_commit is off: a commit that was answered could be lost; set it to on")
    if encoding != "UTF8":
        found.append(f"its encoding is {encoding}; UTF8 is needed")
    if not in_order:
        found.append(
            "it does not sort by bytes; make it with `CREATE DATABASE … TEMPLATE template0 LOCALE 'C'`"
        )
    return found


def _facts(connection: psycopg.Connection[Any]) -> tuple[bool, str, str, bool]:
    found: tuple[bool, str, str, bool] = connection.execute(
        "SELECT pg_is_in_recovery(), current_setting('synchronous_commit'), current_setting('server_encoding'), "
        "'a' > 'B' AND '~' < 'é'"
    ).fetchone()  # type: ignore[assignment]
    return found


def _check(connection: psycopg.Connection[Any]) -> None:
    if found := faults(connection):
        raise StoreError(f"{connection.info.dbname}: {'; '.join(found)}")


def _connect(place: Place) -> psycopg.Connection[Any]:
    given = {} if place.password is None else {"password": place.password}
    connection = psycopg.connect(
        place.url,
        autocommit=True,
        connect_timeout=_CONNECT_SECONDS,
        tcp_user_timeout=_UNANSWERED_MS,
        application_name="warnd",
        options=" ".join(f"-c {name}={value}" for name, value in _PLANNED_AS_WRITTEN.items()),
        **given,  # type: ignore[arg-type]
    )
    connection.adapters.register_dumper(str, _Text)
    connection.prepared_max = 300
    return connection


def _over(connection: psycopg.Connection[Any]) -> Connection:
    """SQLAlchemy over that very connection; it begins and commits nothing of its own."""
    engine = create_engine(
        "postgresql+psycopg://",
        creator=lambda: connection,
        poolclass=StaticPool,
        isolation_level="AUTOCOMMIT",
        use_native_hstore=False,
    )
    return engine.connect()


def _free_chain(connection: psycopg.Connection[Any], wanted: int) -> int:
    """The chain that is wanted, or the lowest that nobody writes to: it is this connection's until that ends."""
    return next(chain for chain in chained((wanted,), count()) if _lock(connection, chain))


def _lock(connection: psycopg.Connection[Any], chain: int) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (LOCKS, chain)).fetchone()
    return row is not None and bool(row[0])


def _upgrade(writing: PostgresWriting) -> None:
    """In one transaction; processes that start together do so one after the other."""
    connection = writing.sqlalchemy
    connection.exec_driver_sql("BEGIN")
    try:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCKS}, {_UPGRADING})")
        upgrade(connection)
    except BaseException:
        connection.exec_driver_sql("ROLLBACK")
        raise
    connection.exec_driver_sql("COMMIT")


def _said(error: Exception) -> str:
    return str(error.orig if isinstance(error, DBAPIError) else error).strip()
