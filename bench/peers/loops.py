"""The bare loops, in processes of their own like everybody else."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import ClassVar

from bench.peers.engine import CONNECTIONS, TEXT, Errand
from bench.peers.processes import Processes, hear, say
from bench.throughput import BARE, BARE_WRITING


class Bare:
    name: ClassVar[str] = BARE
    quiet: ClassVar[float] = 3.0
    writes: ClassVar[bool] = False

    def __init__(self, errand: Errand) -> None:
        self._processes = Processes(errand.home)
        self._wanted = json.dumps(
            {
                "options": dict(errand.gateway.options),
                "control": errand.gateway.control,
                "addresses": list(errand.addresses),
                "text": TEXT,
                "connections": CONNECTIONS,
                "file": str(errand.home / "bare.db") if self.writes else None,
            }
        )

    @staticmethod
    def missing() -> str | None:
        return None

    def start(self) -> None:
        self._process = self._processes.start(sys.executable, "-m", "bench.peers.loop")
        say(self._process, self._wanted)
        hear(self._process, "ready")

    def hand_over(self) -> None:
        say(self._process, "go")

    def kill(self) -> None:
        self._processes.kill()

    def processes(self) -> Sequence[int]:
        return self._processes.ids()


class BareWriting(Bare):
    name: ClassVar[str] = BARE_WRITING
    writes: ClassVar[bool] = True
