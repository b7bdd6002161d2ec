"""The gateways: first-party emulators, each in a process of its own, outliving whatever talks to them."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Gateway:
    """``options`` are what the adapter's table needs; ``control`` is where its own counts are asked for."""

    options: Mapping[str, Any]
    control: str

    def counts(self) -> Mapping[str, Any]:
        """What it saw, by its own account. Blocks: not for use while something is measured."""
        counts: Mapping[str, Any] = _ask(f"{self.control}/_counts")
        return counts

    def forget(self) -> None:
        """Start its account anew, so that no run pays for the memory of the one before."""
        _ask(f"{self.control}/_reset", b"")

    def go_wrong(self, **faults: Any) -> None:
        """Set some of ``contract.emulator.Faults``, times in seconds; the others stay as they are."""
        _ask(f"{self.control}/_faults", json.dumps(faults).encode())


@dataclass(frozen=True, slots=True)
class Counting(Gateway):
    """``bench.counting`` seen from outside, the process of that ``pid``: what it tells of each number."""

    pid: int

    def arrived(self) -> int:
        """Different numbers so far; cheap enough to be asked while something is measured."""
        return int(_ask(f"{self.control}/_arrived"))

    def arrivals(self) -> Mapping[str, int]:
        """When each number came first, in nanoseconds of the machine's monotonic clock."""
        found: Mapping[str, int] = _ask(f"{self.control}/_arrivals")
        return found

    def book(self) -> Mapping[str, Mapping[str, int]]:
        """How often each number was taken, by text."""
        found: Mapping[str, Mapping[str, int]] = _ask(f"{self.control}/_book")
        return found

    def answered(self) -> Sequence[str]:
        """Ids of the receipts that were answered well."""
        found: Sequence[str] = _ask(f"{self.control}/_answered")
        return found

    def owed(self) -> int:
        """How many receipts it has neither had answered nor given up."""
        return int(_ask(f"{self.control}/_owed"))

    def later(self, text: str, at: int) -> int:
        """How many it took for that text after ``at`` (microseconds since 1970)."""
        return int(_ask(f"{self.control}/_later", json.dumps({"text": text, "at": at}).encode()))

    def lose(self, count: int) -> None:
        """Strike so many numbers from its book."""
        _ask(f"{self.control}/_lose", str(count).encode())


@contextmanager
def counting_gateway(*, receipts: str | None = None) -> Iterator[Counting]:
    """``receipts``: the address that they are pushed to."""
    flags = ["--receipts", receipts] if receipts is not None else []
    with _process("bench.counting", *flags) as (pid, said):
        port = said.pop("port")
        yield Counting(said, f"http://127.0.0.1:{port}", pid)


def free_port() -> int:
    """One of this machine that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def sms_gateway(*, latency_ms: float = 0, receipts: str | None = None) -> Iterator[Gateway]:
    """``receipts``: the address that they are pushed to."""
    flags = ["--receipts", receipts] if receipts is not None else []
    with _process("channels.sms.emulator", "--latency", str(latency_ms), *flags) as (_, said):
        port = said.pop("port")
        yield Gateway(said, f"http://127.0.0.1:{port}")


@contextmanager
def robot_gateway() -> Iterator[Gateway]:
    with _process("channels.wechat.emulator", "--control-port", "0") as (_, said):
        port = said.pop("control_port")
        yield Gateway(said, f"http://127.0.0.1:{port}")


@contextmanager
def mail_gateway() -> Iterator[Gateway]:
    with _process("channels.email.emulator", "--control-port", "0") as (_, said):
        port = said.pop("control_port")
        yield Gateway(said, f"http://127.0.0.1:{port}")


@contextmanager
def _process(module: str, *flags: str) -> Iterator[tuple[int, dict[str, Any]]]:
    process = subprocess.Popen(
        [sys.executable, "-m", module, "--port", "0", *flags], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        said: dict[str, Any] = json.loads(process.stdout.readline())
        yield process.pid, said
    finally:
        process.terminate()
        process.communicate(timeout=10)


def _ask(url: str, body: bytes | None = None) -> Any:
    """GET, or POST with a body."""
    with urllib.request.urlopen(urllib.request.Request(url, body), timeout=60) as answer:
        return json.loads(answer.read())
