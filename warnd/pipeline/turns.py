"""Whose plan is worked on: red's at any time, of the others a few at once, the most urgent first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from heapq import heappop, heappush
from itertools import count

from warnd.model.color import Lane

AT_ONCE = 4
"""Steps of lower plans: enough that readers and writer have work, so few that a red one waits for little."""

_LOOK_SECONDS = 0.02
_SHORTEST_WAY, _LONGEST_WAY = 0.1, 1.0
_LONGEST_FROM = 500
"""x."""


class Turns:
    """
    Hands out turns to take a step of a plan.

    ``red_waits`` says whether red batches are in the lanes; ``make_way`` is called when a red plan begins.
    """

    def __init__(self, *, red_waits: Callable[[], bool], make_way: Callable[[], None]) -> None:
        self._red_waits = red_waits
        self._make_way = make_way
        self._red_plans = 0
        self._free = AT_ONCE
        self._waiting: list[tuple[int, str, int, asyncio.Future[None]]] = []
        self._serial = count()
        self._committing = asyncio.Lock()

    @contextmanager
    def planning(self, lane: Lane) -> Iterator[None]:
        """A plan is made, from its first step to its last."""
        if lane is Lane.RED:
            self._red_plans += 1
            self._make_way()
        try:
            yield
        finally:
            self._red_plans -= lane is Lane.RED

    @asynccontextmanager
    async def step(self, lane: Lane, alert_id: str, members: int = 0) -> AsyncIterator[None]:
        """
        Wait for the turn of this alert, the older before the newer of a lane, and keep it.

        One that puts so many members on their way also lets red pass first.
        """
        if lane is Lane.RED:
            yield
            return
        await self._take(lane, alert_id)
        try:
            if members:
                await self._let_red_pass(_later(give_way_seconds(members)))
            yield
        finally:
            self._hand_on()

    @asynccontextmanager
    async def commit(self, lane: Lane, members: int) -> AsyncIterator[None]:
        """
        Hand a chunk of so many to the store: of the lower plans one at a time, and none while red is about; it cannot be
        called back. Red passes all that wait for their turn together, not each of them anew.
        """
        if lane is Lane.RED:
            yield
            return
        until = _later(give_way_seconds(members))
        async with self._committing:
            await self._let_red_pass(until)
            yield

    async def _take(self, lane: Lane, alert_id: str) -> None:
        if self._free:
            self._free -= 1
            return
        mine = asyncio.get_running_loop().create_future()
        heappush(self._waiting, (lane.value, alert_id, next(self._serial), mine))
        try:
            await mine
        except asyncio.CancelledError:
            if not mine.cancelled():
                self._hand_on()
            raise

    def _hand_on(self) -> None:
        while self._waiting:
            *_, theirs = heappop(self._waiting)
            if not theirs.done():
                theirs.set_result(None)
                return
        self._free += 1

    async def _let_red_pass(self, until: float) -> None:
        """A lower plan pauses while a red one is made, or has batches waiting."""
        now = asyncio.get_running_loop().time
        while (self._red_plans or self._red_waits()) and now() < until:  # noqa: ASYNC110  the lanes have no event for it
            await asyncio.sleep(_LOOK_SECONDS)


def give_way_seconds(members: int) -> float:
    """
    Seconds for which so many members of a lower plan let red pass: a second at the most, so that it still comes along when
    reds never end, and less when they are few.
    """
    return max(_SHORTEST_WAY, min(_LONGEST_WAY, _LONGEST_WAY * members / _LONGEST_FROM))


def _later(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds
