"""Whether a broadcast will be late, from what is unsent and how fast it goes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from warnd.pipeline.punctual import Unsent, late

SECOND = 1_000_000
NOW = 1_000 * SECOND


def unsent(name: str = "A", *, lane: int = 0, deliveries: int = 1_000, within: int = 60, since: int = 0,
           channel: str = "sms") -> Unsent:  # fmt: skip
    return Unsent(name, channel, lane, since, deliveries, NOW + within * SECOND)


def lates(*found: Unsent, pace: float) -> dict[str, int | None]:
    """Alert → seconds until its last delivery leaves, of those that will be late."""
    return {
        one.unsent.alert_id: None if one.ends is None else (one.ends - NOW) // SECOND
        for one in late(found, {"sms": pace} if pace else {}, NOW)
    }


def test_a_broadcast_that_comes_in_time_is_no_matter() -> None:
    """A thousand in fifty seconds, where sixty are left; in a hundred, and it is."""
    assert lates(unsent(), pace=20) == {}
    assert lates(unsent(), pace=10) == {"A": 100}


def test_what_goes_first_is_waited_for() -> None:
    """The more urgent lane, and of one lane the one that began first; another channel is not in its way."""
    before = (
        unsent("red", lane=0, deliveries=400),
        unsent("older", lane=1, deliveries=300),
        unsent("newer", lane=1, deliveries=300, since=5),
        unsent("elsewhere", lane=0, deliveries=9_000, channel="mail"),
    )
    assert lates(*before, pace=10) == {"older": 70, "newer": 100}


def test_nothing_is_foretold_of_a_channel_that_was_not_measured() -> None:
    """It is late when its time has come."""
    assert lates(unsent(within=1), pace=0) == {}
    assert lates(unsent(within=0), pace=0) == {"A": None}


@given(
    st.lists(
        st.builds(
            unsent, st.sampled_from("ABCDE"), lane=st.integers(0, 3), deliveries=st.integers(1, 10_000),
            within=st.integers(-60, 3_600), since=st.integers(0, 9),
        )
    ),
    st.floats(0.1, 10_000),
)  # fmt: skip
def test_a_faster_channel_is_late_with_no_more(found: list[Unsent], pace: float) -> None:
    """And what is late already is late at any pace."""
    slow = [one.unsent for one in late(found, {"sms": pace}, NOW)]
    fast = [one.unsent for one in late(found, {"sms": pace * 2}, NOW)]
    assert all(one in slow for one in fast)
    assert all(one in fast for one in found if one.late_at <= NOW)
