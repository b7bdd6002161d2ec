"""
Hot statements: written once, run by both drivers.

A statement is plain SQL that SQLite reads as it stands, but for two ways of taking many rows as one JSON parameter:

``rows(?1) j(id text, epoch bigint)``
    a list of lists as a table ``j``, as PostgreSQL writes a function with its columns;
``listed(?1)``, ``listed(?1) e(id)``
    a list of texts, as what ``IN`` looks through or as a table.

What only SQLite must be told, PostgreSQL is told by how its connections are set (``warnd.store.postgres_connection``):
``CROSS JOIN … ON``, ``INDEXED BY`` and a ``+`` before a column go. What only PostgreSQL must be told, since others
write beside us there, stands in a ``/*+ … */``, which SQLite reads past.

Placeholders are ``?``, ``?1`` or ``:name``; the texts are constant, so that each stays prepared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Protocol

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

Values = Sequence[Any] | Mapping[str, Any]

_PLACE = r"(\?\d*|:\w+)"
_ROWS = re.compile(rf"\brows\({_PLACE}\) (\w+)\(([^)]*)\)")
_TABLE_OF_LISTED = re.compile(rf"\blisted\({_PLACE}\) (\w+)\((\w+)\)")
_LISTED = re.compile(rf"\blisted\({_PLACE}\)")
_HINT = re.compile(r"\s*/\*\+(.*?)\*/", re.DOTALL)
_PASSED_OVER = re.compile(r"^(\s*)INSERT INTO (.*) ON CONFLICT DO NOTHING\s*$", re.DOTALL)
_PLACEHOLDER = re.compile(r"'[^']*'|\?(\d*)|(?<!:):([a-z_]+)")

_ONLY_FOR_SQLITE = (
    (re.compile(r"\bCROSS JOIN\b"), "JOIN"),
    (re.compile(r" (NOT INDEXED|INDEXED BY \w+)"), ""),
    (re.compile(r"(?<=[\s(])\+(?=\w+\.)"), ""),
)
_CALLED = (
    (re.compile(r"\bjson_group_array\("), "json_agg("),
    (re.compile(r"\bjson_array\("), "json_build_array("),
    (re.compile(r"\bgroup_concat\((\w+\.\w+)\)"), r"string_agg(\1, ',')"),
    (re.compile(r"\binstr\("), "strpos("),
)
"""What PostgreSQL calls otherwise."""


class Rows(Protocol):
    """What a statement gave: every row at once, or how many it changed."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class Cursor(Protocol):
    """Runs statements by one driver. A refused duplicate is SQLAlchemy's IntegrityError, whatever the driver calls it."""

    dialect: str

    def execute(self, statement: Statement, values: Values = (), /) -> Rows: ...

    def notify(self, hint: str) -> None:
        """Tell the other processes once this commit is on disk, if the database can."""


@dataclass(frozen=True)
class Statement:
    """One text for two dialects. ``names`` are those of its parameters, empty when they go by place."""

    text: str

    @cached_property
    def sqlite(self) -> str:
        # To SQLite both say the same of a duplicate; in these words it takes a tenth less for a row.
        text = _PASSED_OVER.sub(r"\1INSERT OR IGNORE INTO \2", _HINT.sub("", self.text))
        for found in _ROWS.finditer(text):
            for index, column in enumerate(_names(found[3])):
                text = re.sub(
                    rf"\b{found[2]}\.{column}\b", f"json_extract({found[2]}.value, '$[{index}]')", text
                )
        for found in _TABLE_OF_LISTED.finditer(text):
            text = re.sub(rf"\b{found[2]}\.{found[3]}\b", f"{found[2]}.value", text)
        text = _ROWS.sub(r"json_each(\1) \2", text)
        text = _TABLE_OF_LISTED.sub(r"json_each(\1) \2", text)
        return _LISTED.sub(r"(SELECT value FROM json_each(\1))", text)

    @cached_property
    def postgresql(self) -> str:
        text = _HINT.sub(r" \1", self.text)
        for pattern, instead in (*_ONLY_FOR_SQLITE, *_CALLED):
            text = pattern.sub(instead, text)
        text = _ROWS.sub(_unfolding, text)
        text = _TABLE_OF_LISTED.sub(r"jsonb_array_elements_text(\1::jsonb) \2(\3)", text)
        text = _LISTED.sub(r"(SELECT jsonb_array_elements_text(\1::jsonb))", text)
        return _numbered(text, self.names)

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for _, name in _PLACEHOLDER.findall(self.text) if name))


@lru_cache(256)
def statement(text: str) -> Statement:
    """For texts that are put together of parts: the same parts give the same statement."""
    return Statement(text)


def insert_into(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """SQLAlchemy's ``INSERT`` that knows what to do ON CONFLICT, in the connection's dialect."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def _names(columns: str) -> list[str]:
    return [column.split()[0] for column in columns.split(",")]


def _unfolding(found: re.Match[str]) -> str:
    place, alias, columns = found.groups()
    typed = [column.split() for column in columns.split(",")]
    given = ", ".join(
        f"(value->>{index}){'' if type_ == 'text' else f'::{type_}'} AS {name}"
        for index, (name, type_) in enumerate(typed)
    )
    return f"(SELECT {given} FROM jsonb_array_elements({place}::jsonb)) {alias}"


def _numbered(text: str, names: tuple[str, ...]) -> str:
    seen = 0

    def number(found: re.Match[str]) -> str:
        nonlocal seen
        if found[0].startswith("'"):
            return found[0]
        seen += 1
        return f"${names.index(found[2]) + 1}" if found[2] else f"${found[1] or seen}"

    return _PLACEHOLDER.sub(number, text)
