"""A store that cannot be written for a while: what waits, what is said of it, and how it ends."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert

from tests.fakes.unwritable import unwritable
from tests.integration.running import Running, running, until
from warnd.app import machine
from warnd.errors import StoreError
from warnd.store import tables

PEOPLE = 100
SLOTS, BATCH = 2, 10
PATIENCE_MS = 200
"""What the writer waits for a lock, here: ten seconds in truth."""

Trouble = Callable[[Running], AbstractContextManager[None]]


@contextmanager
def read_only(site: Running) -> Iterator[None]:
    """As after the system has remounted a failing disk."""
    with unwritable(site.app.store):
        yield


@contextmanager
def locked(site: Running) -> Iterator[None]:
    """Somebody else is in the middle of a transaction of their own, and stays there."""
    with closing(sqlite3.connect(site.app.store.path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


@pytest.fixture
async def site(tmp_path: Path, county: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    monkeypatch.setattr(machine, "CALM_SECONDS", 0.5)
    async with running(tmp_path, county, people=PEOPLE) as site:
        writing = site.app.store._write_connection
        assert writing is not None
        writing.connection.execute(f"PRAGMA busy_timeout={PATIENCE_MS}")
        yield site


@pytest.mark.parametrize("trouble", [read_only, locked], ids=lambda one: one.__name__)
async def test_while_the_store_cannot_be_written_nothing_is_promised_and_nothing_lost(
    site: Running, trouble: Trouble
) -> None:
    """
    No warning is accepted, no more leaves than a batch a slot, the alarm stands in memory; afterwards all goes on.
    """
    site.gateway.faults.latency = timedelta(milliseconds=20)
    alert = await site.push()
    await until(lambda: site.gateway.counts.taken >= 2 * BATCH)
    with trouble(site):
        with pytest.raises(StoreError):
            await site.push(identifier="62120241600000_20260714080001")
        taken = site.gateway.counts.taken
        await until(lambda: [one.kind for one in site.app.alarms.unwritten] == ["store_failed"])
        assert not site.app.machine.store_is_well
        assert len(await site.rows("SELECT 1 FROM alerts")) == 1, "it can be read"
        committed = (await site.states(alert)).get("accepted", 0)
        assert taken <= site.gateway.counts.taken <= committed + 3 * SLOTS * BATCH
    await site.told(alert, PEOPLE)
    assert set(site.gateway.numbers.values()) == {1}

    async def ended() -> bool:
        return not await site.alarms() and not site.app.alarms.unwritten

    await until(ended)
    assert await site.rows("SELECT kind FROM alarms WHERE kind = 'store_failed'"), "it was written in the end"


async def test_a_lock_stalls_the_writer_and_nobody_else(site: Running) -> None:
    """All who wait are answered together, after one wait; the event loop turns meanwhile and readers read."""
    failures: list[str] = []
    site.app.store.on_failure = failures.append
    with locked(site):
        await until(lambda: failures)
        failures.clear()
        waiting = [asyncio.ensure_future(site.app.store.write(set_one, n)) for n in range(50)]
        turns = 0
        while not all(one.done() for one in waiting):
            assert await site.rows("SELECT count(*) FROM meta")
            turns += 1
        assert turns > 1
        assert {str(one.exception()) for one in waiting} == {"nothing was kept: database is locked"}
        assert len(failures) <= 3, "not one after the other"


def set_one(connection: Connection, n: int) -> None:
    connection.execute(insert(tables.meta).values(key=f"k{n}", value=""))
