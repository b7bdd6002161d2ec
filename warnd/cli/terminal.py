"""What a command shows a person: progress while it works, tables, and faults one a line."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from warnd.errors import Fault


def progress() -> Progress:
    """A bar on standard error; nothing at all where that is no terminal."""
    console = Console(stderr=True)
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def print_json(value: Any) -> None:
    """One object on one line of standard output."""
    sys.stdout.write(orjson.dumps(value).decode() + "\n")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table as wide as it needs to be, so that a pipe gets whole lines."""
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*row)
    console = Console(markup=False, highlight=False)
    console.print(table, soft_wrap=not console.is_terminal)


def print_faults(faults: Iterable[Fault]) -> None:
    """On standard error: where, and what is wrong there."""
    for fault in faults:
        print(f"{fault.path}: {fault.message}", file=sys.stderr)
