"""The file: its schema, how it is opened, what is no database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from tests.integration.store_site import (
    Site,
    fetch,
)
from warnd.errors import StoreError
from warnd.store import revision, tables
from warnd.store.database import open_writer


async def test_migrating_yields_exactly_the_declared_schema(embedded: Site) -> None:
    """Two descriptions of one schema drift apart unless something compares them."""
    engine = create_engine("sqlite://")
    with engine.connect() as declared:
        tables.metadata.create_all(declared)
        wanted = schema(fetch(declared, _SCHEMA))
    engine.dispose()
    found = schema(await embedded.store.read(fetch, _SCHEMA))
    found.pop("alembic_version")
    assert found == wanted


def test_the_newest_revision_is_that_of_the_last_migration() -> None:
    """Written down twice, so that a store that is up to date is opened without Alembic."""
    assert ScriptDirectory(str(revision.MIGRATIONS)).get_current_head() == revision.NEWEST


_SCHEMA = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"


def schema(rows: Iterable[Sequence[str]]) -> dict[str, list[str]]:
    """Each statement as its sorted clauses: the order of constraints says nothing."""
    return {
        name: sorted(line.strip(" \t,").replace('"', "") for line in sql.splitlines()) for name, sql in rows
    }


async def test_the_writer_is_durable_and_lets_others_read(embedded: Site) -> None:
    """``synchronous=FULL`` (2) and a write-ahead log, on the very connection that writes."""
    pragma = [await embedded.store.write(fetch, f"PRAGMA {name}") for name in ("synchronous", "journal_mode")]
    assert pragma == [[(2,)], [("wal",)]]


def test_opening_to_write_sets_both(tmp_path: Path) -> None:
    """Also when the file is there already."""
    for _ in range(2):
        with closing(open_writer(tmp_path / "warnd.db")) as connection:
            assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_what_is_no_database_is_named_in_a_sentence(tmp_path: Path) -> None:
    """Whatever the driver makes of the file; an operator reads no traceback."""
    (tmp_path / "warnd.db").write_bytes(b"something else, and long enough to be looked at" * 40)
    with pytest.raises(StoreError, match=r"warnd\.db: .*not a database"):
        open_writer(tmp_path / "warnd.db")
