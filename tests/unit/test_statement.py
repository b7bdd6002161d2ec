"""One text, two dialects: what each driver is handed."""

from __future__ import annotations

import sqlite3

import orjson
import pytest

from warnd.store import bulk, tables
from warnd.store.statement import Statement


def plain(text: str) -> str:
    return " ".join(text.split())


ROWS = Statement("""
UPDATE batches SET state = j.state, epoch = batches.epoch + 1 FROM rows(?2) j(id text, state text, due bigint)
WHERE batches.id = j.id AND due < ?1
""")


def test_rows_are_one_json_parameter_in_either_dialect() -> None:
    """SQLite finds each value where it is used, PostgreSQL names and types them once."""
    assert plain(ROWS.sqlite) == (
        "UPDATE batches SET state = json_extract(j.value, '$[1]'), epoch = batches.epoch + 1 FROM json_each(?2) j "
        "WHERE batches.id = json_extract(j.value, '$[0]') AND due < ?1"
    )
    assert plain(ROWS.postgresql) == (
        "UPDATE batches SET state = j.state, epoch = batches.epoch + 1 FROM (SELECT (value->>0) AS id, (value->>1) "
        "AS state, (value->>2)::bigint AS due FROM jsonb_array_elements($2::jsonb)) j WHERE batches.id = j.id AND due < $1"
    )


@pytest.mark.parametrize(
    ("text", "sqlite", "postgresql"),
    [
        pytest.param("a IN listed(?)", "a IN (SELECT value FROM json_each(?))",
                     "a IN (SELECT jsonb_array_elements_text($1::jsonb))", id="a list to look through"),
        pytest.param("FROM listed(?1) e(id) CROSS JOIN t ON t.a = e.id", "FROM json_each(?1) e CROSS JOIN t ON t.a = e.value",
                     "FROM jsonb_array_elements_text($1::jsonb) e(id) JOIN t ON t.a = e.id", id="a list as a table"),
        pytest.param("SELECT 1 FROM t /*+ FOR UPDATE */", "SELECT 1 FROM t", "SELECT 1 FROM t FOR UPDATE",
                     id="what only PostgreSQL is told"),
        pytest.param("FROM t INDEXED BY ix_t WHERE +t.id < ? AND a = ?", "FROM t INDEXED BY ix_t WHERE +t.id < ? AND a = ?",
                     "FROM t WHERE t.id < $1 AND a = $2", id="what only SQLite is told"),
        pytest.param("a = :b AND c = :a OR d = :b", "a = :b AND c = :a OR d = :b", "a = $1 AND c = $2 OR d = $1",
                     id="parameters by name"),
        pytest.param("a LIKE '%:late?' AND b = ?", "a LIKE '%:late?' AND b = ?", "a LIKE '%:late?' AND b = $1",
                     id="a text in quotes, which holds no parameter"),
        pytest.param("SELECT group_concat(m.id), instr(a, ?)", "SELECT group_concat(m.id), instr(a, ?)",
                     "SELECT string_agg(m.id, ','), strpos(a, $1)", id="what is called otherwise"),
    ],
)  # fmt: skip
def test_each_dialect_reads_its_own(text: str, sqlite: str, postgresql: str) -> None:
    """Nothing of the one's notation reaches the other."""
    statement = Statement(text)
    assert plain(statement.sqlite) == sqlite
    assert plain(statement.postgresql) == postgresql


def test_names_stand_in_the_order_of_their_places() -> None:
    """PostgreSQL takes values by place alone."""
    assert Statement("a = :b AND c = :a OR d = :b").names == ("b", "a")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        pytest.param("a\0b", "a\ufffdb", id="a NUL, which no text of PostgreSQL's may hold"),
        pytest.param("\\u0000", "\\u0000", id="a backslash before it, which makes it six characters"),
        pytest.param("\\\0", "\\\ufffd", id="a backslash, then a NUL"),
    ],
)
def test_a_nul_never_reaches_the_store(text: str, kept: str) -> None:
    """A provider's reply may hold one: nothing else of its commit may fail for it."""
    assert orjson.loads(bulk.rows([[text]])) == [[kept]]


def test_an_insert_types_its_rows_by_the_table() -> None:
    """The columns' own types, so that nothing is told twice."""
    statement = bulk.Insert(tables.batches, ("id", "due", "size", "follows"), or_ignore=True)._unfolding
    assert plain(statement.postgresql) == (
        "INSERT INTO batches (id, due, size, follows) SELECT given.id, given.due, given.size, given.follows FROM "
        "(SELECT (value->>0) AS id, (value->>1)::bigint AS due, (value->>2)::integer AS size, (value->>3)::boolean "
        "AS follows FROM jsonb_array_elements($1::jsonb)) given WHERE true ON CONFLICT DO NOTHING"
    )


def test_sqlite_runs_its_text_as_it_stands() -> None:
    """Including a hint in a comment and a list of lists."""
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE batches (id TEXT, state TEXT, epoch INTEGER, due INTEGER)")
        connection.execute("INSERT INTO batches VALUES ('a', 'queued', 0, 1)")
        assert connection.execute(ROWS.sqlite, (5, bulk.rows([["a", "sending", 2]]))).rowcount == 1
        assert connection.execute("SELECT state, epoch FROM batches").fetchall() == [("sending", 1)]
    connection.close()
