"""Connections to PostgreSQL the way warnd needs them: durable, in byte order, planned as the statements are written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import RawCursor
from psycopg.types.string import StrDumperUnknown, TextLoader
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.pool import StaticPool

from warnd.errors import StoreError
from warnd.store.statement import Statement, Values

OLDEST = 14
"""The oldest PostgreSQL that its makers still mend."""

_PLANNED_AS_WRITTEN = {
    "join_collapse_limit": "1",  # tables are joined in the order of their JOINs
    "enable_seqscan": "off",  # an index serves whatever is written often, also before a table's first ANALYZE
    "jit": "off",
    "max_parallel_workers_per_gather": "0",  # to start one takes longer than any of these statements
    "client_encoding": "UTF8",
    "timezone": "UTC",
}
_CONNECT_SECONDS = 5
_UNANSWERED_MS = 20_000
"""A server that acknowledges nothing for so long is gone: whoever waits for its commit hears of it."""

_HUNG_MS = 10_000
"""Who says nothing for so long in the middle of a transaction hangs: what it has locked is free again."""

CHANNEL = "warnd"
"""What hints are notified on."""

_NOTIFY = Statement("SELECT pg_notify(?, ?)")


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


def check(connection: psycopg.Connection[Any]) -> None:
    if found := faults(connection):
        raise StoreError(f"{connection.info.dbname}: {'; '.join(found)}")


def _connect(place: Place) -> psycopg.Connection[Any]:
    given = {} if place.password is None else {"password": place.password}
    settings = {**_PLANNED_AS_WRITTEN, "idle_in_transaction_session_timeout": f"{_HUNG_MS}"}
    connection = psycopg.connect(
        place.url,
        autocommit=True,
        connect_timeout=_CONNECT_SECONDS,
        tcp_user_timeout=_UNANSWERED_MS,
        application_name="warnd",
        options=" ".join(f"-c {name}={value}" for name, value in settings.items()),
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
