"""What a command shows a person: progress while it works, tables, and faults one a line."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

_WHOLE = 10_000
"""Columns that no table needs."""


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


def nothing_found(kind: str, text: str) -> NoReturn:
    """Leave a search with 1, saying so beside its empty output."""
    print(f"warnd: no {kind} match {text!r}", file=sys.stderr)
    raise typer.Exit(1)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """On a terminal as wide as it is, in a pipe as wide as the table needs; nothing is cut off. Cells are plain text."""
    table = Table(box=None, pad_edge=False, header_style="bold", show_header=any(columns))
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(plain, row))
    console = Console(markup=False, highlight=False)
    if not console.is_terminal:
        console.width = _WHOLE
    console.print(table)


def print_plain(text: str) -> None:
    """What may hold words of a stranger, on standard output."""
    print(plain(text))


def plain(text: str) -> str:
    """What a stranger wrote, without the signs that would command a terminal."""
    return "".join(sign if sign.isprintable() or sign in "\n\t" else "\ufffd" for sign in text)


def as_called() -> str:
    """What to type for ``warnd``, as whoever started this process did: it need not be on the path."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m warnd"
    found = shutil.which(called.name)
    on_path = found is not None and Path(found).absolute() == called.absolute()
    return called.name if on_path else shlex.quote(str(called))


def clock(when: datetime | None, zone: ZoneInfo) -> str:
    """Day and minute as people read them; nothing for what has not happened."""
    return f"{when.astimezone(zone):%F %R}" if when is not None else ""
