"""A second SMS provider that stands by: it takes over what the first keeps waiting, and nobody is told twice without need."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.acceptance.conftest import POSTS
from tests.acceptance.site import Gateway, Site, address, gateway, until

SOON = 'first = "50ms"\nceiling = "200ms"\npause = "300ms"'
"""Waits that end within the test."""

EVERYBODY = {address("sms", n) for n in range(POSTS)}


@contextmanager
def _two_providers(
    home: Path, prepared: Path, *, late_after: str, **first: object
) -> Iterator[tuple[Site, Gateway, Gateway]]:
    """A county whose reds go by the first and fall over to the second."""
    with gateway(**{"slots": 2, "max_batch": 20, **first}) as sms, gateway(max_batch=100) as backup:
        backup.channel = "backup"
        policy = f'[policy.responsible.red]\nchannels = ["sms", "backup"]\nlate_after = "{late_after}"'
        site = Site(home, sms, [backup], tables=policy, retry=SOON)
        site.settle_in(prepared)
        site.start()
        yield site, sms, backup
        assert site.stop() == 0


@pytest.mark.parametrize(
    "fault", [{"unavailable": 1.0}, {"refuse_account": True}], ids=["down", "our account is refused"]
)
def test_a_provider_that_is_ill_is_left_after_a_while(
    tmp_path: Path, on_three_channels: Path, fault: dict[str, object]
) -> None:
    """Everybody is told by the second; when the first is well again it tells nobody of this, but of what comes next."""
    with _two_providers(tmp_path, on_three_channels, late_after="20s") as (site, sms, backup):
        sms.go_wrong(**fault)
        alert = site.push()["id"]
        until(lambda: site.settled(alert), "everybody is told")
        assert backup.numbers() == dict.fromkeys(EVERYBODY, 1)
        assert site.states(alert, "sms") == {"suppressed": POSTS}
        sms.go_wrong(**{key: type(value)() for key, value in fault.items()})
        next_ = site.push(identifier="62120241600000_20260714090000")["id"]
        until(lambda: site.settled(next_), "everybody is told of the next")
        until(lambda: not site.alarms(), "the alarm ends")
        by_the_first = sms.numbers()
        assert site.states(next_, "sms")["accepted"] == len(by_the_first) > 0
        assert Counter(by_the_first) + Counter(backup.numbers()) == dict.fromkeys(EVERYBODY, 2)
        assert set(by_the_first.values()) == {1}


def test_a_provider_that_is_too_slow_keeps_what_it_has_and_loses_the_rest(
    tmp_path: Path, on_three_channels: Path
) -> None:
    """What is late is taken back from its lanes: each number is told by one of the two, once."""
    with _two_providers(tmp_path, on_three_channels, late_after="2s") as (site, sms, backup):
        sms.go_wrong(latency=0.3)
        alert = site.push()["id"]
        sms.has_taken(1)
        until(lambda: site.settled(alert), "everybody is told")
        first, second = sms.numbers(), backup.numbers()
        assert set(first.values()) == set(second.values()) == {1}
        assert first.keys() & second.keys() == set()
        assert first.keys() | second.keys() == EVERYBODY
        assert site.states(alert, "sms") == {"accepted": len(first), "suppressed": len(second)}


def test_red_of_which_nobody_knows_whether_it_arrived_goes_to_both(
    tmp_path: Path, on_three_channels: Path
) -> None:
    """The first takes it and never answers. Who may have it twice is marked; the others are told once."""
    with _two_providers(tmp_path, on_three_channels, late_after="1s", timeout="300ms") as (site, sms, backup):
        sms.go_wrong(hang_after=1.0)
        alert = site.push()["id"]
        until(
            lambda: site.states(alert, "backup").get("accepted") == POSTS, "everybody is told by the second"
        )
        twice = sms.numbers().keys() & backup.numbers().keys()
        assert backup.numbers() == dict.fromkeys(EVERYBODY, 1)
        assert twice
        marked = {
            row[0]
            for row in site.rows(
                """
                SELECT n.address FROM fallbacks f JOIN deliveries p ON p.id = f.delivery_id AND p.told
                JOIN deliveries n ON n.id = f.next_id WHERE n.state = 'accepted'
                """
            )
        }
        assert twice <= marked
