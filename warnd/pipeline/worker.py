"""
lease → send → settle → commit, for ever: the slots of one channel.

A slot hands in what the last attempt came to together with the lease of the next, so both are in one commit
and never more than one batch a slot is in flight. There are more slots than requests at once: while some wait
for a commit the others keep the provider busy.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Protocol

import structlog

from warnd.contract.channel import Channel, Queries
from warnd.contract.outcome import Accepted, Deferred, Outcome, Reason, Scope
from warnd.errors import StoreError
from warnd.model.color import Lane
from warnd.model.delivery import Batch, BatchState
from warnd.model.policy import RetryPolicy
from warnd.pipeline import bundle
from warnd.pipeline.bundler import Bundler
from warnd.pipeline.deadline import Deadline
from warnd.pipeline.lease import InForce, lent_for
from warnd.pipeline.requests import Requests
from warnd.pipeline.send import ask, send
from warnd.pipeline.settle import Try, settle
from warnd.ports import Lanes, Lease, Settlement, Store

log = structlog.get_logger()

_BLOCKED_US = 200_000
_STORE_REST = 1.0
_AT_REST = (BatchState.QUEUED, BatchState.WAITING, BatchState.UNKNOWN)


class Watcher(Protocol):
    """Who wants to know how sending goes: metrics and alarms."""

    def settled(self, settlement: Settlement, outcomes: Sequence[Outcome]) -> None: ...


class Worker:
    """
    Sends what the lanes of one channel offer, with ``requests`` at once.

    There are twice as many slots as requests, and before them ``red_slots`` that take red only; ``red_requests`` are
    kept for red. ``clock`` gives microseconds since 1970; ``new_ids(n)`` makes batch ids. ``bundler`` is None where
    every message must go by itself.
    """

    def __init__(
        self,
        channel: Channel,
        lanes: Lanes,
        store: Store,
        *,
        retry: RetryPolicy,
        in_force: InForce,
        watcher: Watcher,
        clock: Callable[[], int],
        new_ids: Callable[[int], list[str]],
        requests: int,
        red_requests: int,
        red_slots: int,
        bundler: Bundler | None = None,
    ) -> None:
        self.channel = channel
        self.out: set[tuple[str, int]] = set()
        """(Batch, epoch) of the leases whose outcome is not on disk."""
        self._slots = requests * 2 + red_slots
        self._requests = Requests(requests, for_red=red_requests)
        self._lanes = lanes
        self._store = store
        self._retry = retry
        self._pause = retry.pause.total_seconds()
        self._in_force = in_force
        self._bundler = bundler
        self._watcher = watcher
        self._clock = clock
        self._new_ids = new_ids
        self._lent_for = lent_for(channel.capabilities.timeout)
        self._may_take = channel.capabilities.timeout // timedelta(microseconds=1)
        self._lent_until: dict[str, int] = {}
        self.asked = self.granted = 0
        self._deadline = Deadline(channel.capabilities.timeout)
        self._stopping = False
        self._tasks: list[asyncio.Task[None]] = []
        self._idle: set[asyncio.Task[None]] = set()

    def make_way(self) -> None:
        """A red broadcast begins: what it will need is left free, for a moment."""
        self._requests.make_way()

    async def run(self) -> None:
        """Until ``stop``."""
        async with asyncio.TaskGroup() as group:
            self._tasks = [group.create_task(self._slot(slot)) for slot in range(self._slots)]

    async def stop(self, grace: timedelta) -> None:
        """Take no new lease, let sends finish within ``grace``, then break them off: those are unclear."""
        self._stopping = True
        for task in tuple(self._idle):
            task.cancel()
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=grace.total_seconds())
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)

    async def _slot(self, slot: int) -> None:
        settlement: Settlement | None = None
        while True:
            wanted = None if self._stopping else self._lanes.take_now(slot)
            if wanted is None and settlement is None:
                if self._stopping:
                    return
                wanted = await self._wait(slot)
            if wanted is not None and self._bundler is not None and self._bundler.concerns(wanted):
                leased = await self._bundled_turn(self._bundler, settlement, wanted)
            else:
                leased = await self._turn(settlement, wanted)
            settlement = await self._attempt(leased) if leased is not None else None

    async def _wait(self, slot: int) -> Batch:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  a coroutine runs in a task
        self._idle.add(task)
        try:
            return await self._lanes.take(slot)
        finally:
            self._idle.discard(task)

    async def _bundled_turn(
        self, bundler: Bundler, settlement: Settlement | None, wanted: Batch
    ) -> Batch | None:
        """The same with what else waits for its address; while that is being bundled already, it is offered again."""
        with bundler.claim(wanted) as claimed:
            together = await bundler.around(wanted) if claimed else None
            if together is None:
                self._lanes.give_back(wanted)
                self._lanes.put_back(wanted, due=self._clock() + _BLOCKED_US)
                return await self._turn(settlement, None) if settlement is not None else None
            self._lanes.pay(together, wanted.cost)
            if all(one.id != wanted.id for one in together.each):
                self._lanes.put_back(wanted, due=self._clock())
            leased = await self._turn(settlement, together)
            if leased is not None:
                self._lanes.forget([one for one in leased.each if one.id != wanted.id])
            return leased

    async def _turn(self, settlement: Settlement | None, wanted: Batch | None) -> Batch | None:
        """Commit what was and lease what comes next; a store that fails is asked again until it answers."""
        while True:
            lease = self._lease(wanted) if wanted is not None else None
            try:
                leased = await self._store.turn(settlement, lease)
            except StoreError as error:
                log.error("store.failed", channel=self.channel.name, error=str(error))
                if self._stopping:
                    raise
                await asyncio.sleep(_STORE_REST)
                continue
            break
        if settlement is not None:
            for one in settlement.each:
                self.out.discard((one.batch.id, one.batch.epoch))
                self._rest(one)
        if lease is not None:
            self.asked += 1
            if leased.batch is not None:
                self.granted += 1
                self.out.update((one.id, one.epoch) for one in leased.batch.each)
                self._lent_until[leased.batch.id] = lease.until
        if wanted is not None and leased.batch is None:
            self._lanes.give_back(wanted)
            if leased.later:
                for each in wanted.each:
                    self._lanes.put_back(each, due=self._clock() + _BLOCKED_US)
        return leased.batch

    def _lease(self, batch: Batch) -> Lease:
        now = self._clock()
        return Lease(batch, now, now + self._lent_for)

    def _rest(self, settlement: Settlement) -> None:
        """What is to be tried again goes back to the lanes, now that it is committed."""
        if settlement.state in _AT_REST:
            rested = replace(
                settlement.batch, state=settlement.state, due=settlement.due, unknowns=settlement.unknowns
            )
            self._lanes.put_back(rested, due=settlement.due)
        if settlement.splits:
            self._lanes.post(settlement.splits)

    async def _attempt(self, batch: Batch) -> Settlement:
        started, until = self._clock(), self._lent_until.pop(batch.id)
        try:
            async with self._requests.red if batch.lane is Lane.RED else self._requests.lower:
                started = self._clock()
                if not self._in_force.holds(batch, started):
                    return self._not_sent(batch, started, BatchState.STOPPED)
                if started + self._may_take > until:
                    # Somebody else could get it while it is still under way: it rests as before.
                    return self._not_sent(batch, started, batch.state)
                outcomes = await self._asked(batch) or await send(self.channel, batch, self._deadline)
        except asyncio.CancelledError:
            unclear: list[Outcome] = [Deferred(Reason.INTERRUPTED, maybe_sent=True)] * len(batch)
            await self._turn(self._judge(batch, unclear, started), None)
            raise
        return self._judge(batch, outcomes, started)

    def _not_sent(self, batch: Batch, now: int, state: BatchState) -> Settlement:
        self._lanes.give_back(batch)
        if batch.parts:
            return bundle.not_sent(batch, now, self._in_force.holds)
        outcome = {"not_sent": "stopped" if state is BatchState.STOPPED else "late"}
        return Settlement(batch, now, now, state, due=now, unknowns=batch.unknowns, outcome=outcome)

    async def _asked(self, batch: Batch) -> Sequence[Outcome] | None:
        """Before a batch is sent again without a clear answer, its provider is asked where it can be asked."""
        if batch.unknowns and isinstance(self.channel, Queries):
            return await ask(self.channel, batch, self._deadline)
        return None

    def _judge(self, batch: Batch, outcomes: Sequence[Outcome], started: int) -> Settlement:
        clear = all(type(one) is Accepted for one in outcomes)
        if clear:
            self._lanes.learn(outcomes[0], batch.addresses[0], pause=self._pause)
        else:
            self._learn(batch, outcomes)
        new_ids = () if clear else tuple(self._new_ids(2))
        attempt = Try(started, self._clock(), random.random(), new_ids)  # noqa: S311  jitter is no secret
        if batch.parts:
            settlement = bundle.settle_bundle(batch, outcomes[0], self._retry, attempt)
            outcomes = list(outcomes) * len(batch.parts)
        else:
            settlement = settle(batch, outcomes, self._retry, attempt)
        self._watcher.settled(settlement, outcomes)
        return settlement

    def _learn(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        """A request is one lesson about the channel, however many deliveries it carried; an acceptance the last."""
        lessons = {
            (outcome.scope, outcome.reason, address if outcome.scope is Scope.TARGET else ""): (
                outcome,
                address,
            )
            for address, outcome in zip(batch.addresses, outcomes, strict=True)
            if not isinstance(outcome, Accepted)
        }
        for outcome, address in lessons.values():
            self._lanes.learn(outcome, address, pause=self._pause)
        for one in outcomes:
            if isinstance(one, Accepted):
                self._lanes.learn(one, batch.addresses[0], pause=self._pause)
                return
