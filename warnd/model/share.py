"""Which of the batches are one worker's, where several send."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

from warnd.model.delivery import Batch


def number_of(batch: Batch) -> int:
    """
    By which the workers share batches, 0 to 2**31 - 1.

    What is for one address has that address's number: all that goes to it then leaves by one worker, who alone can count
    it. Others have one by their id.
    """
    pinned_to = batch.addresses[0] if len(batch.addresses) == 1 else batch.id
    return crc32(pinned_to.encode()) >> 1


@dataclass(frozen=True, slots=True)
class Share:
    """One of ``of`` equal parts of all batches, from the first, whose ``place`` is 0."""

    place: int = 0
    of: int = 1

    def has(self, batch: Batch) -> bool:
        return self.of == 1 or number_of(batch) % self.of == self.place


WHOLE = Share()
"""Of a worker that is alone."""
