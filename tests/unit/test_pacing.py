"""How fast a channel and each of its targets may be asked, and when a dead provider is left alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warnd.contract.outcome import Accepted, Deferred, Outcome, Reason, Rejected, Scope
from warnd.queue import pacing
from warnd.queue.pacing import Pace
from warnd.queue.rates import RED_SHARE, Bucket, Rate, Window

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
            bucket.take(cost, red=True)
            given_out += cost
            dearest = max(dearest, cost)
    assert given_out <= bucket.size + tokens / seconds * now + dearest + 1e-6


def test_a_start_is_no_burst() -> None:
    """A rate a second begins with a fifth of a second's tokens."""
    bucket = Bucket(Rate(500))
    bucket.take(100, red=True)
    assert bucket.wait(100, 0.0, red=True) == pytest.approx(0.2)


@pytest.mark.parametrize(("cost", "wait"), [(100, 0.2), (1000, 0.2)], ids=["one bucketful", "ten of them"])
def test_a_dear_batch_waits_for_a_full_bucket_only(cost: int, wait: float) -> None:
    """Otherwise a batch of a hundred three-part messages would never leave a slow channel."""
    bucket = Bucket(Rate(500))
    bucket.take(100, red=True)
    assert bucket.wait(cost, 0.0, red=True) == pytest.approx(wait)


@given(
    st.floats(10, 1000),
    st.lists(st.tuples(st.floats(0, 2), st.integers(1, 900)), max_size=40),
    st.floats(0, 1),
    st.integers(1, 900),
)
def test_red_never_waits_for_what_blue_has_sent(
    rate: float, blues: list[tuple[float, int]], pause: float, cost: int
) -> None:
    """However dear the batches of blue were: at the most for a full bucket, and never for a cost within its share."""
    bucket, now = Bucket(Rate(rate)), 0.0
    for wait, blue in blues:
        now += wait
        if bucket.wait(blue, now, red=False) == 0:
            bucket.take(blue, red=False)
    now += pause
    wait = bucket.wait(cost, now, red=True)
    assert wait <= bucket.size / rate + 1e-9
    if cost <= bucket.size * RED_SHARE:
        assert wait <= 1e-9


@given(st.floats(10, 1000), st.integers(1, 900))
def test_a_lower_color_pays_what_it_owes_before_it_sends_again(rate: float, cost: int) -> None:
    """Segments count, not requests: a long text to a hundred people takes its time."""
    bucket, now, sent = Bucket(Rate(rate)), 0.0, 0
    for _ in range(20):
        now += bucket.wait(cost, now, red=False) + 1e-9
        while bucket.wait(cost, now, red=False) > 0:
            now += bucket.wait(cost, now, red=False) + 1e-9
        bucket.take(cost, red=False)
        sent += cost
    assert sent <= bucket.size + rate * now + cost + 1e-3


@given(st.integers(1, 40), st.integers(30, 300))
def test_red_leaves_a_target_one_in_twenty_to_a_lower_color_that_waits(limit: int, takes: int) -> None:
    """
    Or a robot that red keeps busy would never hear of anything else: the last place of a window, after nineteen reds.

    And no minute holds more than its rate.
    """
    window, now = Window(Rate(limit, 60)), 0.0
    sent: list[tuple[float, bool]] = []
    while len(sent) < takes:
        waits = {red: window.wait(now, red=red) for red in (True, False)}
        red = waits[True] <= 0
        if not red and waits[False] > 0:
            now += min(waits.values()) + 1e-6
            continue
        window.wait(now, red=red)
        window.take(red=red)
        sent.append((now, red))
    for n in range(len(sent) - 18 - limit):
        assert not all(red for _, red in sent[n : n + 19 + limit])
    for start, _ in sent:
        assert sum(start <= at < start + 60 for at, _ in sent) <= limit


def test_a_lower_color_that_waits_no_more_keeps_nothing_from_red() -> None:
    """Its place is kept for a window's time from when it was to come again."""
    window = Window(Rate(20, 60))
    for _ in range(20):
        assert window.wait(0.0, red=True) == 0
        window.take()
    assert window.wait(0.0, red=False) > 0
    for n in range(20):
        assert window.wait(121.0, red=True) == 0, n
        window.take()


@given(
    st.lists(
        st.tuples(st.sampled_from(["ask", "ask", "fail", "live", "late", "vain"]), st.floats(0, 20)),
        max_size=60,
    )
)
def test_while_it_is_open_no_two_probes_are_out(steps: list[tuple[str, float]]) -> None:
    """Whoever asks, and whatever answers to earlier requests still come."""
    pace, now, probe = dead(), 0.0, None
    for what, pause in steps:
        now += pause
        match what:
            case "ask" if pace.channel_wait(1, now, red=False) == 0:
                assert probe is None or not pace.open
                probe = (f"{now}",) if pace.open else None
                pace.take(1, probe or ("x",), red=False)
            case "late":
                learn(pace, DEAD, now, "of a request from before")
            case "fail" | "live" if probe is not None:
                learn(pace, DEAD if what == "fail" else Accepted(), now, probe[0])
                probe = None
            case "vain" if probe is not None:
                pace.give_back(1, probe)
                probe = None


def test_a_late_failure_is_no_answer_to_the_probe() -> None:
    """A request that timed out was sent before the provider was found dead: its rest is not doubled for it."""
    pace = dead()
    assert pace.channel_wait(1, 1.0, red=False) == 0
    pace.take(1, (ROBOT,), red=False)
    learn(pace, DEAD, 1.1, OTHER)
    assert 0 < pace.channel_wait(1, 1.1, red=False) < 1, "the probe is still out"
    learn(pace, DEAD, 1.5, ROBOT)
    assert pace.channel_wait(1, 1.5, red=False) == pytest.approx(2.0)


@pytest.mark.parametrize("red", [True, False], ids=["red", "blue"])
def test_a_probe_is_of_any_color(*, red: bool) -> None:
    """What is most urgent goes; a channel without red would else never be found to live."""
    pace = dead(rate=Rate(10))
    assert pace.channel_wait(1, 1.0, red=red) == 0


def test_what_target_rests_leave_behind_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A robot that is never asked again is forgotten when its rest is over."""
    monkeypatch.setattr(pacing, "_TARGETS_KEPT", 10)
    pace = Pace()
    for n in range(100):
        learn(pace, Deferred(Reason.THROTTLED, Scope.TARGET), float(10 * n), f"robot {n}")
    assert len(pace._target_rest) <= 11


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
        pace.take(1, (ROBOT,), red=True)
    assert pace.target_wait(ROBOT, 0.0, red=True) == pytest.approx(60.0)
    assert pace.target_wait(OTHER, 0.0, red=True) == 0


def test_what_others_asked_of_a_target_counts_as_what_was_asked_here() -> None:
    """Twenty a minute are the robot's, whoever asks; and what is recalled anew is not counted twice."""
    pace = Pace(target_rate=Rate(20, 60))
    for _ in range(5):
        assert pace.target_wait(ROBOT, 0.0, red=True) == 0
        pace.take(1, (ROBOT,), red=True)
    others = [-40.0] * 10 + [-1.0] * 5
    for _ in range(2):
        pace.recall({ROBOT: others}, 0.0)
    assert pace.target_wait(ROBOT, 0.0, red=True) == pytest.approx(20.0)
    assert pace.target_wait(OTHER, 0.0, red=True) == 0
    assert pace.target_wait(ROBOT, 20.0, red=True) == 0
    pace.recall({}, 0.0)
    assert pace.target_wait(ROBOT, 0.0, red=True) == 0


def test_a_target_that_another_process_found_throttled_is_left_alone_for_as_long() -> None:
    """And no shorter, when what was heard comes after a longer time that was asked for here."""
    pace = Pace()
    pace.rest_target(ROBOT, 10.0, 3.0)
    assert not pace.is_free
    pace.rest_target(ROBOT, 10.0, 1.0)
    assert pace.target_wait(ROBOT, 10.0, red=True) == pytest.approx(3.0)
    assert pace.target_wait(OTHER, 10.0, red=True) == 0
    assert pace.target_wait(ROBOT, 13.0, red=True) == 0


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
    pace.take(20, (), red=True)
    assert pace.channel_wait(20, 13.0, red=True) == 0
    pace.take(20, (), red=True)
    halved = pace.channel_wait(20, 13.0, red=True)
    assert 0.2 < halved < 0.4
    assert pace.channel_wait(20, 13.0 + halved, red=True) == pytest.approx(0, abs=0.01)
    pace.channel_wait(20, 100.0, red=True)
    pace.take(20, (), red=True)
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
    pace.take(1, (ROBOT,), red=True)
    assert pace.channel_wait(1, 1.0, red=True) > 0, "only one"
    learn(pace, DEAD, 1.5)
    assert pace.channel_wait(1, 1.5, red=True) == pytest.approx(2.0)
    assert pace.channel_wait(1, 3.5, red=True) == 0
    pace.take(1, (ROBOT,), red=True)
    learn(pace, Accepted(), 3.6)
    assert not pace.open
    assert pace.channel_wait(1, 3.6, red=False) == 0


def test_a_throttled_probe_shows_that_the_provider_lives() -> None:
    """It said so itself; what follows is throttling, not death."""
    pace = dead()
    pace.take(1, (ROBOT,), red=True)
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
    pace.take(1, (ROBOT,), red=True)
    pace.give_back(1, (ROBOT,))
    assert pace.channel_wait(1, 1.0, red=True) == 0


def test_what_was_not_sent_costs_nothing() -> None:
    """Tokens of the channel and of the target come back."""
    pace = Pace(rate=Rate(5), target_rate=Rate(1, 60))
    assert pace.channel_wait(1, 0.0, red=True) == pace.target_wait(ROBOT, 0.0, red=True) == 0
    pace.take(1, (ROBOT,), red=True)
    assert pace.channel_wait(1, 0.0, red=True) > 0
    pace.give_back(1, (ROBOT,))
    assert pace.channel_wait(1, 0.0, red=True) == pace.target_wait(ROBOT, 0.0, red=True) == 0


def test_processes_that_share_a_channel_have_each_its_part_of_the_rate() -> None:
    """Together they keep to what the contract says; alone again, one has it all."""
    pace = Pace(rate=Rate(10))
    pace.share_among(2)
    pace.take(10, (), red=True)
    halved = pace.channel_wait(1, 0.0, red=True)
    pace.share_among(1)
    assert halved == pytest.approx(2 * pace.channel_wait(1, 0.0, red=True))
