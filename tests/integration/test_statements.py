"""Every statement of the store, as each database reads and plans it."""

from __future__ import annotations

import pkgutil
import re
import sqlite3
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path

import psycopg
import pytest

import warnd.store
from servers.postgres import PostgresServer
from warnd.store import bulk
from warnd.store.database import SqliteWriting, open_writer, upgrade
from warnd.store.postgres_connection import Place, Session
from warnd.store.statement import Statement

GROWING = (
    "deliveries",
    "batches",
    "recipients",
    "receipt_keys",
    "receipts",
    "journal",
    "former_batches",
    "bundle_parts",
    "fallbacks",
)
"""Tables that have a row for every person told, or for every request."""


def statements() -> Mapping[str, Statement]:
    """By where they stand; those of ``Insert`` as its two kinds."""
    found: dict[str, Statement] = {}
    for module in pkgutil.iter_modules(warnd.store.__path__, "warnd.store."):
        for name, each in vars(import_module(module.name)).items():
            if isinstance(each, Statement) and each.text.split()[0] in (
                "SELECT",
                "INSERT",
                "UPDATE",
                "DELETE",
                "WITH",
            ):
                found[f"{module.name}.{name}"] = each
            elif isinstance(each, bulk.Insert):
                found[f"{module.name}.{name}"] = each._unfolding
    return found


STATEMENTS = statements()
OF_BOTH = [name for name in STATEMENTS if not name.startswith("warnd.store.postgres")]


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    writing = SqliteWriting(open_writer(Path(tmp_path_factory.mktemp("plans"), "warnd.db")))
    upgrade(writing.sqlalchemy)
    yield writing.connection
    writing.close()


@pytest.fixture(scope="module")
def shared(postgres_for_plans: Place) -> Iterator[psycopg.Connection[tuple[str]]]:
    session = Session(postgres_for_plans)
    yield session.raw
    session.close()


@pytest.fixture(scope="module")
def postgres_for_plans(postgres: PostgresServer) -> Iterator[Place]:
    name = postgres.database()
    yield postgres.place(name)
    postgres.drop(name)


@pytest.mark.parametrize("name", OF_BOTH)
def test_sqlite_understands_it(sqlite: sqlite3.Connection, name: str) -> None:
    """Including those that no other test comes to."""
    one = STATEMENTS[name]
    if one.names:
        sqlite.execute(f"EXPLAIN {one.sqlite}", dict.fromkeys(one.names))
    else:
        places = max(map(int, re.findall(r"\?(\d+)", one.sqlite)), default=0) or one.sqlite.count("?")
        sqlite.execute(f"EXPLAIN {one.sqlite}", [None] * places)


@pytest.mark.parametrize("name", STATEMENTS)
def test_postgresql_understands_it_and_finds_rows_by_an_index(
    shared: psycopg.Connection[tuple[str]], name: str
) -> None:
    """What is asked a thousand times must not walk through a million rows, whatever its statistics say."""
    plan = "\n".join(
        line for (line,) in shared.execute(f"EXPLAIN (GENERIC_PLAN) {STATEMENTS[name].postgresql}".encode())
    )
    walked = {table for table in re.findall(r"Seq Scan on (\w+)", plan) if table in GROWING}
    assert not walked, plan


PEOPLE = (
    "INSERT INTO subscribers (id, kind, name, region, created_at) "
    "SELECT 'P' || n, 'person', '', '621202101201', 0 FROM generate_series(10001, 30000) n",
    "INSERT INTO memberships (subscriber_id, group_id) SELECT id, 'G' || right(id, 2) FROM subscribers",
    "INSERT INTO endpoints (id, subscriber_id, channel, address, created_at) "
    "SELECT 'E' || id, id, 'sms', id, 0 FROM subscribers",
    "VACUUM ANALYZE",
)


@pytest.fixture(scope="module")
def peopled(postgres: PostgresServer) -> Iterator[psycopg.Connection[tuple[str]]]:
    """Enough people for their statistics to tempt a planner into reading all of them."""
    name = postgres.database()
    session = Session(postgres.place(name))
    for each in PEOPLE:
        session.raw.execute(each)
    yield session.raw
    session.close()
    postgres.drop(name)


def planned(connection: psycopg.Connection[tuple[str]], name: str) -> str:
    """How the server goes about that statement of members, whatever its values."""
    statement = STATEMENTS[f"warnd.store.members.{name}"]
    lines = connection.execute(f"EXPLAIN (GENERIC_PLAN, COSTS OFF) {statement.postgresql}".encode())
    return "\n".join(line for (line,) in lines)


@pytest.mark.parametrize("name", ["_BY_SCAN", "_EVERYBODY", "_BOUNDARY", "_BOUNDARY_AMONG_ALL"])
def test_postgresql_reads_the_members_of_a_large_plan_in_order(
    peopled: psycopg.Connection[tuple[str]], name: str
) -> None:
    """No page sorts all who come after it: a plan would take as long as the square of its members."""
    plan = planned(peopled, name)
    assert "Index Only Scan using pk_memberships" in plan, plan
    assert "Sort" not in plan, plan
    assert "Gather" not in plan, plan


def test_postgresql_looks_up_each_member_of_a_page(peopled: psycopg.Connection[tuple[str]]) -> None:
    """It does not join everybody with all endpoints to keep a thousand of them."""
    plan = planned(peopled, "_MEMBERS")
    assert re.search(r"pk_subscribers.*\n\s+Index Cond: \(\(id\)::text = j.id\)", plan), plan
