"""What lanes promise, wherever they are: in the process itself, or in a real Valkey for all processes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from servers.valkey import ValkeyServer
from tests.fakes.shelf import ANY, RED, Clock, Shelf, batch
from warnd.model.color import Lane
from warnd.model.delivery import Batch, Rank
from warnd.queue.filled import FilledLanes
from warnd.queue.local import ChannelLanes
from warnd.queue.pacing import Pace
from warnd.queue.precedence import PLACES
from warnd.queue.redis import lanes
from warnd.queue.redis.lanes import TOPIC, SharedLanes
from warnd.queue.redis.link import Address, Link

PATIENCE = 30.0
CAPACITY = 6


@dataclass
class Desk:
    """One process's lanes over a store, with whoever leases from them. ``poke`` makes them look at the clock."""

    lanes: FilledLanes
    shelf: Shelf
    clock: Clock
    poke: Callable[[], None] = lambda: None

    def post(self, *batches: Batch) -> None:
        """They are on disk, and hinted."""
        self.shelf.put(*batches)
        self.lanes.post(batches)

    async def lease(self, slot: int = ANY) -> Batch:
        async with asyncio.timeout(PATIENCE):
            taken = await self.lanes.take(slot)
        self.shelf.lease(taken)
        return taken

    async def leased(self, count: int) -> list[str]:
        return [(await self.lease()).id for _ in range(count)]

    def put_back(self, one: Batch, *, after: float) -> None:
        rested = replace(one, due=self.clock.micros + int(after * 1e6), epoch=one.epoch + 1)
        self.shelf.put(rested)
        self.lanes.put_back(rested, due=rested.due)

    def pass_by(self, seconds: float) -> None:
        self.clock.pass_by(seconds)
        self.poke()


Desks = Callable[[Shelf, Clock], AbstractAsyncContextManager[Desk]]


def hand(shelf: Shelf, clock: Clock) -> ChannelLanes:
    return ChannelLanes(
        "sms", red_only=1, pace=Pace(), load=shelf.load, clock=lambda: clock.micros, monotonic=clock.seconds
    )


@asynccontextmanager
async def local(shelf: Shelf, clock: Clock) -> AsyncIterator[Desk]:
    alone = hand(shelf, clock)
    async with filling(alone):
        while shelf.reads < len(PLACES):  # noqa: ASYNC110  what it waits for has no event of its own
            await asyncio.sleep(0)
        for _ in range(3):
            await asyncio.sleep(0)
        yield Desk(alone, shelf, clock, poke=alone.offer_all)


@dataclass
class Attendant:
    """What of a process the link tells."""

    lanes: SharedLanes = field(init=False)
    up: asyncio.Event = field(default_factory=asyncio.Event)

    async def linked(self) -> None:
        self.lanes.link_up()
        self.up.set()

    def heard(self, topic: str, about: str) -> None:
        self.lanes.posted()

    async def beat(self) -> None:
        pass

    def lost(self, why: str) -> None:
        self.up.clear()
        self.lanes.link_down()


@asynccontextmanager
async def shared(server: ValkeyServer, shelf: Shelf, clock: Clock) -> AsyncIterator[Desk]:
    one = Attendant()
    link = Link(Address(server.url), one, topics=(TOPIC,))
    one.lanes = SharedLanes(
        hand(shelf, clock), link, who=f"process {id(one)}", capacity=CAPACITY, shelf=shelf,
        clock=lambda: clock.micros, monotonic=time.monotonic,
    )  # fmt: skip
    linking = asyncio.create_task(link.run())
    async with filling(one.lanes):
        async with asyncio.timeout(PATIENCE):
            await one.up.wait()
        yield Desk(one.lanes, shelf, clock, poke=one.lanes.posted)
    linking.cancel()
    await asyncio.gather(linking, return_exceptions=True)


@asynccontextmanager
async def filling(one: FilledLanes) -> AsyncIterator[None]:
    task = asyncio.create_task(one.refill())
    try:
        yield
    finally:
        task.cancel()
        [ended] = await asyncio.gather(task, return_exceptions=True)
        assert isinstance(ended, asyncio.CancelledError), ended


@pytest.fixture(params=["local", "redis"])
def desks(request: pytest.FixtureRequest) -> Desks:
    """Makes the desk of a process."""
    if request.param == "local":
        return local
    server: ValkeyServer = request.getfixturevalue("valkey")
    return lambda shelf, clock: shared(server, shelf, clock)


@pytest.fixture
async def desk(desks: Desks) -> AsyncIterator[Desk]:
    async with desks(Shelf(), Clock()) as made:
        yield made


async def test_red_goes_before_orange_before_yellow_before_blue_before_drills(desk: Desk) -> None:
    """Whatever came first."""
    desk.post(*(batch(f"{lane.name}{n}", lane, to=f"{n}") for lane in reversed(Lane) for n in range(2)))
    assert await desk.leased(10) == [f"{lane.name}{n}" for lane in Lane for n in range(2)]


async def test_a_first_notice_goes_before_a_later_round_before_a_lift(desk: Desk) -> None:
    """In a lane."""
    desk.post(*(batch(f"{rank.name}{n}", rank=rank, to=f"{n}") for n in range(2) for rank in reversed(Rank)))
    assert await desk.leased(6) == [f"{rank.name}{n}" for rank in Rank for n in range(2)]


async def test_a_red_that_comes_later_goes_before_the_blue_that_is_left(desk: Desk) -> None:
    """However much of that is ahead."""
    desk.post(*(batch(f"B{n:03}", Lane.BLUE, to=f"{n}") for n in range(100)))
    await desk.leased(10)
    desk.post(batch("R"))
    async with asyncio.timeout(PATIENCE):
        assert (await desk.lease(RED)).id == "R"
    assert len(set(await desk.leased(90))) == 90


async def test_a_twentieth_is_kept_for_the_lower_lanes(desk: Desk) -> None:
    """A red of hours does not silence everything else, and loses no more than that."""
    desk.post(*(batch(f"R{n:03}", to=f"{n}") for n in range(200)), *(batch(f"B{n:03}", Lane.BLUE, to=f"{n}") for n in range(20)))  # fmt: skip
    taken = await desk.leased(160)
    lower = [n for n, id_ in enumerate(taken) if id_.startswith("B")]
    assert 6 <= len(lower) <= 8
    assert max(after - before for before, after in zip([0, *lower], [*lower, 159], strict=True)) <= 40


async def test_a_slot_for_red_is_given_nothing_else(desk: Desk) -> None:
    """It waits, and is woken by red."""
    waiting = asyncio.create_task(desk.lease(RED))
    desk.post(batch("B", Lane.BLUE))
    assert await desk.leased(1) == ["B"]
    desk.post(batch("R"))
    async with asyncio.timeout(PATIENCE):
        assert (await waiting).id == "R"


async def test_what_was_put_back_is_offered_at_its_time_and_not_before(desk: Desk) -> None:
    """And keeps nobody waiting meanwhile."""
    desk.post(batch("R", to="1"))
    first = await desk.lease()
    desk.put_back(first, after=5.0)
    desk.post(batch("S", Lane.BLUE, to="2"))
    assert await desk.leased(1) == ["S"]
    desk.pass_by(6.0)
    again = await desk.lease()
    assert (again.id, again.epoch) == ("R", first.epoch + 1)


async def test_what_is_not_due_yet_when_it_is_posted_waits(desk: Desk) -> None:
    """Quiet hours, say."""
    desk.post(batch("L", due=desk.clock.micros + 5_000_000, to="1"), batch("N", Lane.BLUE, to="2"))
    assert await desk.leased(1) == ["N"]
    desk.pass_by(6.0)
    assert await desk.leased(1) == ["L"]


async def test_a_hint_that_comes_twice_is_offered_once(desk: Desk) -> None:
    """The lease would find it out; it need not be asked."""
    desk.post(batch("R", to="1"))
    desk.post(batch("R", to="1"), batch("S", Lane.BLUE, to="2"))
    assert await desk.leased(2) == ["R", "S"]
    desk.post(batch("T", Lane.BLUE, to="3"))
    assert await desk.leased(1) == ["T"]


async def test_what_was_never_hinted_is_found_in_the_store(desk: Desk) -> None:
    """Whoever was to post it died."""
    desk.post(batch("R", to="1"))
    assert await desk.leased(1) == ["R"]
    desk.shelf.put(batch("S", to="2"), batch("T", Lane.BLUE, to="3"))
    desk.lanes.look(Lane.RED, "S")
    assert set(await desk.leased(2)) == {"S", "T"}


async def test_what_was_there_before_the_process_is_found_in_its_order(desks: Desks) -> None:
    """A start."""
    shelf = Shelf()
    shelf.put(*(batch(f"{lane.name}{n}", lane, to=f"{n}") for lane in Lane for n in range(3)))
    async with desks(shelf, Clock()) as desk:
        assert sorted(await desk.leased(15)) == sorted(f"{lane.name}{n}" for lane in Lane for n in range(3))


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


async def test_two_processes_share_one_broadcast_and_take_nothing_twice(
    shelf: Shelf, valkey: ValkeyServer
) -> None:
    """Whoever is free takes the next; who has only begun has something to do."""
    clock = Clock()
    async with shared(valkey, shelf, clock) as one, shared(valkey, shelf, clock) as other:
        one.post(*(batch(f"R{n:03}", to=f"{n}") for n in range(300)))
        taken: dict[str, list[str]] = {"one": [], "other": []}

        async def take(desk: Desk, mine: list[str]) -> None:
            while shelf.batches:
                mine.append((await desk.lease()).id)

        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(take(desk, mine))
                for desk, mine in zip((one, other), taken.values(), strict=True)
            ]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
        assert len({*taken["one"], *taken["other"]}) == len(taken["one"]) + len(taken["other"]) == 300
        assert all(taken.values())


async def test_what_waits_for_its_time_leaves_the_sorted_set_and_what_was_taken_leaves_nothing(
    shelf: Shelf, valkey: ValkeyServer
) -> None:
    """Redis would fill with what was sent long ago."""
    async with shared(valkey, shelf, Clock()) as desk:
        desk.post(batch("L", due=desk.clock.micros + 5_000_000, to="1"), batch("N", Lane.BLUE, to="2"))
        assert await desk.leased(1) == ["N"]
        with valkey.client() as client:
            assert (client.zcard("warnd:lanes:sms:later"), client.xlen("warnd:lanes:sms:0")) == (1, 0)
            desk.pass_by(6.0)
            assert await desk.leased(1) == ["L"]
            assert client.zcard("warnd:lanes:sms:later") == 0
            async with asyncio.timeout(PATIENCE):
                while client.scard("warnd:lanes:sms:held") or client.xlen("warnd:lanes:sms:0"):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)


async def test_a_hand_full_of_blue_never_keeps_red_waiting(
    monkeypatch: pytest.MonkeyPatch, shelf: Shelf, valkey: ValkeyServer
) -> None:
    """Each has room of its own, and more is popped before it is empty: nobody waits for the next look."""
    monkeypatch.setattr(lanes, "_LOOK_SECONDS", 10 * PATIENCE)
    async with shared(valkey, shelf, Clock()) as desk:
        desk.post(*(batch(f"B{n:03}", Lane.BLUE, to=f"{n}") for n in range(40)))
        await desk.leased(1)
        desk.post(*(batch(f"R{n:03}", to=f"R{n}") for n in range(60)))
        assert {(await desk.lease(RED)).id for _ in range(60)} == {f"R{n:03}" for n in range(60)}
        assert len(set(await desk.leased(39))) == 39


async def test_what_a_process_that_hangs_has_in_hand_is_little_and_the_others_have_the_rest(
    shelf: Shelf, valkey: ValkeyServer
) -> None:
    """It takes its capacity with it, until that is offered again."""
    clock = Clock()
    async with shared(valkey, shelf, clock) as one, shared(valkey, shelf, clock) as other:
        one.post(*(batch(f"R{n:03}", to=f"{n}") for n in range(100)))
        await other.leased(1)
        assert len(set(await one.leased(99 - CAPACITY))) == 99 - CAPACITY


async def test_what_a_process_that_died_had_in_hand_is_offered_to_the_others(
    monkeypatch: pytest.MonkeyPatch, shelf: Shelf, valkey: ValkeyServer
) -> None:
    """Nobody need know that it died."""
    monkeypatch.setattr(lanes, "OFFERED_AGAIN_MS", 100)
    clock = Clock()
    async with shared(valkey, shelf, clock) as dying:
        dying.post(*(batch(f"R{n}", to=f"{n}") for n in range(CAPACITY)))
        taken = {(await dying.lease()).id}
    async with shared(valkey, shelf, clock) as other:
        while len(taken) < CAPACITY:
            taken.add((await other.lease()).id)


async def test_a_flush_loses_nothing(shelf: Shelf, valkey: ValkeyServer) -> None:
    """What is in the store is found there; what is in hand may be found twice, and leased once."""
    clock = Clock()
    async with shared(valkey, shelf, clock) as desk:
        desk.post(*(batch(f"R{n:03}", to=f"{n}") for n in range(100)))
        taken = set(await desk.leased(10))
        valkey.flush()
        while len(taken) < 100:
            taken.add((await desk.lease()).id)


async def test_without_the_server_the_store_is_enough_and_with_it_again_too(
    shelf: Shelf, valkey: ValkeyServer
) -> None:
    """Killed in the middle; nothing that was put back is forgotten either."""
    clock = Clock()
    async with shared(valkey, shelf, clock) as desk:
        desk.post(*(batch(f"R{n:03}", to=f"{n}") for n in range(100)))
        first = await desk.lease()
        desk.put_back(first, after=5.0)
        taken = set(await desk.leased(20))
        valkey.kill()
        while len(taken) < 60:
            taken.add((await desk.lease()).id)
        valkey.start()
        while len(taken) < 99:
            taken.add((await desk.lease()).id)
        desk.pass_by(6.0)
        assert (await desk.lease()).id == first.id
