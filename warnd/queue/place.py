"""One place in the lanes of a channel: what is ready there, what waits there, and what is in the store alone."""

from __future__ import annotations

from dataclasses import dataclass, field

from warnd.model.color import Lane
from warnd.model.delivery import Batch, Rank
from warnd.queue.later import Later
from warnd.queue.order import Order
from warnd.queue.reading import Reading


@dataclass(slots=True)
class Place:
    """
    See the module. ``room`` is for deliveries that are ready, and once more for those that wait.

    What waited and is ready again is never sent away, so that at most twice the room is ready.
    """

    lane: Lane
    rank: Rank
    room: int
    bit: int = field(init=False)
    order: Order = field(init=False, default_factory=Order)
    later: Later = field(init=False)
    reading: Reading = field(init=False, default_factory=Reading)

    def __post_init__(self) -> None:
        self.bit = 1 << self.lane * len(Rank) + self.rank
        self.later = Later(self.room)

    def has_room(self, batch: Batch) -> bool:
        """Whether it may come in; one larger than all the room comes in alone."""
        size = self.order.size
        return size + len(batch.addresses) <= self.room or not size

    def empty(self) -> None:
        """Forget all."""
        self.order, self.later, self.reading = Order(), Later(self.room), Reading()

    @property
    def is_low(self) -> bool:
        """Whether more from the store would find room, what is ready and what waits."""
        return self.order.size <= self.room // 2 and self.later.is_low

    @property
    def is_empty(self) -> bool:
        return not self.order.size and not self.later.size
