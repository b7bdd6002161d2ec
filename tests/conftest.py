"""What tests of more than one kind are given: databases of a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.postgres import PostgresServer, postgres_server
from warnd.store.postgres_connection import Place


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for all tests."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def postgres_place(postgres: PostgresServer) -> Iterator[Place]:
    """A database of its own, its schema up to date."""
    name = postgres.database()
    yield postgres.place(name)
    postgres.drop(name)
