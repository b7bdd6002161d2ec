"""How long a warning waits for a second person, and who that may be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warnd.model.color import Color
from warnd.model.release import DEFAULT_HOLDS, HoldRule, Person, Then, hold

NOW = datetime(2026, 7, 20, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("color", "minutes", "then"),
    [
        pytest.param(Color.RED, 5, Then.RELEASE, id="red goes out after five minutes"),
        pytest.param(Color.ORANGE, 5, Then.RELEASE, id="orange too"),
        pytest.param(Color.YELLOW, 30, Then.REJECT, id="yellow is let go after half an hour"),
        pytest.param(Color.BLUE, 30, Then.REJECT, id="blue too"),
    ],
)
def test_the_default_of_each_color(color: Color, minutes: int, then: Then) -> None:
    """Of the grave a late one harms more than a false one; of the others it is the other way round."""
    found = hold(DEFAULT_HOLDS[color], now=NOW, until=NOW + timedelta(hours=6))
    assert (found.due - NOW, found.then) == (timedelta(minutes=minutes), then)


@pytest.mark.parametrize(
    ("then", "due"),
    [
        pytest.param(Then.REJECT, timedelta(minutes=4), id="rejected at its end at the latest"),
        pytest.param(Then.RELEASE, timedelta(minutes=2), id="released no later than half-way to it"),
    ],
)
def test_a_short_warning_does_not_wait_its_time_away(then: Then, due: timedelta) -> None:
    """A release at the end would tell nobody."""
    found = hold(HoldRule(timedelta(hours=1), then), now=NOW, until=NOW + timedelta(minutes=4))
    assert found.due - NOW == due


@given(
    after=st.timedeltas(min_value=timedelta(milliseconds=1), max_value=timedelta(days=400)),
    left=st.timedeltas(min_value=timedelta(milliseconds=1), max_value=timedelta(days=400)),
    then=st.sampled_from(Then),
)
def test_a_hold_ends_while_the_warning_lives(after: timedelta, left: timedelta, then: Then) -> None:
    """Whatever is configured: it always ends, in time for what then happens, and never later than was said."""
    found = hold(HoldRule(after, then), now=NOW, until=NOW + left)
    assert NOW <= found.due <= NOW + min(after, left)
    assert then is Then.REJECT or found.due < NOW + left


@pytest.mark.parametrize(
    ("other", "same"),
    [
        pytest.param(Person("李四", "K2"), False, id="another name, another key"),
        pytest.param(Person("李四", "K1"), True, id="the same key, renamed"),
        pytest.param(Person("Zhang San", "K2"), True, id="a second key of the same name"),
        pytest.param(Person("  zhang  SAN "), True, id="a link made out to the same name, written otherwise"),
        pytest.param(Person("李四"), False, id="a link made out to another"),
    ],
)
def test_who_is_the_same_person(other: Person, same: bool) -> None:
    """Two keys of one person are two eyes."""
    assert Person("Zhang San", "K1").is_also(other) is same
