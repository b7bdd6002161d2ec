"""One turn of a slot: what came of the batch it sent, and the batch it asks for next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from warnd.contract.outcome import Reason
from warnd.model.delivery import Batch, BatchState, State


class Fate(NamedTuple):
    """What became of one delivery (or of all of a batch alike) in one attempt."""

    state: State
    reason: Reason | None = None
    detail: str = ""
    told: bool = False


class Departure(NamedTuple):
    """A delivery that leaves its batch: certainly not accepted, to be gathered into another at ``due``."""

    place: int
    fate: Fate
    due: int


class Settlement(NamedTuple):
    """
    All that one attempt changes, decided by ``pipeline.settle``, applied by the store in one commit.

    ``uniform`` speaks of every delivery of the batch; otherwise ``fates`` has those that are decided, by index,
    ``departures`` those to be gathered anew, and ``splits`` are new batches that take the rest over.
    ``receipt_keys`` are (index, key). ``rejected`` are indexes whose address was refused. ``content_refused``: the
    text will not pass on this channel.

    Of a bundle ``parts`` has a settlement for each part and says it all; its own ``state`` is what the bundle comes to:
    UNKNOWN, if it goes again as it is; STOPPED, if its parts go by themselves from now on; else SETTLED.
    """

    batch: Batch
    started: int
    ended: int
    state: BatchState
    due: int = 0
    unknowns: int = 0
    uniform: Fate | None = None
    fates: Sequence[tuple[int, Fate]] = ()
    departures: Sequence[Departure] = ()
    splits: Sequence[Batch] = ()
    receipt_keys: Sequence[tuple[int, str]] = ()
    rejected: Sequence[int] = ()
    content_refused: bool = False
    outcome: Mapping[str, Any] = MappingProxyType({})
    parts: Sequence[Settlement] = ()

    @property
    def each(self) -> Sequence[Settlement]:
        """One for each batch that the request was for."""
        return self.parts or (self,)


class Lease(NamedTuple):
    """Asks for a batch: granted only while it rests at its epoch and its alert is in force."""

    batch: Batch
    now: int
    until: int


class Leased(NamedTuple):
    """The batch, now ``sending`` under a higher epoch; or None with whether to try again a little later."""

    batch: Batch | None
    later: bool = False
