"""warnd: ``bench.child``, which is what ``warnd serve`` runs, told by HTTP like any daemon of its feed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import ClassVar

from bench.audience import Crowd, build
from bench.engine import settings
from bench.peers.engine import CONNECTIONS, Errand
from bench.peers.processes import Processes
from bench.standing import feed_key
from bench.throughput import WARND
from bench.told import tell_by_http


class Warnd:
    name: ClassVar[str] = WARND
    quiet: ClassVar[float] = 3.0

    def __init__(self, errand: Errand) -> None:
        self._home = errand.home
        self._processes = Processes(errand.home)
        build(errand.home / "warnd.db", [Crowd("sms", len(errand.addresses))])
        channel = {
            "adapter": "sms.http", "max_batch": 1, "slots": CONNECTIONS, "receipts": False, **errand.gateway.options,
        }  # fmt: skip
        settings(errand.home, {"sms": channel})
        self._key = feed_key(errand.home / "warnd.db")
        self._url = ""

    @staticmethod
    def missing() -> str | None:
        return None

    def start(self) -> None:
        process = self._processes.start(sys.executable, "-m", "bench.child", str(self._home), "--stay")
        assert process.stdout is not None
        said = process.stdout.readline().split()
        if said[:1] != ["ready"]:
            raise RuntimeError("the daemon did not come up")
        self._url = said[1]

    def hand_over(self) -> None:
        tell_by_http(self._url, self._key)

    def kill(self) -> None:
        self._processes.kill()

    def processes(self) -> Sequence[int]:
        return self._processes.ids()
