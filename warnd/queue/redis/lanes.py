"""
The lanes of one channel that all processes have in common: whoever is free takes what is most urgent.

In Redis is a stream of ids for each place, in the process a hand: a few of the most urgent, read from the store, that local
lanes keep in their order. Without a link those lanes are filled from the store as any process's are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from warnd.contract.outcome import Outcome
from warnd.model.color import Lane
from warnd.model.delivery import Batch, Rank
from warnd.queue.local import ROOM, ChannelLanes
from warnd.queue.precedence import PLACES, RANKS
from warnd.queue.reading import just_before
from warnd.queue.redis.link import Away, Link

TOPIC = "warnd:lanes"
"""Where it is published that there is something for a channel."""

OFFERED_AGAIN_MS = 5_000
"""Milliseconds for which a process may have something in hand before it is offered to others too: the lease decides."""

_LOOK_SECONDS = 1.0
_READ_AT_ONCE = 2000
_POST_AT_ONCE = 1000
_REST_SHARE = 4
"""Passes over all that is in the store take at most a fifth of the time."""


class Shelf(Protocol):
    """The store, as these lanes read it."""

    async def at_rest(self, ids: Sequence[str]) -> Sequence[Batch]:
        """Those of them that may be leased, in no order."""

    async def ids(
        self, channel: str, lane: Lane, after: str, limit: int, *, rank: Rank
    ) -> Sequence[tuple[str, int]]:
        """Ids of what rests at a place, in their order, from the one after; each with when it is due (microseconds)."""


@dataclass(slots=True)
class _Reading:
    """From where a place is to be read, None when nothing is missing; and from when (monotonic seconds) again."""

    after: str | None = ""
    rest_until: float = 0.0

    def go_back(self, after: str) -> None:
        self.after = after if self.after is None else min(self.after, after)


class SharedLanes:
    """
    ``who`` is this life of the process; ``capacity`` how many batches it has in hand, of red and of all below, each.

    ``clock`` gives microseconds since 1970, ``monotonic`` seconds.
    """

    def __init__(
        self,
        hand: ChannelLanes,
        link: Link,
        *,
        who: str,
        capacity: int,
        shelf: Shelf,
        clock: Callable[[], int],
        monotonic: Callable[[], float],
    ) -> None:
        self.channel = hand.channel
        self.pace = hand.pace
        self._hand = hand
        self._link = link
        self._who = who
        self._capacity = capacity
        self._shelf = shelf
        self._clock = clock
        self._monotonic = monotonic
        self._key = f"warnd:lanes:{hand.channel}"
        self._linked = False
        self._switched = asyncio.Event()
        self._hungry = asyncio.Event()
        self._entries: dict[str, tuple[int, str]] = {}
        self._more = (True, True)
        self._outbox: list[tuple[str, list[object]]] = []
        self._sending: asyncio.Task[None] | None = None
        self._readings = [_Reading() for _ in PLACES]

    def __len__(self) -> int:
        return len(self._hand)

    @property
    def deliveries(self) -> int:
        """Deliveries in memory."""
        return self._hand.deliveries

    @property
    def red_waits(self) -> bool:
        """Whether a red batch is in hand and has not been taken."""
        return self._hand.red_waits

    @property
    def is_shared(self) -> bool:
        """Whether what is in hand comes from what all have in common, just now."""
        return self._linked

    # --- the link ---------------------------------------------------------------------------------

    def link_up(self) -> None:
        """From now on what is in hand is popped; what was this process's share is everybody's."""
        self._hand.clear()
        self._switch(linked=True)

    def link_down(self) -> None:
        """From now on this process reads its share from the store; what it has in hand it may still take."""
        if self._linked:
            self._hand.look_again()
            self._switch(linked=False)

    def _switch(self, *, linked: bool) -> None:
        self._linked = linked
        self._entries.clear()
        self._outbox.clear()
        self._readings = [_Reading() for _ in PLACES]
        self._switched.set()

    def posted(self) -> None:
        """Somebody has posted something for this channel."""
        self._hungry.set()

    # --- in ---------------------------------------------------------------------------------------

    def post(self, batches: Sequence[Batch]) -> None:
        if not self._linked:
            self._hand.post(batches)
            return
        for start in range(0, len(batches), _POST_AT_ONCE):
            part = batches[start : start + _POST_AT_ONCE]
            self._send("post", *(one for batch in part for one in (_place(batch), batch.id, batch.due)))

    def put_back(self, batch: Batch, *, due: int) -> None:
        if not self._linked:
            self._hand.put_back(batch, due=due)
            return
        self._send("post", _place(batch), batch.id, due)

    def look(self, lane: Lane, id_: str) -> None:
        """Another process made batches in this lane, the lowest of this id: within a second they are in the streams."""
        if not self._linked:
            self._hand.look(lane, id_)
            return
        for rank in Rank:
            self._readings[lane * RANKS + rank].go_back(just_before(id_))

    def look_again(self) -> None:
        """A process came or went, or hints were lost: what a dead one was to put back is in the store alone."""
        if not self._linked:
            self._hand.look_again()
            return
        for reading in self._readings:
            reading.go_back("")

    # --- out --------------------------------------------------------------------------------------

    def offer_all(self) -> None:
        """The clock was set."""
        self._hand.offer_all()

    def take_now(self, slot: int) -> Batch | None:
        batch = self._hand.take_now(slot)
        if batch is not None:
            self._taken(batch)
        return batch

    async def take(self, slot: int) -> Batch:
        batch = await self._hand.take(slot)
        self._taken(batch)
        return batch

    def give_back(self, batch: Batch) -> None:
        self._hand.give_back(batch)

    def pay(self, batch: Batch, paid: int) -> None:
        self._hand.pay(batch, paid)

    def forget(self, batches: Sequence[Batch]) -> None:
        self._hand.forget(batches)

    def learn(self, outcome: Outcome, address: str, *, pause: float) -> None:
        self._hand.learn(outcome, address, pause=pause)

    def _taken(self, batch: Batch) -> None:
        """It is about to be leased, and the store's from then on: should that not be, it is found there."""
        if not self._linked:
            return
        if (entry := self._entries.pop(batch.id, None)) is not None:
            self._send("done", *entry, batch.id)
        if any(
            more and ready <= self._capacity // 2
            for more, ready in zip(self._more, self._hand.ready, strict=True)
        ):
            self._hungry.set()

    async def settle(self) -> None:
        """Until all that was to be said to Redis has been."""
        if self._sending is not None:
            await self._sending

    # --- said to Redis ----------------------------------------------------------------------------

    def _send(self, what: str, *arguments: object) -> None:
        """In the order in which it is said: what was taken is done with before it is put back."""
        last = self._outbox[-1] if self._outbox else None
        if last is not None and last[0] == what and len(last[1]) < 3 * _POST_AT_ONCE:
            last[1].extend(arguments)
        else:
            self._outbox.append((what, list(arguments)))
        if self._sending is None or self._sending.done():
            self._sending = asyncio.get_running_loop().create_task(self._send_all())

    async def _send_all(self) -> None:
        try:
            while self._outbox:
                what, arguments = self._outbox.pop(0)
                if what == "post":
                    await self._post(arguments)
                else:
                    await self._ask(what, *arguments)
        except Away:
            self._outbox.clear()

    async def _post(self, arguments: Sequence[object]) -> list[int]:
        taken: list[int] = await self._ask("post", self._clock(), ROOM, *arguments)
        for n, one in enumerate(taken):
            if not one:
                self._readings[int(str(arguments[3 * n]))].go_back(just_before(str(arguments[3 * n + 1])))
        return taken

    async def _ask(self, what: str, *arguments: object) -> Any:
        return await self._link.ask("lanes", [self._key], what, self.channel, *arguments)

    # --- for ever ---------------------------------------------------------------------------------

    async def refill(self) -> None:
        """Keep something in hand, by the streams while there is a link, else from the store alone."""
        while True:
            self._switched.clear()
            await self._until_switched(self._serve() if self._linked else self._hand.refill())

    async def _until_switched(self, serving: Coroutine[Any, Any, None]) -> None:
        """What breaks in it is raised; what ends by itself has lost its link."""
        task, switched = asyncio.create_task(serving), asyncio.create_task(self._switched.wait())
        try:
            await asyncio.wait((task, switched), return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                task.result()
                await switched
        finally:
            for one in (task, switched):
                one.cancel()
            await asyncio.gather(task, switched, return_exceptions=True)

    async def _serve(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(_while_linked(self._fetch()))
            group.create_task(_while_linked(self._fill()))

    async def _fetch(self) -> None:
        """From the streams into the hand."""
        while True:
            self._hungry.clear()
            red, lower = (max(self._capacity - ready, 0) for ready in self._hand.ready)
            next_due, *popped = await self._ask("pop", self._clock(), self._who, lower, red)
            reds = sum(int(place) < RANKS for place in popped[::3])
            self._more = reds == red, len(popped) // 3 - reds == lower
            if popped:
                await self._take_in(popped)
                continue
            wait = min(_LOOK_SECONDS, (float(next_due) - self._clock()) / 1e6) if next_due else _LOOK_SECONDS
            with suppress(TimeoutError):
                async with asyncio.timeout(max(wait, 0.001)):
                    await self._hungry.wait()

    async def _take_in(self, popped: Sequence[bytes]) -> None:
        """What may be leased; of the rest, what is not due yet waits on, and what was settled meanwhile is done with."""
        ids = [one.decode() for one in popped[2::3]]
        found = {one.id: one for one in await self._shelf.at_rest(ids)}
        if not self._linked:
            return
        now, ready = self._clock(), []
        self._entries = {id_: entry for id_, entry in self._entries.items() if id_ in self._hand}
        for place, entry, id_ in zip(map(int, popped[::3]), popped[1::3], ids, strict=True):
            batch = found.get(id_)
            if batch is not None and batch.due <= now and id_ not in self._hand:
                self._entries[id_] = place, entry.decode()
                ready.append(batch)
                continue
            self._send("done", place, entry, id_)
            if batch is not None and batch.due > now:
                self._send("post", place, id_, batch.due)
        self._hand.take_in(ready)

    async def _fill(self) -> None:
        """From the store into the streams what is not there, by one process at a time."""
        while True:
            sizes = await self._ask("fill", self._who, OFFERED_AGAIN_MS)
            for (lane, rank), reading, size in zip(PLACES, self._readings, sizes, strict=False):
                if reading.after is None and not size and self._monotonic() >= reading.rest_until:
                    reading.after = ""  # nothing is here: look whether a hint was lost
                await self._fill_place(lane, rank, reading, size)
            await asyncio.sleep(_LOOK_SECONDS)

    async def _fill_place(self, lane: Lane, rank: Rank, reading: _Reading, size: int) -> None:
        began, place = self._monotonic(), lane * RANKS + rank
        while reading.after is not None and size <= ROOM // 2:
            after, reading.after = reading.after, None
            rows = await self._shelf.ids(self.channel, lane, after, _READ_AT_ONCE, rank=rank)
            taken = await self._post([one for id_, due in rows for one in (place, id_, due)]) if rows else []
            size += sum(taken)
            if not all(taken):
                return
            if len(rows) == _READ_AT_ONCE:
                reading.go_back(rows[-1][0])
            elif reading.after is None:
                ended = self._monotonic()
                reading.rest_until = ended + max(_LOOK_SECONDS, _REST_SHARE * (ended - began))


async def _while_linked(work: Coroutine[Any, Any, None]) -> None:
    with suppress(Away):
        await work


def _place(batch: Batch) -> int:
    return batch.lane * RANKS + batch.rank
