"""Where the truth is kept: reads, writes, and the few commits that the pipeline is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from warnd.contract.outcome import Receipt
from warnd.ports.chunk import Chunk, Committed
from warnd.ports.turn import Lease, Leased, Settlement

T = TypeVar("T")


class Store(Protocol):
    """Truth. Every awaited write is on disk when it returns."""

    async def read(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run ``function(connection, …)`` in a consistent snapshot; it must be short."""

    async def write(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run ``function(connection, …)`` in the writer's next commit; an exception undoes only its own part."""

    async def turn(self, settlement: Settlement | None, lease: Lease | None) -> Leased:
        """What a slot did and what it does next, in one commit."""

    async def commit(self, chunk: Chunk) -> Committed: ...

    async def receive(self, channel: str, receipts: Sequence[Receipt], now: int) -> None:
        """Keep the receipts and apply those whose delivery is known."""
