"""The gateways: first-party emulators, each in a process of its own, outliving whatever talks to them."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
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
        _ask(f"{self.control}/_reset", method="POST")


@contextmanager
def sms_gateway(*, latency_ms: float = 0) -> Iterator[Gateway]:
    """An SMS gateway without receipts."""
    with _process("channels.sms.emulator", "--latency", str(latency_ms)) as said:
        port = said.pop("port")
        yield Gateway(said, f"http://127.0.0.1:{port}")


@contextmanager
def robot_gateway() -> Iterator[Gateway]:
    with _process("channels.wechat.emulator", "--control-port", "0") as said:
        port = said.pop("control_port")
        yield Gateway(said, f"http://127.0.0.1:{port}")


@contextmanager
def mail_gateway() -> Iterator[Gateway]:
    with _process("channels.email.emulator", "--control-port", "0") as said:
        port = said.pop("control_port")
        yield Gateway(said, f"http://127.0.0.1:{port}")


@contextmanager
def _process(module: str, *flags: str) -> Iterator[dict[str, Any]]:
    process = subprocess.Popen(
        [sys.executable, "-m", module, "--port", "0", *flags], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        said: dict[str, Any] = json.loads(process.stdout.readline())
        yield said
    finally:
        process.terminate()
        process.communicate(timeout=10)


def _ask(url: str, *, method: str = "GET") -> Any:
    with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=60) as answer:
        return json.loads(answer.read())
