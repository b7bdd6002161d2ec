"""
Statements that take a whole list of rows in one step.

``executemany`` gives up the interpreter's lock and takes it back for every row; beside a busy event loop that
is hundreds of times slower (ADR 0003). So rows travel as one JSON parameter and SQLite's ``json_each`` unfolds
them: one statement, one step, the lock given up once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Table


def insert(table: Table, columns: Sequence[str], *, or_ignore: bool = False) -> str:
    """Insert a JSON array of arrays, in the order of ``columns``, which must be the table's own."""
    names = [table.c[column].name for column in columns]
    return (
        f"INSERT {'OR IGNORE ' if or_ignore else ''}INTO {table.name} ({', '.join(names)}) "
        f"SELECT {unfold(len(names))} FROM json_each(?)"
    )


def unfold(width: int) -> str:
    """The select list that turns one array of ``json_each`` into ``width`` columns."""
    return ", ".join(f"json_extract(value, '$[{index}]')" for index in range(width))


def rows(values: Sequence[Any] | Mapping[str, Any]) -> str:
    """The parameter: a list of lists or of scalars (or an object) as JSON."""
    return orjson.dumps(values).decode()
