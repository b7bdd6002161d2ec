"""What an engine loses and repeats when it is killed on the way and started again, by the gateway's own account."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.audience import Crowd
from bench.gateway import Counting
from bench.peers.engine import Engine, Errand
from bench.until import until

_PATIENCE = 120.0


@dataclass(frozen=True, slots=True)
class Aftermath:
    """Recipients never told, and told more than once, of a broadcast that the engine had taken over whole."""

    lost: int
    repeated: int


class TooLate(Exception):
    """It was through with everybody before it could be killed."""


def kill_on_the_way(kind: type[Engine], gateway: Counting, people: int) -> Aftermath:
    """``kill -9`` once a quarter has been told, start again, wait until no more comes of it. Raises TooLate."""
    gateway.forget()
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        engine = kind(Errand(gateway, Crowd("sms", people).addresses, Path(directory)))
        try:
            engine.start()
            engine.hand_over()
            until(
                lambda: gateway.arrived() >= people // 4, "a quarter is told", patience=_PATIENCE, every=0.002
            )
            engine.kill()
            if gateway.arrived() == people:
                raise TooLate(f"{engine.name} was through before it could be killed")
            engine.start()
            _until_quiet(gateway, engine.quiet)
            counts = gateway.counts()
            return Aftermath(people - counts["numbers"], counts["repeated"])
        finally:
            engine.kill()


def _until_quiet(gateway: Counting, quiet: float) -> None:
    taken, since = -1, time.monotonic()
    while time.monotonic() - since < quiet:
        if (now := gateway.counts()["taken"]) != taken:
            taken, since = now, time.monotonic()
        time.sleep(0.1)
