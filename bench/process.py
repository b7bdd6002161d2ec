"""The daemon of ``bench.child`` seen from outside: started, weighed, killed, its store looked into."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.engine import settings


@dataclass(frozen=True, slots=True)
class Home:
    """A daemon's directory: configuration and store, which outlive its processes."""

    path: Path

    @contextmanager
    def daemon(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """A process that has said that it runs; killed at the end, if it still does."""
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.child", str(self.path), *arguments],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            if process.stdout.readline().strip() != "ready":
                raise RuntimeError("the daemon did not come up; see above")
            yield process
        finally:
            process.kill()
            process.communicate()

    def look(self, sql: str) -> Any:
        """One value, read beside the daemon."""
        with closing(sqlite3.connect(self.path / "warnd.db", timeout=10)) as connection:
            return connection.execute(sql).fetchone()[0]


@contextmanager
def home(audience: Path, channels: Mapping[str, Mapping[str, Any]]) -> Iterator[Home]:
    with TemporaryDirectory(prefix="bench-") as path:
        shutil.copy(audience, Path(path, "warnd.db"))
        settings(Path(path), channels)
        yield Home(Path(path))
