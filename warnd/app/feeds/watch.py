"""When the state of a feed is something that a person must act on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from warnd.app.feeds.taking import Outcome, Taken
from warnd.ports import Alarms
from warnd.settings import FeedSettings
from warnd.store.feeds import FeedState

LONGEST = 400
"""Characters of what a feed says that an alarm repeats."""


def silence(feed: FeedSettings, state: FeedState, now: datetime) -> timedelta | None:
    """For how long there was no answer that could be taken in whole; None when that is less than ``silent_after``."""
    span = now - (state.succeeded or state.since)
    return span if span >= feed.silent_after else None


def staleness(feed: FeedSettings, state: FeedState, now: datetime) -> timedelta | None:
    """For how long a feed that answers has shown nothing newer; None when that is less than ``stale_after``."""
    if feed.stale_after is None or state.succeeded is None:
        return None
    span = now - (state.newest or state.since)
    return span if span >= feed.stale_after else None


def sound_refusals(alarms: Alarms, feed: str, outcomes: Sequence[Outcome]) -> None:
    """Of entries that are no valid warnings nobody is told otherwise."""
    refused = [one for one in outcomes if one.taken is Taken.REFUSED]
    if not refused:
        return
    first = refused[0]
    why = "; ".join(f"{fault.path}: {fault.message}" for fault in first.findings[:3])
    alarms.sound(
        "feed_refused", feed, case="entries", n=len(refused), entry=first.key[:LONGEST], why=why[:LONGEST]
    )
