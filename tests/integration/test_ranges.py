"""Ranges of a large plan under several writers: whose each is, what two commits make of one number, and who was the last."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from tests.integration.running import until
from tests.integration.store_site import (
    END,
    NOW,
    ROUTES,
    SECOND,
    Site,
    everyone,
    fetch,
    flag_stopped,
    recounted,
    to,
)
from warnd.model.color import Lane
from warnd.model.content import Content, content_id
from warnd.model.delivery import State
from warnd.pipeline.confirm import confirm
from warnd.pipeline.expand import Recipient
from warnd.pipeline.plan import Plan, plan_chunk
from warnd.pipeline.quiet import Night
from warnd.pipeline.ranges import FROM_THE_FIRST, TO_THE_END
from warnd.pipeline.run import TOLD
from warnd.ports import Chunk, OpenRange
from warnd.store import planning, ranges, sweeping, told, workers
from warnd.store.pending import Pending, write_tallies
from warnd.store.planning import commit_chunk
from warnd.store.postgres import PostgresStore
from warnd.store.postgres_connection import Place
from warnd.store.postgres_writing import PostgresWriting, open_postgres
from warnd.store.sqlite import SqliteStore
from warnd.store.threads import ThreadedStore
from warnd.store.workers import Joining

MIDDLE = "M"
FIRST, SECOND_HALF = ("", MIDDLE), (MIDDLE, TO_THE_END)
"""Two ranges: the subscribers up to one in the middle, and those after that one."""


@pytest.fixture(params=["sqlite", "postgresql"])
async def site(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Site]:
    """Ranges keep their promises in either store, though only one of them has any."""
    if request.param == "sqlite":
        store: ThreadedStore = SqliteStore(tmp_path / "warnd.db", confirm=confirm)
    else:
        store = PostgresStore(request.getfixturevalue("postgres_place"), confirm=confirm)
    await store.open()
    yield Site(store)
    await store.close()


@pytest.fixture
async def shared(postgres_place: Place) -> AsyncIterator[Site]:
    """A store beside which another process writes."""
    store = PostgresStore(postgres_place, confirm=confirm)
    await store.open()
    yield Site(store)
    await store.close()


@pytest.fixture
async def beside(postgres_place: Place) -> AsyncIterator[PostgresStore]:
    """Another process's store on that database."""
    store = PostgresStore(postgres_place, confirm=confirm)
    await store.open()
    yield store
    await store.close()


def content_of(alert: str, channel: str) -> Content:
    id = content_id(alert, channel, "zh")
    return Content(id, alert, ROUTES[channel].kind, "zh", "暴雨红色预警")


async def split(site: Site, *ends: str, lane: Lane = Lane.RED) -> str:
    """An alert whose plan is in ranges that end at these subscribers, and one for those after them."""
    alert = await site.alert(lane=lane)
    chunk = Chunk(
        alert, 0, lane.value, "", TOLD, 0, done=False, now=site.now,
        contents=[(channel, content_of(alert, channel)) for channel in ROUTES],
        opens=list(pairwise(("", *ends, TO_THE_END))),
    )  # fmt: skip
    await site.store.commit(chunk)
    return alert


def part(
    site: Site,
    alert: str,
    of: tuple[str, str],
    people: Sequence[Recipient] = (),
    *,
    cursor: str | None = None,
    done: bool = True,
) -> Chunk:
    """A chunk of a range, to its end unless ``cursor`` says how far."""
    after, up_to = of
    plan = Plan(alert, 0, Lane.RED, END, False, ROUTES, Night(site.now, ZoneInfo("Asia/Shanghai")))
    chunk = plan_chunk(
        plan, people, content_of=lambda channel, _: content_of(alert, channel), new_ids=site.new_ids,
        after=after, cursor=up_to if cursor is None else cursor, planned=len(people), done=done,
    )  # fmt: skip
    return replace(chunk, up_to=up_to)


async def join(site: Site, name: str) -> int:
    joining = Joining(name, "host", "worker", ("sms",), timedelta(seconds=30))
    return await site.store.write(workers.join, joining, NOW, alone=False)


async def to_be_had(site: Site) -> list[OpenRange]:
    lanes = (Lane.RED, Lane.DRILL)
    return await site.store.read(ranges.to_be_had, lanes, site.store.holder, site.now, 10)


async def is_done(site: Site, alert: str) -> tuple[bool, int]:
    """Whether its plan is, and how many members it has looked at."""
    ((done, planned),) = await site.store.read(
        fetch, "SELECT plan_done, planned FROM alerts WHERE id = ?", alert
    )
    return bool(done), planned


# --- whose a range is -----------------------------------------------------------------------------


async def test_a_range_is_his_who_took_it_until_he_ends_or_falls_silent(site: Site) -> None:
    """As with a lease; who goes on begins where the other's last commit ended."""
    alert = await split(site)
    mine, theirs = await join(site, "one"), await join(site, "other")
    site.store.lease_as(mine)
    assert not (await site.store.commit(part(site, alert, ("", TO_THE_END), cursor="A"))).stopped
    assert [one.cursor for one in await to_be_had(site)] == ["A"], (
        "what it had and is not at is its own to take"
    )
    site.store.lease_as(theirs)
    assert await to_be_had(site) == []
    assert (await site.store.commit(part(site, alert, ("A", TO_THE_END), cursor="A"))).stopped
    await site.store.write(workers.leave, mine, NOW)
    assert await to_be_had(site) == [OpenRange(alert, Lane.RED, "A", TO_THE_END)]
    assert not (await site.store.commit(part(site, alert, ("A", TO_THE_END), cursor="B"))).stopped
    site.store.lease_as(await join(site, "third"))
    assert await to_be_had(site) == []
    site.now += ranges.HELD_US + SECOND
    assert [one.cursor for one in await to_be_had(site)] == ["B"]


async def test_who_hands_out_of_a_range_lets_go_of_it(site: Site) -> None:
    """It is the last to be taken: who finds no other hands out further ones."""
    alert = await split(site)
    site.store.lease_as(await join(site, "one"))
    handing_out = replace(
        part(site, alert, ("", TO_THE_END), cursor=MIDDLE), opens=[("", "G"), ("G", MIDDLE)]
    )
    assert not (await site.store.commit(handing_out)).stopped
    site.store.lease_as(await join(site, "other"))
    assert [(one.cursor, one.last) for one in await to_be_had(site)] == [
        ("", "G"), ("G", MIDDLE), (MIDDLE, TO_THE_END),
    ]  # fmt: skip
    assert not (await site.store.commit(part(site, alert, (MIDDLE, TO_THE_END), cursor=MIDDLE))).stopped


async def test_the_most_urgent_range_is_taken_first(site: Site) -> None:
    """A red plan is split, and its ranges go before those of a plan that was there before it."""
    blue, red = await split(site, MIDDLE, lane=Lane.BLUE), await split(site, MIDDLE)
    assert [(one.alert_id, one.cursor) for one in await to_be_had(site)] == [
        (red, ""), (red, MIDDLE), (blue, ""), (blue, MIDDLE),
    ]  # fmt: skip


@pytest.mark.parametrize("in_order", [True, False], ids=["first to last", "last to first"])
async def test_a_plan_is_done_with_its_last_range_whichever_that_is(site: Site, *, in_order: bool) -> None:
    """In the commit of that range's last chunk; what all of them looked at is counted together."""
    alert = await split(site, MIDDLE)
    one, other = (FIRST, SECOND_HALF) if in_order else (SECOND_HALF, FIRST)
    assert not (await site.store.commit(part(site, alert, one, everyone(3)))).last
    assert await is_done(site, alert) == (False, 3)
    assert (await site.store.commit(part(site, alert, other, everyone(2)))).last
    assert await is_done(site, alert) == (True, 5)


async def test_a_plan_that_goes_on_with_those_told_before_is_not_done_with_its_ranges(site: Site) -> None:
    """They come after the members, and by one process."""
    alert = await split(site)
    assert (await site.store.commit(part(site, alert, ("", TO_THE_END), done=False))).last
    assert await is_done(site, alert) == (False, 0)


async def test_a_chunk_that_is_committed_twice_changes_nothing(site: Site) -> None:
    """Who died before it heard of its commit has it planned again by nobody; nor by itself."""
    alert = await split(site)
    chunk = part(site, alert, ("", TO_THE_END), everyone(7), cursor="K")
    assert not (await site.store.commit(chunk)).stopped
    assert (await site.store.commit(chunk)).stopped
    end = part(site, alert, ("K", TO_THE_END), everyone(9))
    assert (await site.store.commit(end)).last
    assert (await site.store.commit(end)).stopped
    assert len(await site.states(alert)) == 9
    assert await is_done(site, alert) == (True, 16)
    await recounted(site)


async def test_nothing_more_of_a_stopped_alert_is_planned(site: Site) -> None:
    """Its ranges are nobody's, and gone once its rows say that it has stopped."""
    alert = await split(site, MIDDLE)
    await site.store.commit(part(site, alert, FIRST, everyone(4), cursor="A"))
    await site.store.write(flag_stopped, alert)
    assert await to_be_had(site) == []
    assert (await site.store.commit(part(site, alert, ("A", MIDDLE), everyone(8)))).stopped
    swept = await site.store.move(sweeping.sweep_stopped, alert, State.SUPERSEDED, "", site.now, 1000)
    assert swept is None
    assert await site.store.read(fetch, "SELECT 1 FROM plan_ranges") == []
    assert set((await site.states(alert)).values()) == {"superseded"}


async def test_those_told_are_cut_into_parts_by_their_deliveries(site: Site) -> None:
    """Of an earlier alert, by whom each is told: every one of them is in one part, and a part ends where it is cut."""
    earlier, alert = await split(site), await site.alert(lane=Lane.RED)
    await site.store.commit(part(site, earlier, ("", TO_THE_END), everyone(7)))
    await site.store.write(
        lambda connection: connection.exec_driver_sql("UPDATE deliveries SET told = true") and None
    )
    ids = [id for (id,) in await site.store.read(fetch, "SELECT id FROM deliveries ORDER BY id")]
    assert await site.store.read(told.boundaries, earlier, FROM_THE_FIRST, 3) == [ids[2], ids[5]]
    assert await site.store.read(told.boundaries, earlier, ids[5], 3) == []
    for after, up_to, wanted in (
        (FROM_THE_FIRST, ids[2], ids[:3]), (ids[2], ids[5], ids[3:6]), (ids[5], TO_THE_END, ids[6:]),
    ):  # fmt: skip
        found: list[str] = []
        while after:
            some, after = await site.store.read(
                told.not_yet_followed, earlier, alert, after, 2, untold=False, up_to=up_to
            )
            found += [one.delivery for one in some]
            assert after != up_to or not after
        assert found == wanted


async def test_a_range_of_those_told_says_of_whom(site: Site) -> None:
    """Whoever takes it knows by which earlier alert they were."""
    earlier, alert = await site.alert(lane=Lane.RED), await site.alert(lane=Lane.RED)
    await site.store.commit(
        Chunk(
            alert, 0, Lane.RED.value, "", TOLD + earlier, 0, done=False, now=site.now,
            opens=[(FROM_THE_FIRST, TO_THE_END)], earlier=earlier,
        )
    )  # fmt: skip
    assert await to_be_had(site) == [OpenRange(alert, Lane.RED, FROM_THE_FIRST, TO_THE_END, earlier)]
    site.store.lease_as(await join(site, "one"))
    taken = part(site, alert, (FROM_THE_FIRST, TO_THE_END), cursor=FROM_THE_FIRST, done=False)
    assert not (await site.store.commit(taken)).last, "to take it is not to have come to its end"
    assert await to_be_had(site) == [OpenRange(alert, Lane.RED, FROM_THE_FIRST, TO_THE_END, earlier)]


# --- two at once ----------------------------------------------------------------------------------


@contextmanager
def another(place: Place) -> Iterator[PostgresWriting]:
    """The connection by which a second process writes."""
    writing = open_postgres(place)
    try:
        yield writing
    finally:
        writing.close()


def begin(writing: PostgresWriting, chunk: Chunk) -> None:
    """All of that chunk's commit but for the word that ends it."""
    writing.begin(deciding=False)
    pending = Pending()
    commit_chunk(writing.cursor, chunk, pending, None)
    write_tallies(writing.cursor, pending.tally, writing.chain)


async def is_waiting(place: Place) -> None:
    """Until somebody waits for a lock."""
    async with await psycopg.AsyncConnection.connect(place.url, autocommit=True) as watching:

        async def waits() -> bool:
            found = await watching.execute("SELECT 1 FROM pg_locks WHERE NOT granted")
            return await found.fetchone() is not None

        await until(waits)


@pytest.mark.parametrize("first_is_told", [True, False], ids=["after one to be told", "after one who is not"])
async def test_of_two_behind_one_number_in_two_ranges_the_one_to_be_told_decides(
    shared: Site, postgres_place: Place, *, first_is_told: bool
) -> None:
    """Also when the other's commit is not there to be seen yet: it is waited for, and what it wrote is taken over."""
    alert = await split(shared, MIDDLE)
    heard, unheard = to("1", who="told"), to("1", who="untold", state=State.SUPPRESSED)
    first, second = (heard, unheard) if first_is_told else (unheard, heard)
    with another(postgres_place) as other:
        begin(other, part(shared, alert, FIRST, [first]))
        committing = asyncio.ensure_future(shared.store.commit(part(shared, alert, SECOND_HALF, [second])))
        await is_waiting(postgres_place)
        other.commit()
        committed = await committing
    assert await shared.states(alert) == {"1 sms": "queued"}
    ((row, batch),) = await shared.store.read(fetch, "SELECT id, batch_id FROM deliveries")
    assert [one.deliveries for one in committed.batches] == ([] if first_is_told else [(row,)])
    assert await shared.store.read(fetch, "SELECT id, size FROM batches") == [(batch, 1)]
    behind = await shared.store.read(fetch, "SELECT delivery_id, subscriber_id FROM recipients ORDER BY 2")
    assert behind == [(row, "told"), (row, "untold")]
    assert committed.last
    await recounted(shared)


async def test_of_two_that_take_over_one_row_at_once_one_does(
    shared: Site, postgres_place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have found the row to be there, neither has changed it yet; told by two batches, one would be told twice."""
    alert = await split(shared, "G", MIDDLE)
    await shared.store.commit(part(shared, alert, ("", "G"), [to("1", who="untold", state=State.SUPPRESSED)]))
    take_over, has_found, may_go_on = planning._take_over, threading.Event(), threading.Event()

    def held_up(*args: Any) -> Any:
        if threading.current_thread() is not threading.main_thread():
            has_found.set()
            assert may_go_on.wait(20)
        return take_over(*args)

    monkeypatch.setattr(planning, "_take_over", held_up)
    second = part(shared, alert, SECOND_HALF, [to("1", who="other")])
    with another(postgres_place) as other:
        committing = asyncio.ensure_future(shared.store.commit(second))
        await until(has_found.is_set)
        begin(other, part(shared, alert, ("G", MIDDLE), [to("1", who="one")]))
        may_go_on.set()
        await is_waiting(postgres_place)
        other.commit()
        assert not (await committing).batches
    ((batch, state),) = await shared.store.read(fetch, "SELECT batch_id, state FROM deliveries")
    assert await shared.store.read(fetch, "SELECT id FROM batches") == [(batch,)]
    assert state == "queued"
    assert await shared.store.read(fetch, "SELECT count(*) FROM recipients") == [(3,)]
    await recounted(shared)


async def test_two_ranges_with_the_same_numbers_do_not_stand_in_each_others_way(
    shared: Site, beside: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each waits for a number that the other has only if it has come to it in the same order."""
    in_the_way: list[Exception] = []
    is_passing = PostgresWriting.is_passing

    def noted(writing: PostgresWriting, error: Exception) -> bool:
        in_the_way.append(error)
        return is_passing(writing, error)

    monkeypatch.setattr(PostgresWriting, "is_passing", noted)
    numbers = [f"+86154{n:08}" for n in range(600)]
    for _ in range(6):
        alert = await split(shared, MIDDLE)
        up = part(shared, alert, FIRST, [to(number, who=f"A{number}") for number in numbers])
        down = part(
            shared, alert, SECOND_HALF, [to(number, who=f"B{number}") for number in reversed(numbers)]
        )
        both = await asyncio.gather(shared.store.commit(up), beside.commit(down))
        assert sorted(committed.last for committed in both) == [False, True]
        queued = [address for committed in both for batch in committed.batches for address in batch.addresses]
        assert sorted(queued) == numbers
    assert in_the_way == []
    assert await shared.store.read(fetch, "SELECT count(*) FROM recipients") == [(6 * 2 * len(numbers),)]
    await recounted(shared)


async def test_of_two_ranges_that_end_at_once_one_was_the_last(shared: Site, postgres_place: Place) -> None:
    """Neither sees the other's end as long as that is not committed: the second waits before it looks."""
    alert = await split(shared, MIDDLE)
    with another(postgres_place) as other:
        begin(other, part(shared, alert, FIRST, [to("1")]))
        committing = asyncio.ensure_future(shared.store.commit(part(shared, alert, SECOND_HALF, [to("2")])))
        await is_waiting(postgres_place)
        assert await is_done(shared, alert) == (False, 0)
        other.commit()
        assert (await committing).last
    assert await is_done(shared, alert) == (True, 2)


async def test_what_was_being_committed_when_its_alert_stopped_is_swept_with_the_rest(
    shared: Site, postgres_place: Place
) -> None:
    """With the ranges that it hands out: nothing of it stays behind as if it were still to be sent."""
    alert = await split(shared)
    with another(postgres_place) as other:
        chunk = part(shared, alert, ("", TO_THE_END), everyone(5), cursor="K")
        # Before it counts what it has planned: from there on the alert cannot be stopped until it is committed.
        begin(other, replace(chunk, opens=[("", "G"), ("G", "K")], planned=0))
        await shared.store.write(flag_stopped, alert)
        sweeping_on = asyncio.ensure_future(
            shared.store.move(sweeping.sweep_stopped, alert, State.SUPERSEDED, "", shared.now, 1000)
        )
        await is_waiting(postgres_place)
        other.commit()
        assert await sweeping_on is None
    assert set((await shared.states(alert)).values()) == {"superseded"}
    assert await shared.store.read(fetch, "SELECT 1 FROM plan_ranges") == []
    await recounted(shared)
