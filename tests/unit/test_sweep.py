"""A sweep's own judgement: who counts as lost, which repeats as known, where the kills fall."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest

from bench.sweep.broadcast import Survived
from bench.sweep.judging import Evidence, Verdict, judge
from bench.sweep.moments import draw
from bench.sweep.run import shares
from bench.sweep.totals import HEADER, Total, as_json, cells
from bench.sweep.variants import Follow

PEOPLE = frozenset({"a", "b", "c"})
ALL_ONCE = {"a": 1, "b": 1, "c": 1}
PLAIN = Evidence(PEOPLE, Follow.NOTHING, 1, {"first": ALL_ONCE}, marked={}, given_up={})


def test_everybody_told_once_is_clean() -> None:
    """The gateway's book has each number once."""
    assert judge(PLAIN) == Verdict()
    assert judge(PLAIN).clean


def test_who_is_not_in_the_book_is_lost() -> None:
    """Whatever warnd says of it."""
    verdict = judge(replace(PLAIN, taken={"first": {"a": 1, "b": 1}}, marked={"first": PEOPLE}))
    assert (verdict.lost, verdict.clean) == (1, False)


def test_a_message_that_was_answered_and_is_gone_is_lost_to_everybody() -> None:
    """A 202 says that it is on disk; whatever came before it is no answer to it."""
    assert judge(replace(PLAIN, answered=2)).lost == len(PEOPLE)


def test_who_was_given_up_aloud_is_counted_apart() -> None:
    """After two repeats nobody knows; an alarm says so, and a person can telephone."""
    verdict = judge(replace(PLAIN, taken={"first": {"a": 1}}, given_up={"first": frozenset({"b", "a"})}))
    assert (verdict.lost, verdict.given_up) == (1, 1)


@pytest.mark.parametrize(
    ("marked", "unmarked"), [(PEOPLE, 0), (frozenset({"a"}), 1), (frozenset(), 2)], ids=["all", "one", "none"]
)
def test_a_repeat_must_be_marked(marked: frozenset[str], unmarked: int) -> None:
    """In the journal, as one that may be so."""
    taken = {"first": {"a": 2, "b": 3, "c": 1}}
    verdict = judge(replace(PLAIN, taken=taken, marked={"first": marked}))
    assert (verdict.repeated, verdict.unmarked, verdict.clean) == (2, unmarked, unmarked == 0)


def test_the_mark_of_one_alert_is_none_of_another() -> None:
    """Each alert answers for its own repeats."""
    evidence = Evidence(
        PEOPLE, Follow.UPDATE, 2, {"first": {"a": 2}, "then": ALL_ONCE}, {"then": PEOPLE}, given_up={}
    )
    assert judge(evidence).unmarked == 1


def test_an_update_must_reach_everybody() -> None:
    """Those who were told the first as well, and those who were not."""
    evidence = replace(PLAIN, follow=Follow.UPDATE, taken={"first": {"a": 1}, "then": {"b": 1, "c": 1}})
    assert judge(evidence).lost == 1


def test_a_cancel_must_reach_those_who_heard() -> None:
    """Who never heard of the warning need not hear that it is over."""
    evidence = replace(PLAIN, follow=Follow.CANCEL, taken={"first": {"a": 1, "b": 1}, "then": {"a": 1}})
    assert judge(evidence).lost == 1
    assert judge(replace(evidence, taken={"first": {"a": 1}, "then": {"a": 1}})).clean


def test_a_receipt_that_came_to_nothing_is_not_clean() -> None:
    """The gateway was told that it is taken care of."""
    assert not judge(replace(PLAIN, receipts_lost=1)).clean


@pytest.mark.parametrize("follows", [False, True], ids=["alone", "followed"])
@pytest.mark.parametrize("count", range(1, 8))
def test_as_many_moments_are_drawn_as_wanted(count: int, follows: bool) -> None:
    """In the order in which they come, the first in planning; what follows does so before the last of them."""
    for seed in range(50):
        course = draw(random.Random(seed), count, follows=follows)
        assert len(course.moments) == count
        assert not course.moments[0].starting
        assert course.moments[0].share == 0
        reached = [moment.share for moment in course.moments if not moment.starting]
        assert max(reached) <= 1
        if count > 3:
            assert course.moments[-1].share >= course.follow_at


def test_moments_fall_everywhere() -> None:
    """Over many broadcasts: in each tenth of the sending, and in starting again."""
    moments = [
        moment for seed in range(200) for moment in draw(random.Random(seed), 5, follows=False).moments
    ]
    assert any(moment.starting for moment in moments)
    tenths = Counter(int(moment.share * 10) for moment in moments if not moment.starting)
    assert set(range(10)) <= tenths.keys()


@pytest.mark.parametrize(("kills", "expected"), [(2, [2]), (3, [3]), (7, [3, 3, 1])])
def test_kills_are_shared_out_among_broadcasts(kills: int, expected: list[int]) -> None:
    """Several to each, the last has what is left."""
    assert list(shares(kills)) == expected


def test_the_table_adds_up() -> None:
    """A row for each variant, and one for all of them together."""
    plain, receipts = Total(), Total()
    plain.add(Survived({"sending": 2, "planning": 1}, 100, Verdict(repeated=50)), 1_000)
    plain.add(Survived({"sending": 3}, 20, Verdict(repeated=1)), 1_000)
    receipts.add(Survived({"receipts": 3}, 0, Verdict(lost=2)), 1_000)
    totals = {"plain": plain, "receipts": receipts}
    together = dict(zip(HEADER, cells(totals)[-1], strict=True))
    assert (together["recipients"], together["kills"], together["sending"]) == ("3,000", "9", "5")
    assert (together["in flight"], together["told twice"], together["lost"]) == ("120", "51", "2")
    said = as_json(totals, seed=1, seconds=2)
    assert said["clean"] is False
