"""What goes together for one address: whole, in order, within the limits, and never red with less or a drill with the real."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warnd.contract.outcome import Accepted, Deferred, Outcome, Reason, Rejected, Scope
from warnd.model.alert import Status
from warnd.model.color import Lane
from warnd.model.content import Content, ucs2_segments
from warnd.model.delivery import Batch, BatchState, Rank, State
from warnd.model.policy import RetryPolicy
from warnd.pipeline.bundle import Bundled, Carrier, bundle, lanes_beside, not_sent, settle_bundle
from warnd.pipeline.render import BUILT_IN, Limits
from warnd.pipeline.settle import Try
from warnd.pipeline.templates import Templates
from warnd.ports import Pile, Settlement

SHIPPED = Templates.load(Path(__file__).parents[2] / "templates")
NONE = Templates({})
ROBOT = Carrier("wechat", 20, Limits(max_bytes=4096))
NOW, END = 7, 1 << 60
POLICY = RetryPolicy()


def resting(number: int, text: str = "暴雨预警", *, lane: Lane = Lane.BLUE, rank: Rank = Rank.FIRST, language: str = "zh",
            kind: str = "wechat", subject: str = "", until: int = END) -> Batch:  # fmt: skip
    """A batch for the one robot there is."""
    content = Content(f"C{number:03}", f"A{number:03}", kind, language, text, subject)
    return Batch(f"B{number:03}", f"A{number:03}", "wechat", lane, content, (f"D{number:03}",), ("robot",), 0, until,
                 bytes(1), state=BatchState.QUEUED, rank=rank)  # fmt: skip


def bundled(batches: Sequence[Batch], *, leader: Batch | None = None, status: Status = Status.ACTUAL,
            carrier: Carrier = ROBOT, templates: Templates = SHIPPED) -> Bundled:  # fmt: skip
    return bundle(
        leader or batches[0], Pile(status, batches), carrier, templates, new_id=lambda: "BUNDLE", made=NOW
    )


def urgency(one: Batch) -> tuple[int, int, str]:
    return one.lane.value, one.rank.value, one.id


texts = st.tuples(st.sampled_from(["暴雨", "𠮷", "a b\nc"]), st.integers(1, 300)).map(
    lambda found: found[0] * found[1]
)
piles = st.lists(
    st.tuples(texts, st.sampled_from(Lane), st.sampled_from(Rank), st.sampled_from(["zh", "en", "ug"])),
    min_size=1,
    max_size=30,
).map(
    lambda found: [
        resting(number, text, lane=lane, rank=rank, language=language)
        for number, (text, lane, rank, language) in enumerate(found)
    ]
)
carriers = st.builds(
    Carrier,
    st.just("wechat"),
    st.integers(1, 20),
    st.builds(
        Limits, max_bytes=st.none() | st.integers(10, 5000), max_units=st.none() | st.integers(10, 3000)
    ),
)


@given(piles, carriers, st.sampled_from([SHIPPED, NONE]), st.data())
def test_a_pile_goes_message_by_message(
    batches: list[Batch], carrier: Carrier, templates: Templates, data: st.DataObject
) -> None:
    """
    Until nothing is left: nobody's message is lost, none goes twice, each goes whole and once the more urgent have, with
    none that it must not stand beside, in a text that the channel takes; and no sooner ends one than it must.
    """
    left, told = list(batches), []
    while left:
        leader = data.draw(st.sampled_from(left))
        first, last = lanes_beside(leader.lane)
        beside = [one for one in left if first <= one.lane <= last]
        same = sorted((one for one in beside if one.content.language == leader.content.language), key=urgency)
        batch = bundled(left, leader=leader, carrier=carrier, templates=templates).batch
        assert list(batch.each) == same[: len(batch.each)], "the most urgent, in order"
        assert len(batch.each) <= max(carrier.most, 1)
        if len(batch.each) < min(len(same), carrier.most):
            one_more = Carrier("wechat", len(batch.each) + 1, Limits())
            text = bundled(same, leader=leader, carrier=one_more, templates=templates).batch.content.body
            assert not carrier.limits.allow(text), "the next did not fit"
        if batch.parts:
            assert carrier.limits.allow(batch.content.body)
            at = 0
            for part in batch.parts:
                at = batch.content.body.index(part.content.body, at) + len(part.content.body)
        for one in batch.each:
            left.remove(one)
            told.append(one.id)
    assert sorted(told) == [one.id for one in batches]


@pytest.mark.parametrize(
    ("lane", "beside"),
    [
        (Lane.RED, {Lane.RED}),
        (Lane.ORANGE, {Lane.ORANGE, Lane.YELLOW, Lane.BLUE}),
        (Lane.YELLOW, {Lane.ORANGE, Lane.YELLOW, Lane.BLUE}),
        (Lane.BLUE, {Lane.ORANGE, Lane.YELLOW, Lane.BLUE}),
        (Lane.DRILL, {Lane.DRILL}),
    ],
)
def test_red_is_hidden_in_no_bundle_of_less(lane: Lane, beside: set[Lane]) -> None:
    """Nor is a drill ever beside the real thing; several reds may go together."""
    first, last = lanes_beside(lane)
    assert {each for each in Lane if first <= each <= last} == beside


def test_the_text_says_how_many_and_then_each() -> None:
    """As the shipped template of the channel has it."""
    batch = bundled([resting(1, "一"), resting(2, "二", lane=Lane.YELLOW)]).batch
    assert batch.content.body == "**2条预警信息**\n\n二\n\n一"
    assert (batch.content.language, batch.content.template.partition("@")[0]) == ("zh", "wechat/bundle.zh.md")
    english = bundled([resting(n, f"<{n}>", language="en") for n in range(3)]).batch
    assert english.content.body == "**3 warning messages**\n\n<0>\n\n<1>\n\n<2>"


def test_a_drill_says_so_in_its_first_line() -> None:
    """Whatever the parts say of it: who reads the first line only must not take it for the real thing."""
    for templates in (SHIPPED, NONE):
        pair = [resting(n, "【演练】暴雨", lane=Lane.DRILL) for n in range(2)]
        body = bundled(pair, status=Status.EXERCISE, templates=templates).batch.content.body
        assert "【演练】" in body.partition("\n")[0]


def test_a_mail_has_a_subject_and_a_short_message_its_parts_counted() -> None:
    """The subject names the most urgent; a text that costs several short messages says how many."""
    mails = [resting(n, f"第{n}件", kind="email", subject=f"暴雨{n}") for n in range(2)]
    mail = bundled(mails, carrier=Carrier("email", 20, Limits())).batch.content
    assert mail.subject == "2条预警信息：暴雨0"
    assert mail.body.startswith("2条预警信息\n\n1/2 ---")
    short = [resting(n, "暴" * 30, kind="sms") for n in range(2)]
    text = bundled(short, carrier=Carrier("sms", 5, Limits(max_units=500))).batch.content
    assert text.segments == len(ucs2_segments(text.body)) == 2
    assert text.body == f"2条预警信息：\n1. {'暴' * 30}\n2. {'暴' * 30}"


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("{{ count }} of {{ parts[0] }}", id="a part is left out"),
        pytest.param("{{ parts[1] }}{{ parts[0] }}", id="the order is another"),
        pytest.param("{% for part in parts %}{{ part|upper }}{% endfor %}", id="a part is changed"),
        pytest.param("{{ part }}", id="a name is misspelt"),
        pytest.param("{{ issuer }}", id="a name of single messages is used"),
    ],
)
def test_a_template_that_does_not_say_every_part_is_passed_over(source: str) -> None:
    """The next one down says them, the alarm says which was at fault."""
    pair = [resting(1, "rain"), resting(2, "flood")]
    found = bundled(pair, templates=Templates({"wechat/bundle.zh.md": source}))
    assert found.batch.content.template.startswith(BUILT_IN)
    assert found.batch.content.body == "2条预警信息\n\nrain\n\nflood"
    assert [fault.template for fault in found.faults] == ["wechat/bundle.zh.md"]


def test_a_bundle_is_over_when_its_first_part_is() -> None:
    """One key, one address, one request; as much of the channel's rate as its text costs."""
    batch = bundled([resting(1, until=90), resting(2, until=60)]).batch
    assert (batch.key, batch.addresses, batch.deliver_until, batch.created) == ("BUNDLE", ("robot",), 60, NOW)
    assert len(batch) == batch.cost == 1
    leased = batch.leased()
    assert [(one.epoch, one.attempts) for one in leased.parts] == [(1, 1)] * 2


# --- what an answer means ---------------------------------------------------------------------------


def answered(outcome: Outcome, *batches: Batch) -> Settlement:
    batch = bundled(batches or [resting(1), resting(2)]).batch.leased()
    return settle_bundle(batch, outcome, POLICY, Try(NOW, NOW + 1, 0.5, ("N1", "N2")))


def test_an_answer_is_every_parts() -> None:
    """Each has its own settlement, entry in the journal and receipt key; the entries name the bundle."""
    settlement = answered(Accepted("R"))
    assert settlement.state is BatchState.SETTLED
    assert [one.batch.id for one in settlement.parts] == ["B001", "B002"]
    for one in settlement.parts:
        assert one.uniform is not None
        assert (one.uniform.state, one.receipt_keys) == (State.ACCEPTED, [(0, "R")])
        assert one.outcome == {"accepted": 1, "bundle": "BUNDLE", "parts": 2}


def test_what_certainly_did_not_arrive_may_be_bundled_anew() -> None:
    """With what has come meanwhile, under another key."""
    settlement = answered(Deferred(Reason.THROTTLED, Scope.TARGET))
    assert settlement.state is BatchState.SETTLED
    assert [one.state for one in settlement.parts] == [BatchState.WAITING] * 2


def test_what_may_have_arrived_goes_again_as_it_was() -> None:
    """As long as every part may: a blue is sent again once, an orange twice."""
    unclear = Deferred(Reason.NO_REPLY, maybe_sent=True)
    settlement = answered(unclear)
    assert settlement.state is BatchState.UNKNOWN
    assert [(one.state, one.unknowns) for one in settlement.parts] == [(BatchState.UNKNOWN, 1)] * 2
    mixed = [replace(resting(1, lane=Lane.ORANGE), unknowns=1), replace(resting(2), unknowns=1)]
    again = answered(unclear, *mixed)
    assert again.state is BatchState.SETTLED
    assert [one.state for one in again.parts] == [BatchState.UNKNOWN, BatchState.SETTLED]


@pytest.mark.parametrize(
    "refusal",
    [
        Rejected(Reason.CONTENT_REFUSED, Scope.CONTENT),
        Rejected(Reason.TOO_LONG, Scope.ADDRESS),
        Rejected(Reason.CONTENT_REFUSED, Scope.ONE_OF),
    ],
    ids=["the text", "its length", "one of them"],
)
def test_a_refused_text_is_taken_apart(refusal: Rejected) -> None:
    """Nobody can tell which part it was: none is failed for it, and none of their own texts is stopped."""
    settlement = answered(refusal)
    assert settlement.state is BatchState.STOPPED
    for one in settlement.parts:
        assert (one.state, one.due, one.content_refused) == (BatchState.WAITING, NOW + 1, False)
        assert one.uniform is not None
        assert one.uniform.state is State.WAITING


def test_what_did_not_leave_rests_but_for_what_is_over() -> None:
    """One part was lifted between the lease and the first byte: the others are told without it."""
    batch = bundled([resting(1), resting(2), resting(3)]).batch.leased()
    settlement = not_sent(batch, NOW, lambda one, _: one.alert_id != "A002")
    assert [one.state for one in settlement.parts] == [
        BatchState.QUEUED,
        BatchState.STOPPED,
        BatchState.QUEUED,
    ]
    assert settlement.state is BatchState.SETTLED
    late = not_sent(
        replace(batch, parts=tuple(replace(one, unknowns=1) for one in batch.parts)), NOW, lambda *_: True
    )
    assert late.state is BatchState.UNKNOWN, "what was to go again as it was, still is"
