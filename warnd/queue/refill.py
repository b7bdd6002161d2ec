"""Fetching from the store what found no room in memory, what waited there for its time, and hints that were lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from warnd.model.color import Lane
from warnd.model.delivery import Batch, Rank
from warnd.queue.place import Place

_BATCHES = 1024
_DELIVERIES = 4096
"""Of one read at most, so that no read takes the others' breath away."""

_LOST_HINT_SECONDS = 1.0


class Load(Protocol):
    """Batches of a place that are at rest, by id: at most so many after this one."""

    async def __call__(
        self, channel: str, lane: Lane, after: str, limit: int, *, rank: Rank
    ) -> Sequence[Batch]: ...


class Refill:
    """
    Reads for the places of one channel, whose batches are for ``max_batch`` addresses at the most.

    ``take_in(place, batches)`` says with how many it dealt before one found no room. ``clock`` gives microseconds,
    ``monotonic`` seconds.
    """

    def __init__(
        self,
        channel: str,
        places: Sequence[Place],
        *,
        max_batch: int,
        load: Load,
        take_in: Callable[[Place, Sequence[Batch]], int],
        clock: Callable[[], int],
        monotonic: Callable[[], float],
    ) -> None:
        self._channel = channel
        self._places = places
        self._limit = max(1, min(_BATCHES, _DELIVERIES // max_batch))
        self._load = load
        self._take_in = take_in
        self._clock = clock
        self._monotonic = monotonic
        self._short = asyncio.Event()

    def soon(self) -> None:
        """Some place runs low."""
        self._short.set()

    async def run(self) -> None:
        """Whenever a place runs low, for ever; every second look for lost hints."""
        while True:
            self._short.clear()
            for place in self._places:
                while place.reading.spilled and place.order.size <= place.room // 2:
                    await self._read_on(place)
                if place.is_low and place.reading.wants_pass(self._clock(), self._monotonic()):
                    await self._pass_over(place)
            try:
                async with asyncio.timeout(_LOST_HINT_SECONDS):
                    await self._short.wait()
            except TimeoutError:
                for place in self._places:
                    if place.is_empty and place.reading.left is None:
                        place.reading.start_over()

    async def _read_on(self, place: Place) -> None:
        reading = place.reading
        batches = await self._read(place, reading.begin())
        taken = self._take_in(place, batches)
        if taken == len(batches) < self._limit:
            reading.end()
        elif taken:
            reading.cursor = batches[taken - 1].id

    async def _pass_over(self, place: Place) -> None:
        """Look again at what was left in the store, as long as there is room for it."""
        reading, began = place.reading, self._monotonic()
        at = reading.begin_pass()
        while place.is_low:
            batches = await self._read(place, at)
            taken = self._take_in(place, batches)
            if taken < len(batches):
                reading.come_back_to(batches[taken].id)
                return
            if taken < self._limit:
                reading.end_pass(began, self._monotonic())
                return
            at = batches[-1].id
        reading.come_back_to(at)

    async def _read(self, place: Place, after: str) -> Sequence[Batch]:
        return await self._load(self._channel, place.lane, after, self._limit, rank=place.rank)
