"""When the state of a feed is something that a person must act on, and in which words."""

from __future__ import annotations

from datetime import datetime, timedelta

from warnd.settings import FeedSettings
from warnd.store.feeds import FeedState

_HOURS = timedelta(hours=3)
"""Longer spans are told in hours."""


def silence(feed: FeedSettings, state: FeedState, now: datetime) -> str:
    """What to say of a feed without a readable answer for ``silent_after``; empty if there is nothing to."""
    span = now - (state.succeeded or state.since)
    if span < feed.silent_after:
        return ""
    return f"feed {feed.name}: no readable answer for {_told(span)} ({state.trouble or 'it was not asked'})"


def staleness(feed: FeedSettings, state: FeedState, now: datetime) -> str:
    """What to say of a feed that answers but shows nothing newer than ``stale_after``; empty if nothing."""
    if feed.stale_after is None or state.succeeded is None:
        return ""
    span = now - (state.newest or state.since)
    return (
        f"feed {feed.name}: it answers, but nothing new for {_told(span)}" if span >= feed.stale_after else ""
    )


def _told(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    return f"{minutes} minutes" if span < _HOURS else f"{minutes // 60} hours"
