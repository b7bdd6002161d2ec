"""
``python -m bench``: every row, in the order of the table.

``--quick`` is smaller, ``--full`` takes its time, ``--only NAME`` is one group; ``plots`` draws what results.json
holds; ``sweep`` kills the daemon many times.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import uvloop
from rich.console import Console

from bench import matrix, plots
from bench.groups import GROUPS
from bench.report import LAST, SWEEPS, Result, keep, kept, machine, markdown, show, write_section
from bench.scale import Scale
from bench.sweep import totals
from bench.sweep.ground import GROUNDS
from bench.sweep.run import BESIDE, PEOPLE, sweep
from warnd import logs

_PLAIN_WIDTH = 180
"""Of the table where no terminal says otherwise: a row stays a line."""

_PUBLISHED = 200
"""Kills from which on a sweep is kept in the README."""


async def measure(names: Sequence[str], scale: Scale, console: Console) -> Sequence[Result]:
    results: list[Result] = []
    for name in names:
        began = time.monotonic()
        results += await GROUPS[name](scale)
        console.print(f"{name}: {time.monotonic() - began:.0f} s")
    return results


def _bench(given: argparse.Namespace, console: Console) -> int:
    began, described = time.monotonic(), machine()
    scale = Scale.QUICK if given.quick else Scale.FULL if given.full else Scale.USUAL
    results = uvloop.run(measure(given.only or list(GROUPS), scale, console))
    console.print(described)
    show(results, console)
    if given.quick or given.only:
        console.print("A part, or small: bench/results.json and bench/README.md stay as they are.")
    else:
        keep(results)
        write_section(LAST, _section(results, described, scale, pictures=plots.draw(results)))
    console.print(f"Together: {(time.monotonic() - began) / 60:.1f} minutes.")
    return 0


def _section(results: Sequence[Result], described: str, scale: Scale, *, pictures: Sequence[str]) -> str:
    """The engines side by side have a table of their own, which their rows are left out of the other for."""
    among = {
        one.name
        for engines in matrix.side_by_side(results).values()
        for said in engines.values()
        for one in said.values()
    }
    rest = [one for one in results if one.name not in among]
    how = " In full." if scale is Scale.FULL else ""
    shown = "\n".join(f"![{name}](plots/{name}.svg)" for name in pictures)
    return f"{described}{how}\n\n{markdown(rest)}\n\nSide by side:\n\n{matrix.markdown(results)}\n\n{shown}"


def _sweep(given: argparse.Namespace, console: Console) -> int:
    began, described = time.monotonic(), machine()
    seed = given.seed if given.seed is not None else random.randrange(2**31)
    found = sweep(
        given.deployment,
        given.kills,
        seed=seed,
        people=given.people,
        beside=given.beside,
        spoil=given.spoil,
        console=console,
    )
    took = time.monotonic() - began
    totals.show(found, console)
    console.print(f"Seed {seed}, {took / 60:.1f} minutes: {'clean' if found.clean else 'NOT CLEAN'}.")
    if given.json is not None:
        said = totals.as_json(found, deployment=given.deployment, seed=seed, seconds=took)
        given.json.write_text(json.dumps(said, indent=2) + "\n")
    if found.kills >= _PUBLISHED and not given.spoil:
        text = f"{described} Seed {seed}, {took / 60:.0f} minutes.\n\n{totals.markdown(found)}"
        write_section(SWEEPS[given.deployment], text)
    return 0 if found.clean else 1


def _arguments() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    size = arguments.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="smaller sizes, for trying it out")
    size.add_argument("--full", action="store_true", help="more rounds, a million queued")
    arguments.add_argument(
        "--only", choices=GROUPS, action="append", help="this group alone; may be repeated"
    )
    arguments.set_defaults(act=_bench)
    commands = arguments.add_subparsers()
    kills = commands.add_parser("sweep", help="kill -9 at random points; exit code 1 when anything is lost")
    kills.add_argument("--deployment", choices=GROUNDS, default="embedded", help="what is killed")
    kills.add_argument("--kills", type=int, default=_PUBLISHED)
    kills.add_argument("--seed", type=int, help="of the moments; drawn when not given")
    kills.add_argument("--people", type=int, default=PEOPLE, help="recipients of each broadcast")
    kills.add_argument("--beside", type=int, default=BESIDE, help="broadcasts at once")
    kills.add_argument("--json", type=Path, metavar="FILE", help="what it came to, for machines")
    kills.add_argument(
        "--spoil", type=int, default=0, metavar="N",
        help="strike N numbers from every book of the gateway: the sweep must fail",
    )  # fmt: skip
    kills.set_defaults(act=_sweep)
    commands.add_parser("plots", help="draw bench/plots from results.json").set_defaults(
        act=lambda *_: 0 if plots.draw(kept()) else 1
    )
    return arguments


def main() -> int:
    given = _arguments().parse_args()
    console = Console()
    if not console.is_terminal:
        console = Console(width=_PLAIN_WIDTH)
    logs.configure(level="error")
    code: int = given.act(given, console)
    return code


if __name__ == "__main__":
    sys.exit(main())
