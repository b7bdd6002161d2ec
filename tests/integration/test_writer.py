"""One writer for all: what shares a commit, what goes first, and whose failure is whose."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable

from sqlalchemy import Connection, insert

from tests.integration.store_site import (
    START,
    YES,
    Site,
    everyone,
    fetch,
)
from warnd.errors import Conflict, NotFound
from warnd.model.color import Lane
from warnd.store import tables
from warnd.store.journal import Entry


async def test_turns_of_many_slots_share_commits(site: Site) -> None:
    """Group commit: a hundred slots cost a few commits, not a hundred."""
    alert = await site.alert()
    batches = (await site.plan(alert, everyone(300))).batches
    before = site.store.commits
    leased = await asyncio.gather(*(site.lease(batch) for batch in batches))
    assert all(leased)
    await asyncio.gather(*(site.answer(one, YES) for one in leased if one is not None))
    assert site.store.commits - before <= 20
    assert set((await site.states(alert)).values()) == {"accepted"}


async def test_a_failing_call_undoes_its_own_part_only(site: Site) -> None:
    """Its neighbours in the same commit stay; its journal entries go with it."""

    def bad(connection: Connection) -> tuple[None, list[Entry]]:
        connection.execute(insert(tables.meta).values(key="bad", value="1"))
        raise NotFound("thing", "x")

    def good(connection: Connection, key: str) -> tuple[None, list[Entry]]:
        connection.execute(insert(tables.meta).values(key=key, value="1"))
        return None, [Entry(START, "thing.done", key, {})]

    results = await asyncio.gather(
        site.store.record(good, "a"), site.store.record(bad), site.store.record(good, "a"),
        site.store.record(good, "b"), return_exceptions=True,
    )  # fmt: skip
    assert [type(one) for one in results] == [type(None), NotFound, Conflict, type(None)]
    assert await site.store.read(fetch, "SELECT key FROM meta WHERE key IN ('a','b','bad')") == [
        ("a",),
        ("b",),
    ]
    assert await site.store.read(fetch, "SELECT subject FROM journal ORDER BY seq") == [("a",), ("b",)]


async def test_what_red_asks_for_is_committed_before_the_rest(site: Site) -> None:
    """However much of the others waits when the writer comes to choose: leases, then its chunk, then they."""
    plans = {lane: await site.alert(lane=lane) for lane in (Lane.RED, Lane.BLUE)}
    first = {lane: (await site.plan(id_, everyone(3), lane=lane)).batches[0] for lane, id_ in plans.items()}
    begun, going_on, came = threading.Event(), threading.Event(), list[str]()

    def takes_long(_: Connection) -> None:
        begun.set()
        going_on.wait(10)

    async def noted(name: str, doing: Awaitable[object]) -> None:
        await doing
        came.append(name)

    async with asyncio.TaskGroup() as group:
        group.create_task(noted("what was under way", site.store.write(takes_long)))
        await asyncio.to_thread(begun.wait, 10)
        others = everyone(6)[3:]
        group.create_task(noted("blue's chunk", site.plan(plans[Lane.BLUE], others, lane=Lane.BLUE)))
        group.create_task(noted("blue's lease", site.lease(first[Lane.BLUE])))
        group.create_task(noted("red's chunk", site.plan(plans[Lane.RED], others)))
        group.create_task(noted("red's lease", site.lease(first[Lane.RED])))
        await asyncio.sleep(0)
        going_on.set()
    assert came == ["what was under way", "red's lease", "red's chunk", "blue's lease", "blue's chunk"]
