"""The lanes of one channel: which batch goes next, and that none is forgotten."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.shelf import ANY, RED, Clock, Shelf, batch
from warnd.contract.outcome import Deferred, Reason, Scope
from warnd.model.color import Lane
from warnd.model.delivery import Batch, Rank
from warnd.queue import refill
from warnd.queue.local import ROOM, ChannelLanes
from warnd.queue.pacing import Pace
from warnd.queue.precedence import PLACES
from warnd.queue.rates import Rate


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@dataclass
class Desk:
    """Lanes whose first look into the (empty) store is over, with a refilling task."""

    lanes: ChannelLanes
    refilling: asyncio.Task[None]


async def desk_of(clock: Clock, shelf: Shelf, *, slots: int = 2, pace: Pace | None = None, room: int = ROOM,
                  holds: Callable[[Batch, int], bool] = lambda *_: True) -> Desk:  # fmt: skip
    lanes = ChannelLanes(
        "sms", red_only=int(slots > 1), pace=pace or Pace(), load=shelf.load, clock=lambda: clock.micros,
        monotonic=clock.seconds, holds=holds, room=room,
    )  # fmt: skip
    desk = Desk(lanes, asyncio.create_task(lanes.refill()))
    while shelf.reads < len(PLACES):  # noqa: ASYNC110  what it waits for has no event of its own
        await asyncio.sleep(0)
    for _ in range(3):
        await asyncio.sleep(0)
    return desk


@pytest.fixture
async def lanes(clock: Clock, shelf: Shelf) -> AsyncIterator[ChannelLanes]:
    desk = await desk_of(clock, shelf)
    yield desk.lanes
    await closed(desk)


async def settled() -> None:
    """What can be fetched has been."""
    for _ in range(5):
        await asyncio.sleep(0)


async def closed(desk: Desk) -> None:
    desk.refilling.cancel()
    with suppress(asyncio.CancelledError):
        await desk.refilling


def drained(lanes: ChannelLanes, slot: int = ANY) -> list[str]:
    """Ids in the order in which they come."""
    found = []
    while (one := lanes.take_now(slot)) is not None:
        found.append(one.id)
    return found


async def test_red_goes_before_orange_before_yellow_before_blue_before_drills(lanes: ChannelLanes) -> None:
    """Whatever came first."""
    lanes.post([batch(f"{lane.name}{n}", lane) for lane in reversed(Lane) for n in range(2)])
    assert drained(lanes) == [f"{lane.name}{n}" for lane in Lane for n in range(2)]


async def test_within_a_lane_the_end_of_one_warning_waits_for_the_beginning_of_another(
    clock: Clock, shelf: Shelf
) -> None:
    """Lifts and lowerings give way to first notices, those that had to wait in the store too; never to a lower lane."""
    lifts = [replace(batch(f"A{n:02}"), rank=Rank.BEHIND) for n in range(20)]
    firsts = [batch(f"B{n:02}") for n in range(20)]
    shelf.put(*lifts, *firsts)
    desk = await desk_of(clock, shelf, room=8)
    desk.lanes.post([*lifts, batch("Y", Lane.YELLOW), *firsts])
    served = []
    for _ in range(40):
        served.append(await desk.lanes.take(RED))
        await settled()
    await closed(desk)
    assert [one.id for one in served] == [one.id for one in (*firsts, *lifts)]


async def test_within_a_lane_a_later_round_waits_for_the_first(lanes: ChannelLanes) -> None:
    """Whoever has heard nothing yet goes before who is told again; both before what tells of less danger."""
    lanes.post([batch(f"{rank.name}{n}", rank=rank) for n in range(2) for rank in reversed(Rank)])
    assert drained(lanes) == [f"{rank.name}{n}" for rank in Rank for n in range(2)]


async def test_a_twentieth_is_kept_for_the_lower_lanes(lanes: ChannelLanes) -> None:
    """A red of hours does not silence everything else."""
    lanes.post([batch(f"R{n:03}") for n in range(100)] + [batch(f"B{n:03}", Lane.BLUE) for n in range(100)])
    first = drained(lanes)[:100]
    assert [n for n, id_ in enumerate(first, 1) if id_.startswith("B")] == [20, 40, 60, 80, 100]


async def test_the_lower_lanes_have_their_twentieth_in_turn(lanes: ChannelLanes) -> None:
    """A drill that never ends does not keep it from orange."""
    lower = [Lane.ORANGE, Lane.BLUE, Lane.DRILL]
    lanes.post([batch(f"R{n:03}", to=f"{n}") for n in range(200)])
    lanes.post([batch(f"{lane.name}{n}", lane, to=f"{n}") for n in range(9) for lane in lower])
    others = [id_ for id_ in drained(lanes)[:180] if not id_.startswith("R")]
    assert others == [f"{lane.name}{n}" for n in range(3) for lane in lower]


async def test_a_red_that_comes_behind_blue_is_not_the_twentieths_to_pay(lanes: ChannelLanes) -> None:
    """What blue took before does not count: nineteen reds go first."""
    lanes.post([batch(f"B{n:03}", Lane.BLUE, to=f"{n}") for n in range(60)])
    for _ in range(30):
        assert lanes.take_now(ANY) is not None
    lanes.post([batch(f"R{n:03}", to=f"{n}") for n in range(19)])
    assert drained(lanes)[:19] == [f"R{n:03}" for n in range(19)]


@pytest.mark.parametrize("cost", [1, 5], ids=["cheap", "dearer than the bucket"])
async def test_the_twentieth_holds_when_red_takes_every_token(clock: Clock, shelf: Shelf, cost: int) -> None:
    """Or the bucket would never be as full as blue needs it."""
    desk = await desk_of(clock, shelf, pace=Pace(rate=Rate(10)))
    long = replace(batch("x").content, segments=cost)
    reds = [replace(batch(f"R{n:03}", to=f"{n}"), content=long) for n in range(200)]
    desk.lanes.post([*reds, *(batch(f"B{n}", Lane.BLUE, to=f"{n}") for n in range(20))])
    came: list[str] = []
    while len(came) < 100:
        clock.pass_by(0.05)
        came += drained(desk.lanes)
    assert sum(id_.startswith("B") for id_ in came[:100]) == 5
    await closed(desk)


async def test_what_waits_for_the_channel_is_not_overtaken_by_something_cheaper(
    clock: Clock, shelf: Shelf
) -> None:
    """Or an orange batch of a hundred would wait as long as blue ones of one are there."""
    desk = await desk_of(clock, shelf, pace=Pace(rate=Rate(100)))
    dear = replace(batch("O", Lane.ORANGE), content=replace(batch("x").content, segments=15))
    desk.lanes.post([dear, *(batch(f"B{n}", Lane.BLUE, to=f"{n}") for n in range(20))])
    assert drained(desk.lanes) == ["O"]
    desk.lanes.post([replace(dear, id="O2")])
    assert drained(desk.lanes) == []
    clock.pass_by(0.2)
    assert drained(desk.lanes)[0] == "O2"
    await closed(desk)


async def test_slots_for_red_do_not_use_the_lower_lanes_twentieth_up(lanes: ChannelLanes) -> None:
    """Slots take in turn: if theirs counted, the twentieth could fall to them every time."""
    lanes.post([batch(f"R{n:03}") for n in range(300)] + [batch(f"B{n:03}", Lane.BLUE) for n in range(100)])
    served = []
    for slot in [ANY, RED] * 60:
        one = lanes.take_now(slot)
        assert one is not None
        served.append(one.lane)
    assert served.count(Lane.BLUE) == 3


async def test_some_slots_take_red_only(lanes: ChannelLanes) -> None:
    """So that a red that comes finds one free, however much blue is out."""
    lanes.post([batch("B", Lane.BLUE), batch("O", Lane.ORANGE)])
    assert lanes.take_now(RED) is None
    lanes.post([batch("R")])
    taken = lanes.take_now(RED)
    assert taken is not None
    assert taken.id == "R"


async def test_a_single_slot_takes_everything(clock: Clock, shelf: Shelf) -> None:
    """Or nothing but red would ever leave."""
    desk = await desk_of(clock, shelf, slots=1)
    desk.lanes.post([batch("B", Lane.BLUE)])
    assert drained(desk.lanes, slot=0) == ["B"]
    await closed(desk)


async def test_a_waiting_slot_wakes_for_what_is_posted(lanes: ChannelLanes) -> None:
    """Red wakes all of them, blue only those that may take it."""
    for_red = asyncio.create_task(lanes.take(RED))
    for_any = asyncio.create_task(lanes.take(ANY))
    await asyncio.sleep(0)
    lanes.post([batch("B", Lane.BLUE)])
    assert (await for_any).id == "B"
    assert not for_red.done()
    lanes.post([batch("R")])
    assert (await for_red).id == "R"


async def test_a_slot_that_stops_waiting_is_forgotten(lanes: ChannelLanes) -> None:
    """Its turn goes to the next."""
    gone = asyncio.create_task(lanes.take(ANY))
    stays = asyncio.create_task(lanes.take(ANY))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    lanes.post([batch("B", Lane.BLUE)])
    assert (await stays).id == "B"


async def test_what_is_due_later_comes_later(lanes: ChannelLanes, clock: Clock) -> None:
    """By its own time, put back or posted."""
    lanes.post([batch("LATER", due=clock.micros + 2_000_000), batch("NOW")])
    lanes.put_back(batch("BACK"), due=clock.micros + 1_000_000)
    assert drained(lanes) == ["NOW"]
    clock.pass_by(1)
    assert drained(lanes) == ["BACK"]
    clock.pass_by(1)
    assert drained(lanes) == ["LATER"]


async def test_when_the_clock_was_set_all_that_waits_is_offered(lanes: ChannelLanes, clock: Clock) -> None:
    """An hour back, and a retry of a second would wait for an hour."""
    lanes.put_back(batch("RETRY"), due=clock.micros + 1_000_000)
    waiting = asyncio.create_task(lanes.take(RED))
    await asyncio.sleep(0)
    clock.pass_by(-0.9)
    lanes.offer_all()
    assert (await waiting).id == "RETRY"


async def test_the_same_hint_twice_is_held_once(lanes: ChannelLanes) -> None:
    """A duplicate is harmless, and cheap."""
    lanes.post([batch("R"), batch("R")])
    lanes.post([batch("R")])
    assert len(lanes) == 1
    assert drained(lanes) == ["R"]


async def test_a_throttled_target_does_not_block_its_lane(lanes: ChannelLanes, clock: Clock) -> None:
    """It steps aside until its rest is over, and comes back in its lane."""
    lanes.learn(
        Deferred(Reason.THROTTLED, Scope.TARGET, retry_after=timedelta(seconds=5)), "robot-1", pause=60
    )
    lanes.post([batch("SLOW", to="robot-1"), batch("FREE", to="robot-2")])
    assert drained(lanes) == ["FREE"]
    clock.pass_by(5)
    assert drained(lanes) == ["SLOW"]


async def test_blue_leaves_red_its_tokens(clock: Clock, shelf: Shelf) -> None:
    """The channel's reserve is for red alone."""
    desk = await desk_of(clock, shelf, pace=Pace(rate=Rate(100)))
    desk.lanes.post([batch(f"B{n:02}", Lane.BLUE) for n in range(30)])
    assert len(drained(desk.lanes)) == 15
    desk.lanes.post([batch(f"R{n:02}") for n in range(30)])
    assert drained(desk.lanes) == [f"R{n:02}" for n in range(5)]
    await closed(desk)


async def test_what_is_over_is_dropped_before_anything_is_paid_for_it(clock: Clock, shelf: Shelf) -> None:
    """A superseded plan of thousands would otherwise eat the tokens of the update that follows it."""
    stopped = {f"OLD{n}" for n in range(50)}
    desk = await desk_of(
        clock, shelf, pace=Pace(rate=Rate(1, 60)), holds=lambda one, _now: one.id not in stopped
    )
    desk.lanes.post([*(batch(id_) for id_ in sorted(stopped)), batch("NEW")])
    assert drained(desk.lanes) == ["NEW"]
    assert len(desk.lanes) == 0
    await closed(desk)


async def test_what_was_taken_in_vain_gives_its_tokens_back(clock: Clock, shelf: Shelf) -> None:
    """Its lease was refused: somebody else may go in its place."""
    desk = await desk_of(clock, shelf, pace=Pace(rate=Rate(1, 60)))
    desk.lanes.post([batch("VAIN"), batch("NEXT")])
    taken = desk.lanes.take_now(ANY)
    assert taken is not None
    assert desk.lanes.take_now(ANY) is None
    desk.lanes.give_back(taken)
    assert drained(desk.lanes) == ["NEXT"]
    await closed(desk)


SMALL = 8
"""Deliveries of a place in memory."""


async def test_memory_is_flat_with_a_million_queued_for_throttled_robots(clock: Clock, shelf: Shelf) -> None:
    """What finds no room stays in the store, in whatever way it waits."""
    room = 500
    desk = await desk_of(clock, shelf, room=room, pace=Pace(target_rate=Rate(1, 60)))
    queued = [batch(f"{n:05}", to=f"robot {n % 5000}") for n in range(20_000)]
    most = 0
    for n in range(50):
        desk.lanes.post(queued)
        drained(desk.lanes)
        for k in range(50):
            desk.lanes.put_back(batch(f"L{n}-{k}", to="late"), due=clock.micros + 1_000_000_000)
            desk.lanes.put_back(batch(f"S{n}-{k}", to="soon"), due=clock.micros + 1_000_000)
        most = max(most, desk.lanes.deliveries)
    assert room <= most <= 2 * room
    assert len(desk.lanes) == desk.lanes.deliveries
    await closed(desk)


async def test_what_waits_in_the_store_for_a_throttled_robot_comes_when_it_may(
    clock: Clock, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three times what its line holds, and others' between them: each robot at its pace, all of it in the end."""
    monkeypatch.setattr(refill, "_LOST_HINT_SECONDS", 0)
    desk = await desk_of(clock, shelf, room=40, pace=Pace(target_rate=Rate(20, 60)))
    many = [batch(f"{n:04}", to=f"robot {n % 3}") for n in range(300)]
    shelf.put(*many)
    desk.lanes.post(many)
    came: list[str] = []
    for _ in range(10 * 60):
        clock.pass_by(1)
        await settled()
        for id_ in drained(desk.lanes):
            came.append(id_)
            del shelf.batches[id_]
        assert desk.lanes.deliveries <= 2 * 40
    assert sorted(came) == [one.id for one in many]
    await closed(desk)


async def test_what_is_due_far_ahead_waits_in_the_store(
    clock: Clock, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is here in time: retries after an hour cost no memory for an hour."""
    monkeypatch.setattr(refill, "_LOST_HINT_SECONDS", 0)
    desk = await desk_of(clock, shelf)
    retry = batch("RETRY", due=clock.micros + 3_600_000_000)
    shelf.put(retry)
    desk.lanes.put_back(retry, due=retry.due)
    assert len(desk.lanes) == 0
    clock.pass_by(3599)
    await settled()
    assert len(desk.lanes) == 1
    assert drained(desk.lanes) == []
    clock.pass_by(1)
    assert drained(desk.lanes) == ["RETRY"]
    await closed(desk)


async def test_red_that_is_made_while_blue_is_read_is_fetched_at_once(clock: Clock, shelf: Shelf) -> None:
    """Its place had just been looked at; a second later, with the next look for lost hints, is too late."""
    desk = await desk_of(clock, shelf)
    made = batch("RED")

    async def load(
        channel: str, lane: Lane, after: str, limit: int, *, rank: Rank = Rank.FIRST
    ) -> Sequence[Batch]:
        if lane is Lane.BLUE and made.id not in shelf.batches:
            shelf.put(made)
            desk.lanes.look(Lane.RED, made.id)
        return await shelf.load(channel, lane, after, limit, rank=rank)

    desk.lanes._refill._load = load
    desk.lanes.look(Lane.BLUE, "")
    for _ in range(10):
        await settled()
    assert drained(desk.lanes) == ["RED"]
    await closed(desk)


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from(Lane)), max_size=60), st.sets(st.integers(0, 9)))
def test_throttled_targets_hold_up_nobody_else(sends: list[tuple[int, Lane]], throttled: set[int]) -> None:
    """Whoever they are and wherever theirs stand: all others go in that very moment, and they when they may."""

    async def run() -> tuple[list[str], list[str]]:
        clock, shelf = Clock(), Shelf()
        desk = await desk_of(clock, shelf)
        for robot in throttled:
            rest = Deferred(Reason.THROTTLED, Scope.TARGET, retry_after=timedelta(seconds=5))
            desk.lanes.learn(rest, f"{robot}", pause=60)
        desk.lanes.post([batch(f"{n}", lane, to=f"{robot}") for n, (robot, lane) in enumerate(sends)])
        at_once = drained(desk.lanes)
        clock.pass_by(5)
        later = drained(desk.lanes)
        await closed(desk)
        return at_once, later

    at_once, later = asyncio.run(run())
    assert sorted(at_once) == sorted(f"{n}" for n, (robot, _) in enumerate(sends) if robot not in throttled)
    assert sorted(later) == sorted(f"{n}" for n, (robot, _) in enumerate(sends) if robot in throttled)


async def test_who_was_held_up_has_not_been_told(lanes: ChannelLanes, clock: Clock) -> None:
    """When its rest is over its first message goes before the second of another."""
    rest = Deferred(Reason.THROTTLED, Scope.TARGET, retry_after=timedelta(seconds=5))
    lanes.learn(rest, "robot-1", pause=60)
    lanes.post([batch("FIRST", to="robot-1"), batch("OTHER", to="robot-2")])
    assert drained(lanes) == ["OTHER"]
    clock.pass_by(5)
    lanes.post([batch("SECOND", to="robot-2")])
    assert drained(lanes) == ["FIRST", "SECOND"]


async def test_a_long_run_for_throttled_targets_is_stepped_over_at_once(clock: Clock, shelf: Shelf) -> None:
    """However long it is, what comes behind it goes in the same moment."""
    desk = await desk_of(clock, shelf, pace=Pace(target_rate=Rate(1, 60)))
    run = [batch(f"{n:04}", to=f"robot {n % 7}") for n in range(2000)]
    desk.lanes.post([*run, batch("FREE", to="robot 8")])
    assert drained(desk.lanes) == [*(f"{n:04}" for n in range(7)), "FREE"]
    await closed(desk)


@pytest.fixture(params=[4, 16], ids=["short reads", "reads longer than the room"])
def reads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many batches a read."""
    monkeypatch.setattr(refill, "_BATCHES", request.param)


async def everything(desk: Desk, shelf: Shelf, expected: int, *, act: Callable[[], None]) -> list[str]:
    """Take until all came, letting the refilling run and ``act`` interfere."""
    came: list[str] = []
    for _ in range(20_000):
        act()
        if (one := desk.lanes.take_now(ANY)) is not None:
            came.append(one.id)
            shelf.batches.pop(one.id, None)
        assert desk.lanes.deliveries <= SMALL
        await asyncio.sleep(0)
        if len(set(came)) >= expected:
            break
    return came


@pytest.mark.usefixtures("reads")
async def test_a_head_is_bounded_and_refilled_in_order(clock: Clock, shelf: Shelf) -> None:
    """What does not fit stays in the store and is fetched by key when the head runs low."""
    desk = await desk_of(clock, shelf, room=SMALL)
    many = [batch(f"{n:04}") for n in range(500)]
    shelf.put(*many)
    desk.lanes.post(many)
    assert desk.lanes.deliveries == SMALL
    came = await everything(desk, shelf, 500, act=lambda: None)
    assert list(dict.fromkeys(came)) == [one.id for one in many], "a hint that comes twice is harmless"
    await closed(desk)


@pytest.mark.usefixtures("reads")
@pytest.mark.parametrize("seed", range(25))
async def test_nothing_is_lost_when_posts_race_with_refills(clock: Clock, shelf: Shelf, seed: int) -> None:
    """Two plans commit side by side: ids come out of order, also below the place that reading has reached."""
    chance = random.Random(seed)
    desk = await desk_of(clock, shelf, room=SMALL)
    ids = [f"{n:04}" for n in range(200)]
    early, late = ids[::2], ids[1::2]
    chance.shuffle(late)
    first = [batch(id_) for id_ in early]
    shelf.put(*first)
    desk.lanes.post(first)
    waiting = [late[n : n + 3] for n in range(0, len(late), 3)]

    def commit() -> None:
        if waiting and chance.random() < 0.3:
            chunk = [batch(id_) for id_ in waiting.pop()]
            shelf.put(*chunk)
            desk.lanes.post(chunk)

    shelf.before_answer = commit
    async with asyncio.timeout(0.9):  # less than the second after which a lost hint would be found anyway
        came = await everything(desk, shelf, 200, act=commit)
    assert set(came) == set(ids)
    await closed(desk)


async def test_refilling_stops_when_told_also_at_the_moment_it_is_woken(clock: Clock, shelf: Shelf) -> None:
    """A cancellation that meets the waking must not be swallowed: the daemon would never end."""
    desk = await desk_of(clock, shelf)
    desk.lanes._refill.soon()
    await asyncio.wait({desk.refilling}, timeout=0)
    desk.refilling.cancel()
    _, pending = await asyncio.wait({desk.refilling}, timeout=0.5)
    assert not pending


async def test_a_lost_hint_is_found_in_the_store(
    clock: Clock, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lanes are hints; an idle lane looks whether the store has something it was not told of."""
    monkeypatch.setattr(refill, "_LOST_HINT_SECONDS", 0.001)
    desk = await desk_of(clock, shelf)
    shelf.put(batch("LOST"))
    async with asyncio.timeout(5):
        assert (await desk.lanes.take(ANY)).id == "LOST"
    await closed(desk)


async def test_what_another_process_made_is_read_from_there_on(lanes: ChannelLanes, shelf: Shelf) -> None:
    """A hint names the lane and the lowest id; nothing before it is read again."""
    made = [batch(id_, Lane.RED) for id_ in ("01M70", "01M80", "01M81")]
    shelf.batches |= {one.id: one for one in made}
    lanes.look(Lane.RED, "01M80")
    assert [(await lanes.take(ANY)).id for _ in range(2)] == ["01M80", "01M81"]
    assert lanes.take_now(ANY) is None


async def test_after_an_absence_every_lane_is_read_from_its_beginning(
    lanes: ChannelLanes, shelf: Shelf
) -> None:
    """Hints may have been lost in any of them."""
    made = [batch(lane.name, lane) for lane in Lane]
    shelf.batches |= {one.id: one for one in made}
    lanes.look_again()
    assert [(await lanes.take(ANY)).id for _ in Lane] == [lane.name for lane in Lane]


async def test_what_went_with_another_is_not_offered_from_before(clock: Clock, shelf: Shelf) -> None:
    """Its hint is let go unpaid; what came back of it since is offered, once."""
    pace = Pace(target_rate=Rate(3, 60))
    desk = await desk_of(clock, shelf, pace=pace)
    one, two, three = (batch(id_) for id_ in ("A", "B", "C"))
    desk.lanes.post([one, two, three])
    taken = desk.lanes.take_now(RED)
    assert taken == one
    desk.lanes.forget([two.leased(), three.leased()])
    desk.lanes.put_back(replace(three.leased(), due=0), due=0)
    assert drained(desk.lanes, RED) == ["C"]
    desk.lanes.post([batch("D")])
    assert drained(desk.lanes, RED) == ["D"], "of three a minute only two were asked for"
    await closed(desk)


async def test_what_goes_in_the_place_of_another_pays_for_itself(clock: Clock, shelf: Shelf) -> None:
    """A text of several costs more segments than the one that had its turn; given back, it gives back all."""
    pace = Pace(rate=Rate(10))
    desk = await desk_of(clock, shelf, pace=pace)
    cheap = batch("A")
    dear = replace(cheap, content=replace(cheap.content, segments=5))
    desk.lanes.post([cheap])
    clock.pass_by(10)
    assert desk.lanes.take_now(RED) == cheap
    before = pace.channel_wait(2, clock.seconds(), red=True)
    desk.lanes.pay(dear, cheap.cost)
    assert pace.channel_wait(2, clock.seconds(), red=True) == pytest.approx(before + 0.4)
    desk.lanes.give_back(dear)
    assert pace.channel_wait(2, clock.seconds(), red=True) == 0
    await closed(desk)
