"""
The five lanes of each channel, in this process.

Strict order, red first, but for every twentieth take, which serves the lowest lane that has something; within a lane
first notices before lifts and lowerings. Of both it keeps a bounded head in memory; what does not fit stays in the
store and is fetched by key when the head runs low. A throttled target steps aside and never blocks its lane.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from warnd.contract.outcome import Outcome
from warnd.model.color import Lane
from warnd.model.delivery import Batch
from warnd.queue.pacing import Pace

HEAD = 4096
"""Batches a lane keeps in memory."""

_REFILL = 1024
_LOWER_EVERY = 20
_LOST_HINT_SECONDS = 1.0

_PLACES = tuple((lane, behind) for lane in Lane for behind in (False, True))
"""In each lane first notices, then what tells of less danger: lifts and lowerings."""


class Load(Protocol):
    """Batches of a lane that are at rest, by id: at most so many after this one, of those behind or of the others."""

    async def __call__(
        self, channel: str, lane: Lane, after: str, limit: int, *, behind: bool
    ) -> Sequence[Batch]: ...


def _always(batch: Batch, now: int) -> bool:
    return True


@dataclass(slots=True)
class _Head:
    """
    One place in a lane of one channel. ``spilled``: the store may have more than is here.

    It is read from ``cursor`` on; ``missed`` is the lowest id of what did not fit and reading on may not find.
    """

    batches: deque[Batch] = field(default_factory=deque)
    spilled: bool = True
    missed: str | None = None
    cursor: str = ""


class _Waiting:
    """Slots with nothing to do; the red-only ones apart, so that blue does not wake them."""

    def __init__(self) -> None:
        self.any: deque[asyncio.Future[None]] = deque()
        self.red_only: deque[asyncio.Future[None]] = deque()

    def wake(self, count: int, *, red: bool) -> None:
        for futures in (self.any, self.red_only) if red else (self.any,):
            while count and futures:
                future = futures.popleft()
                if not future.done():
                    future.set_result(None)
                    count -= 1


class ChannelLanes:
    """
    The lanes of one channel.

    The first ``red_only`` slots take red only. ``clock`` gives microseconds since 1970 and ``monotonic`` seconds for
    pacing; ``holds(batch, now)`` says whether a batch may still leave, asked before anything is paid for it.
    """

    def __init__(
        self,
        channel: str,
        *,
        red_only: int,
        pace: Pace,
        load: Load,
        clock: Callable[[], int],
        monotonic: Callable[[], float],
        holds: Callable[[Batch, int], bool] = _always,
    ) -> None:
        self.channel = channel
        self.pace = pace
        self._red_slots = red_only
        self._load = load
        self._clock = clock
        self._monotonic = monotonic
        self._holds = holds
        self._heads = {place: _Head() for place in _PLACES}
        self._later: list[tuple[int, int, Batch]] = []
        self._held: set[str] = set()
        self._waiting = _Waiting()
        self._short = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = 0
        self._serial = 0
        self._takes = 0

    def __len__(self) -> int:
        return len(self._held)

    @property
    def red_waits(self) -> bool:
        """Whether a red batch is ready and has not been taken."""
        return any(self._heads[Lane.RED, behind].batches for behind in (False, True))

    def post(self, batches: Sequence[Batch], *, fetched: bool = False) -> None:
        """Take hints in; what exceeds the head is left to the store (never so for ``fetched`` ones)."""
        now = self._clock()
        ready = red = 0
        for batch in batches:
            if batch.id in self._held:
                continue
            head = self._heads[batch.lane, batch.behind]
            if not fetched and (head.spilled or len(head.batches) >= HEAD or len(self._later) >= HEAD):
                head.spilled = True
                head.missed = min(head.missed or batch.id, batch.id)
                self._short.set()
                continue
            self._held.add(batch.id)
            if batch.due > now:
                self._push_later(batch, batch.due)
            else:
                head.batches.append(batch)
                ready += 1
                red += batch.lane is Lane.RED
        if ready:
            self._waiting.wake(ready, red=red > 0)
        self._set_timer()

    def look(self, lane: Lane, id_: str) -> None:
        """Another process made batches in this lane, the lowest of this id."""
        for behind in (False, True):
            head = self._heads[lane, behind]
            if head.spilled:
                head.missed = min(head.missed or id_, id_)
            else:
                # Its beginning is less than the id and than any above it.
                head.spilled, head.cursor = True, id_[:-1]
        self._short.set()

    def look_again(self) -> None:
        """What may be taken here has changed, or hints were lost: read every lane from its beginning."""
        for head in self._heads.values():
            head.spilled, head.cursor, head.missed = True, "", None
        self._short.set()

    def put_back(self, batch: Batch, *, due: int) -> None:
        """A batch whose lease was put off: try it again at ``due`` (microseconds)."""
        self._held.add(batch.id)
        self._push_later(batch, due)
        self._set_timer()

    def offer_all(self) -> None:
        """The clock was set, and what waits for a time would wait for another: it is offered now."""
        self._later = [(0, serial, batch) for _, serial, batch in self._later]
        heapq.heapify(self._later)
        if self._timer is not None:
            self._timer.cancel()
        self._on_timer()

    def take_now(self, slot: int) -> Batch | None:
        """The most urgent batch that is due and paid for, or None."""
        self._ripen()
        for place in self._order(slot):
            head = self._heads[place]
            batch = self._first_affordable(head, red=place[0] is Lane.RED)
            if batch is not None:
                self._held.discard(batch.id)
                self._takes += slot >= self._red_slots
                if head.spilled and len(head.batches) < HEAD // 4:
                    self._short.set()
                return batch
        return None

    async def take(self, slot: int) -> Batch:
        """Wait for the next batch this slot may have."""
        while (batch := self.take_now(slot)) is None:
            future = asyncio.get_running_loop().create_future()
            futures = self._waiting.red_only if slot < self._red_slots else self._waiting.any
            futures.append(future)
            try:
                await future
            except asyncio.CancelledError:
                if future in futures:
                    futures.remove(future)
                raise
        return batch

    def give_back(self, batch: Batch) -> None:
        """It was taken and not sent: what it had paid is free for others."""
        self.pace.give_back(batch.cost, batch.addresses)

    def learn(self, outcome: Outcome, address: str, *, pause: float) -> None:
        """Let the pace follow an answer."""
        self.pace.learn(outcome, address, self._monotonic(), pause=pause)

    async def refill(self) -> None:
        """Fetch from the store whenever a head runs low, for ever; every second look for lost hints."""
        while True:
            for place, head in self._heads.items():
                while head.spilled and len(head.batches) < HEAD // 2:
                    await self._refill(*place, head)
            self._short.clear()
            try:
                async with asyncio.timeout(_LOST_HINT_SECONDS):
                    await self._short.wait()
            except TimeoutError:
                for head in self._heads.values():
                    head.spilled = head.spilled or not head.batches

    async def _refill(self, lane: Lane, behind: bool, head: _Head) -> None:
        if head.missed is not None and head.missed > head.cursor:
            head.missed = None
        batches = await self._load(self.channel, lane, head.cursor, _REFILL, behind=behind)
        if len(batches) < _REFILL:
            head.spilled, head.cursor = head.missed is not None, ""
        else:
            head.cursor = batches[-1].id
        self.post(batches, fetched=True)

    def _order(self, slot: int) -> Sequence[tuple[Lane, bool]]:
        if slot < self._red_slots:
            return _PLACES[:2]
        places = [place for place, head in self._heads.items() if head.batches]
        if self._takes % _LOWER_EVERY == _LOWER_EVERY - 1:
            places.sort(key=lambda place: (-place[0].value, place[1]))
        return places

    def _first_affordable(self, head: _Head, *, red: bool) -> Batch | None:
        batches = head.batches
        while batches:
            batch = batches[0]
            if not self._holds(batch, self._clock()):
                self._held.discard(batches.popleft().id)
                continue
            now = self._monotonic()
            wait = self.pace.channel_wait(batch.cost, now, red=red)
            if wait > 0:
                self._wake_at(self._clock() + int(wait * 1e6))
                return None
            target = 0.0
            if self.pace.minds_targets:
                target = max(self.pace.target_wait(address, now, red=red) for address in batch.addresses)
            batches.popleft()
            if target > 0:
                self._push_later(batch, self._clock() + int(target * 1e6))
                self._set_timer()
                continue
            self.pace.take(batch.cost, batch.addresses)
            return batch
        return None

    def _push_later(self, batch: Batch, due: int) -> None:
        self._serial += 1
        heapq.heappush(self._later, (due, self._serial, batch))

    def _ripen(self) -> None:
        if not self._later or self._later[0][0] > (now := self._clock()):
            return
        while self._later and self._later[0][0] <= now:
            batch = heapq.heappop(self._later)[2]
            self._heads[batch.lane, batch.behind].batches.append(batch)

    def _set_timer(self) -> None:
        if self._later:
            self._wake_at(self._later[0][0])

    def _wake_at(self, due: int) -> None:
        if self._timer is not None:
            if self._timer_due <= due:
                return
            self._timer.cancel()
        self._timer_due = due
        delay = max((due - self._clock()) / 1e6, 0.001)
        self._timer = asyncio.get_running_loop().call_later(delay, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._ripen()
        ready = sum(len(head.batches) for head in self._heads.values())
        self._waiting.wake(ready, red=self.red_waits)
        self._set_timer()
