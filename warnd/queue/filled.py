"""The lanes of a channel as a process keeps them: what the pipeline asks of them, and what fills them."""

from __future__ import annotations

from typing import Protocol

from warnd.model.color import Lane
from warnd.ports import Lanes
from warnd.queue.pacing import Pace


class FilledLanes(Lanes, Protocol):
    """In this process alone (``local``), or with what all processes have in common (``redis.lanes``)."""

    channel: str
    pace: Pace

    def __len__(self) -> int:
        """Batches in memory."""

    @property
    def deliveries(self) -> int:
        """Deliveries in memory."""

    @property
    def red_waits(self) -> bool:
        """Whether a red batch is ready here and has not been taken."""

    @property
    def is_shared(self) -> bool:
        """Whether what is here comes from what all processes have in common, just now."""

    def look(self, lane: Lane, id_: str) -> None:
        """Another process made batches in this lane, the lowest of this id."""

    def look_again(self) -> None:
        """What may be taken here has changed, or hints were lost."""

    def offer_all(self) -> None:
        """The clock was set, and what waits for a time would wait for another: it is offered now."""

    async def refill(self) -> None:
        """Fetch what is not here, for ever."""
