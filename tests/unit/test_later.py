"""What waits at one place for its time, or for a target that may not be asked yet."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.shelf import batch
from warnd.queue.later import FAR, NEVER, SHARE, Later

ROBOT, OTHER = "robot-1", "robot-2"


def ripe(later: Later, now: int) -> list[str]:
    return [one.id for one in later.ripe(now)]


def test_what_waits_for_its_time_comes_in_the_order_of_times() -> None:
    """And leaves its room."""
    later = Later(10)
    for due in (30, 10, 20):
        assert later.keep(batch(f"{due}"), due, 0)
    assert later.next_due == 10
    assert ripe(later, 5) == []
    assert ripe(later, 25) == ["10", "20"]
    assert later.size == 1
    assert later.next_due == 30


def test_what_is_far_and_what_finds_no_room_is_left_to_the_store() -> None:
    """So that a minute empties it, whatever came."""
    later = Later(2)
    assert not later.keep(batch("far"), FAR + 1, 0)
    assert later.keep(batch("0"), FAR, 0)
    assert later.keep(batch("1"), 1, 0)
    assert not later.keep(batch("2"), 1, 0)
    assert later.hold_up(batch("3"), ROBOT, 1, 0) == (batch("3"),)


def test_of_a_line_only_the_first_is_called_and_the_next_when_it_was_sent() -> None:
    """A thousand batches for one robot are looked at one by one, not all whenever one of them may go."""
    later = Later(100)
    assert later.hold_up(batch("0"), ROBOT, 10, 0) == ()
    for n in range(1, 4):
        assert later.queue_up(batch(f"{n}"), ROBOT)
    assert ripe(later, 10) == ["0"]
    assert later.next_due == NEVER
    assert later.followed(batch("x")) is None
    # It is the very batch that is asked about.
    lead = later._lines[ROBOT].gone_ahead
    assert lead is not None
    assert later.followed(lead) == ROBOT
    later.call_next(ROBOT, 20)
    assert ripe(later, 20) == ["1"]


def test_who_leads_a_line_and_may_not_go_after_all_leads_it_again() -> None:
    """It keeps its place."""
    later = Later(100)
    lead = batch("0")
    later.hold_up(lead, ROBOT, 10, 0)
    later.queue_up(batch("1"), ROBOT)
    assert ripe(later, 10) == ["0"]
    assert later.hold_up(lead, ROBOT, 30, 10) == ()
    assert ripe(later, 29) == []
    assert ripe(later, 30) == ["0"]


def test_a_target_that_rests_for_long_leaves_its_whole_line_to_the_store() -> None:
    """An hour's rest of a thousand robots must not take the room of those that may be asked in a second."""
    later = Later(100)
    lead = batch("0")
    later.hold_up(lead, ROBOT, 10, 0)
    later.queue_up(batch("1"), ROBOT)
    assert ripe(later, 10) == ["0"]
    assert [one.id for one in later.hold_up(lead, ROBOT, 11 + FAR, 10)] == ["0", "1"]
    assert later.size == 0
    assert later.line_of(batch("2", to=ROBOT)) is None


def test_no_target_takes_the_room_of_all() -> None:
    """Its share is some tens."""
    later = Later(10_000)
    kept = [not later.hold_up(batch(f"{n}"), ROBOT, 10, 0) for n in range(SHARE + 5)]
    assert kept == [True] * SHARE + [False] * 5
    assert not later.hold_up(batch("other", to=OTHER), OTHER, 10, 0)


@given(st.lists(st.tuples(st.sampled_from([ROBOT, OTHER, None]), st.integers(1, 90)), max_size=80))
def test_nothing_is_lost_nothing_comes_twice_and_the_room_is_kept(
    steps: list[tuple[str | None, int]],
) -> None:
    """Whatever waits for whatever, once all was sent that may be."""
    later, kept, came = Later(20), set[str](), list[str]()
    now = 0
    for n, (target, wait) in enumerate(steps):
        now += 1
        one = batch(f"{n}", to=target or "x")
        refused = (
            later.hold_up(one, target, now + wait, now)
            if target is not None
            else (() if later.keep(one, now + wait, now) else (one,))
        )
        kept |= {one.id} - {two.id for two in refused}
        assert later.size <= 20
    while later.next_due < NEVER:
        for one in later.ripe(later.next_due):
            came.append(one.id)
            if (target := later.followed(one)) is not None:
                later.call_next(target, now)
    assert sorted(came) == sorted(kept)
    assert later.size == 0
