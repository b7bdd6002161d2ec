"""A sweep's own judgement: who counts as lost, which repeats as known, where the kills fall."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import nullcontext
from dataclasses import replace
from io import StringIO
from itertools import pairwise

import pytest
from rich.console import Console

from bench.sweep import run
from bench.sweep.broadcast import Death, Survived
from bench.sweep.deployment import ALL, Embedded, Victim, WithRedis
from bench.sweep.judging import Evidence, Verdict, judge
from bench.sweep.moments import draw
from bench.sweep.totals import HEADER, Totals, as_json, cells, markdown
from bench.sweep.variants import VARIANTS, Follow, Variant

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


@pytest.mark.parametrize(
    "fault", ["receipts_lost", "stale", "unfinished", "miscounted", "broken"], ids=lambda fault: fault
)
def test_books_that_are_wrong_are_not_clean(fault: str) -> None:
    """Receipts, the end of an alert, the end of the work, tallies, the journal: whatever the gateway says."""
    verdict = judge(replace(PLAIN, **{fault: 1}))
    assert (getattr(verdict, fault), verdict.clean) == (1, False)


@pytest.mark.parametrize("follows", [False, True], ids=["alone", "followed"])
@pytest.mark.parametrize("count", range(1, 8))
def test_as_many_moments_are_drawn_as_wanted(count: int, follows: bool) -> None:
    """In the order in which they come, the first in planning; what follows does so before the last of them."""
    for seed in range(50):
        course = draw(random.Random(seed), count, Embedded.victims, follows=follows)
        assert len(course.moments) == count
        assert not course.moments[0].starting
        assert course.moments[0].share == 0
        reached = [moment.share for moment in course.moments if not moment.starting]
        assert max(reached) <= 1
        if count > 3:
            assert course.moments[-1].share >= course.follow_at


def test_moments_fall_everywhere() -> None:
    """Over many broadcasts: in each tenth of the sending, and in starting again; on whatever there is to kill."""
    moments = [
        moment
        for seed in range(200)
        for moment in draw(random.Random(seed), 5, WithRedis.victims, follows=False).moments
    ]
    assert {moment.victim for moment in moments} == set(WithRedis.victims)
    assert any(moment.starting for moment in moments)
    tenths = Counter(int(moment.share * 10) for moment in moments if not moment.starting)
    assert set(range(10)) <= tenths.keys()


def test_something_is_always_left_that_goes_on() -> None:
    """Only what can be spared stays away, alone, and is not struck again before it is back."""
    stayed: set[Victim] = set()
    for seed in range(200):
        moments = draw(random.Random(seed), 5, WithRedis.victims, follows=False).moments
        for moment, then in pairwise(moments):
            if not moment.back:
                stayed.add(moment.victim)
                assert then.victim != moment.victim
                assert (then.back, then.starting) == (True, False)
    assert stayed == {victim for victim in WithRedis.victims if victim.spare}


def test_nothing_stays_away_where_there_is_but_one() -> None:
    """It comes back at once."""
    courses = [draw(random.Random(seed), 5, Embedded.victims, follows=True) for seed in range(50)]
    assert {(moment.victim, moment.back) for course in courses for moment in course.moments} == {(ALL, True)}


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_faults_strike_few_enough_requests(variant: Variant) -> None:
    """A batch has three tries: so many as are struck of a long broadcast would give up most of a short one."""
    many, few = variant.faults(2_000), variant.faults(20)
    for fault, count in variant.struck.items():
        assert many[fault] * 2_000 == pytest.approx(count)
        assert few[fault] <= 0.1


@pytest.mark.parametrize(("kills", "expected"), [(2, [2]), (3, [3]), (7, [3, 3, 1])])
def test_kills_are_shared_out_among_broadcasts(kills: int, expected: list[int]) -> None:
    """Several to each, the last has what is left."""
    assert list(run.shares(kills)) == expected


def test_a_broadcast_that_broke_off_spoils_the_sweep_and_ends_it_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Half an hour of kills is not thrown away for one that cannot be judged; nor does it pass for clean."""
    well = Survived([Death("a worker", "sending", 1)] * 3, Verdict())
    told = iter([well, TimeoutError("waited in vain"), well])

    def broadcast(*_: object, **__: object) -> Survived:
        if isinstance(found := next(told), Exception):
            raise found
        return found

    monkeypatch.setattr(run, "broadcast", broadcast)
    monkeypatch.setattr(run, "GROUNDS", {"nowhere": lambda people: nullcontext()})
    totals = run.sweep("nowhere", 9, seed=1, beside=1, console=Console(file=StringIO()))
    assert (totals.kills, totals.together.verdict) == (6, Verdict(unfinished=1))
    assert "waited in vain" in capsys.readouterr().err


def test_what_is_drawn_for_a_broadcast_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A seed means the same, however many broadcasts go on beside each other and whichever comes first."""
    drawn: set[tuple[str, float]] = set()

    def broadcast(_: object, variant: Variant, kills: int, dice: random.Random, **__: object) -> Survived:
        drawn.add((variant.name, dice.random()))
        return Survived([Death("a worker", "sending", 1)] * kills, Verdict())

    monkeypatch.setattr(run, "broadcast", broadcast)
    monkeypatch.setattr(run, "GROUNDS", {"nowhere": lambda people: nullcontext()})
    for beside in (1, 3):
        totals = run.sweep("nowhere", 15, seed=1, beside=beside, console=Console(file=StringIO()))
        assert totals.kills == 15
    assert len(drawn) == 5


def test_the_table_adds_up() -> None:
    """A row for each variant, and one for all of them together."""
    totals = Totals()
    deaths = [
        Death("a worker", "sending", 60),
        Death("a worker", "sending", 20),
        Death("PostgreSQL", "planning", 20),
    ]
    totals.add("calm", Survived(deaths, Verdict(repeated=50)), 1_000)
    totals.add("calm", Survived([Death("PostgreSQL", "sending", 20)] * 3, Verdict(repeated=1)), 1_000)
    totals.add("receipts", Survived([Death("a worker", "receipts", 0)] * 3, Verdict(lost=2)), 1_000)
    together = dict(zip(HEADER, cells(totals)[-1], strict=True))
    assert (together["recipients"], together["kills"], together["sending"]) == ("3,000", "9", "5")
    assert (together["in flight"], together["told twice"], together["lost"]) == ("160", "51", "2")
    said = as_json(totals, deployment="scaled", seed=1, seconds=2)
    assert said["clean"] is False


def test_a_victim_answers_for_its_own_deaths_and_for_how_it_ended() -> None:
    """Two of the three deaths were a worker's; what was told twice is the broadcast's."""
    totals = Totals()
    deaths = [
        Death("a worker", "sending", 60),
        Death("a worker", "settling", 20),
        Death("PostgreSQL", "sending", 5),
    ]
    totals.add("calm", Survived(deaths, Verdict(repeated=50)), 1_000)
    worker, database = totals.by_victim["a worker"], totals.by_victim["PostgreSQL"]
    assert (worker.kills, worker.in_flight, worker.verdict.repeated) == (2, 80, 50)
    assert (database.kills, database.in_flight, database.verdict.repeated) == (1, 5, 50)
    assert "| PostgreSQL |" in markdown(totals)
