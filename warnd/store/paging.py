"""Listings by key: a page says where the next begins, so that nothing is counted, skipped or held open."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Column, ColumnElement, Connection, Row, Select

T = TypeVar("T")

MOST = 1000
"""Items a page holds at the most, whatever is asked for."""

_BOUND = 500


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """``next_cursor`` is None on the last page."""

    items: tuple[T, ...]
    next_cursor: str | None = None


def page(
    connection: Connection,
    statement: Select[Any],
    key: Column[str],
    build: Callable[[Row[Any]], T],
    *,
    limit: int,
    cursor: str | None,
) -> Page[T]:
    """The rows of ``statement`` after ``cursor`` in the order of ``key``, which must be among its columns."""
    size = max(1, min(limit, MOST))
    if cursor is not None:
        statement = statement.where(key > cursor)
    rows = connection.execute(statement.order_by(key).limit(size + 1)).all()
    more = len(rows) > size
    next_cursor = str(getattr(rows[size - 1], key.name)) if more else None
    return Page(tuple(build(row) for row in rows[:size]), next_cursor)


def in_chunks(keys: Iterable[str], size: int = _BOUND) -> Iterator[Sequence[str]]:
    """The distinct keys, so many at a time as one statement may bind."""
    distinct = list(dict.fromkeys(keys))
    for start in range(0, len(distinct), size):
        yield distinct[start : start + size]


def in_subtree(code: Column[str], region: str) -> ColumnElement[bool]:
    """Whether a code lies in ``region``, itself included: a range, which an index serves in any collation."""
    return code.between(region, region.ljust(12, "9"))
