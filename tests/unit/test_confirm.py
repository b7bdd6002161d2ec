"""The provider's later receipt → new state."""

from __future__ import annotations

import pytest

from warnd.contract.outcome import ReceiptStatus
from warnd.model.delivery import State
from warnd.pipeline.confirm import confirm

ARRIVED, LOST = ReceiptStatus.DELIVERED, ReceiptStatus.UNDELIVERED


@pytest.mark.parametrize(
    ("state", "status", "after"),
    [
        pytest.param(State.ACCEPTED, ARRIVED, State.DELIVERED, id="accepted arrives"),
        pytest.param(State.ACCEPTED, LOST, State.UNDELIVERED, id="accepted is lost"),
        pytest.param(State.UNKNOWN, ARRIVED, State.DELIVERED, id="unknown turns out to have arrived"),
        pytest.param(State.UNKNOWN, LOST, State.UNDELIVERED, id="unknown turns out to be lost"),
        pytest.param(State.UNDELIVERED, ARRIVED, State.DELIVERED, id="a late success overwrites a failure"),
        pytest.param(State.UNDELIVERED, LOST, None, id="a failure twice changes nothing"),
        pytest.param(State.DELIVERED, LOST, None, id="a late failure never overwrites a success"),
        pytest.param(State.DELIVERED, ARRIVED, None, id="a success twice changes nothing"),
    ],
)
def test_receipts_move_what_is_with_the_provider(
    state: State, status: ReceiptStatus, after: State | None
) -> None:
    """They come twice, late and out of order."""
    assert confirm(state, status) is after


@pytest.mark.parametrize("status", list(ReceiptStatus))
@pytest.mark.parametrize(
    "state",
    sorted(set(State) - {State.ACCEPTED, State.UNKNOWN, State.UNDELIVERED, State.DELIVERED}, key=str),
    ids=lambda state: state.value,
)
def test_receipts_leave_everything_else_alone(state: State, status: ReceiptStatus) -> None:
    """What was never with the provider is not moved by its words."""
    assert confirm(state, status) is None
