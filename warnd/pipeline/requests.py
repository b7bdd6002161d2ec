"""How many requests a channel has out at once, and whose is the next: red's, but for a lower one that waits for long."""

from __future__ import annotations

import asyncio
from collections import deque

WAY_SECONDS = 0.1
"""For so long no lower request begins when a red plan does: until its first batches are leased."""

_LONGEST_WAIT = 1.0
"""After so long a lower one goes first: its lease runs."""


class Requests:
    """
    At most ``at_once``, of which the lower lanes leave ``for_red`` free.

    ``async with requests.red`` (or ``requests.lower``) waits for one.
    """

    def __init__(self, at_once: int, *, for_red: int) -> None:
        self._free = at_once
        self._for_red = for_red
        self._ways = 0
        self.red = _Door(self)
        self.lower = _Door(self)

    def make_way(self) -> None:
        """Red comes: what it will need is left free, for a moment."""
        self._ways += 1
        asyncio.get_running_loop().call_later(WAY_SECONDS, self._end_of_way)

    def _end_of_way(self) -> None:
        """Counted and not timed: a look at the clock may find it an instant too early, and nobody would look again."""
        self._ways -= 1
        self.let_in()

    def let_in(self) -> None:
        """Those whose turn it is, as long as there is something free."""
        while (door := self._next()) is not None:
            self._free -= 1
            door.waiting.popleft()[1].set_result(None)

    def enter(self, door: _Door) -> bool:
        """Whether one need not wait."""
        if door.waiting or not self._may_enter(door) or (door is self.lower and self.red.waiting):
            return False
        self._free -= 1
        return True

    def leave(self) -> None:
        self._free += 1
        self.let_in()

    def _next(self) -> _Door | None:
        for door in (self.lower, self.red) if self.lower.waits_for_long else (self.red, self.lower):
            if door.is_asked and self._may_enter(door):
                return door
        return None

    def _may_enter(self, door: _Door) -> bool:
        if door is self.red:
            return self._free > 0
        return self._free > self._for_red and not self._ways


class _Door:
    def __init__(self, requests: Requests) -> None:
        self._requests = requests
        self.waiting: deque[tuple[float, asyncio.Future[None]]] = deque()

    @property
    def is_asked(self) -> bool:
        """Whether somebody still waits."""
        while self.waiting and self.waiting[0][1].done():
            self.waiting.popleft()
        return bool(self.waiting)

    @property
    def waits_for_long(self) -> bool:
        return self.is_asked and asyncio.get_running_loop().time() - self.waiting[0][0] >= _LONGEST_WAIT

    async def __aenter__(self) -> None:
        if self._requests.enter(self):
            return
        loop = asyncio.get_running_loop()
        mine = loop.create_future()
        self.waiting.append((loop.time(), mine))
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self._requests.leave()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._requests.leave()
