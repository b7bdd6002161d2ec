"""The daemon that is killed: its processes seen from outside, and its store looked into."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

from bench.engine import settings
from bench.until import until

RETRY = {"first": "100ms", "ceiling": "2s"}
"""Sooner than shipped, so that a sweep need not wait."""


class Deployment(Protocol):
    """
    A way of running warnd, at ``url`` whenever it runs. ``begin`` starts its processes, ``ready`` waits until it serves, ``kill``
    is ``kill -9`` of all of them; ``rows`` reads its store, whether it runs or not.
    """

    url: str

    def begin(self) -> None: ...

    def ready(self) -> None: ...

    def kill(self) -> None: ...

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]: ...


class Embedded:
    """``warnd serve`` on SQLite: one process."""

    def __init__(self, home: Path, channel: Mapping[str, Any], *, port: int) -> None:
        settings(home, {"sms": channel}, port=port, retry=RETRY)
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{port}"

    def begin(self) -> None:
        with (self._home / "daemon.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "warnd", "serve", "--config", str(self._home / "warnd.toml")],
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def ready(self) -> None:
        until(self._serves, "the daemon serves")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self._home / "warnd.db", timeout=10)) as connection:
            return connection.execute(sql, parameters).fetchall()

    def _serves(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            log = (self._home / "daemon.log").read_text(errors="replace")
            raise RuntimeError(f"the daemon ended by itself: {log[-2000:]}")
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5):
                return True
        except OSError:
            return False
