"""The ways of running warnd that are killed: their processes from outside, and a look into their store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection

from bench.engine import settings
from bench.sweep.processes import Processes
from servers.postgres import PostgresServer
from servers.valkey import ValkeyServer
from warnd.store.database import engine_over, open_reader, raw_of
from warnd.store.postgres_connection import Place, Session
from warnd.store.statement import Statement

_TABLES: Mapping[str, Mapping[str, Any]] = {
    "retry": {"first": "100ms", "ceiling": "2s"},  # sooner than shipped, so that a sweep need not wait
    "logs": {"level": "info"},
}

_KEEPER = "SELECT name FROM workers WHERE timers AND ended_at IS NULL"


@dataclass(frozen=True, slots=True)
class Victim:
    """What may be killed at a moment. A ``spare`` one may stay away for a while: the others do its work."""

    name: str
    spare: bool = False


ALL = Victim("all of warnd")
WORKER, SERVER = Victim("a worker", spare=True), Victim("the server", spare=True)
KEEPER, DATABASE = Victim("who keeps the timers"), Victim("PostgreSQL")
VALKEY, MEMORY = Victim("Valkey", spare=True), Victim("what Valkey knows")

_RATE = "3000/s"
"""Of the channel where processes share it. What throttles shrinks it to a twentieth, and then they wait for tokens."""


class Deployment(Protocol):
    """
    A way of running warnd, at ``url`` whenever it runs.

    ``begin`` starts those of its processes that do not run, ``ready`` waits until they, or so many, are at work, ``kill`` is ``kill -9``.
    ``tend`` is to be called while anything is waited for. The store can be looked into whether it runs or not.
    """

    url: str
    victims: Sequence[Victim]

    def begin(self) -> None: ...

    def ready(self, *, least: int | None = None) -> None: ...

    def tend(self) -> None: ...

    def kill(self, victim: Victim) -> None: ...

    def look(self) -> AbstractContextManager[Connection]: ...


def asked(connection: Connection, sql: str) -> list[tuple[Any, ...]]:
    """The rows of a statement that both databases are asked in the same words."""
    return raw_of(connection).execute(Statement(sql)).fetchall()


class _Running:
    """What every deployment asks of its processes."""

    _processes: Processes

    def begin(self) -> None:
        self._processes.begin()

    def ready(self, *, least: int | None = None) -> None:
        self._processes.ready(least=least)

    def tend(self) -> None:
        self._processes.tend()


class Embedded(_Running):
    """``warnd serve`` on the SQLite file in ``home``: one process."""

    victims = (ALL,)

    def __init__(self, home: Path, channel: Mapping[str, Any], *, port: int) -> None:
        settings(home, {"sms": channel}, port=port, **_TABLES)
        self._processes = Processes(home, {"daemon": ["serve"]}, supervised=False)
        self._store = home / "warnd.db"
        self.url = f"http://127.0.0.1:{port}"

    def kill(self, victim: Victim = ALL) -> None:
        self._processes.kill(self._processes.alive)

    @contextmanager
    def look(self) -> Iterator[Connection]:
        # By a connection that ends with the look: one that stays would spare the file its recovery.
        with closing(open_reader(self._store)) as reader, engine_over(reader).connect() as connection:
            yield connection


class Scaled(_Running):
    """
    ``warnd serve`` and two of ``warnd worker`` on a database of that server; ``sends``: the first sends as well; ``splits``: they
    share out plans of this size.
    """

    victims = (WORKER, SERVER, KEEPER, ALL, DATABASE)

    def __init__(
        self,
        home: Path,
        channel: Mapping[str, Any],
        *,
        port: int,
        server: PostgresServer,
        place: Place,
        sends: bool,
        splits: bool,
        **tables: Mapping[str, Any],
    ) -> None:
        store, workers = {"url": place.url}, {"serve_sends": sends}
        settings(home, {"sms": channel}, port=port, store=store, workers=workers, **_TABLES, **tables)
        commands = {"serve": ["serve"], "worker 1": ["worker"], "worker 2": ["worker"]}
        self._processes = Processes(
            home,
            {name: [*words, "--name", name] for name, words in commands.items()},
            supervised=True,
            program="bench.sweep.splitting" if splits else "warnd",
        )
        self._server = server
        self._place = place
        self._session = Session(place)
        self.url = f"http://127.0.0.1:{port}"

    def kill(self, victim: Victim = ALL) -> None:
        if victim is not DATABASE:
            self._processes.kill(self._those(victim))
            return
        self._session.close()
        self._server.kill()
        self._server.start()
        self._session = Session(self._place)

    @contextmanager
    def look(self) -> Iterator[Connection]:
        yield self._session.sqlalchemy

    def close(self) -> None:
        """Its database has no more connections."""
        self.kill()
        self._session.close()

    def _those(self, victim: Victim) -> Sequence[str]:
        """The names of its processes: where several could be meant, of the one that has been up longest."""
        alive = self._processes.alive
        if victim is ALL:
            return alive
        if victim is KEEPER:
            kept = [name for (name,) in asked(self._session.sqlalchemy, _KEEPER)]
            return [name for name in alive if name in kept] or alive[:1]
        return [name for name in alive if (name == "serve") is (victim is SERVER)][:1]


class WithRedis(Scaled):
    """The same with that Valkey beside PostgreSQL: its processes have their lanes and the channel's rate in common."""

    victims = (*Scaled.victims, VALKEY, MEMORY)

    def __init__(
        self, home: Path, channel: Mapping[str, Any], *, valkey: ValkeyServer, **scaled: Any
    ) -> None:
        super().__init__(home, {**channel, "rate": _RATE}, queue={"url": valkey.url}, **scaled)
        self._valkey = valkey

    def begin(self) -> None:
        self._valkey.start()
        super().begin()

    def kill(self, victim: Victim = ALL) -> None:
        if victim is VALKEY:
            self._valkey.kill()
        elif victim is MEMORY:
            self._valkey.start()  # one that was away comes back with nothing
            self._valkey.flush()
        else:
            super().kill(victim)
