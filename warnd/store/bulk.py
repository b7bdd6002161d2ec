"""
Statements that take or give a whole list of rows in one step.

SQLite's driver gives up the interpreter's lock and takes it back for every row, in and out; beside a busy event loop
that is hundreds of times slower (ADR 0003). PostgreSQL is asked over a socket. So to both the rows of an update go as
one JSON parameter that the statement unfolds (``warnd.store.statement``), and reads give one that is folded. Rows are
inserted in blocks into SQLite, as one such parameter into PostgreSQL (ADR 0020).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain, count, repeat
from typing import Any

import orjson
from sqlalchemy import JSON, BigInteger, Boolean, Integer, Table
from sqlalchemy.types import TypeDecorator, TypeEngine

from warnd.store.statement import Cursor, Statement

_BLOCKS = (*range(1, 8), *(step << power for power in range(1, 8) for step in range(4, 8)), 1024)
"""
Rows that a statement has places for: few sizes, so that each stays compiled, and so close that few places stay empty. After
each statement the interpreter's lock is waited for: any number up to the last goes in one.
"""

_ALIKE = 8
"""From so many rows on it is no chance that a column has the same value in all: the forms of a statement stay few."""

_FORMS = 128
"""Statements that an insert remembers; with unlike sets of shared columns there could be any number."""

_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
"""No text of PostgreSQL's may hold it; not preceded by a backslash that is itself escaped."""


class Insert:
    """
    Puts many rows, in the order of ``columns``, which must be the table's own. With ``or_ignore`` those that are there
    already are left out.

    SQLite takes a statement for up to 1,024 at a time, values bound as they are (JSON would cost half as much again), and
    a value that all of them share once.
    """

    def __init__(self, table: Table, columns: Sequence[str], *, or_ignore: bool = False) -> None:
        names = [table.c[column].name for column in columns]
        self._head = f"INSERT INTO {table.name} ({', '.join(names)})"
        self._tail = " ON CONFLICT DO NOTHING" if or_ignore else ""
        self._block = lru_cache(_FORMS)(self._compose)
        typed = ", ".join(f"{name} {kind(table.c[name].type)}" for name in names)
        given = ", ".join(f"given.{name}" for name in names)
        self._unfolding = Statement(
            f"{self._head} SELECT {given} FROM rows(?1) given({typed}) WHERE true{self._tail}"
        )

    def run(self, cursor: Cursor, values: Sequence[Sequence[Any]]) -> int:
        """Insert the rows; how many went in (fewer only with ``or_ignore``)."""
        return self.columns(cursor, list(zip(*values, strict=True))) if values else 0

    def columns(self, cursor: Cursor, columns: Sequence[Sequence[Any]]) -> int:
        """The same of rows that are given column by column, all as long."""
        if cursor.dialect == "postgresql":
            return cursor.execute(self._unfolding, (rows(list(zip(*columns, strict=True))),)).rowcount
        most, length = _BLOCKS[-1], len(columns[0])
        if length <= most:
            return self._run_block(cursor, columns)
        blocks = ([column[start : start + most] for column in columns] for start in range(0, length, most))
        return sum(self._run_block(cursor, block) for block in blocks)

    def _run_block(self, cursor: Cursor, columns: Sequence[Sequence[Any]]) -> int:
        length = len(columns[0])
        size = _BLOCKS[bisect_left(_BLOCKS, length)]
        shared = _shared(columns)
        own = [column for column, is_shared in zip(columns, shared, strict=True) if not is_shared]
        bound = [column[0] for column, is_shared in zip(columns, shared, strict=True) if is_shared]
        bound += chain.from_iterable(zip(*own, strict=True))
        bound += repeat(None, (size - length) * len(own))
        bound.append(length)
        return cursor.execute(self._block(size, shared), bound).rowcount

    def _compose(self, size: int, shared: tuple[bool, ...]) -> Statement:
        """For so many rows, of which the columns marked ``shared`` are the same in all."""
        numbers = count(1)
        given = ", ".join("?" if is_shared else f"column{next(numbers)}" for is_shared in shared)
        row = f"({', '.join('?' * shared.count(False))})"
        places = ", ".join([row] * size)
        return Statement(f"{self._head} SELECT {given} FROM (VALUES {places}) LIMIT ?{self._tail}")


def _shared(columns: Sequence[Sequence[Any]]) -> tuple[bool, ...]:
    """Which of these have one value from top to bottom; never all of them, since a row needs a place."""
    if len(columns[0]) < _ALIKE:
        return (False,) * len(columns)
    shared = tuple(column.count(column[0]) == len(column) for column in columns)
    return (False, *shared[1:]) if all(shared) else shared


def rows(values: Sequence[Any] | Mapping[str, Any]) -> str:
    """The parameter: a list of lists or of scalars (or an object) as JSON."""
    text = orjson.dumps(values, default=_plain)
    if b"\\u0000" in text:
        text = _NUL.sub(rb"\1\\ufffd", text)
    return text.decode()


def _plain(value: object) -> tuple[Any, ...]:
    """orjson writes tuples, but not named ones."""
    if isinstance(value, tuple):
        return tuple(value)
    raise TypeError(f"{type(value).__name__} is no value of a row")


def kind(column: TypeEngine[Any]) -> str:
    """The word for a column's type in ``rows(?) j(…)``."""
    plain = column.impl_instance if isinstance(column, TypeDecorator) else column
    for each, name in ((BigInteger, "bigint"), (Integer, "integer"), (Boolean, "boolean"), (JSON, "json")):
        if isinstance(plain, each):
            return name
    return "text"


def folded(select: str, width: int) -> Statement:
    """A statement that gives all rows of ``select``, whose columns are named c0, c1, …, as one JSON array."""
    columns = ", ".join(f"c{index}" for index in range(width))
    return Statement(f"SELECT json_group_array(json_array({columns})) FROM ({select}) folded")


def unfolded(row: Sequence[Any]) -> list[list[Any]]:
    """The rows in what a ``folded`` statement gave; of none PostgreSQL gives NULL."""
    found: list[list[Any]] = orjson.loads(row[0] or "[]")
    return found
