"""A whole sweep: the variants by turns, several broadcasts side by side, until so many kills are done."""

from __future__ import annotations

import random
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue
from threading import Lock

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bench.sweep.broadcast import Survived, broadcast
from bench.sweep.ground import GROUNDS, Ground
from bench.sweep.judging import Verdict
from bench.sweep.totals import Totals
from bench.sweep.variants import VARIANTS

PEOPLE = 2_000
A_BROADCAST = 3
"""Kills of each; the last broadcast has what is left."""

BESIDE = 2
"""Broadcasts at once: most of a kill's time is waiting, for a gateway, a lease, a server that starts."""


@dataclass(slots=True)
class _Sweep:
    """``tasks`` are the broadcasts that nobody has begun: the number of each, and how many kills it has."""

    kills: int
    seed: int
    people: int
    spoil: int
    console: Console
    struck: Callable[[], None]
    tasks: SimpleQueue[tuple[int, int]] = field(default_factory=SimpleQueue)
    totals: Totals = field(default_factory=Totals)
    stopped: bool = False
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        for task in enumerate(shares(self.kills)):
            self.tasks.put(task)

    def lane(self, ground: Ground) -> None:
        """One broadcast after the other, as long as there are any."""
        while (task := self._next()) is not None:
            number, share = task
            variant = VARIANTS[number % len(VARIANTS)]
            dice = random.Random(f"{self.seed} {number}")
            told = partial(broadcast, ground, variant, share, dice, spoil=self.spoil, struck=self.struck)
            self._keep(number, variant.name, _survived(told))

    def _next(self) -> tuple[int, int] | None:
        try:
            return None if self.stopped else self.tasks.get_nowait()
        except Empty:
            return None

    def _keep(self, number: int, variant: str, survived: Survived) -> None:
        with self._lock:
            if self.stopped:  # Ctrl-C strikes what was being judged as well
                return
            self.totals.add(variant, survived, self.people)
            if not self.console.is_terminal:
                self.console.print(f"{self.totals.kills} of {self.kills} kills")
            if not survived.verdict.clean:
                self.console.print(f"broadcast {number}, {variant}: {survived}", style="red")


def sweep(
    deployment: str,
    kills: int,
    *,
    seed: int,
    people: int = PEOPLE,
    beside: int = BESIDE,
    spoil: int = 0,
    console: Console,
) -> Totals:
    """
    With a bar, or where there is no terminal a line, for each broadcast. Ctrl-C ends it early with what there is.

    ``seed`` draws moments, victims and shapes of each broadcast; what a machine does between them is its own. ``beside`` broadcasts
    take place at once, each on ground of its own.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with ExitStack() as stack:
        grounds = [stack.enter_context(GROUNDS[deployment](people)) for _ in range(beside)]
        progress = stack.enter_context(Progress(*columns, console=console, disable=not console.is_terminal))
        bar = progress.add_task("kills", total=kills)
        here = _Sweep(kills, seed, people, spoil, console, lambda: progress.advance(bar))
        lanes = stack.enter_context(ThreadPoolExecutor(beside))
        try:
            for ended in [lanes.submit(here.lane, ground) for ground in grounds]:
                ended.result()
        except KeyboardInterrupt:
            console.print("Ended early.")
        finally:
            here.stopped = True
    return here.totals


def _survived(told: Callable[[], Survived]) -> Survived:
    """What broke off or never came to its end spoils the sweep, and ends it not."""
    try:
        return told()
    except (TimeoutError, RuntimeError):
        traceback.print_exc()
        return Survived([], Verdict(unfinished=1))


def shares(kills: int) -> Iterator[int]:
    while kills > 0:
        yield min(kills, A_BROADCAST)
        kills -= A_BROADCAST
