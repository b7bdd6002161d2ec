"""The lanes of one channel beside a model of them: whatever comes, is taken, throttled, put off, stopped or lost."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.fakes.shelf import ANY, RED, Clock, Shelf, batch
from warnd.contract.outcome import Accepted, Deferred, Reason, Scope
from warnd.model.color import Lane
from warnd.model.delivery import Batch, Rank
from warnd.queue import refill
from warnd.queue.local import ChannelLanes
from warnd.queue.pacing import Pace
from warnd.queue.rates import Rate

ROOM = 6
ROBOTS = [f"robot-{n}" for n in range(4)]
DRAWN = st.lists(
    st.tuples(
        st.sampled_from([Lane.RED, Lane.RED, Lane.YELLOW, Lane.BLUE]),
        st.sampled_from([Rank.FIRST, Rank.FIRST, Rank.AGAIN, Rank.BEHIND]),
        st.sampled_from(ROBOTS),
        st.sampled_from([0, 0, 0, 2, 100]),
    ),
    min_size=1,
    max_size=12,
)


class Lanes(RuleBasedStateMachine):
    """``shelf`` is what rests in the store, ``out`` what is being sent, ``stopped`` what may not leave any more."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.patch = patch.object(refill, "_LOST_HINT_SECONDS", 0)
        self.patch.start()
        self.clock, self.shelf = Clock(), Shelf()
        self.out: dict[str, Batch] = {}
        self.stopped: set[str] = set()
        self.serial = 0
        self.lanes = ChannelLanes(
            "sms", red_only=1, pace=Pace(target_rate=Rate(3, 10)), load=self.shelf.load,
            clock=lambda: self.clock.micros, monotonic=self.clock.seconds,
            holds=lambda one, _: one.id not in self.stopped, room=ROOM,
        )  # fmt: skip
        self.refilling = self.runner.run(self._begin())

    async def _begin(self) -> asyncio.Task[None]:
        return asyncio.create_task(self.lanes.refill())

    async def _run(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    @rule(drawn=DRAWN, lost=st.booleans())
    def commit(self, drawn: list[tuple[Lane, Rank, str, int]], *, lost: bool) -> None:
        """Batches come to rest in the store; their hints may be lost."""
        made = []
        for lane, rank, robot, later in drawn:
            self.serial += 1
            due = self.clock.micros + later * 1_000_000 if later else 0
            made.append(batch(f"{self.serial:06}", lane, rank=rank, to=robot, due=due))
        self.shelf.put(*made)
        if not lost:
            self.runner.run(self._post(made))

    async def _post(self, made: list[Batch]) -> None:
        self.lanes.post(made)

    @rule(slot=st.sampled_from([ANY, RED]))
    def take(self, slot: int) -> None:
        self.runner.run(self._take(slot))

    async def _take(self, slot: int) -> bool:
        one = self.lanes.take_now(slot)
        if one is None:
            return False
        assert one.id not in self.stopped
        assert one.due <= self.clock.micros
        assert slot == ANY or one.lane is Lane.RED
        rests = self.shelf.batches.get(one.id)
        if rests is None or rests.epoch != one.epoch:
            # A reading that was under way when it was leased: the store refuses a second lease.
            self.lanes.give_back(one)
        else:
            self.out[one.id] = self.shelf.batches.pop(one.id)
        return True

    @precondition(lambda self: self.out)
    @rule(
        data=st.data(),
        how=st.sampled_from(["accepted", "throttled", "put off", "put off for long", "not sent"]),
    )
    def settle(self, data: st.DataObject, how: str) -> None:
        one = self.out.pop(data.draw(st.sampled_from(sorted(self.out))))
        self.runner.run(self._settle(one, how))

    async def _settle(self, one: Batch, how: str) -> None:
        address = one.addresses[0]
        if how == "accepted":
            self.lanes.learn(Accepted(), address, pause=60.0)
            return
        if how == "not sent":
            self.lanes.give_back(one)
            return
        wait = {"throttled": 5, "put off": 1, "put off for long": 300}[how]
        if how == "throttled":
            slow = Deferred(Reason.THROTTLED, Scope.TARGET, retry_after=timedelta(seconds=wait))
            self.lanes.learn(slow, address, pause=60.0)
        again = replace(one, due=self.clock.micros + wait * 1_000_000, epoch=one.epoch + 1)
        self.shelf.put(again)
        self.lanes.put_back(again, due=again.due)

    @precondition(lambda self: self.shelf.batches)
    @rule(data=st.data())
    def stop(self, data: st.DataObject) -> None:
        """An alert is superseded: its batches rest no more."""
        id_ = data.draw(st.sampled_from(sorted(self.shelf.batches)))
        self.stopped.add(id_)
        del self.shelf.batches[id_]

    @rule(seconds=st.sampled_from([0.5, 3.0, 40.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.pass_by(seconds)

    @rule()
    def refills(self) -> None:
        self.runner.run(self._run())

    @invariant()
    def memory_is_bounded(self) -> None:
        for place in self.lanes._places:
            assert place.order.size <= 2 * ROOM
            assert place.later.size <= ROOM
        assert len(self.lanes) <= self.lanes.deliveries

    def teardown(self) -> None:
        """Nothing is lost: in the end everything that rests in the store has come."""
        try:
            self.runner.run(self._drain())
        finally:
            self.runner.run(self._end())
            self.runner.close()
            self.patch.stop()

    async def _drain(self) -> None:
        for _ in range(400):
            if not self.shelf.batches:
                return
            await self._run()
            while await self._take(ANY):
                pass
            self.out.clear()
            self.clock.pass_by(2)
        raise AssertionError(f"never came: {sorted(self.shelf.batches)}")

    async def _end(self) -> None:
        self.refilling.cancel()
        with suppress(asyncio.CancelledError):
            await self.refilling


TestLanes = Lanes.TestCase
TestLanes.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
