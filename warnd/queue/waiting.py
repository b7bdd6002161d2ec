"""Slots with nothing to do, and whom of them to wake."""

from __future__ import annotations

import asyncio
from collections import deque


class Waiting:
    """The red-only ones apart, so that blue does not wake them."""

    def __init__(self) -> None:
        self._any: deque[asyncio.Future[None]] = deque()
        self._red_only: deque[asyncio.Future[None]] = deque()

    async def wait(self, *, red_only: bool) -> None:
        """Until there may be something for this slot."""
        future = asyncio.get_running_loop().create_future()
        futures = self._red_only if red_only else self._any
        futures.append(future)
        try:
            await future
        except asyncio.CancelledError:
            if future in futures:
                futures.remove(future)
            raise

    def wake(self, count: int, *, red: bool) -> None:
        """As many as there are batches, if so many wait."""
        for futures in (self._any, self._red_only) if red else (self._any,):
            while count and futures:
                future = futures.popleft()
                if not future.done():
                    future.set_result(None)
                    count -= 1
