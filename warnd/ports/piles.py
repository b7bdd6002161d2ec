"""Batches for one address that may leave together, as a bundle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from warnd.model.alert import Status
from warnd.model.color import Lane
from warnd.model.delivery import Batch


class Pile(NamedTuple):
    """What rests for one address of a channel, of alerts of one status: batches of one that certainly have not left."""

    status: Status
    batches: Sequence[Batch]


class Unclear(NamedTuple):
    """
    The bundle in which something went that may have been sent: to go again as it is, or None when there is none.

    ``out``: some part of it is under way; look again later.
    """

    bundle: Batch | None
    out: bool = False


class Piles(Protocol):
    """What waits for one address, for those who would send it together."""

    async def pile(self, batch: Batch, lanes: tuple[Lane, Lane], now: int, limit: int) -> Pile | None:
        """
        At most ``limit`` that wait beside this one in the lanes from the first to the last of these, the most urgent first.

        None when the batch is not at rest any more, or may only go by itself.
        """

    async def unclear(self, batch: Batch, now: int) -> Unclear:
        """Of a batch that may have been sent; a bundle that cannot go again as it is, is no more when this returns."""
