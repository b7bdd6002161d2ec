"""What the delivery log shows of an address."""

from __future__ import annotations

import pytest

from warnd.app.showing import shown_address


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        pytest.param("+8615400000001", "+8615400000001", id="a number is shown"),
        pytest.param("duty@example.org", "duty@example.org", id="a mailbox is shown"),
        pytest.param("00000c10-0000-4000-8000-000000000c10", "…0c10", id="of a robot's key only the end"),
        pytest.param("board-7", "board-7", id="a short name is no credential"),
    ],
)
def test_an_address_that_is_a_credential_is_not_shown(address: str, shown: str) -> None:
    """Whoever can read a robot's key can post as us."""
    assert shown_address(address) == shown
