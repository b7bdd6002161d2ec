"""A county's warnd as the acceptance tests meet it: a real daemon process, a real gateway process, a real disk."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg

from bench.programs import Program, completed
from warnd.store.statement import Statement

_PATIENCE = 60.0
_LOOK_EVERY = 0.01
_REST = 1
"""As long as the look took: one that takes long is not to slow what it looks for."""

_COUNTY = "621202"
_STARTED: list[Program] = []


def until(holds: Callable[[], Any], what: str, *, patience: float = _PATIENCE) -> Any:
    """Look again until it holds, and give what it gave. Fails by name, never by a guess at the machine's speed."""
    began = time.monotonic()
    while (now := time.monotonic()) < began + patience:
        if found := holds():
            return found
        time.sleep(max(_LOOK_EVERY, _REST * (time.monotonic() - now)))
    raise AssertionError(f"waited {patience:.0f} s in vain: {what}")


def started(process: Program) -> Program:
    """One that ``end_all`` is to end, should the test not."""
    _STARTED.append(process)
    return process


def end_all() -> None:
    """End the daemons that still run: those of a test that failed."""
    while _STARTED:
        one = _STARTED.pop()
        one.kill()
        one.wait()


@dataclass(slots=True)
class Gateway:
    """
    A provider's gateway in a process of its own, which outlives the daemon and counts for itself.

    ``table`` is that of the daemon's ``channel``; ``control`` is where the gateway is asked and told things.
    """

    channel: str
    process: Program
    table: dict[str, Any]
    control: str

    def counts(self) -> Mapping[str, Any]:
        return _ask(f"{self.control}/_counts")

    def numbers(self) -> dict[str, int]:
        """How often each address was taken over."""
        found: dict[str, int] = _ask(f"{self.control}/_numbers")
        return found

    def go_wrong(self, **faults: Any) -> None:
        """Set some of ``contract.emulator.Faults``, times in seconds."""
        _ask(f"{self.control}/_faults", faults)

    def has_taken(self, least: int) -> None:
        """Wait until it has taken over so many, repeats included."""
        until(lambda: self.counts()["taken"] >= least, f"the {self.channel} gateway takes {least}")


_ADAPTERS = {"sms": "sms.http", "wechat": "wechat.robot", "email": "email.smtp"}


@contextmanager
def gateway(*flags: str, channel: str = "sms", **options: Any) -> Iterator[Gateway]:
    """A gateway of that channel with these flags; ``options`` are keys for the daemon's table beside its own."""
    words = ["-m", f"channels.{channel}.emulator", "--port", "0", *flags]
    control = [] if channel == "sms" else ["--control-port", "0"]
    with TemporaryDirectory() as place:
        log = Path(place) / "gateway.log"
        process = Program([*words, *control], log, log)
        try:
            told = until(lambda: _first_line(process, log), f"the {channel} gateway listens")
            # The SMS gateway is asked where it takes messages, and says which port that is.
            port = told.pop("port") if channel == "sms" else told.pop("control_port")
            table = {"adapter": _ADAPTERS[channel], **told, **options}
            yield Gateway(channel, process, table, f"http://127.0.0.1:{port}")
        finally:
            process.terminate()
            process.wait(timeout=10)


def _first_line(process: Program, log: Path) -> dict[str, Any] | None:
    """What a gateway says of itself, as soon as it has."""
    said = log.read_text("utf-8") if log.exists() else ""
    assert process.poll() is None, said
    return json.loads(said.splitlines()[0]) if "\n" in said else None


def anew(gone: Gateway) -> AbstractContextManager[Gateway]:
    """An SMS gateway where the one that is gone was, with its credential; its book is empty."""
    port = gone.control.rpartition(":")[2]
    return gateway("--port", port, "--token", gone.table["token"])


@dataclass(slots=True)
class Site:
    """
    A directory with a configuration and a store; ``start`` runs ``warnd serve`` on it.

    It has a channel for its ``gateway`` and each of those ``beside`` it; ``tables`` are more of the configuration,
    ``retry`` what stands in that table. ``store`` is the address of a PostgreSQL database, empty for a file.
    """

    home: Path
    gateway: Gateway
    beside: Sequence[Gateway] = ()
    tables: str = ""
    retry: str = 'first = "100ms"'
    store: str = ""
    process: Program | None = None
    url: str = ""

    @property
    def config(self) -> Path:
        return self.home / "warnd.toml"

    @property
    def database(self) -> Path:
        return self.home / "warnd.db"

    def prepare(self, recipients: int, channels: Sequence[str] = ("sms",)) -> None:
        """Configuration, divisions, one group of the county with that many posts, one feed key."""
        self.configure()
        self.run("db", "upgrade")
        self.run("regions", "import", "--under", _COUNTY)
        self.enlist(recipients, channels)

    def enlist(self, recipients: int, channels: Sequence[str]) -> None:
        """The group and the key, where the county's divisions are known."""
        header = "external_id,kind,name,region,groups,audience,channel,address,priority,language,drills"
        rows = "\n".join(
            f"P-{n:06},post,值班岗{n},{_COUNTY},{_COUNTY}/全县责任人,responsible,"
            f"{channel},{address(channel, n)},1,zh,true"
            for n in range(recipients)
            for channel in channels
        )
        people = self.home / "people.csv"
        people.write_text(f"{header}\n{rows}\n")
        self.run("audience", "import", str(people))
        (self.home / "key").write_text(
            self.run("keys", "create", "feed", "--role", "feed", "--source", "weather")
        )

    def settle_in(self, prepared: Path) -> None:
        """Take over a copy of what ``prepare`` made elsewhere, with a configuration of its own."""
        shutil.copy(prepared / "warnd.db", self.database)
        shutil.copy(prepared / "key", self.home / "key")
        self.configure()

    def configure(self) -> None:
        channels = "\n".join(_table(one) for one in (self.gateway, *self.beside))
        self.config.write_text(
            f"""
            [server]
            port = 0
            [store]
            url = "{self.store or f"sqlite:///{self.database}"}"
            [retry]
            {self.retry}
            {channels}
            [sources.weather]
            regions = ["{_COUNTY}"]
            official = true
            [logs]
            format = "json"
            {self.tables}
            """
        )

    def run(self, *arguments: str) -> str:
        """A ``warnd`` command on this site; what it printed."""
        environment = {**os.environ, "WARND_CONFIG": str(self.config)}
        done = completed(["-m", "warnd", *arguments], environment=environment)
        assert done.returncode == 0, f"warnd {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def start(self, *through: str) -> None:
        """``warnd serve``, or ``through`` what else the interpreter is to run with the same arguments."""
        program = through or ("-m", "warnd")
        log = self.home / "daemon.log"
        log.touch()
        offset = log.stat().st_size
        self.process = started(Program([*program, "serve", "--config", str(self.config)], log, log))

        def listening() -> str:
            assert self.process is not None
            assert self.process.poll() is None, log.read_text()[-2000:]
            for line in log.read_bytes()[offset:].splitlines():
                if b"daemon.started" in line:
                    return str(json.loads(line)["url"])
            return ""

        self.url = until(listening, "the daemon listens")

    def kill(self) -> None:
        """``kill -9``: no handler runs, nothing is flushed."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(timeout=_PATIENCE)

    def push(self, *, key: str = "", **changes: Any) -> dict[str, Any]:
        """Send a red rainstorm warning for the county, changed in these keys, with the feed's key or ``key``; the answer."""
        return self.post(warning(**changes), key=key)[1]

    def post(self, body: dict[str, Any], *, key: str = "") -> tuple[int, dict[str, Any]]:
        """The same of a whole body; status and answer."""
        request = urllib.request.Request(
            f"{self.url}/api/v1/alerts",
            data=json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {key or (self.home / 'key').read_text().strip()}",
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:
            return answer.status, json.loads(answer.read())

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """A look into the store from outside."""
        if self.store:
            with psycopg.connect(self.store) as shared:
                return (
                    psycopg.RawCursor(shared)
                    .execute(Statement(sql).postgresql, parameters or None)
                    .fetchall()
                )
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10)
        try:
            return connection.execute(sql, parameters).fetchall()
        finally:
            connection.close()

    def states(self, alert_id: str, channel: str = "") -> dict[str, int]:
        """Deliveries of an alert (by one channel) by state, counted from the rows themselves."""
        return dict(
            self.rows(
                "SELECT state, count(*) FROM deliveries WHERE alert_id = ? AND ? IN ('', channel) GROUP BY state",
                alert_id,
                channel,
            )
        )

    def alarms(self) -> dict[str, str]:
        """Those that stand: their messages by kind."""
        return dict(self.rows("SELECT kind, message FROM alarms WHERE cleared_at IS NULL"))

    def settled(self, alert_id: str) -> bool:
        """Whether the plan is done and nothing of it is under way."""
        return bool(
            self.rows(
                """
                SELECT 1 FROM alerts a WHERE a.id = ? AND (a.plan_done OR a.stopped_at IS NOT NULL)
                  AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.alert_id = a.id
                    AND d.state IN ('queued', 'waiting', 'standby'))
                  AND NOT EXISTS (SELECT 1 FROM batches b WHERE b.alert_id = a.id
                    AND b.state IN ('queued', 'waiting', 'sending', 'unknown'))
                """,
                alert_id,
            )
        )

    def marked_repeats(self) -> set[str]:
        """Numbers whose batch the journal marks as a possible repeat."""
        return {
            row[0]
            for row in self.rows(
                """
                SELECT d.address FROM journal j JOIN deliveries d ON d.batch_id = j.subject
                WHERE j.kind = 'attempt.ended' AND instr(j.body, '"possible_repeat":true') > 0
                UNION
                SELECT d.address FROM journal j JOIN former_batches f ON f.batch_id = j.subject
                JOIN deliveries d ON d.id = f.delivery_id
                WHERE j.kind = 'attempt.ended' AND instr(j.body, '"possible_repeat":true') > 0
                """
            )
        }


def warning(**changes: Any) -> dict[str, Any]:
    """A red rainstorm warning for 武都区, issued now, in the body of the API."""
    now = datetime.now(UTC)
    stamp = (now + timedelta(hours=8)).strftime("%Y%m%d%H%M%S")
    return {
        "identifier": f"62120241600000_{stamp}",
        "sender": "62120241600000",
        "sender_name": "武都区气象台",
        "sent": now.isoformat(),
        "status": "actual",
        "type": "alert",
        "hazard": "rainstorm",
        "event_code": "11B03",
        "color": "red",
        "headline": "武都区气象台发布暴雨红色预警信号",
        "description": "预计未来3小时武都区降雨量将达100毫米以上。",
        "instruction": "低洼和沿河地区人员立即转移。",
        "expires": (now + timedelta(hours=6)).isoformat(),
        "areas": [{"name": "武都区", "regions": [_COUNTY]}],
        **changes,
    }


def address(channel: str, n: int) -> str:
    """The n-th post's; nobody has it."""
    return {
        "sms": f"+86154{n:08}",
        "wechat": f"{n:08x}-0000-4000-8000-{n:012x}",
        "email": f"post{n}@example.com",
    }[channel]


def _table(gateway: Gateway) -> str:
    """As its channel's table; a batch and slots of our own where the protocol takes many addresses at once."""
    options = {"max_batch": 100, "slots": 8} if gateway.channel == "sms" else {}
    lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in {**options, **gateway.table}.items())
    return f"[channels.{gateway.channel}]\n{lines}"


def _ask(url: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data), timeout=_PATIENCE) as answer:
        return json.loads(answer.read())
