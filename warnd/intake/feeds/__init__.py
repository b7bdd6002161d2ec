"""
What pulled feeds answer, read: bytes to entries, an entry's bytes to an Alert. Pure.

One module a feed. ``entry`` says what they have in common, ``notice`` puts the items of feeds that are not
CAP into our own format, so that they pass the same door as what is pushed.
"""

from collections.abc import Callable, Mapping

from warnd.intake.feeds.entry import Entry, Reader
from warnd.intake.feeds.envelope import EnvelopeReader

__all__ = ["READERS", "Entry", "Reader", "reader_of"]

READERS: Mapping[str, Callable[[str], Reader]] = {
    "cap.atom": lambda _: EnvelopeReader("cap.atom"),
    "cap.rss": lambda _: EnvelopeReader("cap.rss"),
}
"""By kind of feed, what makes its reader; the feed's own name speaks where its items name no sender."""


def reader_of(kind: str, name: str) -> Reader:
    """The reader of the feed of that name. Raises KeyError for a kind that is not known."""
    return READERS[kind](name)
