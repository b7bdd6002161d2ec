"""
The five lanes of each channel, in this process.

Strict order, red first, but for every twentieth take while a lower lane waits; within a lane first notices, then later
rounds, then lifts and lowerings; in each of these places one message to each target before a second to any. A place keeps
a bounded number of deliveries in memory; what finds no room stays in the store and is fetched by key. A throttled target
steps aside and never blocks its lane.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from warnd.contract.outcome import Outcome
from warnd.model.color import Lane
from warnd.model.delivery import Batch, Rank
from warnd.queue.later import NEVER
from warnd.queue.pacing import Pace
from warnd.queue.place import Place
from warnd.queue.precedence import PLACES, RANKS, RED_PLACES, Precedence
from warnd.queue.reading import Reading
from warnd.queue.refill import Load, Refill
from warnd.queue.waiting import Waiting

_FORGOTTEN = 16_384
"""Hints out of date that are remembered; a further one costs a lease that is not granted."""

ROOM = 32_768
"""Deliveries that a place keeps ready in memory, and again as many that wait: a usual broadcast need not be read back."""


def _always(batch: Batch, now: int) -> bool:
    return True


class ChannelLanes:
    """
    The lanes of one channel, whose batches are for ``max_batch`` addresses at the most.

    The first ``red_only`` slots take red only. ``clock`` gives microseconds since 1970 and ``monotonic`` seconds for
    pacing; ``holds(batch, now)`` says whether a batch may still leave, asked before anything is paid for it. ``room``
    is that of each place.
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
        max_batch: int = 1,
        room: int = ROOM,
    ) -> None:
        self.channel = channel
        self.pace = pace
        pace.on_change = self._on_timer
        self._red_slots = red_only
        self._clock = clock
        self._monotonic = monotonic
        self._holds = holds
        self._places = tuple(Place(lane, rank, room) for lane, rank in PLACES)
        self._refill = Refill(
            channel, self._places, max_batch=max_batch, load=load, take_in=self._take_in, clock=clock,
            monotonic=monotonic,
        )  # fmt: skip
        self._ready = 0
        self._held: set[str] = set()
        self._gone: dict[str, int] = {}
        self._precedence = Precedence()
        self._waiting = Waiting()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = NEVER
        self._next_due = NEVER

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, id_: str) -> bool:
        return id_ in self._held

    @property
    def is_shared(self) -> bool:
        return False

    @property
    def ready(self) -> tuple[int, int]:
        """Batches that are ready: of red, and of all below."""
        red, *lower = (sum(len(place.order) for place in self._places[n : n + RANKS])
                       for n in range(0, len(self._places), RANKS))  # fmt: skip
        return red, sum(lower)

    @property
    def deliveries(self) -> int:
        """Deliveries in memory."""
        return sum(place.order.size + place.later.size for place in self._places)

    @property
    def red_waits(self) -> bool:
        """Whether a red batch is ready and has not been taken."""
        return bool(self._ready & RED_PLACES)

    # --- in ---------------------------------------------------------------------------------------

    def post(self, batches: Sequence[Batch]) -> None:
        """Take hints in; what finds no room is left to the store."""
        now, held = self._clock(), self._held
        ready = count = 0
        for batch in batches:
            if batch.id in held:
                continue
            place = self._places[batch.lane * RANKS + batch.rank]
            if place.reading.spilled or not place.has_room(batch):
                place.reading.spill(batch.id)
                self._refill.soon()
            elif self._admit(place, batch, now):
                ready |= place.bit
                count += 1
        self._waiting.wake(count, red=bool(ready & RED_PLACES))

    def take_in(self, batches: Sequence[Batch]) -> None:
        """Hints for which there is room, whatever is in the store before them."""
        now, ready = self._clock(), 0
        for batch in batches:
            place = self._places[batch.lane * RANKS + batch.rank]
            if batch.id not in self._held and self._admit(place, batch, now):
                ready |= place.bit
        self._waiting.wake(len(batches), red=bool(ready & RED_PLACES))

    def clear(self) -> None:
        """Nothing of what is here is this process's any more."""
        for place in self._places:
            place.empty()
        self._held.clear()
        self._ready = 0

    def look(self, lane: Lane, id_: str) -> None:
        """Another process made batches in this lane, the lowest of this id."""
        for rank in Rank:
            self._places[lane * RANKS + rank].reading.spill(id_)
        self._refill.soon()

    def look_again(self) -> None:
        """What may be taken here has changed, or hints were lost: read every lane from its beginning."""
        for place in self._places:
            place.reading = Reading()
        self._refill.soon()

    def put_back(self, batch: Batch, *, due: int) -> None:
        """
        A batch that was taken rests again until ``due`` (microseconds).

        Also when a hint of it came meanwhile, from a reading under way: that one does not know of its last lease.
        """
        place = self._places[batch.lane * RANKS + batch.rank]
        place.order.untell(batch)
        self._keep(place, batch, due, self._clock())

    def _admit(self, place: Place, batch: Batch, now: int) -> bool:
        """To where it belongs in its place; whether that is among what is ready."""
        if batch.due > now:
            self._keep(place, batch, batch.due, now)
            return False
        if place.later.size and (target := place.later.line_of(batch)) is not None:
            if place.later.queue_up(batch, target):
                self._held.add(batch.id)
            else:
                place.reading.leave(batch.id)
            return False
        self._held.add(batch.id)
        place.order.add(batch)
        self._ready |= place.bit
        return True

    def _keep(self, place: Place, batch: Batch, due: int, now: int) -> None:
        if place.later.keep(batch, due, now):
            self._held.add(batch.id)
            self._expect(due)
        else:
            place.reading.leave(batch.id, due)

    # --- out --------------------------------------------------------------------------------------

    def offer_all(self) -> None:
        """The clock was set, and what waits for a time would wait for another: it is offered now."""
        for place in self._places:
            place.later.offer_all()
            place.reading.left_due = 0
        self._next_due = 0
        self._on_timer()

    def take_now(self, slot: int) -> Batch | None:
        """The most urgent batch that is due and paid for, or None."""
        now = self._clock()
        if now >= self._next_due:
            self._ripen(now)
        if slot < self._red_slots:
            return self._first_of(self._ready & RED_PLACES, now)
        ready = self._ready
        if not ready & (ready - 1):
            self._precedence.taken_alone()
            return self._first_of(ready, now) if ready else None
        batch = None
        if kept := self._precedence.kept_for(ready):
            batch = self._first_of(kept, now, lower_turn=True)
        if batch is None and not self._ready & kept:
            batch = self._first_of(self._ready, now)
        if batch is not None:
            self._precedence.taken(batch.lane, ready)
        return batch

    async def take(self, slot: int) -> Batch:
        """Wait for the next batch this slot may have."""
        while (batch := self.take_now(slot)) is None:
            await self._waiting.wait(red_only=slot < self._red_slots)
        return batch

    def give_back(self, batch: Batch) -> None:
        """It was taken and not sent: what it had paid is free for others."""
        self.pace.give_back(batch.cost, batch.addresses)

    def pay(self, batch: Batch, paid: int) -> None:
        """It goes in the place of one that had paid that."""
        self.pace.pay(batch.cost - paid, red=batch.lane is Lane.RED)

    def forget(self, batches: Sequence[Batch]) -> None:
        """These were leased, at their epoch: hints from before it are let go when their turn comes."""
        if len(self._gone) + len(batches) > _FORGOTTEN:
            self._gone.clear()
        self._gone.update((batch.id, batch.epoch) for batch in batches)

    def learn(self, outcome: Outcome, address: str, *, pause: float) -> None:
        """Let the pace follow an answer."""
        self.pace.learn(outcome, address, self._monotonic(), pause=pause)

    def _first_of(self, places: int, now: int, *, lower_turn: bool = False) -> Batch | None:
        """The first that can be paid for, in order of urgency; what waits for the channel keeps all below it waiting."""
        pace, holds = self.pace, self._holds
        seconds = 0.0 if pace.is_free else self._monotonic()
        while places:
            bit = places & -places
            places ^= bit
            place = self._places[bit.bit_length() - 1]
            red = bit <= RED_PLACES
            while (batch := place.order.first()) is not None:
                if not holds(batch, now) or (self._gone and self._is_gone(batch)):
                    self._drop(place, now)
                    continue
                if not pace.is_free:
                    if (wait := pace.channel_wait(batch.cost, seconds, red=red or lower_turn)) > 0:
                        self._wake_at(now + int(wait * 1e6))
                        return None
                    if pace.minds_targets and not self._may_be_asked(place, batch, now, seconds, red=red):
                        continue
                    pace.take(batch.cost, batch.addresses, red=red, lower_turn=lower_turn)
                self._pop(place)
                self._held.discard(batch.id)
                if place.later.size:
                    self._call_next(place, batch, now)
                return batch
        return None

    def _is_gone(self, batch: Batch) -> bool:
        gone = self._gone.get(batch.id, 0) > batch.epoch
        if gone:
            del self._gone[batch.id]
        return gone

    def _pop(self, place: Place) -> Batch:
        batch = place.order.pop()
        if not place.order:
            self._ready &= ~place.bit
        reading = place.reading
        if (reading.spilled or reading.hurried) and place.order.size < place.room // 4:
            self._refill.soon()
        return batch

    def _drop(self, place: Place, now: int) -> None:
        """What is first may not leave any more."""
        batch = self._pop(place)
        place.order.untell(batch)
        self._held.discard(batch.id)
        self._call_next(place, batch, now)

    def _may_be_asked(self, place: Place, batch: Batch, now: int, seconds: float, *, red: bool) -> bool:
        """Whether all its targets may be; else what is first steps aside until the slowest may."""
        pace = self.pace
        if len(batch.addresses) == 1:
            [target] = batch.addresses
            wait = pace.target_wait(target, seconds, red=red)
        else:
            wait, target = max((pace.target_wait(one, seconds, red=red), one) for one in batch.addresses)
        if wait <= 0:
            return True
        self._pop(place)
        place.order.untell(batch)
        due = now + int(wait * 1e6)
        for left in place.later.hold_up(batch, target, due, now):
            self._held.discard(left.id)
            place.reading.leave(left.id, due)
        self._expect(place.later.next_due)
        return False

    def _call_next(self, place: Place, batch: Batch, now: int) -> None:
        """The next of the line that it led, if it led one, as soon as their target may be asked."""
        if (target := place.later.followed(batch)) is not None:
            wait = self.pace.target_wait(target, self._monotonic(), red=place.lane is Lane.RED)
            place.later.call_next(target, now + int(wait * 1e6))
            self._expect(place.later.next_due)

    # --- time -------------------------------------------------------------------------------------

    def _ripen(self, now: int) -> None:
        for place in self._places:
            for batch in place.later.ripe(now):
                place.order.add(batch)
                self._ready |= place.bit
        self._next_due = min(place.later.next_due for place in self._places)

    def _expect(self, due: int) -> None:
        if due < self._next_due:
            self._next_due = due
            self._wake_at(due)

    def _wake_at(self, due: int) -> None:
        if self._timer is not None:
            if self._timer_due <= due:
                return
            self._timer.cancel()
        self._timer_due = due
        delay = max((due - self._clock()) / 1e6, 0.001)
        self._timer = asyncio.get_running_loop().call_later(delay, self._on_timer)

    def _on_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._ripen(self._clock())
        ready = sum(len(place.order) for place in self._places)
        self._waiting.wake(ready, red=self.red_waits)
        if self._next_due < NEVER:
            self._wake_at(self._next_due)

    # --- from the store ---------------------------------------------------------------------------

    async def refill(self) -> None:
        """Fetch what is in the store alone, for ever."""
        await self._refill.run()

    def _take_in(self, place: Place, batches: Sequence[Batch]) -> int:
        """How many were dealt with before one found no room among what is ready."""
        now, ready, dealt_with = self._clock(), 0, 0
        for batch in batches:
            if batch.id not in self._held:
                if not place.has_room(batch):
                    break
                ready += self._admit(place, batch, now)
            dealt_with += 1
        self._waiting.wake(ready, red=place.bit <= RED_PLACES)
        return dealt_with
