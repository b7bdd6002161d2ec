"""When the state of a feed is something that a person must act on, and in which words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from warnd.app.feeds.taking import Outcome, Taken
from warnd.settings import FeedSettings
from warnd.store.feeds import FeedState

_HOURS = timedelta(hours=3)
"""Longer spans are told in hours."""


def silence(feed: FeedSettings, state: FeedState, now: datetime) -> str:
    """
    What to say of a feed without an answer that could be taken in whole for ``silent_after``; empty if nothing.
    """
    span = now - (state.succeeded or state.since)
    if span < feed.silent_after:
        return ""
    return f"feed {feed.name}: no whole answer for {_told(span)} ({state.trouble or 'it was not asked'})"


def staleness(feed: FeedSettings, state: FeedState, now: datetime) -> str:
    """What to say of a feed that answers but shows nothing newer than ``stale_after``; empty if nothing."""
    if feed.stale_after is None or state.succeeded is None:
        return ""
    span = now - (state.newest or state.since)
    return (
        f"feed {feed.name}: it answers, but nothing new for {_told(span)}" if span >= feed.stale_after else ""
    )


def refusals(feed: str, outcomes: Sequence[Outcome]) -> str:
    """What to say of entries that are no valid warnings, which nobody is told of otherwise; empty if there are none."""
    refused = [one for one in outcomes if one.taken is Taken.REFUSED]
    if not refused:
        return ""
    first = refused[0]
    why = "; ".join(f"{fault.path}: {fault.message}" for fault in first.findings[:3])
    return (
        f"feed {feed}: {len(refused)} of its new entries can never be taken in, such as {first.key}: {why}"[
            :500
        ]
    )


def _told(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    return f"{minutes} minutes" if span < _HOURS else f"{minutes // 60} hours"
