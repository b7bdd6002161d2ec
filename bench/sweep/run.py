"""A whole sweep: the variants by turns, until so many kills are done."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bench.sweep.broadcast import Audience, broadcast
from bench.sweep.totals import Total
from bench.sweep.variants import VARIANTS

PEOPLE = 2_000
A_BROADCAST = 3
"""Kills of each; the last broadcast has what is left."""


def sweep(
    kills: int, *, seed: int, people: int = PEOPLE, spoil: int = 0, console: Console
) -> Mapping[str, Total]:
    """By variant, with a bar, or where there is no terminal a line, for each broadcast. ``seed`` draws the moments and shapes; what a machine does between them is its own."""
    dice = random.Random(seed)
    totals = {variant.name: Total() for variant in VARIANTS}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        tempfile.TemporaryDirectory(prefix="sweep-") as directory,
        Progress(*columns, console=console, disable=not console.is_terminal) as progress,
    ):
        audience = Audience.at(Path(directory, "audience.db"), people)
        bar = progress.add_task("kills", total=kills)
        for number, share in enumerate(shares(kills)):
            variant = VARIANTS[number % len(VARIANTS)]
            progress.update(bar, description=variant.name)
            survived = broadcast(
                audience, variant, share, dice, spoil=spoil, struck=lambda: progress.advance(bar)
            )
            totals[variant.name].add(survived, people)
            if not console.is_terminal:
                console.print(f"{sum(total.kills for total in totals.values())} of {kills} kills")
            if not survived.verdict.clean:
                console.print(f"broadcast {number}, {variant.name}: {survived.verdict}", style="red")
    return {name: total for name, total in totals.items() if total.broadcasts}


def shares(kills: int) -> Iterator[int]:
    while kills > 0:
        yield min(kills, A_BROADCAST)
        kills -= A_BROADCAST
