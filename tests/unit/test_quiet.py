"""Quiet hours: when they hold, when they end, and for whom."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from warnd.model.color import Color
from warnd.model.hazard import Hazard
from warnd.model.quiet import QuietHours
from warnd.pipeline.quiet import can_wait, held_until, kept

SHANGHAI = ZoneInfo("Asia/Shanghai")
NIGHT = QuietHours.of("22:00-07:00")

minutes = st.builds(time, st.integers(0, 23), st.integers(0, 59))
moments = st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001
zones = st.sampled_from(["Asia/Shanghai", "Asia/Kathmandu", "UTC", "Europe/Berlin", "America/St_Johns"])


@st.composite
def hours(draw: st.DrawFn) -> QuietHours:
    begin, end = draw(minutes), draw(minutes)
    assume(begin != end)
    return QuietHours(begin, end)


@given(hours(), moments, zones.map(ZoneInfo))
def test_they_end_after_any_moment_in_them_and_within_a_day(
    quiet: QuietHours, at: datetime, zone: ZoneInfo
) -> None:
    """And at that end they hold no more: whoever waited for it waits no longer. Clocks that are changed too."""
    end = quiet.ends(at, zone)
    if end is not None:
        assert at < end <= at + timedelta(hours=25)
        assert quiet.ends(end, zone) is None


@given(hours(), moments)
def test_where_clocks_are_never_changed_they_last_as_long_every_day(quiet: QuietHours, at: datetime) -> None:
    """By the wall: a moment is in them just when a day later is, with an end a day later."""
    end = quiet.ends(at, SHANGHAI)
    again = quiet.ends(at + timedelta(days=1), SHANGHAI)
    assert (end is None) == (again is None)
    if end is not None:
        assert again == end + timedelta(days=1)
        assert end - at <= quiet.length


@pytest.mark.parametrize(
    ("clock", "end"),
    [
        ("21:59", None),
        ("22:00", "21 07:00"),
        ("23:59", "21 07:00"),
        ("00:00", "20 07:00"),
        ("06:59", "20 07:00"),
        ("07:00", None),
        ("12:00", None),
    ],
)
def test_a_night_goes_over_midnight(clock: str, end: str | None) -> None:
    """From ten in the evening to before seven, by Beijing time; of 20 July."""
    at = datetime.fromisoformat(f"2026-07-20T{clock}+08:00")
    expected = None if end is None else datetime.fromisoformat(f"2026-07-{end.replace(' ', 'T')}+08:00")
    assert NIGHT.ends(at, SHANGHAI) == expected


@pytest.mark.parametrize(
    ("at", "end"),
    [("2026-10-25T00:10Z", "2026-10-25T00:30Z"), ("2026-10-25T01:10Z", "2026-10-25T01:30Z")],
    ids=["the first time", "the second"],
)
def test_in_an_hour_that_comes_twice_they_end_twice(at: str, end: str) -> None:
    """In Berlin it is ten past two two times that night."""
    quiet, berlin = QuietHours.of("22:00-02:30"), ZoneInfo("Europe/Berlin")
    assert quiet.ends(datetime.fromisoformat(at), berlin) == datetime.fromisoformat(end)


def test_an_afternoon_nap_goes_over_none() -> None:
    """Both ends on one day."""
    nap = QuietHours.of("12:30-14:00")
    at = datetime.fromisoformat("2026-07-20T13:00+08:00")
    assert nap.ends(at, SHANGHAI) == datetime.fromisoformat("2026-07-20T14:00+08:00")
    assert nap.ends(at + timedelta(hours=1), SHANGHAI) is None


@given(hours())
def test_they_are_read_as_they_are_written(quiet: QuietHours) -> None:
    """A delivery notes them as text."""
    assert QuietHours.of(str(quiet)) == quiet


@pytest.mark.parametrize(
    "text", ["", "22-7", "22:00", "22:00-22:00", "24:00-07:00", "22:60-07:00", "٢٢:00-07:00"]
)
def test_nothing_else_is_read_as_hours(text: str) -> None:
    """Not even what would be never, or always."""
    with pytest.raises(ValueError, match=r"hours|end when|must be"):
        QuietHours.of(text)


def test_they_delay_and_never_drop() -> None:
    """What ends before they do is told at once, whatever the hour."""
    now = datetime(2026, 7, 20, 15, 30, tzinfo=UTC)  # 23:30 in Shanghai
    seven = datetime(2026, 7, 20, 23, tzinfo=UTC)
    later = seven + timedelta(seconds=1)
    assert held_until("22:00-07:00", now=now, ends=later, zone=SHANGHAI) == seven
    assert held_until("22:00-07:00", now=now, ends=seven, zone=SHANGHAI) is None
    assert held_until("", now=now, ends=later, zone=SHANGHAI) is None


@pytest.mark.parametrize("color", Color)
@pytest.mark.parametrize("sudden", [False, True])
def test_red_orange_and_what_comes_suddenly_never_wait(color: Color, *, sudden: bool) -> None:
    """Whatever the settings say."""
    hazard = Hazard("flash-flood", {"zh": "山洪", "en": "Flash flood"}, sudden=sudden)
    assert can_wait(color, hazard) == (not sudden and color in (Color.BLUE, Color.YELLOW))


def test_one_reason_to_be_told_at_any_time_is_enough() -> None:
    """Of several quiet hours the shortest count."""
    assert kept([NIGHT, None]) == ""
    assert kept([]) == ""
    assert kept([NIGHT, QuietHours.of("23:00-06:00")]) == "23:00-06:00"
