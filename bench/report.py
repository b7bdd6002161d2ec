"""What is handed on of a run: a table for people, results.json for machines, the README's last section for readers."""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

_HERE = Path(__file__).parent
_RESULTS = _HERE / "results.json"
LAST = "## The last result"
SWEEPS = {
    "embedded": "## The last sweep",
    "scaled": "## The last sweep, scaled out",
    "redis": "## The last sweep, scaled out with Redis",
}
"""Sections of the README that are written anew; of sweeps by the deployment."""


@dataclass(frozen=True, slots=True)
class Bar:
    """What a value has to reach, or may not exceed; ``first`` is what was asked for at first, shown beside it."""

    limit: float
    at_least: bool = True
    first: float | None = None

    def holds(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit

    def __str__(self) -> str:
        at_first = f" (first {self.first:,g})" if self.first is not None else ""
        return f"{'≥' if self.at_least else '≤'} {self.limit:,g}{at_first}"


@dataclass(frozen=True, slots=True)
class Result:
    """One number. ``ratio_to`` names the peer it is a ratio to; without a bar it is told for information."""

    name: str
    value: float
    unit: str
    ratio_to: str | None = None
    bar: Bar | None = None

    @property
    def holds(self) -> bool | None:
        return self.bar.holds(self.value) if self.bar is not None else None

    @property
    def shown(self) -> str:
        return (
            f"{self.value:,.0f}"
            if abs(self.value) >= 100 or self.value == int(self.value)
            else f"{self.value:.2f}"
        )


def show(results: Sequence[Result], console: Console) -> None:
    table = Table("", "value", "unit", "ratio to", "bar", "holds")
    for column in (1, 4):
        table.columns[column].justify = "right"
    for one in results:
        table.add_row(*_cells(one), style=None if one.holds is not False else "red")
    console.print(table)


def keep(results: Sequence[Result]) -> None:
    """Write results.json."""
    rows = [
        {
            "name": one.name,
            "value": round(one.value, 4),
            "unit": one.unit,
            "ratio_to": one.ratio_to,
            "bar": one.bar.limit if one.bar is not None else None,
            "holds": one.holds,
        }
        for one in results
    ]
    _RESULTS.write_bytes(orjson.dumps(rows, option=orjson.OPT_INDENT_2) + b"\n")


def markdown(results: Sequence[Result]) -> str:
    """The table as it stands in the README."""
    lines = ["| | value | unit | ratio to | bar | holds |", "|---|---:|---|---|---:|---|"]
    return "\n".join([*lines, *(f"| {' | '.join(_cells(one))} |" for one in results)])


def kept() -> Sequence[Result]:
    """What results.json holds, without its bars."""
    rows = orjson.loads(_RESULTS.read_bytes())
    return [Result(row["name"], row["value"], row["unit"], row["ratio_to"]) for row in rows]


def write_section(heading: str, text: str) -> None:
    """Put today's date and ``text`` in the place of that section of the README, which is there."""
    readme = _HERE / "README.md"
    before, _, rest = readme.read_text(encoding="utf-8").partition(f"{heading}\n")
    after = rest[rest.find("\n## ") + 1 :] if "\n## " in rest else ""
    day = datetime.now(UTC).date().isoformat()
    section = f"{heading}\n\n{day}. {text}\n"
    readme.write_text(before + section + (f"\n{after}" if after else ""), encoding="utf-8")


def machine() -> str:
    """What it ran on; neither its name nor a path."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{len(os.sched_getaffinity(0))} cores ({platform.machine()}), {memory:.0f} GiB of memory, "
        f"{platform.system()} {platform.release()}, {platform.python_implementation()} {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}; load {os.getloadavg()[0]:.1f} at the start."
    )


def _cells(one: Result) -> tuple[str, str, str, str, str, str]:
    holds = {True: "yes", False: "no", None: ""}[one.holds]
    return one.name, one.shown, one.unit, one.ratio_to or "", str(one.bar or ""), holds
