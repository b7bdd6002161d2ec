"""One engine's run: from the handing over of a broadcast until the gateway has everybody, by the gateway's clock."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

from bench.audience import Crowd
from bench.gateway import Counting
from bench.peers.engine import Engine, Errand
from bench.peers.processes import peak_mebibytes
from bench.until import until

_LOOK_EVERY = 0.05


@dataclass(frozen=True, slots=True)
class Ran:
    """
    ``seconds`` until the last of those ``told`` had come, ``p50`` and ``p99`` until half and nearly all had.

    ``peak`` is the highest resident size of all its processes in MiB. ``missing`` are recipients that had not been
    told when it was waited for no longer.
    """

    told: int
    missing: int
    seconds: float
    p50: float
    p99: float
    peak: float

    @property
    def rate(self) -> float:
        """Recipients a second."""
        return self.told / self.seconds


def run(kind: type[Engine], gateway: Counting, people: int, *, patience: float) -> Ran:
    """On a home of its own; the gateway's book is empty before."""
    gateway.forget()
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        engine = kind(Errand(gateway, Crowd("sms", people).addresses, Path(directory)))
        try:
            engine.start()
            began = time.monotonic_ns()
            engine.hand_over()
            everybody_or_nobody_more(gateway, people, patience=patience)
            return judge(gateway.arrivals(), people, began=began, peak=peak_mebibytes(engine.processes()))
        finally:
            engine.kill()


def everybody_or_nobody_more(gateway: Counting, people: int, *, patience: float) -> None:
    """Until everybody has been told, or patience is at its end: some engines leave people out."""
    try:
        until(lambda: gateway.arrived() >= people, "everybody is told", patience=patience, every=_LOOK_EVERY)
    except TimeoutError:
        return


def judge(arrivals: Mapping[str, int], people: int, *, began: int, peak: float) -> Ran:
    """``arrivals`` and ``began`` in nanoseconds of one clock. Raises ValueError when hardly anybody was told."""
    after = sorted((at - began) / 1e9 for at in arrivals.values())
    if len(after) < 2:
        raise ValueError("the gateway heard nothing")
    cuts: Sequence[float] = quantiles(after, n=100, method="inclusive")
    return Ran(len(after), people - len(after), after[-1], cuts[49], cuts[98], peak)
