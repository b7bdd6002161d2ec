"""What the tables of feeds must have beside what each key alone may hold."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping

from warnd.intake.feeds import CALLING
from warnd.settings.values import FeedSettings


def check_feeds(feeds: Mapping[str, FeedSettings], sources: Container[str]) -> dict[str, str]:
    """What is wrong with them, by dotted key."""
    return {f"feeds.{name}.{key}": why for name, feed in feeds.items() for key, why in _faults(feed, sources)}


def _faults(feed: FeedSettings, sources: Container[str]) -> Iterator[tuple[str, str]]:
    if feed.source not in sources:
        yield "source", f"there is no source {feed.source!r}; a feed speaks as one of [sources]"
    if feed.silent_after <= feed.every:
        yield "silent_after", "must be longer than every, or each poll would find the feed silent"
    if (feed.kind == "weathercn") != (feed.detail_url is not None):
        yield "detail_url", "belongs to feeds of kind weathercn, which need it"
    yield from _key_faults(feed)


def _key_faults(feed: FeedSettings) -> Iterator[tuple[str, str]]:
    if feed.kind in CALLING:
        if feed.key is None:
            yield "key", "is missing: its calls are signed with it"
        if feed.key_header is not None:
            yield "key_header", "is not for a feed that calls: its key signs and is not sent"
        return
    placed = "{key}" in feed.url
    if placed and feed.key is None:
        yield "key", "is missing: url has {key} in it"
    if feed.key is None:
        if feed.key_header is not None:
            yield "key_header", "has no key to carry; give key or key_file"
    elif placed == (feed.key_header is not None):
        yield "key_header", "say where the key goes: either {key} in url, or the header key_header"
