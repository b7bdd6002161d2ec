"""What one attempt means for its batch and for each delivery of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from math import ceil, log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warnd.contract.outcome import Accepted, Deferred, Outcome, Reason, Rejected, Scope
from warnd.model.color import Lane
from warnd.model.content import Content
from warnd.model.delivery import Batch, BatchState, State
from warnd.model.policy import RetryPolicy
from warnd.pipeline.settle import Try, describe, resends, settle
from warnd.ports import Settlement

NOW = 1_000_000_000
DAY = 86_400_000_000
POLICY = RetryPolicy()
TEXT = Content("C", "A", "sms", "zh", "暴雨红色预警")
ATTEMPT = Try(started=NOW - 20_000, ended=NOW, jitter=0.5, new_ids=("N1", "N2"))

YES = Accepted("k")
BUSY = Deferred(Reason.TEMPORARY_FAILURE)
LATER = Deferred(Reason.THROTTLED, retry_after=timedelta(seconds=7))
AT_ONCE = Deferred(Reason.TOKEN_EXPIRED, retry_after=timedelta(0))
UNCLEAR = Deferred(Reason.NO_REPLY, maybe_sent=True)
BAD = Rejected(Reason.BAD_ADDRESS)
FULL = Rejected(Reason.MAILBOX_FULL)
CONTENT = Rejected(Reason.CONTENT_REFUSED, Scope.CONTENT)
ACCOUNT = Rejected(Reason.ACCOUNT_REFUSED, Scope.ACCOUNT)
ONE_OF = Rejected(Reason.BAD_ADDRESS, Scope.ONE_OF)


def batch_of(size: int, lane: Lane = Lane.RED, **changes: object) -> Batch:
    batch = Batch(
        id="B", alert_id="A", channel="sms", lane=lane, content=TEXT,
        deliveries=tuple(f"D{n}" for n in range(size)), addresses=tuple(f"+86154{n:08}" for n in range(size)),
        created=NOW - DAY, deliver_until=NOW + DAY, levels=bytes([4] * size), epoch=1, attempts=1,
    )  # fmt: skip
    return replace(batch, **changes)  # type: ignore[arg-type]


def settled(*outcomes: Outcome, attempt: Try = ATTEMPT, **changes: object) -> Settlement:
    return settle(batch_of(len(outcomes), **changes), outcomes, POLICY, attempt)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("outcome", "batch_state", "state"),
    [
        pytest.param(YES, BatchState.SETTLED, State.ACCEPTED, id="accepted is settled"),
        pytest.param(BUSY, BatchState.WAITING, State.WAITING, id="deferred waits"),
        pytest.param(LATER, BatchState.WAITING, State.WAITING, id="throttled waits"),
        pytest.param(UNCLEAR, BatchState.UNKNOWN, State.UNKNOWN, id="unclear is unknown"),
        pytest.param(BAD, BatchState.SETTLED, State.FAILED, id="a bad address fails"),
        pytest.param(CONTENT, BatchState.SETTLED, State.FAILED, id="a refused text fails"),
        pytest.param(ACCOUNT, BatchState.WAITING, State.WAITING, id="a refused account waits"),
    ],
)
@pytest.mark.parametrize("size", [1, 3])
def test_what_all_share_stays_with_the_batch(
    outcome: Outcome, batch_state: BatchState, state: State, size: int
) -> None:
    """A uniform answer is one row of the batch, however many people it is about; it never leaves its batch."""
    found = settled(*[outcome] * size)
    assert found.uniform is not None
    assert (found.state, found.uniform.state) == (batch_state, state)
    assert (*found.fates, *found.departures, *found.splits) == ()


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        pytest.param(YES, True, id="accepted"),
        pytest.param(UNCLEAR, True, id="perhaps sent"),
        pytest.param(BUSY, False, id="deferred for certain"),
        pytest.param(BAD, False, id="refused for certain"),
    ],
)
def test_told_is_whatever_was_not_certainly_refused(outcome: Outcome, told: bool) -> None:
    """It decides who hears of the change or the end."""
    for found in (settled(outcome), settled(outcome, YES if outcome is not YES else BAD)):
        fates = [found.uniform] if found.uniform else [fate for place, fate in found.fates if place == 0]
        assert any(fate.told for fate in fates) == told or found.splits


@pytest.mark.parametrize(
    ("outcome", "where"),
    [
        pytest.param(BUSY, "departs", id="deferred is gathered anew"),
        pytest.param(LATER, "departs", id="throttled is gathered anew"),
        pytest.param(ACCOUNT, "departs", id="a refused account is gathered anew"),
        pytest.param(UNCLEAR, "splits", id="unclear goes on in a batch of its own"),
        pytest.param(BAD, "fails", id="a bad address fails"),
        pytest.param(CONTENT, "fails", id="a text refused for one fails for one"),
        pytest.param(ONE_OF, "fails", id="the only suspect is the bad one"),
    ],
)
def test_where_they_differ_each_goes_its_own_way(outcome: Outcome, where: str) -> None:
    """Certain non-acceptances leave under new keys; an unclear one is never mixed with anything."""
    found = settled(YES, outcome, YES)
    assert found.state is BatchState.SETTLED
    assert {place: fate.state for place, fate in found.fates if place != 1} == {
        0: State.ACCEPTED,
        2: State.ACCEPTED,
    }
    assert [one.place for one in found.departures] == ([1] if where == "departs" else [])
    assert [one.deliveries for one in found.splits] == ([("D1",)] if where == "splits" else [])
    assert [fate.state for place, fate in found.fates if place == 1] == (
        [State.FAILED] if where == "fails" else []
    )


outcomes = st.sampled_from([YES, BUSY, LATER, UNCLEAR, BAD, FULL, CONTENT, ACCOUNT, ONE_OF])


@given(st.lists(outcomes, min_size=1, max_size=12), st.sampled_from(Lane), st.integers(0, 4))
def test_nobody_falls_between(answers: list[Outcome], lane: Lane, unknowns: int) -> None:
    """Every delivery is decided, departs, or is in exactly one batch that goes on."""
    found = settled(*answers, lane=lane, unknowns=unknowns)
    if found.uniform is not None:
        return
    places = [place for place, _ in found.fates] + [one.place for one in found.departures]
    names = [f"D{place}" for place in places] + [id_ for split in found.splits for id_ in split.deliveries]
    assert sorted(names) == sorted(f"D{n}" for n in range(len(answers)))


@given(st.integers(1, 100).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1))))
def test_one_bad_address_of_many_stands_alone_in_the_end(case: tuple[int, int]) -> None:
    """``one_of``: all others are accepted, and the longest way takes log2 of the batch in requests."""
    size, bad = case
    accepted, failed, deepest = bisect_all(batch_of(size), f"D{bad}")
    assert failed == [f"D{bad}"]
    assert sorted(accepted) == sorted(f"D{n}" for n in range(size) if n != bad)
    assert deepest <= ceil(log2(size)) + 1


def bisect_all(batch: Batch, bad: str, depth: int = 1) -> tuple[list[str], list[str], int]:
    """Send to a gateway that refuses a whole request for one bad number."""
    answer: Outcome = ONE_OF if bad in batch.deliveries else YES
    found = settle(batch, [answer] * len(batch), POLICY, ATTEMPT)
    accepted: list[str] = []
    failed: list[str] = []
    deepest = depth
    if found.uniform is not None:
        done = accepted if found.uniform.state is State.ACCEPTED else failed
        done.extend(batch.deliveries)
    for split in found.splits:
        assert split.state is BatchState.QUEUED
        more, bads, deep = bisect_all(split, bad, depth + 1)
        accepted += more
        failed += bads
        deepest = max(deepest, deep)
    return accepted, failed, deepest


def test_suspects_are_halved_whatever_their_details_say() -> None:
    """A gateway that words each number's answer differently still does not say which one is bad."""
    found = settled(replace(ONE_OF, detail="1"), replace(ONE_OF, detail="2"))
    assert [split.deliveries for split in found.splits] == [("D0",), ("D1",)]


def test_suspects_beside_accepted_ones_are_not_failed() -> None:
    """They leave at once, are refused together, and then halved."""
    found = settled(YES, ONE_OF, ONE_OF)
    assert [(one.place, one.due) for one in found.departures] == [(1, NOW), (2, NOW)]
    assert not found.rejected


@pytest.mark.parametrize(
    ("lane", "times"),
    [(Lane.RED, 2), (Lane.ORANGE, 2), (Lane.YELLOW, 1), (Lane.BLUE, 1), (Lane.DRILL, 1)],
    ids=["red twice", "orange twice", "yellow once", "blue once", "a drill as blue"],
)
@pytest.mark.parametrize("answer", [lambda n: [UNCLEAR] * n, lambda n: [YES] * (n - 1) + [UNCLEAR]],
                         ids=["all unclear", "one unclear"])  # fmt: skip
def test_unknown_is_resent_by_color_then_final(
    lane: Lane, times: int, answer: Callable[[int], Sequence[Outcome]]
) -> None:
    """The same batch again, at most so many times; then nobody can know, and it is said so."""
    batch, resent = batch_of(3, lane), 0
    while True:
        size = len(batch)
        found = settle(batch, answer(size) if resent == 0 else [UNCLEAR] * size, POLICY, ATTEMPT)
        if found.splits:
            batch = found.splits[0]
        elif found.state is BatchState.UNKNOWN:
            batch = replace(batch, unknowns=found.unknowns)
        else:
            break
        resent += 1
    assert resent == times == resends(batch, POLICY)
    assert found.uniform is not None
    assert found.uniform.state is State.UNKNOWN


def test_an_unclear_batch_keeps_its_key_and_a_split_gets_a_new_one() -> None:
    """A gateway may know a repeated key again; it must never know one that stood for other numbers."""
    whole = settled(UNCLEAR, UNCLEAR)
    assert whole.batch.key == "B"
    assert not whole.splits
    part = settled(YES, UNCLEAR)
    assert [split.key for split in part.splits] == ["N1"]
    assert part.splits[0].unknowns == 1
    assert [split.key for split in settled(ONE_OF, ONE_OF).splits] == ["N1", "N2"]


@pytest.mark.parametrize("jitter", [0.0, 0.5, 0.999])
@pytest.mark.parametrize("outcome", [BUSY, UNCLEAR], ids=["deferred", "unclear"])
def test_the_first_retry_of_red_comes_in_under_a_second(outcome: Outcome, jitter: float) -> None:
    """And not at once: the provider has just said no."""
    attempt = ATTEMPT._replace(jitter=jitter)
    for found in (settled(outcome, attempt=attempt), settled(YES, outcome, attempt=attempt)):
        dues = [found.due] if found.uniform else []
        dues += [one.due for one in found.departures] + [split.due for split in found.splits]
        assert all(0 < due - NOW < 1_000_000 for due in dues)
        assert dues


@given(st.integers(1, 1000), st.floats(0, 0.999))
def test_waits_grow_and_have_a_ceiling(attempts: int, jitter: float) -> None:
    """Twice as long each time up to a minute, jittered down to half."""
    wait = POLICY.wait(attempts, jitter).total_seconds()
    whole = min(0.5 * 2.0 ** min(attempts - 1, 63), 60.0)
    assert whole / 2 - 1e-6 <= wait <= whole


@pytest.mark.parametrize(
    ("outcome", "wait"),
    [pytest.param(LATER, 7_000_000, id="seven seconds"), pytest.param(AT_ONCE, 0, id="at once")],
)
def test_retry_after_is_honoured(outcome: Outcome, wait: int) -> None:
    """Alone and among others; zero means at once."""
    assert settled(outcome).due == NOW + wait
    assert settled(YES, outcome).departures[0].due == NOW + wait


def test_a_refused_account_loses_nobody() -> None:
    """The fault is ours. Where the channel rests they are due before it is back; else they wait as long as it would have."""
    pause = int(POLICY.pause.total_seconds() * 1e6)
    assert NOW < settled(ACCOUNT, ACCOUNT).due < NOW + pause / 10
    assert settled(YES, ACCOUNT).departures[0].due == NOW + pause
    assert not settled(ACCOUNT).rejected


@pytest.mark.parametrize("outcome", [BUSY, LATER, ACCOUNT], ids=["deferred", "throttled", "account refused"])
@pytest.mark.parametrize("left", [0, 1], ids=["due at the end", "due just before the end"])
def test_what_would_be_due_after_the_end_expires(outcome: Outcome, left: int) -> None:
    """Later than that it would mislead; told now, an operator can still telephone."""
    alone = settled(outcome, deliver_until=settled(outcome).due + left)
    among = settled(YES, outcome, deliver_until=settled(YES, outcome).departures[0].due + left)
    assert alone.uniform is not None
    assert alone.uniform.state is (State.WAITING if left else State.EXPIRED)
    expired = [fate.state for place, fate in among.fates if place == 1]
    assert (expired, len(among.departures)) == (([], 1) if left else ([State.EXPIRED], 0))


def test_an_unclear_answer_at_the_end_is_final() -> None:
    """A repeat would come too late, so what is not known stays so."""
    assert settled(UNCLEAR, deliver_until=NOW + 1).state is BatchState.SETTLED
    late = settled(YES, UNCLEAR, deliver_until=NOW + 1)
    assert not late.splits
    assert dict(late.fates)[1].state is State.UNKNOWN


@pytest.mark.parametrize(
    ("outcome", "counts"),
    [
        pytest.param(BAD, True, id="a bad address counts"),
        pytest.param(FULL, False, id="a full mailbox never does"),
        pytest.param(CONTENT, False, id="nor does a refused text"),
        pytest.param(BUSY, False, id="nor a deferral"),
    ],
)
def test_only_refusals_of_the_address_count_towards_suspending_it(outcome: Outcome, counts: bool) -> None:
    """A mailbox is emptied again; a text or a busy day says nothing about an address."""
    assert list(settled(outcome).rejected) == ([0] if counts else [])
    assert list(settled(YES, outcome).rejected) == ([1] if counts else [])


def test_only_a_text_refused_for_all_is_refused() -> None:
    """What passed for one passes."""
    assert settled(CONTENT, CONTENT).content_refused
    assert not settled(YES, CONTENT).content_refused


def test_receipt_keys_go_by_place() -> None:
    """Also where only some were accepted, and where an acceptance brings no key."""
    assert list(settled(Accepted("a"), Accepted(), Accepted("c")).receipt_keys) == [(0, "a"), (2, "c")]
    assert list(settled(BAD, Accepted("b")).receipt_keys) == [(1, "b")]


@given(st.lists(outcomes, min_size=1, max_size=6))
def test_the_journal_never_learns_an_address(answers: list[Outcome]) -> None:
    """Outcomes are kept for years; numbers can be erased."""
    found = settled(*answers)
    assert "+86154" not in str(found.outcome)
    assert all("+86154" not in str(describe(one)) for one in answers)
