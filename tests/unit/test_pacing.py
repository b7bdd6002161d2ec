"""How fast a channel and each of its targets may be asked, and when a dead provider is left alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warnd.contract.outcome import Accepted, Deferred, Outcome, Reason, Rejected, Scope
from warnd.queue.pacing import RED_SHARE, Bucket, Pace, Rate, Window

ROBOT, OTHER = "robot-1", "robot-2"
DEAD = Deferred(Reason.UNREACHABLE)
THROTTLED = Deferred(Reason.THROTTLED, retry_after=timedelta(seconds=3))


def learn(pace: Pace, outcome: Outcome, now: float, address: str = ROBOT) -> None:
    pace.learn(outcome, address, now, pause=60.0)


def dead(now: float = 0.0, *, rate: Rate | None = None) -> Pace:
    """A pace whose breaker has just opened."""
    pace = Pace(rate=rate)
    for _ in range(5):
        learn(pace, DEAD, now)
    return pace


@given(
    st.floats(1, 1000),
    st.sampled_from([1.0, 60.0]),
    st.lists(st.tuples(st.floats(0, 5), st.integers(1, 50)), min_size=1, max_size=40),
)
def test_a_bucket_gives_no_more_than_its_rate_and_its_size(
    tokens: float, seconds: float, asks: list[tuple[float, int]]
) -> None:
    """Whatever is asked when; a batch dearer than the bucket goes when it is full, and leaves a debt."""
    bucket, now, given_out, dearest = Bucket(Rate(tokens, seconds)), 0.0, 0, 0
    for pause, cost in asks:
        now += pause
        if bucket.wait(cost, now, red=True) == 0:
            bucket.take(cost)
            given_out += cost
            dearest = max(dearest, cost)
    assert given_out <= bucket.size + tokens / seconds * now + dearest + 1e-6


def test_a_start_is_no_burst() -> None:
    """A rate a second begins with a fifth of a second's tokens."""
    bucket = Bucket(Rate(500))
    bucket.take(100)
    assert bucket.wait(100, 0.0, red=True) == pytest.approx(0.2)


@pytest.mark.parametrize(("cost", "wait"), [(100, 0.2), (1000, 0.2)], ids=["one bucketful", "ten of them"])
def test_a_dear_batch_waits_for_a_full_bucket_only(cost: int, wait: float) -> None:
    """Otherwise a batch of a hundred three-part messages would never leave a slow channel."""
    bucket = Bucket(Rate(500))
    bucket.take(100)
    assert bucket.wait(cost, 0.0, red=True) == pytest.approx(wait)


def test_a_share_of_each_bucket_is_kept_for_red() -> None:
    """Blue may not eat a robot's twenty a minute."""
    window = Window(Rate(20, 60))
    for _ in range(int(20 * (1 - RED_SHARE))):
        assert window.wait(0.0, red=False) == 0
        window.take()
    assert window.wait(0.0, red=False) > 0
    assert window.wait(0.0, red=True) == 0


@given(st.lists(st.floats(0, 30), min_size=1, max_size=200))
def test_no_stretch_of_a_minute_holds_more_than_its_rate(pauses: list[float]) -> None:
    """A robot that counts a sliding minute never has a reason to refuse."""
    window, now, sent = Window(Rate(20, 60)), 0.0, []
    for pause in pauses:
        now += pause
        wait = window.wait(now, red=True)
        if wait > 0:
            now += wait + 1e-6
            window.wait(now, red=True)
        window.take()
        sent.append(now)
    for start in sent:
        assert sum(start <= one < start + 60 for one in sent) <= 20


def test_a_bucket_of_one_keeps_nothing_back() -> None:
    """Or nothing but red would ever pass."""
    assert Bucket(Rate(1)).wait(1, 0.0, red=False) == 0


def test_each_target_has_its_own_pace() -> None:
    """Twenty a minute to one robot say nothing about the next."""
    pace = Pace(target_rate=Rate(20, 60))
    for _ in range(20):
        assert pace.target_wait(ROBOT, 0.0, red=True) == 0
        pace.take(1, (ROBOT,))
    assert pace.target_wait(ROBOT, 0.0, red=True) == pytest.approx(60.0)
    assert pace.target_wait(OTHER, 0.0, red=True) == 0


@pytest.mark.parametrize(
    ("scope", "channel", "target", "other"),
    [
        pytest.param(Scope.TARGET, 0.0, 3.0, 0.0, id="of a target rests that target"),
        pytest.param(Scope.CHANNEL, 3.0, 0.0, 0.0, id="of the channel rests the channel"),
    ],
)
def test_throttling(scope: Scope, channel: float, target: float, other: float) -> None:
    """``Retry-After`` is kept for as long as it was asked for."""
    pace = Pace()
    learn(pace, Deferred(Reason.THROTTLED, scope, retry_after=timedelta(seconds=3)), 10.0)
    assert pace.channel_wait(1, 10.0, red=True) == channel
    assert pace.target_wait(ROBOT, 10.0, red=True) == target
    assert pace.target_wait(OTHER, 10.0, red=True) == other
    assert pace.channel_wait(1, 13.0, red=True) == pace.target_wait(ROBOT, 13.0, red=True) == 0
    assert not pace.minds_targets


def test_throttling_halves_the_rate_which_recovers_within_a_minute() -> None:
    """Once for all answers of the same moment, and never to nothing."""
    pace = Pace(rate=Rate(100))
    for _ in range(8):
        learn(pace, THROTTLED, 10.0)
    assert pace.share == 0.5
    pace.take(20, ())
    assert pace.channel_wait(20, 13.0, red=True) == 0
    pace.take(20, ())
    halved = pace.channel_wait(20, 13.0, red=True)
    assert 0.2 < halved < 0.4
    assert pace.channel_wait(20, 13.0 + halved, red=True) == pytest.approx(0, abs=0.01)
    pace.channel_wait(20, 100.0, red=True)
    pace.take(20, ())
    assert pace.channel_wait(20, 100.0, red=True) == pytest.approx(0.2)
    for moment in range(200, 300, 2):
        learn(pace, THROTTLED, float(moment))
    assert pace.share >= 0.05


def test_a_refused_account_rests_the_channel() -> None:
    """For the pause that the retry policy states."""
    pace = Pace()
    learn(pace, Rejected(Reason.ACCOUNT_REFUSED, Scope.ACCOUNT), 10.0)
    assert pace.channel_wait(1, 10.0, red=True) == 60.0


@pytest.mark.parametrize(
    ("outcome", "opens"),
    [
        pytest.param(DEAD, True, id="unreachable"),
        pytest.param(Deferred(Reason.NO_REPLY, maybe_sent=True), True, id="no reply"),
        pytest.param(Deferred(Reason.UNREACHABLE, Scope.TARGET), False, id="one target unreachable"),
        pytest.param(Deferred(Reason.TOKEN_EXPIRED), False, id="an expired token"),
        pytest.param(Rejected(Reason.BAD_ADDRESS), False, id="bad addresses"),
        pytest.param(THROTTLED, False, id="throttled"),
    ],
)
def test_five_failures_in_a_row_that_look_dead_open_the_breaker(outcome: Outcome, opens: bool) -> None:
    """An answer, however unwelcome, is a sign of life."""
    pace = Pace()
    for _ in range(4):
        learn(pace, outcome, 0.0)
    assert not pace.open
    learn(pace, outcome, 0.0)
    assert pace.open is opens


def test_a_success_in_between_starts_the_count_anew() -> None:
    """In a row means in a row."""
    pace = Pace()
    for outcome in (DEAD, DEAD, DEAD, DEAD, Accepted(), DEAD, DEAD, DEAD, DEAD):
        learn(pace, outcome, 0.0)
    assert not pace.open


def test_after_its_rest_one_probe_goes_and_its_answer_decides() -> None:
    """A failing probe doubles the rest; a good one closes the breaker for all."""
    pace = dead()
    assert pace.channel_wait(1, 0.5, red=True) == pytest.approx(0.5)
    assert pace.channel_wait(1, 1.0, red=True) == 0
    pace.take(1, ())
    assert pace.channel_wait(1, 1.0, red=True) > 0, "only one"
    learn(pace, DEAD, 1.5)
    assert pace.channel_wait(1, 1.5, red=True) == pytest.approx(2.0)
    assert pace.channel_wait(1, 3.5, red=True) == 0
    pace.take(1, ())
    learn(pace, Accepted(), 3.6)
    assert not pace.open
    assert pace.channel_wait(1, 3.6, red=False) == 0


def test_a_throttled_probe_shows_that_the_provider_lives() -> None:
    """It said so itself; what follows is throttling, not death."""
    pace = dead()
    pace.take(1, ())
    learn(pace, THROTTLED, 1.5)
    assert not pace.open


def test_a_refused_account_shows_that_the_provider_lives() -> None:
    """It answered, so that no breaker is open: one 401 is one condition."""
    pace = dead()
    learn(pace, Rejected(Reason.ACCOUNT_REFUSED, Scope.ACCOUNT), 10.0)
    assert not pace.open
    assert pace.channel_wait(1, 10.0, red=True) == 60.0


def test_a_probe_that_was_not_sent_leaves_its_place_to_the_next() -> None:
    """Its batch was superseded between being taken and being leased; the channel must not wait for its answer."""
    pace = dead(rate=Rate(10))
    assert pace.channel_wait(1, 1.0, red=True) == 0
    pace.take(1, (ROBOT,))
    pace.give_back(1, (ROBOT,))
    assert pace.channel_wait(1, 1.0, red=True) == 0


def test_what_was_not_sent_costs_nothing() -> None:
    """Tokens of the channel and of the target come back."""
    pace = Pace(rate=Rate(5), target_rate=Rate(1, 60))
    assert pace.channel_wait(1, 0.0, red=True) == pace.target_wait(ROBOT, 0.0, red=True) == 0
    pace.take(1, (ROBOT,))
    assert pace.channel_wait(1, 0.0, red=True) > 0
    pace.give_back(1, (ROBOT,))
    assert pace.channel_wait(1, 0.0, red=True) == pace.target_wait(ROBOT, 0.0, red=True) == 0


def test_processes_that_share_a_channel_have_each_its_part_of_the_rate() -> None:
    """Together they keep to what the contract says; alone again, one has it all."""
    pace = Pace(rate=Rate(10))
    pace.share_among(2)
    pace.take(pace.rate.tokens if pace.rate else 0, ())
    halved = pace.channel_wait(1, 0.0, red=True)
    pace.share_among(1)
    assert halved == pytest.approx(2 * pace.channel_wait(1, 0.0, red=True))
