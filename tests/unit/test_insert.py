"""``bulk.Insert``: however many rows there are, and whatever they have in common, they go in as they are."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, String, Table

from warnd.store.bulk import Insert
from warnd.store.database import SqliteCursor
from warnd.store.statement import Statement, Values

TABLE = Table(
    "things",
    MetaData(),
    Column("id", String, primary_key=True),
    Column("name", String),
    Column("size", Integer),
    Column("known", Integer),
)
COLUMNS = ("id", "name", "size", "known")

Row = tuple[str, str | None, int | None, bool]


class Counting(SqliteCursor):
    """Keeps each statement's text."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self.run: list[str] = []

    def execute(self, statement: Statement, values: Values = (), /) -> sqlite3.Cursor:
        self.run.append(statement.sqlite)
        return super().execute(statement, values)


@pytest.fixture
def cursor() -> Iterator[Counting]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute(
            "CREATE TABLE things (id TEXT PRIMARY KEY, name TEXT, size INTEGER, known INTEGER)"
        )
        yield Counting(connection)


def kept(cursor: SqliteCursor) -> list[Row]:
    found = cursor.execute(Statement("SELECT id, name, size, known FROM things ORDER BY rowid")).fetchall()
    return [(id_, name, size, bool(known)) for id_, name, size, known in found]


def rows(names: Sequence[str | None], sizes: Sequence[int | None], known: Sequence[bool]) -> list[Row]:
    return [(f"{n:05}", *row) for n, row in enumerate(zip(names, sizes, known, strict=True))]


@st.composite
def many(draw: st.DrawFn) -> list[Row]:
    """Columns of which each is of one value, of a few, or of any."""
    n = draw(st.integers(0, 40) | st.sampled_from([1023, 1024, 1025, 2300]))
    few_names = draw(st.lists(st.none() | st.text(max_size=3), min_size=1, max_size=3))
    few_sizes = draw(st.lists(st.none() | st.integers(-9, 9), min_size=1, max_size=3))
    few_known = draw(st.lists(st.booleans(), min_size=1, max_size=2))
    dice = draw(st.randoms(use_true_random=False))
    return rows(*([dice.choice(few) for _ in range(n)] for few in (few_names, few_sizes, few_known)))


@given(values=many())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_every_row_goes_in_as_it_is_and_in_order(cursor: Counting, values: list[Row]) -> None:
    """Places that no row fills leave nothing behind."""
    cursor.execute(Statement("DELETE FROM things"))
    assert Insert(TABLE, COLUMNS).run(cursor, values) == len(values)
    assert kept(cursor) == values


@pytest.mark.parametrize("n", [1, 7, 8, 9, 127, 1024])
def test_up_to_a_thousand_rows_go_in_with_one_statement(cursor: Counting, n: int) -> None:
    """After each the writer waits for the interpreter."""
    Insert(TABLE, COLUMNS).run(cursor, rows(["same"] * n, range(n), [True] * n))
    assert len(cursor.run) == 1


def test_a_value_that_all_share_is_bound_once(cursor: Counting) -> None:
    """Most columns of a chunk are the same in all of its rows."""
    insert = Insert(TABLE, COLUMNS)
    insert.run(cursor, rows(["same"] * 64, range(64), [True] * 64))
    assert cursor.run[0].count("?") == 64 * 2 + 2 + 1


def test_the_forms_of_a_statement_stay_few(cursor: Counting) -> None:
    """Each has to be compiled: a handful of rows that happen to be alike makes none of its own."""
    insert = Insert(TABLE, COLUMNS, or_ignore=True)
    for n in range(200):
        insert.run(
            cursor, rows([None, None, "b"][n % 3 :], [1, 1, n][n % 3 :], [True, True, n % 2 == 0][n % 3 :])
        )
    assert len(set(cursor.run)) == 3


def test_rows_that_are_there_already_are_counted_out(cursor: Counting) -> None:
    """A chunk that is planned again adds nobody twice."""
    insert = Insert(TABLE, COLUMNS, or_ignore=True)
    first, second = rows(["a"] * 30, range(30), [True] * 30), rows(["b"] * 40, range(40), [False] * 40)
    assert insert.run(cursor, first) == 30
    assert insert.run(cursor, second) == 10
    assert kept(cursor) == first + second[30:]


def test_rows_that_do_not_differ_at_all_are_one(cursor: Counting) -> None:
    """A gateway may give one receipt key over and over."""
    assert Insert(TABLE, COLUMNS, or_ignore=True).run(cursor, [("one", None, 1, True)] * 20) == 1
