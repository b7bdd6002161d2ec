"""A ``kill -9`` loses nobody: the gateways count, each in a process of its own."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.acceptance.conftest import CHANNELS, POSTS, RECIPIENTS
from tests.acceptance.site import Gateway, Site, gateway, until

SLOTS = 8
BATCH = {"sms": 100, "wechat": 1, "email": 1}
IN_FLIGHT = {channel: SLOTS * 3 * batch for channel, batch in BATCH.items()}
"""Twice as many leases as requests at once (ADR 0007)."""


def _told_once(
    site: Site, one: Gateway, alert: str, *, recipients: int, in_flight: int = 0, kills: int = 1
) -> None:
    """
    By the gateway's own book everybody got it, and those who got it again are no more than were in flight.

    The journal marks each of them.
    """
    numbers = one.numbers()
    repeated = {number for number, times in numbers.items() if times > 1}
    assert len(numbers) == recipients
    assert site.states(alert, one.channel) == {"accepted": recipients}
    assert len(repeated) <= (in_flight if kills == 1 else kills * IN_FLIGHT[one.channel])
    assert repeated <= site.marked_repeats()


def _in_flight(site: Site) -> dict[str, int]:
    return dict(site.rows("SELECT channel, sum(size) FROM batches WHERE state = 'sending' GROUP BY channel"))


@pytest.mark.parametrize(
    "taken", [0, 1_000, 4_500, 8_000], ids=lambda taken: f"killed once the gateway has taken {taken}"
)
def test_a_kill_in_the_middle_of_a_broadcast_loses_nobody_and_repeats_at_most_what_was_in_flight(
    tmp_path: Path, prepared: Path, taken: int
) -> None:
    """Intent before the first byte, unknown after a crash, resent under the same key, marked in the journal."""
    with gateway("--latency", "10", slots=SLOTS, max_batch=BATCH["sms"]) as sms:
        site = Site(tmp_path, sms)
        site.settle_in(prepared)
        site.start()
        alert = site.push()["id"]
        sms.has_taken(taken)
        site.kill()
        assert sms.counts()["taken"] < RECIPIENTS
        in_flight = _in_flight(site).get("sms", 0)
        assert in_flight <= IN_FLIGHT["sms"]
        site.start()
        until(lambda: site.settled(alert), "the broadcast is finished after the restart")
        assert site.stop() == 0
        _told_once(site, sms, alert, recipients=RECIPIENTS, in_flight=in_flight)


def test_three_kills_in_a_row_on_a_gateway_that_fails_lose_nobody(tmp_path: Path, prepared: Path) -> None:
    """
    Every crash point is met sooner or later; throttling and 503 make more of them.

    Nothing leaves while the channel is throttled, so that one batch may be struck by all three: by the shipped policy the
    third would be its last.
    """
    trouble = ("--latency", "5", "--unavailable", "0.05", "--throttled", "0.05")
    with gateway(*trouble, slots=SLOTS, max_batch=BATCH["sms"]) as sms:
        site = Site(tmp_path, sms, retry='first = "100ms"\nunknown_resends = { red = 3 }')
        site.settle_in(prepared)
        site.start()
        alert = site.push()["id"]
        for taken in (1_500, 4_000, 7_000):
            sms.has_taken(taken)
            site.kill()
            site.start()
        until(lambda: site.settled(alert), "the broadcast is finished")
        assert site.stop() == 0
        _told_once(site, sms, alert, recipients=RECIPIENTS, kills=3)


@pytest.mark.parametrize(
    "channels",
    [
        pytest.param(["wechat"], id="one group's robot a request"),
        pytest.param(["email"], id="one mailbox a transaction"),
        pytest.param(CHANNELS, id="all three channels at once"),
    ],
)
def test_a_kill_loses_nobody_whatever_carries_the_words(
    tmp_path: Path, on_three_channels: Path, channels: Sequence[str]
) -> None:
    """Each channel by its own gateway's book; where a batch is one person, sixteen at the most hear it twice."""
    with ExitStack() as running:
        gateways = [
            running.enter_context(gateway("--latency", "5", channel=channel, slots=SLOTS))
            for channel in channels
        ]
        site = Site(tmp_path, gateways[0], gateways[1:])
        site.settle_in(on_three_channels)
        site.start()
        alert = site.push()["id"]
        gateways[-1].has_taken(POSTS // 3)
        site.kill()
        assert gateways[-1].counts()["taken"] < POSTS
        in_flight = _in_flight(site)
        assert all(in_flight.get(channel, 0) <= IN_FLIGHT[channel] for channel in channels)
        site.start()
        until(lambda: site.settled(alert), "the broadcast is finished after the restart")
        assert site.stop() == 0
        for one in gateways:
            _told_once(site, one, alert, recipients=POSTS, in_flight=in_flight.get(one.channel, 0))
