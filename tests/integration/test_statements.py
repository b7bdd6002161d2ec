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
from bench.postgres import PostgresServer
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
