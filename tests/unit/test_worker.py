"""What a slot tells the lanes about each request, and about those that were not made."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from warnd.contract.channel import BatchView, Capabilities, Sink
from warnd.contract.outcome import Accepted, Deferred, Outcome, Reason, Rejected, Scope
from warnd.model.color import Lane
from warnd.model.content import Content
from warnd.model.delivery import Batch
from warnd.model.policy import RetryPolicy
from warnd.pipeline.lease import InForce
from warnd.pipeline.worker import Worker
from warnd.ports import Lease, Leased, Settlement

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

    def post(self, batches: Sequence[Batch]) -> None:
        """Not looked at here."""

    def put_back(self, batch: Batch, *, due: int) -> None:
        """Not looked at here."""

    def take_now(self, slot: int) -> Batch | None:
        return self.offered.pop() if self.offered else None

    async def take(self, slot: int) -> Batch:
        await asyncio.Event().wait()
        raise AssertionError

    def give_back(self, batch: Batch) -> None:
        self.given_back.append(batch)

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
        return Leased(lease.batch.leased() if lease is not None and granted else None)


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
