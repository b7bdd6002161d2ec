"""Which of the batches that are ready at one place goes next: rounds, in each one message to each target."""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush

from warnd.model.delivery import Batch

_REMEMBERED = 16_384
"""Targets of whom it is known that they were told, beyond those who wait for more."""


class Order:
    """
    Fair between targets, as a queue of the start times of Goyal, Vin and Cheng (SIGCOMM 1996) is.

    A target's first batch goes in the round under way, each further one a round later than the one before, whether
    that is still here or has been told: so who was not told goes before who was, and who was told least recently before
    the others. In a round the first that came is the first that goes; so is a batch for several targets, which has no
    rounds. Adding and taking cost O(1) as long as nobody is told twice, else O(log n). ``size`` counts deliveries.
    """

    __slots__ = ("_ahead", "_present", "_round", "_serial", "_turns", "size")

    def __init__(self) -> None:
        self.size = 0
        self._present: deque[Batch] = deque()
        self._ahead: list[tuple[int, int, Batch]] = []
        self._round = 0
        self._turns: dict[str, int] = {}
        self._serial = 0

    def __len__(self) -> int:
        """Batches."""
        return len(self._present) + len(self._ahead)

    def add(self, batch: Batch) -> None:
        addresses = batch.addresses
        self.size += len(addresses)
        if len(addresses) != 1:
            self._present.append(batch)
            return
        address, turns = addresses[0], self._turns
        turn = turns.get(address, 0)
        if turn <= self._round:
            turn = self._round
            self._present.append(batch)
        else:
            self._serial += 1
            heappush(self._ahead, (turn, self._serial, batch))
        turns[address] = turn + 1
        if len(turns) > _REMEMBERED + 2 * len(self._ahead):
            self._forget()

    def first(self) -> Batch | None:
        """What goes next; it stays."""
        if not self._present:
            if not self._ahead:
                return None
            self._next_round()
        return self._present[0]

    def pop(self) -> Batch:
        """Take out what ``first`` has shown."""
        batch = self._present.popleft()
        self.size -= len(batch.addresses)
        return batch

    def untell(self, batch: Batch) -> None:
        """A batch that was taken told nobody after all: its target's next one need not wait a round for it."""
        if len(batch.addresses) == 1 and (turn := self._turns.get(batch.addresses[0])) is not None:
            self._turns[batch.addresses[0]] = turn - 1

    def _next_round(self) -> None:
        ahead, self._round = self._ahead, self._ahead[0][0]
        while ahead and ahead[0][0] == self._round:
            self._present.append(heappop(ahead)[2])

    def _forget(self) -> None:
        """Of those with one message in this round or before it: whether they were told it matters least."""
        latest = self._round + 1
        self._turns = {address: turn for address, turn in self._turns.items() if turn > latest}
