"""A provider that is gone, silent, busy or refuses us, and comes to itself: nobody is lost, nobody told twice unmarked."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.acceptance.conftest import POSTS
from tests.acceptance.site import Gateway, Site, address, anew, gateway, until

SOON = 'first = "50ms"\nceiling = "200ms"\npause = "300ms"'
"""Waits that end within the test."""

SLOTS = 4
BATCH = 20
IMPATIENT = {"slots": SLOTS, "max_batch": BATCH, "timeout": "1s"}


def _opened(home: Path, prepared: Path, one: Gateway) -> Site:
    site = Site(home, one, retry=SOON)
    site.settle_in(prepared)
    site.start()
    return site


def _sounds(site: Site, kind: str) -> None:
    until(lambda: kind in site.alarms(), f"the alarm {kind} sounds")


def _ends_well(site: Site, alert: str, numbers: Mapping[str, int]) -> None:
    """Everybody is told and no alarm stands; who was told twice is marked."""
    until(lambda: not site.alarms(), "the alarm ends")
    assert site.stop() == 0
    assert site.states(alert, site.gateway.channel) == {"accepted": POSTS}
    assert len(numbers) == POSTS
    assert {number for number, times in numbers.items() if times > 1} <= site.marked_repeats()


def test_a_gateway_that_goes_down_in_the_middle_and_comes_back(
    tmp_path: Path, on_three_channels: Path
) -> None:
    """Nobody answers at its door for a while: what is refused a connection waits, and an alarm stands meanwhile."""
    with gateway("--latency", "20", slots=SLOTS, max_batch=BATCH) as sms:
        site = _opened(tmp_path, on_three_channels, sms)
        alert = site.push()["id"]
        sms.has_taken(POSTS // 4)
        # It takes nothing more, so that its book can be read to the end before it goes.
        sms.go_wrong(unavailable=1.0)
        before = sms.numbers()
    _sounds(site, "channel_down")
    assert len(before) < POSTS
    with anew(sms) as back:
        until(lambda: site.settled(alert), "everybody is told")
        _ends_well(site, alert, Counter(before) + Counter(back.numbers()))


@pytest.mark.parametrize("cure", ["the token is put right", "the provider accepts it after all"])
def test_a_refused_account_loses_nobody(tmp_path: Path, on_three_channels: Path, cure: str) -> None:
    """
    The channel rests, an alarm says why; once it is right again everybody is told once and the alarm ends.

    Also when there is a bad number in every request, so that none of them goes without a fault.
    """
    bad = [address("sms", n) for n in range(0, POSTS, 5)]
    with gateway(slots=SLOTS, max_batch=BATCH) as sms:
        token = sms.table["token"]
        if cure == "the token is put right":
            sms.table["token"] = "not-it"
        sms.go_wrong(refuse_account=token == sms.table["token"], bad_addresses=bad)
        site = _opened(tmp_path, on_three_channels, sms)
        alert = site.push()["id"]
        _sounds(site, "channel_paused")
        assert sms.counts()["taken"] == 0
        if token == sms.table["token"]:
            sms.go_wrong(refuse_account=False)
        else:
            assert site.stop() == 0
            sms.table["token"] = token
            site.configure()
            site.start()
        until(lambda: site.settled(alert), "everybody is told")
        until(lambda: not site.alarms(), "the alarm ends")
        assert site.stop() == 0
        assert site.states(alert, "sms") == {"accepted": POSTS - len(bad), "failed": len(bad)}
        assert sms.numbers() == {address("sms", n): 1 for n in range(POSTS) if n % 5}


@pytest.mark.parametrize("channel", ["sms", "wechat", "email"])
def test_a_gateway_that_takes_what_it_gets_and_never_answers(
    tmp_path: Path, on_three_channels: Path, channel: str
) -> None:
    """It may have been honoured: it is sent again under the same key, marked; only what was out then is."""
    options = IMPATIENT if channel == "sms" else {"slots": SLOTS, "timeout": IMPATIENT["timeout"]}
    with gateway(channel=channel, **options) as one:
        one.go_wrong(hang_after=1.0)
        site = _opened(tmp_path, on_three_channels, one)
        alert = site.push()["id"]
        until(lambda: "unknown" in site.states(alert), "the first get no answer in time")
        one.go_wrong(hang_after=0.0)
        unanswered = one.counts()["taken"]
        until(lambda: site.settled(alert), "everybody is told")
        _ends_well(site, alert, one.numbers())
        twice = [number for number, times in one.numbers().items() if times > 1]
        assert 0 < len(twice) <= unanswered


def test_a_connection_that_stands_and_says_nothing(tmp_path: Path, on_three_channels: Path) -> None:
    """The kernel takes the bytes, no gateway ever does: nobody is told until there is one, and then once."""
    with gateway(**IMPATIENT) as sms:
        pass
    with socket.create_server(("127.0.0.1", int(sms.control.rpartition(":")[2]))):
        site = _opened(tmp_path, on_three_channels, sms)
        alert = site.push()["id"]
        until(lambda: "unknown" in site.states(alert), "the first get no answer in time")
    with anew(sms) as there:
        until(lambda: site.settled(alert), "everybody is told")
        _ends_well(site, alert, there.numbers())
        assert set(there.numbers().values()) == {1}


def test_a_gateway_that_is_too_busy_for_anything_for_a_while(tmp_path: Path, on_three_channels: Path) -> None:
    """It says when to come again; until then it is left alone, and nobody is told twice."""
    with gateway(slots=SLOTS, max_batch=BATCH) as sms:
        sms.go_wrong(throttled=1.0, retry_after=0.2)
        site = _opened(tmp_path, on_three_channels, sms)
        alert = site.push()["id"]
        until(lambda: sms.counts()["throttled"] > 2 * SLOTS, "it has asked to wait more than once")
        assert sms.counts()["taken"] == 0
        sms.go_wrong(throttled=0.0)
        until(lambda: site.settled(alert), "everybody is told")
        _ends_well(site, alert, sms.numbers())
        assert set(sms.numbers().values()) == {1}
