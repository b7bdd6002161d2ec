"""The provider's later receipt → new state."""

from __future__ import annotations

from warnd.contract.outcome import ReceiptStatus
from warnd.model.delivery import State

_OPEN_TO_RECEIPTS = frozenset({State.ACCEPTED, State.UNKNOWN, State.UNDELIVERED})


def confirm(state: State, status: ReceiptStatus) -> State | None:
    """
    The state a receipt leads to, or None when it changes nothing.

    Receipts come twice and out of order: a late failure never overwrites DELIVERED, a late success does
    overwrite UNDELIVERED.
    """
    if state not in _OPEN_TO_RECEIPTS:
        return None
    after = State.DELIVERED if status is ReceiptStatus.DELIVERED else State.UNDELIVERED
    return None if after is state else after
