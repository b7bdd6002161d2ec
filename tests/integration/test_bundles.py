"""Several messages for one address as one, on a real store: what is found to share it, and what each of them becomes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from tests.integration.store_site import (
    BUSY,
    CONTENT,
    POLICY,
    SECOND,
    UNCLEAR,
    YES,
    Site,
    fetch,
    flag_stopped,
    recounted,
    to,
)
from warnd.contract.outcome import Deferred, Outcome, Reason, Scope
from warnd.model.color import Lane
from warnd.model.delivery import Batch, BatchState
from warnd.pipeline.bundle import Carrier, not_sent, settle_bundle
from warnd.pipeline.bundler import Bundler
from warnd.pipeline.confirm import confirm
from warnd.pipeline.render import Limits
from warnd.pipeline.settle import Try
from warnd.pipeline.templates import Templates
from warnd.ports import Fact, Settlement
from warnd.store import backlog, retention, sweeping, tables
from warnd.store.delivery_story import get_delivery
from warnd.store.piles import StoredPiles
from warnd.store.postgres import PostgresStore
from warnd.store.postgres_connection import Place
from warnd.store.sqlite import SqliteStore
from warnd.store.threads import ThreadedStore

ROBOT = "robot"
SLOW = Deferred(Reason.THROTTLED, Scope.TARGET, retry_after=timedelta(seconds=1))
AFTER = timedelta(seconds=5)


@dataclass
class Robot:
    """A store, one address that warnings are planned for, and the bundler of its channel."""

    site: Site
    alarms: list[str] = field(default_factory=list)
    bundler: Bundler = field(init=False)

    def __post_init__(self) -> None:
        self.bundler = Bundler(
            StoredPiles(self.site.store), Carrier("sms", 20, Limits(max_bytes=400)), after=AFTER,
            templates=Templates({}), alarms=self, clock=lambda: self.site.now, new_ids=self.site.new_ids,
        )  # fmt: skip

    def sound(self, kind: str, subject: str, /, **facts: Fact) -> None:
        self.alarms.append(kind)

    async def warned(
        self, lane: Lane = Lane.BLUE, *, episode: str | None = None, address: str = ROBOT
    ) -> Batch:
        """A warning of that lane has been planned for it."""
        alert = await self.site.alert(lane=lane, episode=episode)
        planned = await self.site.plan(
            alert, [to(address)], lane=lane, follows=episode is not None, done=True
        )
        (batch,) = planned.batches
        return batch

    async def around(self, batch: Batch) -> Batch:
        self.site.now += 6 * SECOND
        assert self.bundler.concerns(batch)
        found = await self.bundler.around(batch)
        assert found is not None
        return found

    async def leased(self, batch: Batch) -> Batch:
        leased = await self.site.lease(batch)
        assert leased is not None
        return leased

    async def answer(self, batch: Batch, outcome: Outcome) -> Settlement:
        attempt = Try(self.site.now, self.site.now, 0.5, ("N1", "N2"))
        settlement = settle_bundle(batch, outcome, POLICY, attempt)
        await self.site.store.turn(settlement, None)
        return settlement

    async def rested(self) -> list[Batch]:
        """What the lanes would read now, of every color."""
        found: list[Batch] = []
        for lane in Lane:
            found += await self.site.store.read(backlog.open_batches, "sms", lane, "", 100)
        return found

    async def states(self) -> list[str]:
        rows = await self.site.store.read(fetch, "SELECT state FROM deliveries ORDER BY id")
        return [row[0] for row in rows]

    async def bundles(self) -> list[str]:
        return [row[0] for row in await self.site.store.read(fetch, "SELECT state FROM bundles ORDER BY id")]


@pytest.fixture(params=["sqlite", "postgresql"])
async def robot(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Robot]:
    """On either store."""
    if request.param == "sqlite":
        store: ThreadedStore = SqliteStore(tmp_path / "warnd.db", confirm=confirm)
    else:
        store = PostgresStore(request.getfixturevalue("postgres_place"), confirm=confirm)
    await store.open()
    yield Robot(Site(store))
    await store.close()


def ids(batches: Sequence[Batch]) -> list[str]:
    return [one.id for one in batches]


async def test_what_waits_for_one_address_goes_as_one(robot: Robot) -> None:
    """Whichever of them has its turn; each keeps its row, its outcome and its entry in the journal."""
    blue, orange, yellow = [await robot.warned(lane) for lane in (Lane.BLUE, Lane.ORANGE, Lane.YELLOW)]
    await robot.warned(address="another robot")
    batch = await robot.around(blue)
    assert ids(batch.parts) == ids([orange, yellow, blue])
    assert batch.addresses == (ROBOT,)
    leased = await robot.leased(batch)
    assert await robot.states() == ["queued"] * 4
    await robot.answer(leased, YES)
    assert await robot.states() == ["accepted"] * 3 + ["queued"]
    assert await robot.bundles() == ["over"]
    story = await robot.site.store.read(get_delivery, yellow.deliveries[0])
    (attempt,) = (event for event in story.events if event.kind == "attempt.ended")
    said = attempt.facts["bundle"]
    assert (said["place"], [one["delivery"] for one in said["with"]]) == (
        2,
        [orange.deliveries[0], blue.deliveries[0]],
    )
    assert said["body"] == batch.content.body
    assert story.words is not None
    assert story.words.body == yellow.content.body, "its own words stay its own"
    await recounted(robot.site)


async def test_what_need_not_wait_goes_by_itself(robot: Robot) -> None:
    """Nothing is looked up before it has waited, or been put off."""
    blue = await robot.warned()
    assert not robot.bundler.concerns(blue)
    robot.site.now += 4 * SECOND
    assert not robot.bundler.concerns(blue)
    assert robot.bundler.concerns(replace(blue, attempts=1))
    assert not robot.bundler.concerns(replace(blue, attempts=1, addresses=("1", "2")))
    assert await robot.around(blue) == blue, "and alone it stays alone"


async def test_red_goes_with_red_alone(robot: Robot) -> None:
    """It is no part of a bundle of less, nor waits for one; a drill stands beside nothing real."""
    waiting = {
        lane: [await robot.warned(lane), await robot.warned(lane)]
        for lane in (Lane.DRILL, Lane.BLUE, Lane.RED)
    }
    for lane, pair in waiting.items():
        batch = await robot.around(pair[1])
        assert ids(batch.parts) == ids(pair), lane


async def test_reds_do_not_take_the_room_of_what_is_less(robot: Robot) -> None:
    """A look takes only so many: those that may share the message, not the most urgent of all."""
    for _ in range(3):
        await robot.warned(Lane.RED)
    pair = [await robot.warned() for _ in range(2)]
    lanes = (Lane.ORANGE, Lane.BLUE)
    found = await StoredPiles(robot.site.store).pile(pair[0], lanes, robot.site.now, 2)
    assert found is not None
    assert ids(found.batches) == ids(pair)


async def test_what_tests_the_channel_stands_beside_nothing_real(robot: Robot) -> None:
    """A test message has the lane of its color, and another status."""
    real, test = await robot.warned(), await robot.warned()
    table = tables.alerts
    change = update(table).where(table.c.id == test.alert_id).values(status="test")
    await robot.site.store.write(lambda connection: connection.execute(change))
    assert ids((await robot.around(real)).each) == [real.id]
    assert ids((await robot.around(test)).each) == [test.id]


async def test_what_does_not_fit_goes_in_the_next(robot: Robot) -> None:
    """Four hundred bytes hold so many; the rest is found at rest the next time."""
    batches = [await robot.warned() for _ in range(30)]
    told: list[str] = []
    while len(told) < 30:
        batch = await robot.around(batches[len(told)])
        assert len(batch.content.body.encode()) <= 400
        assert len(batch.each) > 1 or len(told) == 29
        told += ids(batch.each)
        leased = await robot.leased(batch)
        await (robot.answer(leased, YES) if leased.parts else robot.site.answer(leased, YES))
    assert told == ids(batches)
    assert await robot.states() == ["accepted"] * 30


async def test_what_stopped_before_the_lease_is_in_no_text(robot: Robot) -> None:
    """Between the look and the lease: nothing of the bundle is leased, and the next look leaves the lifted one out."""
    batches = [await robot.warned() for _ in range(3)]
    batch = await robot.around(batches[0])
    await robot.site.store.write(flag_stopped, batches[1].alert_id)
    asked = await robot.site.lease(batch)
    assert asked is None
    assert {one.state for one in await robot.rested()} == {BatchState.QUEUED}
    assert await robot.bundles() == []
    again = await robot.around(batches[0])
    assert ids(again.parts) == ids([batches[0], batches[2]])


async def test_what_stopped_before_the_first_byte_is_left_behind(robot: Robot) -> None:
    """After the lease: nothing leaves, the others rest as before and go without it; the story says why."""
    three = [await robot.warned() for _ in range(3)]
    leased = await robot.leased(await robot.around(three[0]))
    await robot.site.store.write(flag_stopped, three[1].alert_id)
    held_back = not_sent(leased, robot.site.now, lambda one, _: one.alert_id != three[1].alert_id)
    await robot.site.store.turn(held_back, None)
    rested = await robot.rested()
    assert [(one.id, one.state) for one in rested] == [(three[n].id, BatchState.QUEUED) for n in (0, 2)]
    assert await robot.bundles() == ["over"]
    await robot.site.stop(three[1].alert_id)
    again = await robot.around(rested[0])
    assert ids(again.parts) == ids(rested)
    await robot.answer(await robot.leased(again), YES)
    assert await robot.states() == ["accepted", "superseded", "accepted"]
    for number, why in enumerate(["beside", "stopped", "beside"]):
        story = await robot.site.store.read(get_delivery, three[number].deliveries[0])
        first = next(event for event in story.events if event.kind == "attempt.ended")
        assert first.facts["not_sent"] == why
        assert "bundle" not in first.facts
        assert not story.delivery.told or number != 1
    await recounted(robot.site)


async def test_what_another_slot_has_leased_is_in_no_bundle(robot: Robot) -> None:
    """A bundle is leased whole or not at all, and one that is refused is offered again."""
    batches = [await robot.warned() for _ in range(3)]
    batch = await robot.around(batches[0])
    other = await robot.leased(batches[2])
    assert await robot.site.lease(batch) is None
    again = await robot.around(batches[0])
    assert ids(again.parts) == ids(batches[:2])
    await robot.leased(again)
    await robot.site.answer(other, YES)


async def test_of_two_that_want_the_same_one_has_it(robot: Robot) -> None:
    """In one commit: the other leaves nothing behind, not even that it was."""
    pair = [await robot.warned() for _ in range(2)]
    first, second = await robot.around(pair[0]), await robot.around(pair[1])
    answers = await asyncio.gather(
        robot.site.lease(first), robot.site.lease(second), robot.site.lease(pair[0])
    )
    assert [answer is not None for answer in answers] == [True, False, False]
    assert await robot.site.store.read(fetch, "SELECT id FROM bundles") == [(first.id,)]


async def test_a_change_waits_for_what_came_before_it(robot: Robot) -> None:
    """While the first notice of its episode is out to that address, an update is no part of a bundle."""
    first = await robot.warned()
    out = await robot.leased(first)
    update_, other = await robot.warned(episode=first.alert_id), await robot.warned()
    assert ids((await robot.around(other)).each) == [other.id]
    await robot.site.answer(out, YES)
    assert ids((await robot.around(other)).parts) == ids([update_, other])


async def test_a_throttled_bundle_goes_with_what_came_meanwhile(robot: Robot) -> None:
    """Certainly nobody has it: it is made anew, under another key."""
    pair = [await robot.warned() for _ in range(2)]
    first = await robot.leased(await robot.around(pair[0]))
    await robot.answer(first, BUSY)
    assert await robot.states() == ["waiting"] * 2
    orange = await robot.warned(Lane.ORANGE)
    rested = await robot.rested()
    again = await robot.around(rested[0])
    assert ids(again.parts) == ids([orange, *pair])
    assert again.id != first.id
    await robot.answer(await robot.leased(again), YES)
    assert await robot.bundles() == ["over"] * 2
    story = await robot.site.store.read(get_delivery, pair[0].deliveries[0])
    shared = [len(event.facts["bundle"]["with"]) for event in story.events if event.kind == "attempt.ended"]
    assert shared == [1, 2]
    assert not story.delivery.possible_repeat


async def test_what_may_have_arrived_goes_again_as_it_was(robot: Robot) -> None:
    """Under the same key, in the same words, to the byte, without what came meanwhile; each part is marked."""
    pair = [await robot.warned() for _ in range(2)]
    first = await robot.leased(await robot.around(pair[0]))
    await robot.answer(first, UNCLEAR)
    assert await robot.states() == ["unknown"] * 2
    late = await robot.warned()
    assert ids((await robot.around(late)).each) == [late.id]
    again = await robot.around(next(one for one in await robot.rested() if one.id == pair[1].id))
    assert (again.key, again.content, again.created) == (first.key, first.content, first.created)
    assert (again.attempts, again.unknowns) == (1, 1)
    await robot.answer(await robot.leased(again), YES)
    assert await robot.states() == ["accepted"] * 2 + ["queued"]
    for one in pair:
        assert (await robot.site.store.read(get_delivery, one.deliveries[0])).delivery.possible_repeat
    await recounted(robot.site)


async def test_a_number_that_is_put_off_meets_its_others(robot: Robot) -> None:
    """It went among three in one request; the provider takes nothing more for it just now. Each of its messages leaves its batch."""
    site, singles = robot.site, []
    for _ in range(2):
        alert = await site.alert(lane=Lane.BLUE)
        (batch,) = (await site.plan(alert, [to("1"), to("2"), to(ROBOT)], lane=Lane.BLUE)).batches
        await site.send(batch, YES, YES, SLOW)
        site.now += SECOND
        singles += await site.gather()
    assert [one.addresses for one in singles] == [(ROBOT,)] * 2
    batch = await robot.around(singles[1])
    assert ids(batch.parts) == ids(singles)
    await robot.answer(await robot.leased(batch), YES)
    assert await robot.states() == ["accepted"] * 6
    await recounted(site)


async def test_what_may_have_arrived_by_itself_is_in_no_bundle(robot: Robot) -> None:
    """Not even once its repeat was certainly refused: it goes again under its own key, to the byte."""
    once, other, third = [await robot.warned() for _ in range(3)]
    await robot.site.send(once, UNCLEAR)
    (unclear,) = (one for one in await robot.rested() if one.id == once.id)
    await robot.site.send(unclear, BUSY)
    assert await robot.states() == ["waiting", "queued", "queued"]
    assert ids((await robot.around(other)).parts) == ids([other, third])
    (rested,) = (one for one in await robot.rested() if one.id == once.id)
    assert ids((await robot.around(rested)).each) == [once.id]


async def test_a_crash_leaves_every_part_unknown_and_the_bundle_whole(robot: Robot) -> None:
    """The journal says of each in which bundle it was; while some are still held, the others wait."""
    pair = [await robot.warned() for _ in range(2)]
    first = await robot.leased(await robot.around(pair[0]))
    robot.site.now += 60 * SECOND
    ended = await robot.site.store.read(backlog.leases_run_out, robot.site.now, 10)
    assert len(ended) == 2
    await robot.site.store.move(sweeping.run_out, ended[:1], robot.site.now, BatchState.UNKNOWN)
    (one,) = await robot.rested()
    assert await robot.bundler.around(one) is None
    await robot.site.store.move(sweeping.run_out, ended[1:], robot.site.now, BatchState.UNKNOWN)
    again = await robot.around(one)
    assert (again.key, again.content) == (first.key, first.content)
    story = await robot.site.store.read(get_delivery, pair[0].deliveries[0])
    (attempt,) = (event for event in story.events if event.kind == "attempt.interrupted")
    assert attempt.facts["bundle"]["id"] == first.id
    await recounted(robot.site)


async def test_nothing_stale_goes_again(robot: Robot) -> None:
    """One part of what may have arrived was lifted: the others go again by themselves, as possible repeats."""
    three = [await robot.warned() for _ in range(3)]
    await robot.answer(await robot.leased(await robot.around(three[0])), UNCLEAR)
    await robot.site.stop(three[1].alert_id)
    rested = await robot.rested()
    assert ids(rested) == ids([three[0], three[2]])
    for one in rested:
        alone = await robot.around(one)
        assert (alone.id, alone.parts, alone.unknowns) == (one.id, (), 1)
        await robot.site.answer(await robot.leased(alone), YES)
    assert await robot.states() == ["accepted", "unknown", "accepted"]
    assert await robot.bundles() == ["over"]
    assert (await robot.site.store.read(get_delivery, three[0].deliveries[0])).delivery.possible_repeat


async def test_a_refused_text_is_taken_apart_for_good(robot: Robot) -> None:
    """Whose words were at fault shows when each goes by itself; nobody is failed for another's."""
    pair = [await robot.warned() for _ in range(2)]
    await robot.answer(await robot.leased(await robot.around(pair[0])), CONTENT)
    assert await robot.states() == ["waiting"] * 2
    assert await robot.bundles() == ["refused"]
    fresh = await robot.warned()
    for one in await robot.rested():
        if one.id == fresh.id:
            assert ids((await robot.around(one)).each) == [fresh.id]
        else:
            assert ids((await robot.around(one)).each) == [one.id]
    story = await robot.site.store.read(get_delivery, pair[0].deliveries[0])
    (attempt,) = (event for event in story.events if event.kind == "attempt.ended")
    assert attempt.facts["taken_apart"]
    assert await robot.site.store.read(
        fetch, "SELECT count(*) FROM contents WHERE refused_at IS NOT NULL"
    ) == [(0,)]


async def test_an_answer_that_came_too_late_changes_nothing_but_stops_the_repeat(robot: Robot) -> None:
    """The lease had run out: an acceptance is every part's, and nothing of the bundle goes again."""
    pair = [await robot.warned() for _ in range(2)]
    first = await robot.leased(await robot.around(pair[0]))
    robot.site.now += 60 * SECOND
    ended = await robot.site.store.read(backlog.leases_run_out, robot.site.now, 10)
    await robot.site.store.move(sweeping.run_out, ended, robot.site.now, BatchState.UNKNOWN)
    await robot.answer(first, YES)
    assert await robot.states() == ["accepted"] * 2
    assert await robot.rested() == []
    await recounted(robot.site)


async def test_a_final_unknown_is_each_parts_own(robot: Robot) -> None:
    """Orange is sent again twice, blue once: after that the orange one goes alone, the blue one is given up."""
    orange, blue = await robot.warned(Lane.ORANGE), await robot.warned()
    batch = await robot.around(orange)
    for _ in range(2):
        await robot.answer(await robot.leased(batch), UNCLEAR)
        (rested, *_) = await robot.rested()
        batch = await robot.around(rested)
    assert batch.parts == ()
    assert await robot.states() == ["unknown"] * 2
    assert ids([batch]) == [orange.id]
    rows = await robot.site.store.read(fetch, "SELECT state FROM batches WHERE id = ?", blue.id)
    assert rows == [("settled",)]


async def test_a_bundle_is_forgotten_with_the_last_that_it_carried(robot: Robot) -> None:
    """The one that is kept longer keeps its story."""
    pair = [await robot.warned() for _ in range(2)]
    await robot.answer(await robot.leased(await robot.around(pair[0])), YES)
    await robot.site.store.write(retention.forget_deliveries, pair[0].alert_id, 10)
    story = await robot.site.store.read(get_delivery, pair[1].deliveries[0])
    (attempt,) = (event for event in story.events if event.kind == "attempt.ended")
    assert (attempt.facts["bundle"]["place"], attempt.facts["bundle"]["with"]) == (2, [])
    await robot.site.store.write(retention.forget_deliveries, pair[1].alert_id, 10)
    assert await robot.bundles() == []
    assert await robot.site.store.read(fetch, "SELECT count(*) FROM bundle_parts") == [(0,)]


async def test_two_do_not_bundle_for_one_address_at_once(robot: Robot) -> None:
    """The second is offered again a little later; red and what is less are two different things."""
    blue, red = await robot.warned(), await robot.warned(Lane.RED)
    with (
        robot.bundler.claim(blue) as first,
        robot.bundler.claim(blue) as second,
        robot.bundler.claim(red) as other,
    ):
        assert (first, second, other) == (True, False, True)
    with robot.bundler.claim(blue) as again:
        assert again


async def test_two_processes_that_want_the_same_never_both_have_a_part(postgres_place: Place) -> None:
    """On one PostgreSQL, at the same time, many times: who is not granted a bundle leaves nothing of it behind."""
    stores = [PostgresStore(postgres_place, confirm=confirm) for _ in range(2)]
    for store in stores:
        await store.open()
    one, other = (Robot(Site(store)) for store in stores)
    told: Counter[str] = Counter()
    for _ in range(20):
        batches = [await one.warned() for _ in range(4)]
        other.site.now = one.site.now
        leader = batches[0]
        while any(batch.id not in told for batch in batches):
            wanted = [await each.around(leader) for each in (one, other)]
            answers = await asyncio.gather(one.site.lease(wanted[0]), other.site.lease(wanted[1]))
            for robot, leased in zip((one, other), answers, strict=True):
                if leased is not None:
                    told.update(ids(leased.each))
                    await robot.answer(leased, YES)
    assert set(told.values()) == {1}
    assert len(told) == 80
    parts = await one.site.store.read(fetch, "SELECT count(*), count(DISTINCT delivery_id) FROM bundle_parts")
    assert parts == [(80, 80)]
    await recounted(one.site)
    for store in stores:
        await store.close()
