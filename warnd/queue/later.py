"""What waits at one place for its time, or for a target that may not be asked yet: bounded, a line for each target."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from warnd.model.delivery import Batch

NEVER = 1 << 62
"""Microseconds; later than anything is due."""

FAR = 60_000_000
"""Microseconds ahead: what waits longer than that is left to the store, so that what is here is gone in a minute."""

SHARE = 32
"""Batches that wait here for one target: more than a minute of a robot's twenty, little of the room of all."""


@dataclass(slots=True)
class _Line:
    """Batches for one target, and the one of them that has gone ahead to be sent."""

    batches: list[Batch]
    gone_ahead: Batch | None = None


class Later:
    """
    At most ``room`` deliveries. Times are microseconds.

    Of those that wait for one target only the first goes when it may be asked, the next when that one was sent: so a
    thousand batches for a throttled target cost no more looks than one.
    """

    __slots__ = ("_due", "_lines", "_room", "_serial", "size")

    def __init__(self, room: int) -> None:
        self.size = 0
        self._room = room
        self._due: list[tuple[int, int, Batch | str]] = []
        self._lines: dict[str, _Line] = {}
        self._serial = 0

    @property
    def next_due(self) -> int:
        return self._due[0][0] if self._due else NEVER

    @property
    def is_low(self) -> bool:
        """Whether it is worth looking in the store for what found no room."""
        return self.size <= self._room // 2

    def keep(self, batch: Batch, due: int, now: int) -> bool:
        """Until ``due``; or not, when that is far or there is no room."""
        if due - now > FAR or not self._fits(batch):
            return False
        self._enter(batch)
        self._push(due, batch)
        return True

    def line_of(self, batch: Batch) -> str | None:
        """The target for which others wait already, of those that this batch is for."""
        if not self._lines:
            return None
        return next((one for one in batch.addresses if one in self._lines), None)

    def queue_up(self, batch: Batch, target: str) -> bool:
        """Behind the others that wait for the target; or not, when it has its share or there is no room."""
        line = self._lines[target]
        if len(line.batches) >= SHARE or not self._fits(batch):
            return False
        line.batches.append(batch)
        self._enter(batch)
        return True

    def hold_up(self, batch: Batch, target: str, due: int, now: int) -> Sequence[Batch]:
        """
        Until ``target`` may be asked again.

        Returns those, it or the whole line, that cannot be kept.
        """
        line = self._lines.get(target)
        ahead = line is not None and line.gone_ahead is batch
        if line is not None and not ahead:
            return () if self.queue_up(batch, target) else (batch,)
        if due - now > FAR or not (ahead or self._fits(batch)):
            return (batch, *self._drop(target))
        if line is None:
            self._lines[target] = _Line([batch])
        else:
            line.gone_ahead = None
            line.batches.insert(0, batch)
        self._enter(batch)
        self._push(due, target)
        return ()

    def followed(self, batch: Batch) -> str | None:
        """The target whose line was led by this batch, which waits no more: its next one is to be called."""
        target = self.line_of(batch)
        return target if target is not None and self._lines[target].gone_ahead is batch else None

    def call_next(self, target: str, due: int) -> None:
        """The next of this line goes at ``due``."""
        self._lines[target].gone_ahead = None
        self._push(due, target)

    def ripe(self, now: int) -> Iterator[Batch]:
        """What may go by now, and is here no more."""
        while self._due and self._due[0][0] <= now:
            what = heappop(self._due)[2]
            if isinstance(what, str):
                line = self._lines[what]
                batch = line.gone_ahead = line.batches.pop(0)
                if not line.batches:
                    del self._lines[what]
            else:
                batch = what
            self.size -= len(batch)
            yield batch

    def offer_all(self) -> None:
        """Whatever it waits for, it is to be looked at now."""
        self._due = [(0, serial, what) for _, serial, what in self._due]

    def _drop(self, target: str) -> Sequence[Batch]:
        line = self._lines.pop(target, None)
        if line is None:
            return ()
        self.size -= sum(map(len, line.batches))
        return line.batches

    def _fits(self, batch: Batch) -> bool:
        return self.size + len(batch) <= self._room

    def _enter(self, batch: Batch) -> None:
        self.size += len(batch)

    def _push(self, due: int, what: Batch | str) -> None:
        self._serial += 1
        heappush(self._due, (due, self._serial, what))
