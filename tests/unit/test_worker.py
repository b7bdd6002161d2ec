"""What a slot tells the lanes about each request, and about those that were not made."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from warnd.contract.channel import BatchView, Capabilities, Sink
from warnd.contract.outcome import Accepted, Deferred, Outcome, Reason, Rejected, Scope
from warnd.errors import StoreError
from warnd.model.alert import Status
from warnd.model.color import Lane
from warnd.model.content import Content
from warnd.model.delivery import Batch, BatchState
from warnd.model.policy import RetryPolicy
from warnd.pipeline.bundle import Carrier
from warnd.pipeline.bundler import Bundler
from warnd.pipeline.lease import InForce
from warnd.pipeline.render import Limits
from warnd.pipeline.templates import Templates
from warnd.pipeline.worker import Worker
from warnd.ports import Fact, Lease, Leased, Pile, Settlement, Unclear

YES, DEAD = Accepted(), Deferred(Reason.UNREACHABLE)
SLOW = Deferred(Reason.THROTTLED, Scope.TARGET)
BATCH = Batch("B", "A", "sms", Lane.RED, Content("C", "A", "sms", "zh", "暴雨"), ("D0", "D1", "D2"), ("0", "1", "2"),
              0, 1 << 60, bytes(3))  # fmt: skip


@dataclass
class Answering:
    """A channel with one answer."""

    outcomes: Sequence[Outcome]
    name: str = "sms"
    capabilities: Capabilities = field(default_factory=lambda: Capabilities("sms", max_batch=3))
    sent: int = 0

    async def open(self, sink: Sink) -> None:
        """Nothing to open."""

    async def send(self, batch: BatchView) -> Sequence[Outcome]:
        self.sent += 1
        return self.outcomes

    async def close(self) -> None:
        """Nothing to close."""


@dataclass
class OneBatch:
    """Lanes that offer one batch and keep what they are told."""

    offered: list[Batch] = field(default_factory=lambda: [BATCH])
    lessons: list[tuple[Outcome, str]] = field(default_factory=list)
    given_back: list[Batch] = field(default_factory=list)
    put_backs: list[tuple[str, int]] = field(default_factory=list)
    paid: list[tuple[str, int]] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)

    def post(self, batches: Sequence[Batch]) -> None:
        """Not looked at here."""

    def put_back(self, batch: Batch, *, due: int) -> None:
        self.put_backs.append((batch.id, due))

    def take_now(self, slot: int) -> Batch | None:
        return self.offered.pop() if self.offered else None

    async def take(self, slot: int) -> Batch:
        await asyncio.Event().wait()
        raise AssertionError

    def give_back(self, batch: Batch) -> None:
        self.given_back.append(batch)

    def pay(self, batch: Batch, paid: int) -> None:
        self.paid.append((batch.id, paid))

    def forget(self, batches: Sequence[Batch]) -> None:
        self.forgotten += [one.id for one in batches]

    def learn(self, outcome: Outcome, address: str, *, pause: float) -> None:
        self.lessons.append((outcome, address))


@dataclass
class Granting:
    """A store that grants every lease, or none."""

    grants: bool = True
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    settlements: list[Settlement] = field(default_factory=list)
    answering: Callable[[], None] = lambda: None

    async def turn(self, settlement: Settlement | None, lease: Lease | None) -> Leased:
        granted = lease is not None and self.grants
        self.answering()
        if settlement is not None:
            self.settlements.append(settlement)
        if settlement is not None or not granted:
            self.settled.set()
        if lease is None or not granted:
            return Leased(None, later=lease is not None and bool(lease.batch.parts))
        return Leased(lease.batch.leased())


class Nobody:
    """A watcher that does not care."""

    def settled(self, settlement: Settlement, outcomes: Sequence[Outcome]) -> None:
        """Nothing to count."""


async def one_request(
    *outcomes: Outcome, grants: bool = True, stopped: bool = False
) -> tuple[OneBatch, Answering]:
    lanes, channel, store, in_force = OneBatch(), Answering(outcomes), Granting(grants), InForce()
    if stopped:
        in_force.stop(["A"])
    worker = Worker(
        channel, lanes, store, retry=RetryPolicy(), in_force=in_force, watcher=Nobody(),  # type: ignore[arg-type]
        clock=lambda: 1, new_ids=lambda n: [f"N{i}" for i in range(n)], requests=1, red_requests=0, red_slots=0,
    )  # fmt: skip
    running = asyncio.create_task(worker.run())
    async with asyncio.timeout(5):
        await store.settled.wait()
        await worker.stop(timedelta(seconds=1))
        await running
    return lanes, channel


@pytest.mark.parametrize(
    ("outcomes", "lessons"),
    [
        pytest.param([YES, YES, YES], [(YES, "0")], id="accepted is one"),
        pytest.param([DEAD, DEAD, DEAD], [(DEAD, "2")], id="dead is one failure and not three"),
        pytest.param([YES, DEAD, DEAD], [(DEAD, "2"), (YES, "0")], id="an acceptance among them comes last"),
        pytest.param([DEAD, YES, YES], [(DEAD, "0"), (YES, "0")], id="wherever it stands"),
        pytest.param([SLOW, YES, SLOW], [(SLOW, "0"), (SLOW, "2"), (YES, "0")], id="each throttled target its own"),
        pytest.param([Rejected(Reason.BAD_ADDRESS)] * 3, [(Rejected(Reason.BAD_ADDRESS), "2")], id="bad addresses"),
    ],
)  # fmt: skip
async def test_a_request_is_one_lesson_about_the_channel(
    outcomes: list[Outcome], lessons: list[tuple[Outcome, str]]
) -> None:
    """Five failures in a row open the breaker: five requests, not five of the hundred numbers in one."""
    lanes, channel = await one_request(*outcomes)
    assert lanes.lessons == lessons
    assert channel.sent == 1
    assert not lanes.given_back


@pytest.mark.parametrize(
    "hindrance",
    [{"grants": False}, {"stopped": True}],
    ids=["its lease was refused", "its alert stopped before the first byte"],
)
async def test_what_was_not_sent_gives_back_what_it_paid(hindrance: dict[str, bool]) -> None:
    """Its tokens, and its place as the probe of a dead provider."""
    lanes, channel = await one_request(YES, YES, YES, **hindrance)
    assert channel.sent == 0
    assert [replace(one, epoch=0, attempts=0) for one in lanes.given_back] == [BATCH]


async def test_a_lease_that_is_nearly_over_before_the_first_byte_is_given_back() -> None:
    """Somebody else could get the batch while the provider has not answered yet; it rests as before, unsent."""
    now = [1]

    def commit_takes_long() -> None:
        now[0] += 1_000_000 * 16

    lanes, channel = OneBatch(), Answering([YES] * 3)
    store = Granting(answering=commit_takes_long)
    worker = Worker(
        channel, lanes, store, retry=RetryPolicy(), in_force=InForce(), watcher=Nobody(),  # type: ignore[arg-type]
        clock=lambda: now[0], new_ids=lambda n: [""] * n, requests=1, red_requests=0, red_slots=0,
    )  # fmt: skip
    running = asyncio.create_task(worker.run())
    async with asyncio.timeout(5):
        await store.settled.wait()
        await worker.stop(timedelta(seconds=1))
        await running
    assert channel.sent == 0
    (settlement,) = store.settlements
    assert (settlement.state, settlement.outcome) == (BATCH.state, {"not_sent": "late"})
    assert (worker.asked, worker.granted) == (1, 1)
    assert len(lanes.given_back) == 1


# --- several messages in one ------------------------------------------------------------------------


def waiting(n: int, lane: Lane = Lane.BLUE) -> Batch:
    """For the one robot there is, for a minute now."""
    content = Content(f"C{n}", f"A{n}", "wechat", "zh", f"第{n}条")
    return Batch(f"B{n}", f"A{n}", "wechat", lane, content, (f"D{n}",), ("robot",), 0, 1 << 60, bytes(1))


@dataclass
class Found:
    """What a store has to say of one address."""

    batches: Sequence[Batch] = ()
    open: Unclear = field(default_factory=lambda: Unclear(None))
    fails: bool = False

    async def pile(self, batch: Batch, lanes: tuple[Lane, Lane], now: int, limit: int) -> Pile | None:
        if self.fails:
            raise StoreError("the disk is gone")
        return Pile(Status.ACTUAL, self.batches) if self.batches else None

    async def unclear(self, batch: Batch, now: int) -> Unclear:
        return self.open

    def sound(self, kind: str, subject: str, /, **facts: Fact) -> None:
        raise AssertionError(kind)


async def one_bundle(
    found: Found,
    *outcomes: Outcome,
    offered: Batch,
    grants: bool = True,
    stopped: str = "",
    claimed: bool = False,
) -> tuple[OneBatch, Answering, Granting, Worker]:
    lanes, store, in_force = OneBatch([offered]), Granting(grants), InForce()
    channel = Answering(outcomes, "wechat", Capabilities("wechat"))
    bundler = Bundler(
        found, Carrier("wechat", 20, Limits()), after=timedelta(seconds=5), templates=Templates({}), alarms=found,
        clock=lambda: 60_000_000, new_ids=lambda n: ["BUNDLE"] * n,
    )  # fmt: skip
    if stopped:
        in_force.stop([stopped])
    worker = Worker(
        channel, lanes, store, retry=RetryPolicy(), in_force=in_force, watcher=Nobody(),  # type: ignore[arg-type]
        clock=lambda: 60_000_000, new_ids=lambda n: [f"N{i}" for i in range(n)], requests=1, red_requests=0, red_slots=0,
        bundler=bundler,
    )  # fmt: skip
    with bundler.claim(offered if claimed else waiting(0, Lane.DRILL)):
        running = asyncio.create_task(worker.run())
        async with asyncio.timeout(5):
            while not (store.settled.is_set() or lanes.put_backs):  # noqa: ASYNC110  lanes call nobody
                await asyncio.sleep(0)
            await worker.stop(timedelta(seconds=1))
            await running
    return lanes, channel, store, worker


async def test_what_piled_up_is_one_request_and_a_settlement_each() -> None:
    """Its tokens are those of its text, and what went with the one that had its turn is offered no more."""
    three = [waiting(n) for n in range(3)]
    lanes, channel, store, worker = await one_bundle(Found(three), YES, offered=three[1])
    assert channel.sent == 1
    (settlement,) = store.settlements
    assert [one.batch.id for one in settlement.parts] == ["B0", "B1", "B2"]
    assert lanes.paid == [("BUNDLE", 1)]
    assert lanes.forgotten == ["B0", "B2"]
    assert lanes.lessons == [(YES, "robot")]
    assert worker.out == set()


async def test_a_bundle_of_which_a_part_stopped_before_the_first_byte_is_not_sent() -> None:
    """The others rest as before, and are offered again at once, to go without it."""
    three = [waiting(n) for n in range(3)]
    lanes, channel, store, worker = await one_bundle(Found(three), YES, offered=three[0], stopped="A2")
    assert channel.sent == 0
    states = [one.state for one in store.settlements[0].parts]
    assert states == [BatchState.QUEUED, BatchState.QUEUED, BatchState.STOPPED]
    assert lanes.put_backs == [("B0", 60_000_000), ("B1", 60_000_000)]
    assert [one.id for one in lanes.given_back] == ["BUNDLE"]
    assert worker.out == set()


async def test_a_bundle_that_is_not_granted_is_offered_again_part_by_part() -> None:
    """Some other slot or process has one of them: the rest are still to be told."""
    three = [waiting(n) for n in range(3)]
    lanes, channel, *_ = await one_bundle(Found(three), YES, offered=three[0], grants=False)
    assert channel.sent == 0
    assert [id_ for id_, _ in lanes.put_backs] == ["B0", "B1", "B2"]
    assert [one.id for one in lanes.given_back] == ["BUNDLE"]


async def test_the_more_urgent_goes_instead_of_the_one_that_had_its_turn() -> None:
    """Too long to share a text with it, it takes its tokens; that one is offered again."""
    long = replace(waiting(1, Lane.ORANGE), content=replace(waiting(1).content, language="en"))
    other = replace(waiting(2, Lane.YELLOW), content=replace(waiting(2).content, language="en"))
    blue = replace(waiting(3), content=replace(waiting(3).content, language="en"))
    found = Found([long, other])
    lanes, channel, store, _ = await one_bundle(found, YES, offered=blue)
    assert channel.sent == 1
    assert [one.batch.id for one in store.settlements[0].parts] == ["B1", "B2"]
    assert lanes.put_backs == [("B3", 60_000_000)]


@pytest.mark.parametrize(
    ("found", "claimed"),
    [
        pytest.param(Found([waiting(0), waiting(1)]), True, id="another slot is bundling there"),
        pytest.param(Found(fails=True), False, id="the store cannot be read"),
        pytest.param(Found(open=Unclear(None, out=True)), False, id="the rest of its bundle is still out"),
    ],
)
async def test_what_cannot_be_decided_now_is_offered_again_a_little_later(
    found: Found, *, claimed: bool
) -> None:
    """Nothing is leased for it meanwhile, and its tokens are free."""
    offered = replace(waiting(0), unknowns=int(found.open.out))
    lanes, channel, store, _ = await one_bundle(found, YES, offered=offered, claimed=claimed)
    assert channel.sent == 0
    assert lanes.put_backs == [("B0", 60_200_000)]
    assert [one.id for one in lanes.given_back] == ["B0"]
    assert store.settlements == []


async def test_what_rests_no_more_is_asked_for_by_itself() -> None:
    """A hint that is out of date is found out by its lease, as ever."""
    _, channel, store, _ = await one_bundle(Found(), YES, offered=waiting(0))
    assert channel.sent == 1
    assert store.settlements[0].parts == ()
