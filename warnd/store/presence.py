"""
A process's presence among those on one PostgreSQL: a connection that says it lives, hears hints, and may keep the timers.

Whoever ends, however it ends, loses the connection and with it two advisory locks: one under its own number, by which
the others see that it is gone, and perhaps that of the timers, which another takes. Times are those of the server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import psycopg
import structlog

from warnd.errors import StoreError
from warnd.store.postgres_connection import CHANNEL, Place, named

log = structlog.get_logger()

SILENT_SECONDS = 3
"""Who was not heard of for so long has no share of what is sent, and is gone if its lock is free as well."""

_SETTLING_SECONDS = 10
"""After a start of the server nobody is taken for gone: all of them have to find back."""

_BEAT_SECONDS = 1.0
_UNANSWERED_SECONDS = 5.0
_REST_SECONDS = 0.5
_UNHURRIED_BEATS = 3
_CONNECT_SECONDS = 5

_WORKERS, _TIMERS = 0x77726E77, 0x77726E74
"""First keys of the advisory locks: of processes by their numbers, and of the timers."""

_OPTIONS = {
    "synchronous_commit": "off",  # what is said here every second need not outlive the server
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",  # a machine that went dark gives its locks back within eleven seconds
    "timezone": "UTC",
}

_NOW = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"

_SEEN = f"""
UPDATE workers SET seen = {_NOW}, timers = %s, channels = CASE WHEN %s THEN '[]' ELSE channels END
WHERE id = %s AND ended_at IS NULL
""".encode()

_SENDERS = f"""
SELECT id FROM workers
WHERE ended_at IS NULL AND channels::text <> '[]' AND seen > {_NOW} - {SILENT_SECONDS} * 1000000 ORDER BY id
""".encode()

_KEEPER = b"UPDATE workers SET timers = (id = %s) WHERE timers OR id = %s"

_BURY = f"""
UPDATE workers SET ended_at = {_NOW}, missed = true, timers = false
WHERE ended_at IS NULL AND id <> %s AND seen < {_NOW} - {SILENT_SECONDS} * 1000000
  AND clock_timestamp() > pg_postmaster_start_time() + make_interval(secs => {_SETTLING_SECONDS})
  AND NOT EXISTS (
    SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND d.datname = current_database()
      AND l.classid::bigint = {_WORKERS} AND l.objid::bigint = workers.id)
RETURNING name
""".encode()

_LOCK = b"SELECT pg_try_advisory_lock(%s, %s)"
_UNLOCK = b"SELECT pg_advisory_unlock(%s, %s)"


class Attendant(Protocol):
    """Whom a presence tells what it learns. All return at once."""

    def met(self, number: int, senders: Sequence[int]) -> None:
        """This process's own number, and those of all that send, in order; told every second."""

    def heard(self, kind: str, about: Sequence[str]) -> None:
        """Another process, or a command, gave a hint."""

    def was_away(self) -> None:
        """The connection is new: hints may have been lost."""

    def keeps_timers(self, kept: bool) -> None:
        """Whether the timers are this process's from now on."""


class Presence:
    """
    ``join`` enters the process among the workers and gives its number, anew when it was taken for gone. ``own`` gives the
    server's number of the connection that writes: what that notifies, this process did itself. One that is not
    ``eager`` leaves the timers to those that are, while there are any.
    """

    def __init__(
        self,
        place: Place,
        attendant: Attendant,
        *,
        join: Callable[[], Awaitable[int]],
        own: Callable[[], int],
        eager: bool,
    ) -> None:
        self._place = place
        self._attendant = attendant
        self._join = join
        self._own = own
        self._eager = eager
        self._beats = 0
        self._resigned = False
        self._locked = 0
        self._timers = False
        self.number = 0
        self.present = asyncio.Event()

    async def run(self) -> None:
        """For ever, by a new connection whenever one is lost."""
        while True:
            try:
                async with await self._connected() as connection:
                    await self._attend(connection)
            except (psycopg.Error, StoreError, OSError, TimeoutError) as error:
                log.warning(
                    "presence.lost", store=named(self._place), error=str(error) or type(error).__name__
                )
            finally:
                self._locked = 0
                self._give_up_timers()
            await asyncio.sleep(_REST_SECONDS)

    def resign(self) -> None:
        """Keep no timers, and leave this process's share to the others; to be gone is for later."""
        self._resigned = True
        self._give_up_timers()

    def _give_up_timers(self) -> None:
        if self._timers:
            self._timers = False
            self._attendant.keeps_timers(False)

    async def _attend(self, connection: psycopg.AsyncConnection[Any]) -> None:
        await connection.execute(f"LISTEN {CHANNEL}".encode())
        away = True
        while True:
            async with asyncio.timeout(_UNANSWERED_SECONDS):
                await self._beat(connection)
            if away:
                away = False
                self._attendant.was_away()
                self.present.set()
            async for note in connection.notifies(timeout=_BEAT_SECONDS):
                if note.pid != self._own():
                    kind, *about = note.payload.split(" ")
                    self._attendant.heard(kind, about)

    async def _beat(self, connection: psycopg.AsyncConnection[Any]) -> None:
        while not await self._is_seen(connection):
            self.number = await self._join()
        if self._locked != self.number and await _did(connection, _LOCK, _WORKERS, self.number):
            self._locked = self.number
        found = await (await connection.execute(_SENDERS)).fetchall()
        self._attendant.met(self.number, [row[0] for row in found])
        if self._resigned:
            await _did(connection, _UNLOCK, _TIMERS, 0)
        else:
            await self._mind_timers(connection)

    async def _is_seen(self, connection: psycopg.AsyncConnection[Any]) -> bool:
        """False when it has not joined, or was taken for gone meanwhile."""
        seen = await connection.execute(_SEEN, (self._timers, self._resigned, self.number))
        return seen.rowcount > 0

    async def _mind_timers(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Take them if nobody has them; who has them tells who is gone."""
        self._beats += 1
        if not self._timers and (self._eager or not self._beats % _UNHURRIED_BEATS):
            self._timers = await _did(connection, _LOCK, _TIMERS, 0)
            if self._timers:
                await connection.execute(_KEEPER, (self.number, self.number))
                self._attendant.keeps_timers(True)
        if self._timers:
            for (name,) in await (await connection.execute(_BURY, (self.number,))).fetchall():
                log.warning("worker.lost", name=name)

    async def _connected(self) -> psycopg.AsyncConnection[Any]:
        given = {} if self._place.password is None else {"password": self._place.password}
        return await psycopg.AsyncConnection.connect(
            self._place.url,
            autocommit=True,
            connect_timeout=_CONNECT_SECONDS,
            application_name="warnd presence",
            keepalives_idle=5,
            keepalives_interval=2,
            keepalives_count=3,
            options=" ".join(f"-c {name}={value}" for name, value in _OPTIONS.items()),
            **given,  # type: ignore[arg-type]
        )


async def _did(connection: psycopg.AsyncConnection[Any], step: bytes, *keys: int) -> bool:
    row = await (await connection.execute(step, keys)).fetchone()
    return row is not None and bool(row[0])
