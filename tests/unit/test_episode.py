"""How a message stands to those of its episode, by the rules alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warnd.model.admission import Earlier
from warnd.model.alert import Alert, AlertState, AlertType, Change, Reference, Status, Text
from warnd.model.alert_body import ENDS
from warnd.model.color import Color
from warnd.model.episode import completed, ends, gravest, may_speak, names, national, stand
from warnd.model.meaning import words_of

NOON = datetime(2026, 7, 20, 4, tzinfo=UTC)
COUNTY, NEXT = "621202", "621222"
WORDS = {"zh": Text("暴雨黄色预警", "预计有强降雨。")}


def at(minutes: int) -> datetime:
    return NOON + timedelta(minutes=minutes)


def message(type: AlertType = AlertType.UPDATE, **changes: object) -> Alert:
    made = Alert("M", "weather.example", at(30), Status.ACTUAL, type, "rainstorm", Color.YELLOW, WORDS)
    return replace(made, **changes)  # type: ignore[arg-type]


def there(**changes: object) -> Earlier:
    made = Earlier(
        "E1", "E1", "weather.example", "A", "weather", NOON, AlertState.RELEASED, AlertType.ALERT, "rainstorm",
        Color.YELLOW, frozenset({COUNTY}), "digest", words=words_of(message()),
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("identifier", "is_national"),
    [("62120241600000_20260720080000", True), ("62120241600000-20260720080000", False),
     ("62120241600000_20260720080000_1", True), ("62120241600000_20260720080000_11", False), ("M", False)],
)  # fmt: skip
def test_the_national_platform_has_a_form_of_its_own(identifier: str, *, is_national: bool) -> None:
    """Issuer, entry time, maybe a serial."""
    assert national(identifier) is is_national


@pytest.mark.parametrize(
    ("reference", "named"),
    [
        pytest.param(Reference("weather.example", "A"), True, id="sender and identifier"),
        pytest.param(Reference("weather.example", "A", at(99)), True, id="its time is advisory"),
        pytest.param(Reference("", "A"), True, id="a bare identifier is any sender's"),
        pytest.param(Reference("water.example", "A"), False, id="another sender's"),
        pytest.param(Reference("weather.example", "B"), False, id="another identifier"),
    ],
)
def test_what_a_message_refers_to(reference: Reference, *, named: bool) -> None:
    """By sender and identifier; what refers to itself refers to nothing."""
    assert names(message(references=(reference,)), there()) is named
    assert not names(message(references=(reference,), identifier="A"), there())


# --- who may speak --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("episode", "allowed"),
    [
        pytest.param([there()], True, id="by the same source"),
        pytest.param([there(source="cma")], True, id="in the same sender's name"),
        pytest.param([there(source="cma", sender="cma.example")], False, id="by neither"),
        pytest.param(
            [there(source="cma", sender="cma.example"), there(id="E2", state=AlertState.QUARANTINED)],
            False,
            id="what a stranger sent into it does not make it theirs",
        ),
        pytest.param(
            [there(source="cma", sender="cma.example", state=AlertState.HELD)],
            False,
            id="not while it is held",
        ),
        pytest.param(
            [there(source="cma", sender="cma.example", state=AlertState.QUARANTINED)],
            True,
            id="nobody has spoken for it yet",
        ),
    ],
)
def test_who_may_speak_for_an_episode(episode: list[Earlier], *, allowed: bool) -> None:
    """Its sender, or a source that has been let through there."""
    assert may_speak(message(), "weather", episode) is allowed


# --- too late -------------------------------------------------------------------------------------


LIFT = there(id="E2", identifier="C", type=AlertType.CANCEL, change=Change.LIFTED, sent=at(40))
NEWER = there(id="E2", identifier="B", type=AlertType.UPDATE, sent=at(40))
TO_B = (Reference("weather.example", "B"),)


@pytest.mark.parametrize(
    ("alert", "other", "late"),
    [
        pytest.param(message(), NEWER, True, id="a newer one is in force"),
        pytest.param(message(), replace(NEWER, state=AlertState.SUPERSEDED), True, id="or was"),
        pytest.param(message(), replace(NEWER, state=AlertState.EXPIRED), True, id="even if its time is over"),
        pytest.param(message(), replace(NEWER, state=AlertState.HELD), False, id="what is held changes nothing"),
        pytest.param(message(), replace(NEWER, state=AlertState.QUARANTINED), False, id="nor what is quarantined"),
        pytest.param(message(), replace(NEWER, state=AlertState.KEPT), False, id="nor what is kept"),
        pytest.param(message(), replace(LIFT, state=AlertState.KEPT), True, id="but an end that came first does"),
        pytest.param(message(), there(), False, id="the older is in force"),
        pytest.param(message(references=TO_B), NEWER, False, id="it says itself that it follows, by a wrong clock"),
        pytest.param(message(), replace(NEWER, sent=at(30)), False, id="two of one moment, in the order they came"),
        pytest.param(
            message(),
            replace(NEWER, sent=at(30), refers_to=frozenset({("weather.example", "M")})),
            True,
            id="two of one moment, the other says that it follows",
        ),
    ],
)  # fmt: skip
def test_what_is_later_counts(alert: Alert, other: Earlier, *, late: bool) -> None:
    """Messages overtake one another on their way: what is older than what was let through goes to nobody."""
    found = stand(alert, [COUNTY], [other], now=at(60)).overtaken_by
    assert (found is other) is late


@pytest.mark.parametrize(
    ("alert", "late"),
    [
        pytest.param(message(AlertType.CANCEL), False, id="an end by a right clock"),
        pytest.param(message(sent=at(80)), True, id="one whose own clock is ahead as far"),
    ],
)
def test_what_is_still_to_come_overtakes_nothing(alert: Alert, *, late: bool) -> None:
    """A zone that is off by hours would swallow every end until then; a clock a little ahead is still a clock."""
    ahead = replace(NEWER, sent=at(90))
    assert (stand(alert, [COUNTY], [ahead], now=at(60)).overtaken_by is ahead) is late
    assert stand(alert, [COUNTY], [ahead], now=at(75)).overtaken_by is ahead


@given(st.permutations([there(), NEWER, replace(LIFT, sent=at(50))]))
def test_the_order_of_what_is_there_does_not_matter(episode: list[Earlier]) -> None:
    """Only times and references do."""
    found = stand(message(), [COUNTY], episode, now=at(60))
    assert found.overtaken_by is not None
    assert found.overtaken_by.identifier == "C"
    assert set(found.stops) == {"E1", "E2"}


# --- what changes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("alert", "before", "change"),
    [
        pytest.param(message(), there(), Change.CONTINUED, id="the same words"),
        pytest.param(message(texts={"zh": Text("另题", "预计有强降雨。")}), there(), Change.CONTINUED, id="another title"),
        pytest.param(
            message(texts={"zh": Text("", "预计有强降雨。", "立即转移。")}), there(), Change.UPDATED, id="something to do"
        ),
        pytest.param(
            message(texts={"zh": Text("继续发布暴雨黄色预警", "雨量已达50毫米。")}), there(), Change.CONTINUED,
            id="its title says so",
        ),
        pytest.param(message(), there(hazard="flash-flood"), Change.UPDATED, id="another danger"),
        pytest.param(message(), there(all_planned=False), Change.UPDATED, id="not all are known yet"),
        pytest.param(message(color=Color.BLUE), there(), Change.LOWERED, id="lower"),
        pytest.param(
            message(color=Color.BLUE), there(went_out=False), Change.ISSUED, id="lower, but nobody knows of the higher"
        ),
    ],
)  # fmt: skip
def test_what_an_update_changes(alert: Alert, before: Earlier, change: Change) -> None:
    """Only what tells people nothing new is a continuation, and only for those who were told."""
    assert stand(alert, [COUNTY], [before], now=at(60)).change is change


def test_of_two_warnings_in_force_the_higher_and_both_places_count() -> None:
    """A message that refers to both makes one episode of them."""
    two = [there(), there(id="E2", episode_id="E2", color=Color.RED, regions=frozenset({NEXT}))]
    assert stand(message(color=Color.RED), [COUNTY, NEXT], two, now=at(60)).change is Change.CONTINUED
    assert stand(message(color=Color.ORANGE), [COUNTY, NEXT], two, now=at(60)).change is Change.LOWERED
    assert set(stand(message(), [COUNTY], two, now=at(60)).stops) == {"E1", "E2"}


@pytest.mark.parametrize(
    ("episode", "over"),
    [
        pytest.param([there()], False, id="in force"),
        pytest.param([there(state=AlertState.EXPIRED)], False, id="its time ended, nobody heard of the end"),
        pytest.param([there(state=AlertState.CANCELLED)], False, id="stopped by hand, which tells nobody"),
        pytest.param(
            [there(state=AlertState.CANCELLED), replace(LIFT, sent=at(20))], True, id="lifted already"
        ),
        pytest.param(
            [there(state=AlertState.CANCELLED), replace(LIFT, sent=at(20), state=AlertState.CANCELLED)],
            False,
            id="lifted, but a person stopped the end on its way",
        ),
        pytest.param([there(state=AlertState.HELD, went_out=False)], True, id="never went out"),
        pytest.param([], True, id="unknown"),
    ],
)
def test_an_end_is_for_those_who_have_not_heard_of_it(episode: list[Earlier], *, over: bool) -> None:
    """Once each."""
    assert stand(message(AlertType.CANCEL), [], episode, now=at(60)).over is over


def test_a_bare_reference_is_completed_by_what_is_known() -> None:
    """Who sent it, and when; what a reference says itself stands."""
    bare, foreign = Reference("", "A"), Reference("water.example", "Z")
    found = completed(message(references=(bare, foreign)), [there()])
    assert found.references == (Reference("weather.example", "A", NOON), foreign)


def test_an_end_has_the_color_of_what_it_ends() -> None:
    """Services grade their ends as minor; what was stale or held when it came is not what people know."""
    stale = there(id="E2", color=Color.RED, state=AlertState.EXPIRED, went_out=False, sent=at(5))
    end = message(parameters={ENDS: "true"}, color=Color.BLUE)
    assert ends(end)
    assert completed(end, [there(color=Color.ORANGE), stale]).color is Color.ORANGE
    assert completed(message(color=Color.BLUE), [there(color=Color.ORANGE)]).color is Color.BLUE
    assert gravest(end, [there(color=Color.ORANGE), stale], Change.LIFTED) is Color.ORANGE
