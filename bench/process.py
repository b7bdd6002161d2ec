"""The daemon of ``bench.child`` seen from outside: started, weighed, killed, its store looked into."""

from __future__ import annotations

import re
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
from bench.until import until

_PATIENCE = 180.0
_LOOK_EVERY = 0.1


@dataclass(frozen=True, slots=True)
class Running:
    """A daemon's process, and where it listens."""

    process: subprocess.Popen[str]
    url: str

    def kill(self) -> None:
        """``kill -9``, and wait until it is gone."""
        self.process.kill()
        self.process.wait()

    def resident_mebibytes(self, key: str) -> float:
        """As the kernel keeps it: ``VmHWM`` is the peak, ``RssAnon`` what is held now without pages of files."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(rf"{key}:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) / 1024


@dataclass(frozen=True, slots=True)
class Home:
    """A daemon's directory: configuration and store, which outlive its processes."""

    path: Path

    @property
    def store(self) -> Path:
        return self.path / "warnd.db"

    @contextmanager
    def daemon(self, *arguments: str) -> Iterator[Running]:
        """A process that has said that it runs; killed at the end, if it still does."""
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.child", str(self.path), *arguments],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            said = process.stdout.readline().split()
            if said[:1] != ["ready"]:
                raise RuntimeError("the daemon did not come up; see above")
            yield Running(process, said[1])
        finally:
            process.kill()
            process.communicate()

    def look(self, sql: str, *parameters: Any) -> Any:
        """One value, read beside the daemon."""
        return self.rows(sql, *parameters)[0][0]

    def wait_for(self, what: str, sql: str, *parameters: Any) -> None:
        """
        Until ``sql`` gives a value that is true. Raises TimeoutError, which says what was waited for in vain.

        It looks again and again, seldom enough not to be measured: a store calls nobody in another process.
        """
        until(lambda: self.look(sql, *parameters), what, patience=_PATIENCE, every=_LOOK_EVERY)

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """The same of many."""
        with closing(sqlite3.connect(self.store, timeout=10)) as connection:
            return connection.execute(sql, parameters).fetchall()


@contextmanager
def home(audience: Path, channels: Mapping[str, Mapping[str, Any]]) -> Iterator[Home]:
    with TemporaryDirectory(prefix="bench-") as path:
        shutil.copy(audience, Path(path, "warnd.db"))
        settings(Path(path), channels)
        yield Home(Path(path))
