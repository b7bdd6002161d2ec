"""What both stores have in common: a thread that writes, and a few that read."""

from __future__ import annotations

import asyncio
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection

from warnd.contract.outcome import Receipt
from warnd.model.ulid import UlidMaker
from warnd.ports import Chunk, Committed, Lease, Leased, Settlement
from warnd.store.journal import Entry
from warnd.store.pending import Pending
from warnd.store.receiving import Confirm
from warnd.store.tables import instant
from warnd.store.writer import RECEIPTS_A_COMMIT, Writer, Writing

T = TypeVar("T")

_READERS = 3


def _nothing() -> None:
    """Nobody asked to be told."""


class ThreadedStore(ABC):
    """
    ``warnd.ports.Store`` over a driver that blocks.

    ``on_gather`` and ``on_failure`` may be set after opening; see ``Writer``. Functions given to ``read``, ``write``,
    ``record`` and ``move`` take a ``sqlalchemy.Connection`` first and never begin or commit.
    """

    shared = False
    """Whether other processes may write to it at the same time."""

    directory: Path | None = None
    """Where its files are, when they are on this machine."""

    def __init__(self, *, confirm: Confirm, suspend_after: int = 3) -> None:
        self.on_gather: Callable[[], None] = _nothing
        self.on_failure: Callable[[str], None] = lambda _: None
        self._confirm = confirm
        self._suspend_after = suspend_after
        self._ids = UlidMaker()
        self._writer: Writer | None = None
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="warnd-reader")

    async def open(self) -> None:
        """Open the database, bring its schema up to date and start writing. Raises StoreError."""
        self._writer = Writer(
            await asyncio.to_thread(self._open),
            name=f"{os.getpid()}",
            confirm=self._confirm,
            suspend_after=self._suspend_after,
            on_gather=lambda: self.on_gather(),
            on_failure=lambda message: self.on_failure(message),
        )
        self._writer.start()

    async def close(self) -> None:
        """Finish what was handed in and close; safe to call twice."""
        if self._writer is not None:
            writer, self._writer = self._writer, None
            await asyncio.to_thread(writer.stop)
        await asyncio.to_thread(self._readers.shutdown)
        self._close()

    @property
    def commits(self) -> int:
        """Commits since it was opened."""
        return self._writing.commits

    @property
    def chain(self) -> int:
        """The journal's chain that this process writes to."""
        return self._writing.chain

    @property
    def holder(self) -> int | None:
        """The number of the worker that leases here; None before it has joined."""
        return self._writing.holder

    def lease_as(self, holder: int) -> None:
        """From now on leases, and ranges of plans, are this worker's."""
        self._writing.holder = holder

    async def read(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self._read, function, args, kwargs)

    async def write(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        result: T = await self._writing.call(lambda connection, _: function(connection, *args, **kwargs))
        return result

    async def record(
        self, function: Callable[..., tuple[T, Sequence[Entry]]], *args: Any, **kwargs: Any
    ) -> T:
        """Like ``write``, for functions that return (result, journal entries): both in one commit."""

        def journaled(connection: Connection, pending: Pending) -> T:
            result, entries = function(connection, *args, **kwargs)
            pending.entries.extend(entries)
            return result

        result: T = await self._writing.call(journaled)
        return result

    async def move(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Like ``write``, for functions of the engine that also take the commit's ``Pending`` (tallies)."""
        result: T = await self._writing.call(
            lambda connection, pending: function(connection, pending, *args, **kwargs)
        )
        return result

    async def turn(self, settlement: Settlement | None, lease: Lease | None) -> Leased:
        return await self._writing.turn(settlement, lease)

    async def commit(self, chunk: Chunk) -> Committed:
        committed: Committed = await self._writing.chunk(chunk)
        return committed

    async def receive(self, channel: str, receipts: Sequence[Receipt], now: int) -> None:
        for start in range(0, len(receipts), RECEIPTS_A_COMMIT):
            some = receipts[start : start + RECEIPTS_A_COMMIT]
            ids = self._ids.many(len(some), instant(now))
            await self._writing.receive(channel, list(zip(ids, some, strict=True)), now)

    @property
    def _writing(self) -> Writer:
        if self._writer is None:
            raise RuntimeError("the store is not open")
        return self._writer

    @abstractmethod
    def _open(self) -> Writing:
        """The connection that writes, its schema up to date. Raises StoreError."""

    @abstractmethod
    def _close(self) -> None:
        """Let go of every connection."""

    @abstractmethod
    def _read(self, function: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
        """Run the function on a reader's own connection, in a snapshot."""
