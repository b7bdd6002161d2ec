"""The one connection that writes to PostgreSQL: its commits, its chain, and how it comes back when the server does."""

from __future__ import annotations

import time
from itertools import chain as chained
from itertools import count
from typing import Any

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from warnd.errors import StoreError
from warnd.store.database import said_by, upgrade
from warnd.store.postgres_connection import Place, PostgresCursor, Session, check, named

LOCKS = 0x77726E64
"""The first key of the advisory locks of writers; the second is a chain's number, or one of these."""

_DECIDING, _UPGRADING = -1, -2
"""Second keys of the locks that are no chain's."""

_LEAST_REST, _MOST_REST = 0.1, 5.0
"""Seconds between two tries to reach a server that is away."""

_PASSING = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)


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

    def begin(self, *, deciding: bool, red: bool = False) -> None:
        if self._session.is_lost:
            self._reopen()
        try:
            self._session.raw.execute("BEGIN")
        except psycopg.OperationalError:
            if not self._session.is_lost:
                raise
            # Lost while nobody wrote: nothing is undone by beginning on a new one.
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
            check(session.raw)
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
        raise StoreError(f"{named(place)}: {said_by(error)}") from error
    try:
        _upgrade(writing)
    except (psycopg.Error, DBAPIError) as error:
        writing.close()
        raise StoreError(
            f"{named(place)}: its schema cannot be brought up to date: {said_by(error)}"
        ) from error
    return writing


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
