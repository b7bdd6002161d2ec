"""What every test finds: logs that say nothing until it asks for them, and databases of a real PostgreSQL, a real Valkey."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest
import structlog
from hypothesis import settings

from servers.postgres import PostgresServer, postgres_server
from servers.valkey import ValkeyServer, valkey_server
from warnd.store.postgres_connection import Place

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
"""Each program that a test starts would compile all of this tree anew."""

settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


def _unheard(logger: object, method: str, event: Any) -> NoReturn:
    raise structlog.DropEvent


@pytest.fixture(autouse=True)
def quiet_logs() -> Iterator[None]:
    """A daemon in this process sets up logging for the whole of it; the next test knows nothing of that."""
    structlog.configure(processors=[_unheard])
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


@pytest.fixture(scope="session")
def one_valkey() -> Iterator[ValkeyServer]:
    """One server for all tests."""
    with valkey_server() as server:
        yield server


@pytest.fixture
def valkey(one_valkey: ValkeyServer) -> ValkeyServer:
    """It runs, and knows nothing yet."""
    one_valkey.start()
    one_valkey.flush()
    return one_valkey
