"""Batches made up for the lanes, a clock that moves when told, and what a store would hold of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from warnd.model.color import Lane
from warnd.model.content import Content
from warnd.model.delivery import Batch, Rank

RED, ANY = 0, 1
"""Of two slots the first takes red only."""

TEXT = Content("C", "A", "sms", "zh", "暴雨红色预警")


def batch(
    id: str, lane: Lane = Lane.RED, *, due: int = 0, to: str = "robot-1", rank: Rank = Rank.FIRST
) -> Batch:
    return Batch(id, "A", "sms", lane, TEXT, (f"D{id}",), (to,), 0, 1 << 60, bytes([4]), due=due, rank=rank)


@dataclass
class Clock:
    """Moves only when told; microseconds and seconds of one time."""

    micros: int = 1_000_000

    def seconds(self) -> float:
        return self.micros / 1e6

    def pass_by(self, seconds: float) -> None:
        self.micros += int(seconds * 1e6)


@dataclass
class Shelf:
    """What a store would hold at rest; ``before_answer`` runs between its reading and its answer."""

    batches: dict[str, Batch] = field(default_factory=dict)
    before_answer: Callable[[], None] = lambda: None
    reads: int = 0

    def put(self, *batches: Batch) -> None:
        self.batches.update({one.id: one for one in batches})

    def lease(self, one: Batch) -> None:
        """It rests no more."""
        self.batches.pop(one.id, None)

    async def at_rest(self, ids: Sequence[str]) -> Sequence[Batch]:
        return [self.batches[id_] for id_ in ids if id_ in self.batches]

    async def ids(
        self, channel: str, lane: Lane, after: str, limit: int, *, rank: Rank
    ) -> Sequence[tuple[str, int]]:
        return [(one.id, one.due) for one in await self.load(channel, lane, after, limit, rank=rank)]

    async def load(self, channel: str, lane: Lane, after: str, limit: int, *, rank: Rank) -> Sequence[Batch]:
        self.reads += 1
        here = (b for b in self.batches.values() if (b.lane, b.rank) == (lane, rank) and b.id > after)
        rows = sorted(here, key=lambda b: b.id)
        await asyncio.sleep(0)
        self.before_answer()
        return rows[:limit]
