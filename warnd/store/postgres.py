"""The shared store: a PostgreSQL database that any number of processes write to at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg
from sqlalchemy.exc import DBAPIError

from warnd.errors import StoreError
from warnd.store.database import said_by
from warnd.store.postgres_connection import Place, Session, named
from warnd.store.postgres_writing import PostgresWriting, open_postgres
from warnd.store.receiving import Confirm
from warnd.store.threads import ThreadedStore
from warnd.store.writer import Writing

T = TypeVar("T")


class PostgresStore(ThreadedStore):
    """``warnd.ports.Store`` on one database."""

    shared = True

    def __init__(self, place: Place, *, confirm: Confirm, suspend_after: int = 3) -> None:
        super().__init__(confirm=confirm, suspend_after=suspend_after)
        self.place = place
        self._write_connection: PostgresWriting | None = None
        self._local = threading.local()
        self._opened: list[Session] = []

    @property
    def backend(self) -> int:
        """The server's number of the connection that writes; 0 while there is none."""
        return self._write_connection.backend if self._write_connection is not None else 0

    def _open(self) -> Writing:
        self._write_connection = open_postgres(self.place)
        return self._write_connection

    def _close(self) -> None:
        for session in self._opened:
            session.close()
        self._opened.clear()
        if self._write_connection is not None:
            self._write_connection.close()
            self._write_connection = None

    def _read(self, function: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
        """A connection that was lost since the last read is made anew, once."""
        known: Session | None = getattr(self._local, "session", None)
        try:
            return self._read_once(function, args, kwargs)
        except (psycopg.Error, DBAPIError) as error:
            if known is None or not known.is_lost:
                raise StoreError(f"{named(self.place)}: {said_by(error)}") from error
        try:
            return self._read_once(function, args, kwargs)
        except (psycopg.Error, DBAPIError) as error:
            raise StoreError(f"{named(self.place)}: {said_by(error)}") from error

    def _read_once(self, function: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
        session = self._session()
        session.raw.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        try:
            return function(session.sqlalchemy, *args, **kwargs)
        finally:
            if not session.is_lost:
                session.raw.execute("ROLLBACK")

    def _session(self) -> Session:
        """This thread's own."""
        session: Session | None = getattr(self._local, "session", None)
        if session is not None and session.is_lost:
            self._opened.remove(session)
            session.close()
            # Should there be no other yet, this one is not to be let go of twice.
            del self._local.session
            session = None
        if session is None:
            session = self._local.session = Session(self.place)
            self._opened.append(session)
        return session
