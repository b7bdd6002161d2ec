"""How long a batch is lent out, and the last look at the clock before its first byte."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from warnd.model.delivery import Batch

_MARGIN = timedelta(seconds=15)
"""What a lease is longer than the channel's own time-out, for the commit before and after."""


def lent_for(timeout: timedelta) -> int:
    """Microseconds that a batch is lent out for: as long as its ``send`` may take, and some more."""
    return (timeout + _MARGIN) // timedelta(microseconds=1)


class InForce:
    """
    Which alerts have stopped, as this process knows: a look that costs nothing, right before sending.

    The store's own check is in the lease; this one is for what came between the lease and the first byte.
    """

    def __init__(self) -> None:
        self._stopped: set[str] = set()

    def stop(self, alert_ids: Iterable[str]) -> None:
        """Nothing more of these leaves."""
        self._stopped.update(alert_ids)

    def holds(self, batch: Batch, now: int) -> bool:
        """Whether the batch may still leave, with all its parts."""
        if now >= batch.deliver_until or batch.alert_id in self._stopped:
            return False
        return not batch.parts or self._stopped.isdisjoint(part.alert_id for part in batch.parts)

    def stopped(self, alert_id: str) -> bool:
        return alert_id in self._stopped
