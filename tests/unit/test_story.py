"""One delivery's timeline in plain sentences."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from warnd.app.phrases import phrases
from warnd.app.story import Tone, moments, tell, tone_of, why_of
from warnd.model.delivery import State
from warnd.store.deliveries import DeliveryRow
from warnd.store.delivery_story import DeliveryStory, Event, Person, Reason

AT = datetime(2026, 7, 14, tzinfo=UTC)
SAY = phrases("en")


def a_story(state: State, *events: Event, reason: str | None = None, why: str | None = None,
            quiet: str = "") -> DeliveryStory:  # fmt: skip
    delivery = DeliveryRow(
        "D1", "A1", "Red", "red", "sms", "+8615400000001", "Post 1", "621202101", 0, state, reason, None,
        False, len(events), AT, AT + timedelta(minutes=1), possible_repeat=False,
    )  # fmt: skip
    because = Reason("S1", "G1", "Wardens", "within", why)
    person = Person("P1", "E1", "Post 1", "621202101", (because,))
    planned = Event(AT, "delivery.planned", {"round": 0, **({"quiet_hours": quiet} if quiet else {})})
    return DeliveryStory(delivery, None, "", None, (person,), (), (), ("D1",), (planned, *events))


def a_try(n: int, outcome: dict[str, Any] | None, **facts: Any) -> Event:
    at = AT + timedelta(seconds=n)
    started = (at - timedelta(milliseconds=250)).isoformat()
    return Event(at, "attempt.ended", {"try": n, "size": 1, "started": started, "outcome": outcome, **facts})


def said(story: DeliveryStory) -> list[str]:
    return [sentence for _, sentence in tell(story, "en", {"621202101": "Liangshui"})]


def test_a_plain_delivery_is_told_in_three_sentences() -> None:
    """Planned and why, accepted and how fast, delivered."""
    receipt = Event(AT + timedelta(seconds=9), "receipt.received", {"status": "delivered", "key": "R1"})
    assert said(a_story(State.DELIVERED, a_try(1, {"outcome": "accepted"}), receipt)) == [
        "Planned: sms to Post 1 (Liangshui). "
        "Because “Wardens” lies in the warned area and subscribes to such alerts.",
        "Try 1 (0.25 s): the sms gateway accepted it.",
        "Receipt: delivered.",
    ]


OUTCOMES = {
    "asked to slow down": (
        {"outcome": "deferred", "reason": "throttled", "retry_after": 2.0},
        Tone.UNDERWAY,
        "The gateway asked to wait 2 s.",
    ),
    "could not reach it": (
        {"outcome": "deferred", "reason": "unreachable"}, Tone.UNDERWAY, "could not be reached",
    ),
    "may have been sent": (
        {"outcome": "deferred", "reason": "no_reply", "maybe_sent": True}, Tone.UNKNOWN, "is not known",
    ),
    "bad address": (
        {"outcome": "rejected", "reason": "bad_address", "scope": "address", "detail": "1001"},
        Tone.FAILED,
        "The gateway's words: 1001.",
    ),
    "bad text": ({"outcome": "rejected", "reason": "too_long", "scope": "content"}, Tone.FAILED, "text was refused"),
    "our account": (
        {"outcome": "rejected", "reason": "out_of_credit", "scope": "account"}, Tone.FAILED, "Nothing is lost",
    ),
    "the only one of a batch": (
        {"outcome": "rejected", "reason": "bad_address", "scope": "one_of"}, Tone.FAILED, "this address was refused",
    ),
    "a reason of a later release": (
        {"outcome": "deferred", "reason": "sunspots"}, Tone.UNDERWAY, "sunspots",
    ),
    "erased": (None, Tone.UNKNOWN, "erased"),
}  # fmt: skip


@pytest.mark.parametrize(("outcome", "tone", "part"), OUTCOMES.values(), ids=OUTCOMES)
def test_each_outcome_has_its_sentence(outcome: dict[str, Any] | None, tone: Tone, part: str) -> None:
    """In both languages, with the tone of the news."""
    story = a_story(State.DELIVERED, a_try(1, outcome))
    moment = moments(story, "en")[1]
    assert moment.tone is tone
    assert part in moment.sentence
    assert moments(story, "zh")[1].sentence


def test_one_of_many_refused_says_that_the_batch_is_split() -> None:
    """It was not this one's fault, as far as anybody knows."""
    refused = {"outcome": "rejected", "reason": "bad_address", "scope": "one_of"}
    assert "split in two" in said(a_story(State.DELIVERED, a_try(1, refused, size=8)))[1]


def test_a_possible_repeat_and_a_late_answer_are_said() -> None:
    """The marks that the journal carries are never swallowed."""
    sentence = said(
        a_story(State.DELIVERED, a_try(2, {"outcome": "accepted"}, possible_repeat=True, late=True))
    )[1]
    assert SAY("story.possible_repeat") in sentence
    assert SAY("story.late") in sentence


def test_who_is_not_told_hears_why_and_nothing_else() -> None:
    """One sentence with the reason, one with the group by way of which."""
    ended = Event(AT, "delivery.ended", {"state": "suppressed", "reason": "below_color"})
    why = SAY("whys.below_color")
    assert said(a_story(State.SUPPRESSED, ended, reason="below_color", why="below_color")) == [
        f"Post 1 (Liangshui) is not told: {why}. By way of “Wardens”: {why}."
    ]


def test_a_standby_that_was_not_needed_was_planned_all_the_same() -> None:
    """It is not among those who are not told."""
    stood_by = Event(AT, "delivery.stood_by", {"after": ["D0"]})
    ended = Event(AT, "delivery.ended", {"state": "suppressed", "reason": "not_needed"})
    told = said(a_story(State.SUPPRESSED, stood_by, ended, reason="not_needed"))
    assert told[0].startswith("Planned")
    assert told[1:] == [SAY("story.standby"), SAY("story.ended_not_needed")]


def test_what_fell_over_was_planned_and_taken_back() -> None:
    """It is not among those who are not told either."""
    ended = Event(AT, "delivery.ended", {"state": "suppressed", "reason": "fell_over"})
    told = said(a_story(State.SUPPRESSED, ended, reason="fell_over"))
    assert told[0].startswith("Planned")
    assert told[1:] == [SAY("story.ended_fell_over")]


def test_what_waits_for_the_morning_says_so() -> None:
    """And afterwards still which hours it kept."""
    story = a_story(State.WAITING, reason="quiet_hours", quiet="22:00-07:00")
    assert "22:00-07:00" in said(story)[0]
    assert said(story)[-1] == "Quiet hours: it waits for their end, and leaves at 07:00."


@pytest.mark.parametrize("state", [State.CANCELLED, State.SUPERSEDED, State.EXPIRED])
def test_what_was_stopped_while_it_waited_for_the_morning_leaves_no_more(state: State) -> None:
    """Quiet hours are why it had not left; to promise that it will would be untrue."""
    ended = Event(AT, "delivery.ended", {"state": state.value, "reason": "quiet_hours"})
    story = a_story(state, ended, reason="quiet_hours", quiet="22:00-07:00")
    assert said(story)[-1].endswith("nothing more leaves. Quiet hours had held it up.")
    assert why_of(SAY, state, "quiet_hours", None) == "quiet hours had held it up"
    assert why_of(SAY, State.WAITING, "quiet_hours", None) == SAY("whys.quiet_hours")


def test_a_standby_that_was_used_beside_the_one_before_says_so() -> None:
    """That one may have got through, so this may be a repeat."""
    stood_by = Event(AT, "delivery.stood_by", {"after": ["D0"], "possible_repeat": True})
    assert SAY("story.beside") in said(a_story(State.WAITING, stood_by))[1]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(
    "state", [one for one in State if one is not State.SUPPRESSED], ids=lambda one: one.value
)
def test_a_story_ends_with_where_it_stands(state: State, language: str) -> None:
    """Whoever reads at night is told how it is now; the good end needs no more words than the receipt's."""
    ended = Event(AT, "delivery.ended", {"state": state.value, "reason": None})
    stopped = state in (State.EXPIRED, State.SUPERSEDED, State.CANCELLED)
    told = moments(a_story(state, *([ended] if stopped else [])), language)
    assert len(told) == (1 if state is State.DELIVERED else 2)
    assert told[-1].tone is (Tone.UNDERWAY if state is State.DELIVERED else tone_of(state))


def test_a_reason_is_shown_only_where_something_is_not_well() -> None:
    """An old reason of a delivery that was accepted later would mislead."""
    assert why_of(SAY, State.ACCEPTED, "throttled", "429") == ""
    assert why_of(SAY, State.WAITING, "throttled", "429") == "the gateway asked us to slow down (429)"
    assert why_of(SAY, State.SUPPRESSED, "test", None) == SAY("whys.test")


BUNDLE = {"id": "B1", "place": 2, "with": [{"headline": "大风蓝色预警"}, {"headline": "雷电黄色预警"}]}


@pytest.mark.parametrize(("language", "sentence"), [("en", "nothing left"), ("zh", "没有发出")])
def test_a_try_that_did_not_leave_says_so(language: str, sentence: str) -> None:
    """Something in its bundle stopped, or its lease was nearly over: nobody was asked."""
    story = a_story(State.QUEUED, a_try(1, None, not_sent="stopped"))
    assert sentence in tell(story, language)[1][1]


@pytest.mark.parametrize(
    ("language", "accepted", "apart"),
    [
        (
            "en",
            "It shared one message with 2 more, in place 2: 大风蓝色预警, 雷电黄色预警.",
            "Try 1: the joint message was refused, the gateway refuses this text. It goes again by itself.",
        ),
        (
            "zh",
            "与另外 2 条合并为一条消息，排在第 2 位；一同发出的有：大风蓝色预警、雷电黄色预警。",
            "第 1 次尝试：合并的消息被拒绝，",
        ),
    ],
)
def test_a_delivery_says_with_what_it_shared_a_message(language: str, accepted: str, apart: str) -> None:
    """Also where nobody answered for it, and where it was taken out of it again."""
    refused = {"outcome": "rejected", "reason": "content_refused", "scope": "content"}
    interrupted = Event(AT, "attempt.interrupted", {"bundle": BUNDLE, "outcome": None})
    story = a_story(
        State.ACCEPTED,
        a_try(1, {"outcome": "accepted"}, bundle=BUNDLE),
        a_try(1, refused, bundle=BUNDLE, taken_apart=True),
        interrupted,
    )
    told = [sentence for _, sentence in tell(story, language)][1:4]
    assert all(accepted in sentence for sentence in told)
    assert apart in told[1]
