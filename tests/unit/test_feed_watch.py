"""When a feed's silence or staleness is worth a person's while."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from warnd.app.feeds.watch import silence, staleness
from warnd.settings import FeedSettings
from warnd.store.feeds import FeedState

NOW = datetime(2026, 7, 14, tzinfo=UTC)
FEED = FeedSettings("nmc", "nmc", "https://feed.example", "weather", stale_after=timedelta(hours=6))


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


@pytest.mark.parametrize(
    ("succeeded", "span"),
    [
        pytest.param(ago(minutes=29), None, id="not yet"),
        pytest.param(ago(minutes=30), timedelta(minutes=30), id="half an hour"),
        pytest.param(ago(hours=26), timedelta(hours=26), id="a day"),
        pytest.param(None, timedelta(hours=2), id="never since it was first asked"),
    ],
)
def test_silence_counts_from_the_last_readable_answer(
    succeeded: datetime | None, span: timedelta | None
) -> None:
    """Or from the first question, where there never was one."""
    state = FeedState("nmc", ago(hours=2), NOW, succeeded, trouble="it answers HTTP 404")
    assert silence(FEED, state, NOW) == span


@pytest.mark.parametrize(
    ("newest", "stale"),
    [
        pytest.param(ago(hours=5), False, id="new enough"),
        pytest.param(ago(hours=6), True, id="too old"),
        pytest.param(None, True, id="an empty feed, asked for long"),
    ],
)
def test_staleness_counts_from_the_newest_entry(newest: datetime | None, stale: bool) -> None:
    """Only of a feed that answers: of one that does not, silence speaks."""
    state = FeedState("nmc", ago(hours=9), NOW, NOW, newest=newest)
    assert bool(staleness(FEED, state, NOW)) is stale
    assert not staleness(FEED, FeedState("nmc", ago(hours=9), NOW), NOW)
