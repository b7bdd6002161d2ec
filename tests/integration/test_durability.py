"""
What is answered is on disk: the syncs behind each commit are counted in SQLite's own file layer.

``kill -9`` shows nothing of this, since what a dead process wrote is still in the kernel's cache; only a power cut would.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert

from tests.fakes.watched_disk import Witness, library, watched
from tests.integration.store_site import START, YES, Site, everyone, fetch
from warnd.contract.outcome import Receipt, ReceiptStatus
from warnd.errors import StoreError
from warnd.model.delivery import BatchState
from warnd.pipeline.confirm import confirm
from warnd.ports import Lease
from warnd.store import alarms, sweeping, tables
from warnd.store.database import SqliteWriting, open_writer
from warnd.store.journal import Entry
from warnd.store.sqlite import SqliteStore

DURABLE = {"journal_mode": "wal", "synchronous": 2, "wal_autocheckpoint": 1_000, "busy_timeout": 10_000}
"""Of the connection that writes; ``synchronous`` 2 is FULL: the log is synced with each commit."""


@pytest.fixture
def witness() -> Iterator[Witness]:
    sqlite = library()
    if sqlite is None:
        pytest.skip("this Python's SQLite is linked in without its C interface")
    with watched(sqlite) as found:
        yield found


@pytest.fixture
async def site(tmp_path: Path, witness: Witness) -> AsyncIterator[Site]:
    store = SqliteStore(tmp_path / "warnd.db", confirm=confirm)
    await store.open()
    yield Site(store)
    await store.close()


async def each_way_to_write(site: Site, did: Callable[[str], None]) -> None:
    """Every kind of job that the writer takes, one after the other; ``did`` is called when it was answered."""
    alert = await site.alert()
    did("write")
    (batch,) = (await site.plan(alert, everyone(3))).batches
    did("a chunk of a plan")
    leased = await site.lease(batch)
    assert leased is not None
    did("a lease")
    await site.answer(leased, YES)
    did("an outcome")
    (second,) = (await site.plan(alert, everyone(6))).batches
    did("another chunk")
    await site.store.turn(None, Lease(second, site.now, site.now + 1))
    did("another lease")
    await site.store.receive("sms", [Receipt("k", ReceiptStatus.DELIVERED)], site.now)
    did("a receipt")
    await site.store.record(lambda _: (None, [Entry(START, "thing.done", "x", {})]))
    did("a fact of the journal")
    await site.store.move(sweeping.run_out, [second.leased()], site.now, BatchState.UNKNOWN)
    did("a sweep")


def test_while_red_is_under_way_the_log_is_left_as_it_is(tmp_path: Path) -> None:
    """Copying it takes as long as red's plan does: whoever commits between two steps of red's does not do it either."""
    now = 0.0
    with closing(open_writer(tmp_path / "warnd.db")) as connection:
        writing = SqliteWriting(connection, clock=lambda: now)

        def commit(*, red: bool) -> int:
            writing.begin(deciding=False, red=red)
            writing.commit()
            (pages,) = connection.execute("PRAGMA wal_autocheckpoint").fetchone()
            return int(pages)

        assert [commit(red=red) for red in (False, True, False, True)] == [1_000, 16_000, 16_000, 16_000]
        now += 0.1
        assert [commit(red=red) for red in (False, True)] == [1_000, 16_000]


async def test_nothing_is_answered_before_its_bytes_are_synced(site: Site, witness: Witness) -> None:
    """At the moment of each answer the log holds no byte that was written and not synced after."""
    answered: list[tuple[str, list[str], bool]] = []
    witness.drain()

    def note(what: str) -> None:
        safe = witness.safe()
        answered.append((what, witness.drain(), safe))

    await each_way_to_write(site, note)
    assert [what for what, events, safe in answered if "write" not in events or not safe] == []
    assert len(answered) == 9


@pytest.mark.parametrize("carelessly", ["OFF", "NORMAL"])
async def test_the_witness_would_see_a_commit_without_a_sync(
    site: Site, witness: Witness, carelessly: str
) -> None:
    """The test above is able to fail: with less than FULL it finds what it looks for."""
    await loosened(site.store, carelessly)
    witness.drain()
    unsafe: list[str] = []
    await each_way_to_write(site, lambda what: None if witness.safe() else unsafe.append(what))
    assert len(unsafe) == 9


async def test_a_hundred_answers_cost_no_fewer_syncs_than_commits(site: Site, witness: Witness) -> None:
    """Group commit saves commits, never the sync behind one."""
    alert = await site.alert()
    batches = (await site.plan(alert, everyone(300))).batches
    before = site.store.commits
    witness.drain()
    leased = await asyncio.gather(*(site.lease(batch) for batch in batches))
    await asyncio.gather(*(site.answer(one, YES) for one in leased if one is not None))
    commits = site.store.commits - before
    assert witness.safe()
    assert 2 <= commits <= witness.drain().count("sync")


async def opened_again(site: Site) -> SqliteStore:
    await site.store.close()
    await site.store.open()
    return site.store


async def refused_call(site: Site) -> SqliteStore:
    """A call that fails in the middle: its savepoint is undone."""

    def bad(connection: Connection) -> None:
        connection.execute(insert(tables.meta).values(key="bad", value="1"))
        raise LookupError("on purpose")

    with pytest.raises(LookupError):
        await site.store.write(bad)
    return site.store


async def failed_commit(site: Site) -> SqliteStore:
    """The file may grow no more: the whole commit is rolled back."""
    (pages,) = (await site.store.write(fetch, "PRAGMA page_count"))[0]
    await site.store.write(fetch, f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="full"):
        await site.store.record(alarms.sound, "kind", "subject", "x" * 100_000, {}, id="A", now=_now(site))
    await site.store.write(fetch, "PRAGMA max_page_count = 1073741823")
    return site.store


def _now(site: Site) -> datetime:
    return tables.instant(site.now)


@pytest.mark.parametrize("after", [opened_again, refused_call, failed_commit], ids=lambda one: one.__name__)
async def test_the_connection_that_writes_stays_durable(
    site: Site, after: Callable[[Site], Awaitable[SqliteStore]]
) -> None:
    """Its own settings, read on itself, at first and after whatever may happen to it."""
    assert await pragmas(site.store) == DURABLE
    assert await pragmas(await after(site)) == DURABLE


async def pragmas(store: SqliteStore) -> dict[str, Any]:
    return {name: (await store.write(fetch, f"PRAGMA {name}"))[0][0] for name in DURABLE}


async def loosened(store: SqliteStore, mode: str) -> None:
    """SQLite changes this between two transactions only, so it goes past the writer's queue."""
    writing = store._write_connection
    assert writing is not None
    await asyncio.to_thread(writing.connection.execute, f"PRAGMA synchronous={mode}")
