"""A county's warnd as the acceptance tests meet it: a real daemon process, a real gateway process, a real disk."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

_PATIENCE = 60.0
_LOOK_EVERY = 0.01
_COUNTY = "621202"


def until(holds: Callable[[], Any], what: str, *, patience: float = _PATIENCE) -> Any:
    """Look again until it holds, and give what it gave. Fails by name, never by a guess at the machine's speed."""
    give_up = time.monotonic() + patience
    while time.monotonic() < give_up:
        if found := holds():
            return found
        time.sleep(_LOOK_EVERY)
    raise AssertionError(f"waited {patience:.0f} s in vain: {what}")


@dataclass(slots=True)
class Gateway:
    """An SMS gateway in a process of its own, which outlives the daemon and counts for itself."""

    process: subprocess.Popen[str]
    url: str
    token: str
    base: str

    def counts(self) -> Mapping[str, Any]:
        return _get(f"{self.base}/_counts")

    def numbers(self) -> dict[str, int]:
        """How often each number was taken over."""
        found: dict[str, int] = _get(f"{self.base}/_numbers")
        return found


@contextmanager
def gateway(*flags: str) -> Iterator[Gateway]:
    process = subprocess.Popen(
        [sys.executable, "-m", "channels.sms.emulator", "--port", "0", *flags],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        yield Gateway(process, told["url"], told["token"], f"http://127.0.0.1:{told['port']}")
    finally:
        process.terminate()
        process.communicate(timeout=10)


@dataclass(slots=True)
class Site:
    """A directory with a configuration (``tables`` are more of it) and a store; ``start`` runs ``warnd serve`` on it."""

    home: Path
    gateway: Gateway
    channel: Mapping[str, Any] = field(default_factory=dict)
    tables: str = ""
    process: subprocess.Popen[bytes] | None = None
    url: str = ""

    @property
    def config(self) -> Path:
        return self.home / "warnd.toml"

    @property
    def database(self) -> Path:
        return self.home / "warnd.db"

    def prepare(self, recipients: int) -> None:
        """Configuration, divisions, one group of the county with that many posts, one feed key."""
        self.configure()
        header = "external_id,kind,name,region,groups,audience,channel,address,priority,language,drills"
        rows = "\n".join(
            f"P-{n:06},post,值班岗{n},{_COUNTY},{_COUNTY}/全县责任人,responsible,sms,+86154{n:08},1,zh,true"
            for n in range(recipients)
        )
        people = self.home / "people.csv"
        people.write_text(f"{header}\n{rows}\n")
        self.run("db", "upgrade")
        self.run("regions", "import", "--under", _COUNTY)
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
        options = {"max_batch": 100, "slots": 8, **self.channel}
        lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in options.items())
        self.config.write_text(
            f"""
            [server]
            port = 0
            [store]
            url = "sqlite:///{self.database}"
            [retry]
            first = "100ms"
            [channels.sms]
            adapter = "sms.http"
            url = "{self.gateway.url}"
            token = "{self.gateway.token}"
            {lines}
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
        done = subprocess.run(
            [sys.executable, "-m", "warnd", *arguments],
            env={**os.environ, "WARND_CONFIG": str(self.config)},
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"warnd {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def start(self) -> None:
        log = self.home / "daemon.log"
        offset = log.stat().st_size if log.exists() else 0
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "warnd", "serve", "--config", str(self.config)],
                stdout=output,
                stderr=subprocess.STDOUT,
            )

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
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(timeout=_PATIENCE)

    def push(self, **changes: Any) -> dict[str, Any]:
        """Send a red rainstorm warning for the county, changed in these keys; the answer."""
        request = urllib.request.Request(
            f"{self.url}/api/v1/alerts",
            data=json.dumps(warning(**changes)).encode(),
            headers={
                "Authorization": f"Bearer {(self.home / 'key').read_text().strip()}",
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:
            found: dict[str, Any] = json.loads(answer.read())
            return found

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """A look into the store from outside."""
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10)
        try:
            return connection.execute(sql, parameters).fetchall()
        finally:
            connection.close()

    def states(self, alert_id: str) -> dict[str, int]:
        """Deliveries of an alert by state, counted from the rows themselves."""
        return dict(
            self.rows("SELECT state, count(*) FROM deliveries WHERE alert_id = ? GROUP BY state", alert_id)
        )

    def settled(self, alert_id: str) -> bool:
        """Whether the plan is done and nothing of it is under way."""
        done = self.rows("SELECT plan_done OR stopped_at IS NOT NULL FROM alerts WHERE id = ?", alert_id)
        open_states = {"queued", "waiting", "standby"} & self.states(alert_id).keys()
        out = self.rows(
            "SELECT 1 FROM batches WHERE alert_id = ? AND state IN ('queued', 'waiting', 'sending', 'unknown')",
            alert_id,
        )
        return bool(done and done[0][0]) and not open_states and not out

    def marked_repeats(self) -> set[str]:
        """Numbers whose batch the journal marks as a possible repeat."""
        return {
            row[0]
            for row in self.rows(
                """
                SELECT d.address FROM journal j JOIN deliveries d ON d.batch_id = j.subject
                WHERE j.kind = 'attempt.ended' AND json_extract(j.body, '$.possible_repeat')
                UNION
                SELECT d.address FROM journal j JOIN former_batches f ON f.batch_id = j.subject
                JOIN deliveries d ON d.id = f.delivery_id
                WHERE j.kind = 'attempt.ended' AND json_extract(j.body, '$.possible_repeat')
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


def _get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=_PATIENCE) as answer:
        return json.loads(answer.read())
