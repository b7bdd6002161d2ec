"""Several processes on one PostgreSQL: whatever they do at once, each batch is leased once and nothing is miscounted."""

from __future__ import annotations

import asyncio
import random
import threading
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection

from servers.postgres import PostgresServer
from tests.integration.store_site import (
    BAD,
    BUSY,
    NOW,
    ONE_OF,
    ROUTES,
    SECOND,
    START,
    UNCLEAR,
    YES,
    Site,
    everyone,
    fetch,
    flag_stopped,
    recounted,
)
from warnd.contract.outcome import Accepted, Receipt, ReceiptStatus
from warnd.errors import StoreError
from warnd.model.color import Lane
from warnd.model.delivery import Batch, BatchState, State
from warnd.model.ulid import floor
from warnd.pipeline.confirm import confirm
from warnd.ports import Settlement
from warnd.store import backlog, postgres_connection, receiving, sweeping, workers
from warnd.store.journal import Entry, anchor, verify
from warnd.store.postgres import PostgresStore
from warnd.store.postgres_connection import Place
from warnd.store.postgres_writing import open_postgres
from warnd.store.workers import Joining


@pytest.fixture
async def two(postgres_place: Place) -> AsyncIterator[tuple[Site, Site]]:
    """Two processes' stores on one database."""
    stores = [PostgresStore(postgres_place, confirm=confirm) for _ in range(2)]
    for store in stores:
        await store.open()
    yield Site(stores[0]), Site(stores[1])
    for store in stores:
        await store.close()


async def test_each_batch_is_leased_once_whoever_asks(two: tuple[Site, Site]) -> None:
    """One conditional update is the only lease there is; a row that another is leasing is not granted."""
    one, other = two
    batches = (await one.plan(await one.alert(), everyone(300), done=True)).batches
    asked = [(site, batch) for site in two for batch in batches]
    random.Random(1).shuffle(asked)
    granted = await asyncio.gather(*(site.lease(batch) for site, batch in asked))
    took = Counter(batch.id for batch in granted if batch is not None)
    assert took == Counter(batch.id for batch in batches)
    assert {batch.epoch for batch in granted if batch is not None} == {1}
    assert one.store.chain != other.store.chain


async def test_who_hangs_in_the_middle_of_a_commit_holds_up_nobody(
    two: tuple[Site, Site], postgres_place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stopped process keeps its connection and its locks: the server ends them, and its jobs hear of it when it goes on."""
    monkeypatch.setattr(postgres_connection, "_HUNG_MS", 100)
    hanging = PostgresStore(postgres_place, confirm=confirm)
    await hanging.open()
    alert = await two[0].alert()
    begun, going_on = threading.Event(), threading.Event()

    def hangs(connection: Connection) -> None:
        flag_stopped(connection, alert)
        begun.set()
        going_on.wait(30)

    hung = asyncio.create_task(hanging.write(hangs))
    await asyncio.to_thread(begun.wait, 30)
    async with asyncio.timeout(20):
        await two[0].store.write(flag_stopped, alert)
    going_on.set()
    with pytest.raises(StoreError):
        await hung
    await hanging.write(flag_stopped, alert)
    await hanging.close()


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_two_do_at_once_the_tallies_equal_a_recount_and_the_chains_hold(
    two: tuple[Site, Site], seed: int
) -> None:
    """Leases, outcomes, receipts and the clerk's work of both, in any order."""
    chance = random.Random(seed)
    alert = await two[0].alert()
    people = everyone(240)
    first = await two[0].plan(alert, people[:120])
    two[1].contents, two[1].cursors = two[0].contents, two[0].cursors
    second = await two[1].plan(alert, people[120:], done=True)
    hints = [*first.batches, *second.batches]

    async def works(site: Site) -> None:
        """Take what there is until nothing is left to do."""
        mine = list(hints)
        for _ in range(12):
            chance.shuffle(mine)
            await asyncio.gather(*(_told(site, batch, chance) for batch in mine))
            site.now += 60 * SECOND
            await site.gather()
            out = await site.store.read(backlog.leases_run_out, site.now, 100)
            await site.store.move(sweeping.run_out, out, site.now, BatchState.UNKNOWN)
            mine = [
                batch
                for name in ROUTES
                for batch in await site.store.read(backlog.open_batches, name, Lane.RED, "", 1000)
            ]

    await asyncio.gather(*(works(site) for site in two))
    await recounted(two[0])
    found = await two[1].store.read(verify)
    assert found.broken is None
    assert len(found.heads) == 2


async def _told(site: Site, batch: Batch, chance: random.Random) -> None:
    """One turn of a slot, with the receipts that come of it; now and then it dies before it can say how it went."""
    leased = await site.lease(batch, seconds=chance.choice((30, 90)))
    if leased is None or chance.random() < 0.1:
        return
    keys = [f"{leased.key}-{n}" for n in range(len(leased))]
    outcomes = [chance.choice((Accepted(key), Accepted(key), YES, BUSY, BAD, UNCLEAR)) for key in keys]
    if len(leased) > 1 and chance.random() < 0.1:
        outcomes = [ONE_OF] * len(leased)
    receipts = [Receipt(key, ReceiptStatus.DELIVERED) for key in keys]
    await asyncio.gather(
        site.store.turn(site.judged(leased, outcomes), None),
        site.store.receive(leased.channel, receipts, site.now),
    )


async def test_of_two_that_plan_an_alert_one_goes_on(two: tuple[Site, Site]) -> None:
    """The cursor is compared in the update that moves it."""
    one, other = two
    alert = await one.alert()
    other.contents = one.contents
    one.now += 1
    for _ in range(5):
        before = one.cursors.get(alert, "")
        both = await asyncio.gather(*(site.plan(alert, everyone(6), after=before) for site in two))
        assert sorted(answer.stopped for answer in both) == [False, True]
        (went_on,) = (site for site, answer in zip(two, both, strict=True) if not answer.stopped)
        for site in two:
            site.cursors[alert] = went_on.cursors[alert]
    await recounted(one)


async def test_what_a_process_that_ended_had_out_is_found_and_what_another_has_is_left(
    two: tuple[Site, Site],
) -> None:
    """Its leases end with it; one that has not joined leases as nobody, until its time is over."""
    one, other = two
    mine, theirs, nobodys = (await one.plan(await one.alert(), everyone(9), done=True)).batches
    assert await one.lease(nobodys)
    for site, name, batch in ((one, "one", mine), (other, "other", theirs)):
        joining = Joining(name, "host", "worker", ("sms",), timedelta(seconds=30))
        site.store.lease_as(await site.store.write(workers.join, joining, NOW, alone=False))
        assert await site.lease(batch)
    (first, _) = await one.store.read(workers.working)
    assert (first.name, first.in_flight) == ("one", len(mine))
    await one.store.write(workers.leave, first.id, NOW)
    (found,) = await one.store.read(backlog.leases_run_out, one.now, 10)
    assert found.id == mine.id


async def test_a_process_that_comes_back_goes_on_with_its_chain(
    two: tuple[Site, Site], postgres_place: Place
) -> None:
    """The lowest that is free; so there are never more than wrote at once."""
    chains = [site.store.chain for site in two]
    await two[0].store.close()
    again = open_postgres(postgres_place)
    assert (sorted(chains), again.chain) == ([0, 1], 0)
    again.close()


async def test_cutting_a_chain_short_contradicts_the_anchors_in_the_others(two: tuple[Site, Site]) -> None:
    """The end of a chain alone could be dropped and nothing would show."""
    one, other = two
    for n, site in enumerate((one, other, one, other)):
        await site.store.record(lambda _, n=n: (None, [Entry(START, "thing.done", str(n), {})]))
    assert await one.store.record(anchor, START) == 2
    assert (await one.store.read(verify)).broken is None
    chain = other.store.chain
    await one.store.write(fetch, f"DELETE FROM journal WHERE chain = {chain} AND seq = 2")
    await one.store.write(fetch, f"DELETE FROM journal_links WHERE chain = {chain} AND first_seq = 2")
    broken = (await one.store.read(verify)).broken
    assert broken is not None
    assert f"chain {chain} is not what" in broken


async def test_what_comes_back_in_the_middle_of_a_sweep_is_swept_by_the_next(
    two: tuple[Site, Site], postgres_place: Place
) -> None:
    """A worker settles what it had out between two statements of the sweep, each of which sees what is committed."""
    one, other = two
    alert = await one.alert()
    at_rest, out = (await one.plan(alert, everyone(6), done=True)).batches
    leased = await other.lease(out)
    assert leased is not None
    await one.store.write(flag_stopped, alert)
    stopped = Settlement(
        leased, START, START, BatchState.STOPPED, unknowns=0, outcome={"not_sent": "stopped"}
    )
    sweep = (sweeping.sweep_stopped, alert, State.SUPERSEDED, "", one.now, 1000)
    with psycopg.connect(postgres_place.url) as somebody:
        somebody.execute("SELECT 1 FROM deliveries WHERE batch_id = %s FOR UPDATE", (at_rest.id,))
        sweeping_it = asyncio.create_task(one.store.move(*sweep))
        await _waits_for_a_lock(somebody)
        await other.store.turn(stopped, None)
    assert await sweeping_it == ""
    assert await one.store.move(*sweep) is None
    assert set((await one.states(alert)).values()) == {State.SUPERSEDED.value}
    await recounted(one)


async def _waits_for_a_lock(somebody: psycopg.Connection[Any]) -> None:
    """Until another connection has come to what this one holds."""
    async with asyncio.timeout(20):
        while True:
            if somebody.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone():
                return
            await asyncio.sleep(0.01)


async def test_a_receipt_that_came_beside_its_key_is_found_later(two: tuple[Site, Site]) -> None:
    """Two commits of one moment do not see each other; the clerk looks again."""
    one, other = two
    alert = await one.alert()
    (batch,) = (await one.plan(alert, everyone(1), done=True)).batches
    await other.store.receive("sms", [Receipt("k", ReceiptStatus.DELIVERED)], START)
    leased = await one.lease(batch)
    assert leased is not None
    await one.answer(leased, YES)
    await one.store.write(
        fetch, f"INSERT INTO receipt_keys VALUES ('sms', 'k', '{batch.deliveries[0]}') RETURNING 1"
    )
    missed = await one.store.read(receiving.missed, floor(NOW - timedelta(minutes=1)))
    assert missed == [("sms", "k")]
    await one.store.move(receiving.match_missed, missed, one.now, confirm)
    assert set((await one.states(alert)).values()) == {State.DELIVERED.value}
    assert await one.store.read(receiving.missed, floor(NOW - timedelta(minutes=1))) == []
    await recounted(one)


async def test_a_server_that_is_killed_and_comes_back_keeps_what_was_committed_and_is_used_again(
    postgres: PostgresServer, postgres_place: Place
) -> None:
    """Whoever waits for a commit hears that nothing was kept; nobody has to be started anew."""
    store = PostgresStore(postgres_place, confirm=confirm)
    failures: list[str] = []
    store.on_failure = failures.append
    await store.open()
    site = Site(store)
    alert = await site.alert()
    batches = (await site.plan(alert, everyone(9), done=True)).batches
    leased = await site.lease(batches[0])
    assert leased is not None
    postgres.kill()
    with pytest.raises(StoreError, match="nothing was kept"):
        await site.answer(leased, YES)
    for _ in range(4):
        with pytest.raises(StoreError, match="database warnd_"):
            await store.read(fetch, "SELECT 1")
    await asyncio.to_thread(postgres.start)
    async with asyncio.timeout(20):
        while True:
            try:
                await site.answer(leased, YES)
                break
            except StoreError:
                await asyncio.sleep(0.02)
    assert Counter((await site.states(alert)).values()) == {"accepted": 3, "queued": 6}
    assert await site.lease(batches[1])
    assert failures
    heard = len(failures)
    postgres.kill()
    await asyncio.to_thread(postgres.start)
    assert await site.lease(batches[2]), "a restart in between, when nobody writes, is noticed by nobody"
    assert len(failures) == heard
    assert (await store.read(verify)).broken is None
    await recounted(site)
    await store.close()


@pytest.mark.parametrize(
    ("how", "said"),
    [
        pytest.param("ALTER DATABASE {} SET synchronous_commit = off", "synchronous_commit is off", id="commits that may be lost"),
        pytest.param("CREATE DATABASE {} TEMPLATE template0 ENCODING 'SQL_ASCII'", "encoding is SQL_ASCII", id="another encoding"),
    ],
)  # fmt: skip
def test_a_database_that_cannot_be_relied_on_is_refused(
    postgres: PostgresServer, how: str, said: str
) -> None:
    """At the start, in a sentence that says what to do."""
    name = postgres.database()
    if how.startswith("CREATE"):
        postgres.drop(name)
    postgres.run(how.format(name))
    with pytest.raises(StoreError, match=said):
        open_postgres(postgres.place(name))
    postgres.drop(name)


def test_a_server_that_is_not_there_is_named_in_a_sentence(postgres: PostgresServer) -> None:
    """Without the password, and without a traceback."""
    place = replace(postgres.place("nowhere"), password="made-up")
    with pytest.raises(StoreError, match=r'database nowhere on .*: .*"nowhere" does not exist') as raised:
        open_postgres(place)
    assert "made-up" not in str(raised.value)


async def test_a_server_that_stays_away_is_a_store_that_fails_however_often_it_is_asked(
    two: tuple[Site, Site], postgres: PostgresServer
) -> None:
    """Each read says so, none breaks; once the server is back the next one is answered."""
    one, _ = two
    await one.store.read(workers.working)
    postgres.kill()
    for _ in range(9):
        with pytest.raises(StoreError):
            await one.store.read(workers.working)
    postgres.start()
    assert await one.store.read(workers.working) == []
