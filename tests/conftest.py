"""What every test leaves as it found it, and what tests of more than one kind are given: databases of a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog

from tests.fakes.postgres import PostgresServer, postgres_server
from warnd.store.postgres_connection import Place


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    """A daemon in this process sets up logging for the whole of it; the next test hears every line again."""
    yield
    structlog.reset_defaults()


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
