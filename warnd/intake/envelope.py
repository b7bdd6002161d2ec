"""
What messages come wrapped in: EDXL-DE, Atom and RSS feeds, SOAP, a root of their own; each message taken out.

An alert is found wherever it stands: as an element, or as the text of one (escaped or in a CDATA section, as many
feeds have it).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from warnd.errors import Fault, InvalidAlert
from warnd.intake.cap_grammar import COUNTED, NAMESPACES, SIGNATURES
from warnd.intake.findings import Findings, refuse
from warnd.intake.xml import MAX_ELEMENTS, Node, node_of, parse_xml

MAX_MESSAGES = 1000
"""In one body; the widest feed known has a window of 500."""

_KINDS = {"EDXLDistribution": "edxl-de", "feed": "atom", "rss": "rss", "RDF": "rss", "Envelope": "soap"}
"""Name of the root to kind of envelope; any other is ``xml``."""

_ENTRIES = frozenset({"entry", "item"})
_REQUIRED = {
    "EDXLDistribution": (
        *("distributionID", "senderID", "dateTimeSent"),
        *("distributionStatus", "distributionType", "combinedConfidentiality"),
    ),
    "feed": ("id", "title", "updated"),
    "entry": ("id", "title", "updated"),
}
"""What EDXL-DE 1.0 and Atom (RFC 4287) want in these elements."""

_WRITTEN_OUT = re.compile(r"\s*(?:<\?xml\s[^>]*\?>\s*)?<(?:[\w.-]+:)?alert[\s>]")
_UNKNOWN = "urn:unbound:"


@dataclass(frozen=True, slots=True)
class Enclosed:
    """
    One message: ``path`` leads to it from the root of the document.

    ``content`` is its own root, or why there is none; ``text`` is then what could not be parsed. ``status`` is
    what the envelope says that it is (Actual, Test …), empty if nothing; ``unbound`` are prefixes that nothing
    declares.
    """

    path: str
    content: etree._Element | InvalidAlert
    text: str = ""
    unbound: tuple[str, ...] = ()
    status: str = ""

    def root(self) -> Node:
        """Raises InvalidAlert."""
        if isinstance(self.content, InvalidAlert):
            raise self.content
        return node_of(self.content, counted=COUNTED)

    def written(self) -> bytes:
        """The message alone, in UTF-8."""
        if isinstance(self.content, InvalidAlert):
            return self.text.encode("utf-8")
        return etree.tostring(self.content, encoding="utf-8", xml_declaration=True, with_tail=False)


@dataclass(slots=True)
class Envelope:
    """A document taken apart. ``kind`` is empty where the one message stands alone."""

    kind: str
    messages: list[Enclosed] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)


def open_envelope(text: str) -> Envelope:
    """
    Find every message of an XML document, in order.

    Raises InvalidAlert for what cannot be parsed, for more than ``MAX_MESSAGES``, and where there is none at all.
    """
    document = parse_xml(text, bind=lambda prefix: namespace_for(prefix, text))
    root, name = document.root, _local(document.root)
    if name == "alert":
        return Envelope("", [Enclosed(name, root, unbound=document.unbound)])
    envelope = Envelope(kind_of_root(name))
    findings = Findings()
    room = MAX_ELEMENTS - document.elements
    for found in _within(root, name, _status(root), findings):
        if isinstance(found, _WrittenOut):
            enclosed, elements = _parsed(found, room)
            room -= elements
        else:
            enclosed = Enclosed(found.path, found.element, unbound=document.unbound, status=found.status)
        envelope.messages.append(enclosed)
        if len(envelope.messages) > MAX_MESSAGES:
            refuse("body", "too_many_messages", f"holds more than {MAX_MESSAGES} messages")
    if not envelope.messages:
        _refuse_empty(root, name)
    if document.joined:
        findings.warn("body", "several_documents", "is several documents one after the other")
    envelope.warnings = findings.warnings
    return envelope


def kind_of_root(name: str) -> str:
    """The kind of envelope whose root has that name."""
    return _KINDS.get(name, "xml")


@dataclass(frozen=True, slots=True)
class _Place:
    path: str
    element: etree._Element
    status: str


@dataclass(frozen=True, slots=True)
class _WrittenOut(_Place):
    """An element whose text is a message."""


def _within(
    parent: etree._Element, path: str, status: str, findings: Findings
) -> Iterator[_Place | _WrittenOut]:
    """The places of the messages below an element; what is wrong with the envelope itself goes to ``findings``."""
    _check_complete(parent, path, findings)
    for child, step in _steps(parent):
        here, name = f"{path}/{step}", _local(child)
        if is_message(child, name):
            yield _Place(here, child, status)
        elif len(child) == 0:
            if child.text is not None and _WRITTEN_OUT.match(child.text):
                yield _WrittenOut(here, child, status)
        elif etree.QName(child).namespace != SIGNATURES:
            some = False
            for found in _within(child, here, _status(child) or status, findings):
                some = True
                yield found
            if name in _ENTRIES and not some:
                findings.warn(here, "entry_without_alert", "this entry holds no alert, only word of one")


def is_message(element: etree._Element, name: str) -> bool:
    """Whether the element, of that local name, is a CAP message: in a namespace of CAP, or in its form without one."""
    if name != "alert":
        return False
    known = etree.QName(element).namespace in NAMESPACES
    return known or any(_local(child) == "identifier" for child in element)


def _check_complete(element: etree._Element, path: str, findings: Findings) -> None:
    wanted = _REQUIRED.get(_local(element), ())
    names = {_local(child) for child in element if child.text or len(child)} if wanted else set()
    for missing in (name for name in wanted if name not in names):
        findings.warn(f"{path}/{missing}", "envelope_incomplete", f"the envelope wants {missing} here")


def _status(element: etree._Element) -> str:
    """What an EDXL-DE distribution says that its content is."""
    if _local(element) != "EDXLDistribution":
        return ""
    said = (child.text or "" for child in element if _local(child) == "distributionStatus")
    return next(said, "").strip()


def _parsed(place: _WrittenOut, room: int) -> tuple[Enclosed, int]:
    """The message that stands in a text, and how many elements it has."""
    text = (place.element.text or "").strip()
    try:
        document = parse_xml(text, bind=lambda prefix: namespace_for(prefix, text), room=room)
    except InvalidAlert as refusal:
        return Enclosed(place.path, refusal, text), 0
    path = f"{place.path}/{_local(document.root)}"
    enclosed = Enclosed(path, document.root, unbound=document.unbound, status=place.status)
    return enclosed, document.elements


def namespace_for(prefix: str, text: str) -> str:
    """CAP's own, in the version that the document names, for the prefix every service uses; a made-up one else."""
    if prefix != "cap":
        return f"{_UNKNOWN}{prefix}"
    return next((uri for uri in NAMESPACES if uri in text), next(iter(NAMESPACES)))


def _refuse_empty(root: etree._Element, name: str) -> None:
    if _KINDS.get(name) not in ("atom", "rss"):
        refuse(name, "not_an_alert", f"is {name}, not an alert, and holds none")
    entries = sum(_local(element) in _ENTRIES for element in root.iter("{*}*"))
    refuse(
        name,
        "feed_without_alerts",
        f"is an index of {entries} entries, none of which holds an alert; send what their links lead to",
    )


def _steps(parent: etree._Element) -> Iterator[tuple[etree._Element, str]]:
    """Each child with its step; siblings of one name are counted from 1."""
    totals = Counter(_local(child) for child in parent)
    seen: Counter[str] = Counter()
    for child in parent:
        name = _local(child)
        seen[name] += 1
        yield child, f"{name}[{seen[name]}]" if totals[name] > 1 else name


def _local(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]
