"""Who has waited long enough for a channel, and what that means: decided from values alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warnd.model.color import Lane
from warnd.model.delivery import State
from warnd.pipeline.late import A_WHILE, Verdict, judge
from warnd.ports import Standing

SECOND = 1_000_000
MINUTE = 60 * SECOND
BEGAN = 1_000 * MINUTE
LATE = BEGAN + MINUTE


def standing(**changes: Any) -> Standing:
    """A red delivery in the lanes, begun at BEGAN with a minute's time; a second provider stands by."""
    one = Standing(
        "D", "N", "A", "sms", Lane.RED.value, "B", State.QUEUED, out=False, told=False, over=False,
        until="accepted", late_after=MINUTE, late_at=LATE, next_channel="sms2", next_state=State.STANDBY, last=True,
    )  # fmt: skip
    return one._replace(**changes)


standings = st.builds(
    standing,
    lane=st.sampled_from([lane.value for lane in Lane]),
    state=st.sampled_from(State),
    out=st.booleans(),
    told=st.booleans(),
    over=st.booleans(),
    until=st.sampled_from(["accepted", "delivered"]),
    next_state=st.sampled_from(State),
    last=st.booleans(),
)
moments = st.integers(BEGAN, BEGAN + 3 * MINUTE)
outages = st.dictionaries(st.sampled_from(["sms", "sms2"]), st.integers(BEGAN - MINUTE, BEGAN + MINUTE))


@given(standings, outages, moments)
def test_only_what_is_certainly_not_accepted_falls_over(
    one: Standing, unfit: dict[str, int], now: int
) -> None:
    """It is at rest, no attempt of it may have got through, and another stands by to take its place."""
    if judge(one, unfit, now) is Verdict.FALL_OVER:
        assert one.state in (State.QUEUED, State.WAITING)
        assert not one.out
        assert not one.told
        assert one.next_state is State.STANDBY
        assert not one.over


@given(standings, outages, moments)
def test_two_channels_go_only_where_a_repeat_is_worth_it(
    one: Standing, unfit: dict[str, int], now: int
) -> None:
    """Red of which it is not known whether it arrived; and what was to be delivered and has no receipt."""
    if judge(one, unfit, now) is Verdict.START:
        assert now >= one.late_at
        assert one.next_state is State.STANDBY
        if one.state is State.ACCEPTED:
            assert one.until == "delivered"
        else:
            assert one.lane == Lane.RED.value


@given(standings, moments)
def test_in_good_time_nothing_is_done_on_a_channel_that_works(one: Standing, now: int) -> None:
    """Nor is anything that still may become late lost from sight."""
    verdict = judge(one, {}, min(now, LATE - 1))
    assert verdict in (Verdict.LOOK_AGAIN, Verdict.DECIDED)
    if one.state is State.QUEUED and not one.told and one.next_state is State.STANDBY and not one.over:
        assert verdict is Verdict.LOOK_AGAIN


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        pytest.param({}, Verdict.FALL_OVER, id="in the lanes"),
        pytest.param({"state": State.WAITING}, Verdict.FALL_OVER, id="refused for now"),
        pytest.param({"batch_id": None, "state": State.WAITING}, Verdict.FALL_OVER, id="between two batches"),
        pytest.param({"lane": Lane.BLUE.value}, Verdict.FALL_OVER, id="of any color"),
        pytest.param({"out": True}, Verdict.LOOK_AGAIN, id="on its way: its answer is waited for"),
        pytest.param({"state": State.UNKNOWN, "told": True}, Verdict.START, id="red and unknown: both go"),
        pytest.param(
            {"state": State.WAITING, "told": True}, Verdict.START, id="red, refused after it was unknown"
        ),
        pytest.param(
            {"state": State.UNKNOWN, "told": True, "lane": Lane.ORANGE.value}, Verdict.DECIDED,
            id="orange and unknown: one is enough",
        ),
        pytest.param(
            {"state": State.UNKNOWN, "told": True, "lane": Lane.DRILL.value}, Verdict.DECIDED, id="a drill is no red"
        ),
        pytest.param({"state": State.ACCEPTED}, Verdict.DECIDED, id="accepted"),
        pytest.param(
            {"state": State.ACCEPTED, "until": "delivered"}, Verdict.START, id="accepted, and no receipt"
        ),
        pytest.param({"state": State.DELIVERED, "until": "delivered"}, Verdict.DECIDED, id="delivered"),
        pytest.param({"next_state": State.WAITING}, Verdict.DECIDED, id="the next has begun"),
        pytest.param({"over": True}, Verdict.DECIDED, id="the alert has stopped"),
    ],
)  # fmt: skip
def test_when_its_time_is_over(changes: dict[str, Any], verdict: Verdict) -> None:
    assert judge(standing(**changes), {}, LATE) is verdict


def test_a_channel_that_is_down_is_waited_for_a_while_only() -> None:
    """From when the delivery began on it, or the channel went down: whichever came later."""
    while_ = MINUTE // A_WHILE
    for down, over in ((BEGAN - MINUTE, BEGAN + while_), (BEGAN + SECOND, BEGAN + SECOND + while_)):
        assert judge(standing(), {"sms": down}, over - 1) is Verdict.LOOK_AGAIN
        assert judge(standing(), {"sms": down}, over) is Verdict.FALL_OVER
        assert judge(standing(state=State.UNKNOWN, told=True), {"sms": down}, over) is Verdict.LOOK_AGAIN


def test_one_stays_where_one_is_when_the_last_channel_is_down_too() -> None:
    """Whichever comes back first is waited for; but a further one behind it is worth going on for."""
    both = {"sms": BEGAN, "sms2": BEGAN}
    assert judge(standing(), both, LATE) is Verdict.LOOK_AGAIN
    assert judge(standing(last=False), both, LATE) is Verdict.FALL_OVER
