"""CAP over Atom and RSS: entries that hold an alert, as XML or as text, or link to one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from warnd.intake.encoding import decode
from warnd.intake.envelope import is_message, namespace_for
from warnd.intake.feeds.entry import Entry, digest, key_of, oldest_first
from warnd.intake.findings import refuse
from warnd.intake.read import read
from warnd.intake.times import read_time
from warnd.intake.xml import DECLARATION, Node, node_of, parse_xml
from warnd.model.alert import Parsed
from warnd.model.hazard import HazardCatalogue

_ROOTS = frozenset({"feed", "rss", "RDF"})
_ITEMS = frozenset({"entry", "item"})
_TEXTS = ("content", "encoded", "description", "summary")
_TIMES = ("updated", "published", "pubDate", "date", "sent")
_LONGEST_TIME = 64
_CAP = "application/cap+xml"

_TAG = re.compile(r"<(?:[\w.-]+:)?alert[\s>]")
"""What tells an alert from a web page that speaks of one."""


@dataclass(frozen=True, slots=True)
class EnvelopeReader:
    """Reads Atom, RSS 2.0 and RSS 1.0 alike."""

    content_type: str = _CAP
    names_no_earlier: bool = False
    headers: Mapping[str, str] = field(
        default_factory=lambda: {
            "Accept": f"{_CAP}, application/atom+xml, application/rss+xml, text/xml, */*;q=0.1"
        }
    )

    def entries(self, answer: bytes) -> Sequence[Entry]:
        text = decode(answer)
        document = parse_xml(text, bind=lambda prefix: namespace_for(prefix, text))
        root = node_of(document.root, counted=_ITEMS)
        if root.name not in _ROOTS:
            refuse(root.path, "not_a_feed", f"is {root.name}, neither an Atom nor an RSS feed")
        return oldest_first(_entry(item) for item in _items(root))

    def alert(self, body: bytes, catalogue: HazardCatalogue) -> Parsed:
        return read(body, self.content_type, catalogue)


def _items(root: Node) -> Iterator[Node]:
    """Atom and RSS 1.0 have them below the root, RSS 2.0 in its channel."""
    for child in root.children:
        if child.name in _ITEMS:
            yield child
        elif child.name == "channel":
            yield from (each for each in child.children if each.name in _ITEMS)


def _entry(item: Node) -> Entry:
    body = next(_embedded(item), b"")
    link = "" if body else _link(item)
    own = _value(item, "id") or _value(item, "guid")
    times = [_value(item, name) for name in _TIMES]
    written = next(filter(None, times), "")
    # An entry that neither holds nor links to an alert is itself what must be read, and refused.
    body = body or (b"" if link else item.markup)
    stamp = f"{written} {digest(body)}" if body else written
    issued = next(filter(None, map(_when, times)), None)
    return Entry(key_of(own or link, body), key_of(stamp), issued, body, link)


def _embedded(item: Node) -> Iterator[bytes]:
    """The alert within: an element, or its text where a feed escapes it or wraps it in CDATA."""
    for node in _all_within(item):
        if is_message(node.element, node.name):
            yield node.markup
    for node in item.children:
        text = node.text if node.name in _TEXTS and not node.children else ""
        if text.startswith("<") and _TAG.search(text) is not None:
            # The feed has been decoded: the alert's own declaration may name an encoding that is no longer that of its text.
            yield DECLARATION.sub("", text, count=1).encode("utf-8")


def _all_within(node: Node) -> Iterator[Node]:
    for child in node.children:
        yield child
        yield from _all_within(child)


def _link(item: Node) -> str:
    """Where the alert is: the link that says it leads to CAP, else to XML, else the first that leads elsewhere."""
    links = []
    for node in item.children:
        if node.name == "content" and node.attribute("src"):
            links.append((node.attribute("src"), node.attribute("type")))
        elif node.name == "enclosure":
            links.append((node.attribute("url"), node.attribute("type")))
        elif node.name == "link" and node.attribute("rel") not in ("self", "edit"):
            links.append((node.attribute("href") or node.text, node.attribute("type")))
    links = [(address, media) for address, media in links if address]
    ranked = sorted(links, key=lambda link: (_CAP not in link[1], "xml" not in link[1]))
    return ranked[0][0] if ranked else ""


def _value(item: Node, name: str) -> str:
    """Of any namespace: feeds mix Atom, RSS, Dublin Core and loose elements of CAP."""
    return next((child.text for child in item.children if child.name == name), "")


def _when(text: str) -> datetime | None:
    """RFC 3339 as Atom has it, or RFC 822 as RSS does; None if neither."""
    if len(text) > _LONGEST_TIME:
        return None
    try:
        return read_time(text)[0]
    except ValueError:
        pass
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return when if when.tzinfo is not None else when.replace(tzinfo=UTC)
