"""What of each channel may be sent next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from warnd.contract.outcome import Outcome
from warnd.model.delivery import Batch


class Lanes(Protocol):
    """
    The lanes of one channel. Hints, never truth: which batches may be leased next.

    A duplicate is harmless, a lost one is re-posted from the store.
    """

    def post(self, batches: Sequence[Batch]) -> None: ...

    def put_back(self, batch: Batch, *, due: int) -> None:
        """Offer the batch again at ``due`` (microseconds)."""

    def take_now(self, slot: int) -> Batch | None:
        """The most urgent batch that is due and that pacing allows, its tokens taken; or None."""

    async def take(self, slot: int) -> Batch:
        """Wait for one."""

    def give_back(self, batch: Batch) -> None:
        """A batch that was taken was not sent: its tokens are free again."""

    def pay(self, batch: Batch, paid: int) -> None:
        """It is taken in the place of one that ``paid`` so much less for the channel."""

    def forget(self, batches: Sequence[Batch]) -> None:
        """These were leased without being taken: what is offered of them is out of date."""

    def learn(self, outcome: Outcome, address: str, *, pause: float) -> None:
        """Let the pace follow an answer; ``pause`` is the rest in seconds after a refusal of the account."""
