"""The demo's reckoning: what warnd says it did is believed only where the gateway says so too."""

from __future__ import annotations

import pytest

from warnd.demo.reckoning import Line, Tally, is_final, reckon
from warnd.model.delivery import State
from warnd.model.region import Level

SMS = frozenset({"sms"})
VILLAGE, TOWN = "621202101201", "621202101"


def sms(address: str, state: State, *, region: str = VILLAGE, tries: int = 1) -> Line:
    return Line("sms", address, region, state, tries)


def test_both_sides_are_counted_by_channel_and_level() -> None:
    """Ours from the deliveries, the gateway's from what it took, address by address."""
    found = reckon(
        [
            sms("+1", State.DELIVERED, tries=3),
            sms("+2", State.UNDELIVERED),
            sms("+3", State.FAILED),
            sms("+4", State.SUPPRESSED, tries=0),
            sms("+5", State.DELIVERED, region=TOWN),
            Line("email", "a@example.com", TOWN, State.ACCEPTED, 2),
        ],
        {"sms": ["+1", "+2", "+5"], "email": ["a@example.com"]},
        receipts=SMS,
    )
    assert found.tallies == {
        ("email", Level.TOWNSHIP): Tally(targeted=1, accepted=1, retries=1, taken=1),
        ("sms", Level.TOWNSHIP): Tally(targeted=1, accepted=1, delivered=1, taken=1),
        ("sms", Level.VILLAGE): Tally(
            targeted=3, accepted=2, delivered=1, undelivered=1, failed=1, suppressed=1, retries=2, taken=2
        ),
    }
    assert found.of_channel("sms").targeted == 4
    assert found.total.taken == 4
    assert (found.lost, found.repeated) == (0, 0)


def test_accepted_by_us_but_unknown_to_the_gateway_is_lost() -> None:
    """This is what the demo exists to rule out; equal sums would not show it."""
    found = reckon([sms("+1", State.DELIVERED)], {"sms": ["+2"]}, receipts=SMS)
    assert found.lost == 1


def test_a_delivery_that_never_ended_is_lost() -> None:
    """Whoever was to be told and of whom nothing final is known cannot be claimed."""
    lines = [
        sms("+1", State.WAITING),
        sms("+2", State.ACCEPTED),
        Line("email", "a@example.com", TOWN, State.ACCEPTED, 1),
    ]
    taken = {"sms": ["+2"], "email": ["a@example.com"]}
    assert reckon(lines, taken, receipts=SMS).lost == 2


def test_an_address_taken_twice_is_a_repeat() -> None:
    """The gateway's own list says so, whatever our log thinks."""
    found = reckon([sms("+1", State.DELIVERED)], {"sms": ["+1", "+1"]}, receipts=SMS)
    assert (found.lost, found.repeated) == (0, 1)


@pytest.mark.parametrize("state", [State.QUEUED, State.STANDBY, State.SENDING, State.WAITING])
def test_what_may_still_be_sent_is_not_final(state: State) -> None:
    assert not is_final(state, receipts=False)


def test_accepted_is_final_only_where_no_receipt_will_come() -> None:
    """As INTERFACE says of the demo's last line."""
    assert is_final(State.ACCEPTED, receipts=False)
    assert not is_final(State.ACCEPTED, receipts=True)
