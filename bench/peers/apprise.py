"""Apprise: the library, in a caller's process: a ``json://`` service for every recipient, told by one ``async_notify``."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import ClassVar
from urllib.parse import quote, urlencode

from bench.counting import APPRISE
from bench.peers.engine import TEXT, Errand
from bench.peers.processes import Processes, hear, say

_AGAIN = {"retry": "5", "wait": "1"}
"""A service that failed is tried so often again, so many seconds later; as shipped never."""


class Apprise:
    name: ClassVar[str] = "Apprise"
    quiet: ClassVar[float] = 3.0

    def __init__(self, errand: Errand) -> None:
        self._processes = Processes(errand.home)
        where = errand.url.removeprefix("http://").replace("/send", APPRISE)
        beside = {"+Authorization": f"Bearer {errand.token}", **_AGAIN}
        services = [
            f"json://{where}?{urlencode({':to': to, **beside}, quote_via=quote)}" for to in errand.addresses
        ]
        self._errand = json.dumps({"services": services, "text": TEXT})
        self._handed_over = False

    @staticmethod
    def missing() -> str | None:
        return None if find_spec("apprise") else "not installed (requirements/bench.txt)"

    def start(self) -> None:
        """A caller that comes back after a crash finds nothing of what it was doing, and does nothing."""
        if self._handed_over:
            return
        process = self._processes.start(sys.executable, "-m", "bench.peers.apprise_caller")
        say(process, self._errand)
        hear(process, "ready")
        self._process = process

    def hand_over(self) -> None:
        self._handed_over = True
        say(self._process, "go")

    def kill(self) -> None:
        self._processes.kill()

    def processes(self) -> Sequence[int]:
        return self._processes.ids()
