"""Ends the alarm that it is not known whether people got an alert, when that is known or they were told again."""

from __future__ import annotations

from collections.abc import Callable

from warnd.app.board import AGAIN_AFTER
from warnd.store import doubts
from warnd.store.tables import instant
from warnd.store.threads import ThreadedStore

_LOOK_EVERY = 5_000_000

_AT_REST = 2 * AGAIN_AFTER
"""Since it was sounded: by then no process takes a new doubt for one that it has just written."""


class Doubts:
    """Looks every few seconds; ``clock`` gives microseconds since 1970."""

    def __init__(self, store: ThreadedStore, *, clock: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock
        self._looked: int | None = None

    async def round(self) -> None:
        """End what is over, if it is time to look."""
        now = self._clock()
        if self._looked is not None and 0 <= now - self._looked < _LOOK_EVERY:
            return
        self._looked = now
        before = instant(now) - _AT_REST
        found = await self._store.read(doubts.settled, before)
        if found:
            await self._store.record(doubts.end, found, before, instant(now))
