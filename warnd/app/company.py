"""The processes on one store: what is this one's to send, and which of them keeps the timers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from warnd.app.timers import Timers
from warnd.model.color import Lane
from warnd.model.delivery import Batch, Rank
from warnd.store import backlog, workers
from warnd.store.threads import ThreadedStore
from warnd.store.workers import Joining


class Company(Protocol):
    """How a process stands to the others that work on its store, if there are any."""

    async def enter(self, joining: Joining, timers: Timers, group: asyncio.TaskGroup) -> None:
        """Be one of them, and keep the timers when it comes to that; returns when this process may send."""

    def resign(self) -> None:
        """Begin to stop: keep no timers, leave to others what is not out."""

    async def leave(self) -> None:
        """Nothing of this process is out any more; safe to call twice."""

    def takes(self, batch: Batch, now: int) -> bool:
        """Whether this process may lease the batch at ``now`` (microseconds)."""

    async def load(self, channel: str, lane: Lane, after: str, limit: int, *, rank: Rank) -> Sequence[Batch]:
        """What rests in a lane and is this process's to send; see ``warnd.queue.local.Load``."""


class Alone:
    """The one process on its store: everything is its own."""

    def __init__(self, store: ThreadedStore, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self._timers: Timers | None = None
        self._number = 0

    async def enter(self, joining: Joining, timers: Timers, group: asyncio.TaskGroup) -> None:
        self._number = await self._store.write(workers.join, joining, self._now(), alone=True)
        self._store.lease_as(self._number)
        self._timers = timers
        await timers.start_over()

    def resign(self) -> None:
        if self._timers is not None:
            self._timers.drop()

    async def leave(self) -> None:
        if self._number:
            await self._store.write(workers.leave, self._number, self._now())
            self._number = 0

    def takes(self, batch: Batch, now: int) -> bool:
        return True

    async def load(self, channel: str, lane: Lane, after: str, limit: int, *, rank: Rank) -> Sequence[Batch]:
        return await self._store.read(backlog.open_batches, channel, lane, after, limit, rank=rank)
