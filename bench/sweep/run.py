"""A whole sweep: the variants by turns, until so many kills are done."""

from __future__ import annotations

import random
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bench.sweep.broadcast import Survived, broadcast
from bench.sweep.ground import GROUNDS
from bench.sweep.judging import Verdict
from bench.sweep.totals import Totals
from bench.sweep.variants import VARIANTS

PEOPLE = 2_000
A_BROADCAST = 3
"""Kills of each; the last broadcast has what is left."""


def sweep(
    deployment: str, kills: int, *, seed: int, people: int = PEOPLE, spoil: int = 0, console: Console
) -> Totals:
    """
    With a bar, or where there is no terminal a line, for each broadcast. Ctrl-C ends it early with what there is.

    ``seed`` draws moments, victims and shapes; what a machine does between them is its own.
    """
    dice = random.Random(seed)
    totals = Totals()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        suppress(KeyboardInterrupt),
        GROUNDS[deployment](people) as ground,
        Progress(*columns, console=console, disable=not console.is_terminal) as progress,
    ):
        bar = progress.add_task("kills", total=kills)
        for number, share in enumerate(shares(kills)):
            variant = VARIANTS[number % len(VARIANTS)]
            progress.update(bar, description=variant.name)
            survived = _survived(
                partial(
                    broadcast, ground, variant, share, dice, spoil=spoil, struck=lambda: progress.advance(bar)
                )
            )
            totals.add(variant.name, survived, people)
            if not console.is_terminal:
                console.print(f"{totals.kills} of {kills} kills")
            if not survived.verdict.clean:
                console.print(f"broadcast {number}, {variant.name}: {survived}", style="red")
    return totals


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
