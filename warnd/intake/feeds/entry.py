"""What every feed comes down to: entries, each an alert's bytes or the place where they are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import orjson

from warnd.model.alert import Parsed
from warnd.model.hazard import HazardCatalogue

_LONGEST_KEY = 200
_EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Entry:
    """
    One item that a feed shows.

    ``key`` tells it from the feed's others, ``stamp`` changes when it does: an entry whose key and stamp are
    known need not be looked at again. Its alert is ``body`` or, where that is empty, behind ``link`` (which
    may be relative to the feed's address).
    """

    key: str
    stamp: str
    issued: datetime | None = None
    body: bytes = b""
    link: str = ""


class Reader(Protocol):
    """
    How one kind of feed is read. Both functions raise InvalidAlert for what cannot be.

    ``content_type`` is that of an entry's bytes; ``headers`` are what the feed wants to be asked with;
    ``names_no_earlier``: its changes and ends do not say which warning they speak of.
    """

    @property
    def content_type(self) -> str: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def names_no_earlier(self) -> bool: ...

    def entries(self, answer: bytes) -> Sequence[Entry]:
        """What an answer shows, the oldest first: a warning is read before its end."""

    def alert(self, body: bytes, catalogue: HazardCatalogue) -> Parsed:
        """The alert in an entry's bytes."""


def entry_of(row: Mapping[str, Any], identifier: str, issued: datetime | None) -> Entry:
    """A row of JSON, which is itself what its alert is read from."""
    body = orjson.dumps(row)
    return Entry(key_of(identifier, body), digest(body), issued, body)


def key_of(text: str, body: bytes = b"") -> str:
    """A key of bounded length; what has no identity of its own is known by its bytes."""
    if text and len(text) <= _LONGEST_KEY:
        return text
    return digest(text.encode("utf-8", "surrogatepass") or body)


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def oldest_first(shown: Iterable[Entry]) -> tuple[Entry, ...]:
    """By time of issue; feeds show the newest first, so those of one time, or of none, are turned around."""
    entries = list(shown)
    entries.reverse()
    return tuple(sorted(entries, key=lambda entry: entry.issued or _EVER))
