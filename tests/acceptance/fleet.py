"""A site's further processes: daemons and workers on the same PostgreSQL, each of which may be killed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.programs import Program
from servers.postgres import PostgresServer
from tests.acceptance.site import Gateway, Site, gateway, started, until


@dataclass(slots=True)
class Member:
    """One process, by its name, with what it has logged."""

    name: str
    log: Path
    process: Program

    def events(self, event: str) -> list[dict[str, Any]]:
        """The lines of that event so far."""
        lines = self.log.read_bytes().splitlines()
        return [json.loads(line) for line in lines if event.encode() in line]

    @property
    def url(self) -> str:
        """Where a daemon listens."""
        return str(self.events("daemon.started")[0]["url"])

    def kill(self) -> None:
        """``kill -9``."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        self.process.terminate()
        return self.process.wait(timeout=30)


@dataclass(slots=True)
class Fleet:
    """The processes on one site's store, by name."""

    site: Site
    members: dict[str, Member] = field(default_factory=dict)

    def start(self, *names: str, role: str = "worker", through: Sequence[str] = ("-m", "warnd")) -> None:
        """Start these at once, by what the interpreter is to run; returns when each is at work."""
        for name in names:
            log = self.site.home / f"{name}.log"
            log.touch()
            command = [*through, role, "--name", name, "--config", str(self.site.config)]
            process = started(Program(command, log, log))
            self.members[name] = Member(name, log, process)
        event = "worker.started" if role == "worker" else "daemon.started"
        for name in names:
            until(lambda name=name: self.at_work(name, event), f"{name} is at work")
        if role == "serve":
            self.site.url = self.members[names[-1]].url

    def at_work(self, name: str, event: str) -> bool:
        member = self.members[name]
        assert member.process.poll() is None, member.log.read_text()[-2000:]
        return bool(member.events(event))

    def keeper(self) -> str:
        """The name of the process that keeps the timers, as the store has it."""
        rows = self.site.rows("SELECT name FROM workers WHERE timers AND ended_at IS NULL")
        return rows[0][0] if rows else ""

    def sent(self) -> dict[str, int]:
        """How many batches each has had last."""
        return dict(
            self.site.rows(
                "SELECT w.name, count(*) FROM batches b JOIN workers w ON w.id = b.holder GROUP BY w.name"
            )
        )


@dataclass(frozen=True, slots=True)
class Prepared:
    """A database with the posts of one county, to be copied, and the directory with its feed's key."""

    server: PostgresServer
    database: str
    home: Path

    @classmethod
    def of(
        cls, server: PostgresServer, home: Path, posts: int, channels: Sequence[str] = ("sms",)
    ) -> Prepared:
        name = server.database()
        with gateway() as sms:
            Site(home, sms, store=server.place(name).url).prepare(posts, channels)
        return cls(server, name, home)

    @contextmanager
    def fleet(
        self, home: Path, *flags: str, tables: str = "", **options: Any
    ) -> Iterator[tuple[Fleet, Gateway]]:
        """A site on a copy of it, with a gateway of these flags and options; nothing of the site is started."""
        database = self.server.database(self.database)
        with gateway(*flags, **options) as one:
            site = Site(home, one, store=self.server.place(database).url, tables=tables)
            site.configure()
            (home / "key").write_text((self.home / "key").read_text())
            yield Fleet(site), one
