"""A ``kill -9`` loses nobody: the gateway counts, in a process of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.conftest import RECIPIENTS
from tests.acceptance.site import Site, gateway, until

SLOTS = 8
BATCH = 100
IN_FLIGHT = SLOTS * 2 * BATCH
"""Twice as many leases as requests at once (ADR 0007)."""


@pytest.mark.parametrize(
    "taken", [0, 2_000, 9_000, 18_000], ids=lambda taken: f"killed once the gateway has taken {taken}"
)
def test_a_kill_in_the_middle_of_a_broadcast_loses_nobody_and_repeats_at_most_what_was_in_flight(
    tmp_path: Path, prepared: Path, taken: int
) -> None:
    """Intent before the first byte, unknown after a crash, resent under the same key, marked in the journal."""
    with gateway("--latency", "5") as sms:
        site = Site(tmp_path, sms, {"slots": SLOTS, "max_batch": BATCH})
        site.settle_in(prepared)
        site.start()
        alert = site.push()["id"]
        until(lambda: sms.counts()["taken"] >= taken, f"the gateway takes {taken}")
        site.kill()
        before = sms.counts()["taken"]
        in_flight = site.rows("SELECT coalesce(sum(size), 0) FROM batches WHERE state = 'sending'")[0][0]
        site.start()
        until(lambda: site.settled(alert), "the broadcast is finished after the restart")
        assert site.stop() == 0

        numbers = sms.numbers()
        repeated = {number for number, times in numbers.items() if times > 1}
        assert before < RECIPIENTS
        assert len(numbers) == RECIPIENTS
        assert site.states(alert) == {"accepted": RECIPIENTS}
        assert len(repeated) <= in_flight <= IN_FLIGHT
        assert repeated <= site.marked_repeats()


def test_three_kills_in_a_row_on_a_gateway_that_fails_lose_nobody(tmp_path: Path, prepared: Path) -> None:
    """Every crash point is met sooner or later; throttling and 503 make more of them."""
    with gateway("--latency", "5", "--unavailable", "0.05", "--throttled", "0.05") as sms:
        site = Site(tmp_path, sms, {"slots": SLOTS, "max_batch": BATCH})
        site.settle_in(prepared)
        site.start()
        alert = site.push()["id"]
        for taken in (3_000, 8_000, 14_000):
            until(lambda taken=taken: sms.counts()["taken"] >= taken, f"the gateway takes {taken}")  # type: ignore[misc]
            site.kill()
            site.start()
        until(lambda: site.settled(alert), "the broadcast is finished")
        assert site.stop() == 0

        numbers = sms.numbers()
        repeated = {number for number, times in numbers.items() if times > 1}
        assert len(numbers) == RECIPIENTS
        assert site.states(alert) == {"accepted": RECIPIENTS}
        assert len(repeated) <= 3 * IN_FLIGHT
        assert repeated <= site.marked_repeats()
