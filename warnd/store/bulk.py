"""
Statements that take or give a whole list of rows in one step.

The driver gives up the interpreter's lock and takes it back for every row, in and out; beside a busy event
loop that is hundreds of times slower (ADR 0003). So rows are inserted in blocks, updates take them as one JSON
parameter that ``json_each`` unfolds, and reads give one that ``json_group_array`` folds: one statement, one
step, the lock given up once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Table

_BLOCKS = (256, 32, 4, 1)
"""Rows a statement takes; few sizes, so that each stays compiled."""


class Insert:
    """
    Puts many rows, in the order of ``columns``, which must be the table's own, with a statement for 256 at a time.

    Values are bound as they are (JSON would cost half as much again), and one block is one step.
    """

    def __init__(self, table: Table, columns: Sequence[str], *, or_ignore: bool = False) -> None:
        names = [table.c[column].name for column in columns]
        self._head = (
            f"INSERT {'OR IGNORE ' if or_ignore else ''}INTO {table.name} ({', '.join(names)}) VALUES "
        )
        self._row = f"({', '.join('?' * len(names))})"
        self._statements = {size: self._statement(size) for size in _BLOCKS}

    def run(self, cursor: sqlite3.Cursor, values: Sequence[Sequence[Any]]) -> int:
        """Insert the rows; how many went in (fewer only with ``or_ignore``)."""
        start = inserted = 0
        for size in _BLOCKS:
            while len(values) - start >= size:
                block = values[start : start + size]
                cursor.execute(self._statements[size], [value for row in block for value in row])
                inserted += cursor.rowcount
                start += size
        return inserted

    def _statement(self, size: int) -> str:
        return self._head + ", ".join([self._row] * size)


def unfold(width: int) -> str:
    """The select list that turns one array of ``json_each`` into ``width`` columns."""
    return ", ".join(f"json_extract(value, '$[{index}]')" for index in range(width))


def rows(values: Sequence[Any] | Mapping[str, Any]) -> str:
    """The parameter: a list of lists or of scalars (or an object) as JSON."""
    return orjson.dumps(values, default=_plain).decode()


def _plain(value: object) -> tuple[Any, ...]:
    """orjson writes tuples, but not named ones."""
    if isinstance(value, tuple):
        return tuple(value)
    raise TypeError(f"{type(value).__name__} is no value of a row")


def folded(select: str, width: int) -> str:
    """A statement that gives all rows of ``select``, whose columns are named c0, c1, …, as one JSON array."""
    columns = ", ".join(f"c{index}" for index in range(width))
    return f"SELECT json_group_array(json_array({columns})) FROM ({select})"


def unfolded(row: Sequence[Any]) -> list[list[Any]]:
    """The rows in what a ``folded`` statement gave."""
    found: list[list[Any]] = orjson.loads(row[0])
    return found
