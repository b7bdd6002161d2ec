"""XML text to a tree of plain nodes, with everything refused that an alert never needs: DTDs, depth, bulk."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from lxml import etree

from warnd.intake.findings import refuse

MAX_DEPTH = 16
"""Levels of elements; CAP has four, an enveloped signature six more."""

MAX_ELEMENTS = 100_000
"""The largest real message known has nine languages and 225 polygons: some thousands."""

DECLARATION = re.compile(r"<\?xml\s[^>]*\?>")
_DOCTYPE = re.compile(r"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)
_PROLOG = re.compile(r"(?:\s++|<\?.*?\?>|<!--.*?-->)*+", re.DOTALL)
_START = re.compile(r"<[\w.:-]+")
_UNBOUND = re.compile(r"Namespace prefix ([\w.-]{1,40}) (?:for \S+ )?on \S+ is not defined")
_MOST_UNBOUND = 8
_GOES_ON = frozenset({etree.ErrorTypes.ERR_DOCUMENT_END, etree.ErrorTypes.ERR_RESERVED_XML_NAME})


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """
    One element. ``path`` leads to it from the root: ``alert/info[1]/expires``, counted from 1.

    Comments and processing instructions are gone. ``element`` is the parser's own, for who must see all of it.
    """

    namespace: str
    name: str
    path: str
    children: tuple[Node, ...]
    element: etree._Element = field(repr=False)

    @property
    def text(self) -> str:
        """All text within, stripped."""
        whole = "".join(map(str, self.element.itertext())) if self.children else self.element.text
        return (whole or "").strip()

    @property
    def markup(self) -> bytes:
        """This element alone, as an XML document in UTF-8 with the namespaces it needs."""
        return etree.tostring(self.element, encoding="utf-8", with_tail=False)

    def attribute(self, name: str) -> str:
        """An attribute without a namespace; empty if there is none."""
        return self.element.get(name) or ""

    def all(self, name: str) -> tuple[Node, ...]:
        """The children of that name in this element's own namespace."""
        return tuple(
            child for child in self.children if child.name == name and child.namespace == self.namespace
        )

    def first(self, name: str) -> Node | None:
        for child in self.children:
            if child.name == name and child.namespace == self.namespace:
                return child
        return None

    def value(self, name: str) -> str:
        """The text of the first child of that name; empty if there is none."""
        child = self.first(name)
        return child.text if child is not None else ""


@dataclass(frozen=True, slots=True)
class Document:
    """
    A parsed document: its root, how many elements it has, and the prefixes that it uses but never binds.

    ``joined``: it was several, one after the other, and ``root`` is one put around them here.
    """

    root: etree._Element
    elements: int
    unbound: tuple[str, ...] = ()
    joined: bool = False


def parse_xml(text: str, *, bind: Callable[[str], str], room: int = MAX_ELEMENTS) -> Document:
    """
    Parse a whole document that begins with its first ``<`` and has at most ``room`` elements.

    Raises InvalidAlert. A DOCTYPE is looked for in the decoded text before the parser sees any of it: CAP
    needs none, and entities are how XML is attacked. A prefix without a namespace gets that of ``bind``.
    """
    if _DOCTYPE.search(text) is not None:
        refuse("body", "doctype", "holds a DOCTYPE or an entity declaration, which no alert needs")
    declaration = DECLARATION.match(text)
    text = text[declaration.end() :] if declaration is not None else text
    unbound: tuple[str, ...] = ()
    joined = False
    try:
        parsed = _parsed(text)
        if isinstance(parsed, _Broken) and parsed.goes_on:
            joined = True
            text = f"<messages>{DECLARATION.sub('', text)}</messages>"
            parsed = _parsed(text)
        if isinstance(parsed, _Broken) and parsed.unbound:
            unbound = parsed.unbound
            parsed = _parsed(_with_bindings(text, {prefix: bind(prefix) for prefix in unbound}))
    except UnicodeEncodeError:
        refuse("body", "bad_encoding", "holds half of a surrogate pair")
    if isinstance(parsed, _Broken):
        refuse("body", "not_well_formed", f"is not well-formed XML: {parsed.message}")
    return Document(parsed, _counted(parsed, room), unbound, joined)


def node_of(element: etree._Element, *, counted: Container[str]) -> Node:
    """The element as the root of a tree of nodes. Names in ``counted`` carry an index in paths even when alone."""
    return _node(element, str(element.tag).rpartition("}")[2], counted)


@dataclass(frozen=True, slots=True)
class _Broken:
    """
    Why it could not be parsed.

    ``unbound`` are prefixes that nothing binds, if that is all; ``goes_on``: after its end more follows.
    """

    message: str
    unbound: tuple[str, ...]
    goes_on: bool


def _parsed(text: str) -> etree._Element | _Broken:
    # The parser is given UTF-8 whatever came, so that it has no encoding to guess and no schema to crash on.
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        huge_tree=False,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(text.encode("utf-8"), parser)
    except etree.XMLSyntaxError as error:
        # The parser's own log: that of the error holds what other parsers met before.
        log = entries(parser.error_log)
        unbound = _unbound([said(entry, "message") for entry in log])
        return _Broken(error.msg, unbound, goes_on=any(entry.type in _GOES_ON for entry in log))


def entries(log: object) -> list[Any]:
    """A log of lxml as a list; its stubs do not know that one can be walked through."""
    return list(cast("Iterable[Any]", log))


def said(entry: Any, part: str) -> str:
    """A part of a log's entry; empty where libxml2 has cut it off within a character."""
    try:
        return getattr(entry, part) or ""
    except UnicodeDecodeError:
        return ""


def _unbound(messages: Sequence[str]) -> tuple[str, ...]:
    named = [_UNBOUND.match(message) for message in messages]
    prefixes = dict.fromkeys(match[1] for match in named if match is not None)
    return tuple(prefixes) if all(named) and len(prefixes) <= _MOST_UNBOUND else ()


def _with_bindings(text: str, bindings: Mapping[str, str]) -> str:
    """The document with these namespaces declared on its root."""
    prolog = _PROLOG.match(text)
    start = prolog.end() if prolog is not None else 0
    name = _START.match(text, start)
    at = name.end() if name is not None else start
    written = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in bindings.items())
    return f"{text[:at]}{written}{text[at:]}"


def _counted(root: etree._Element, room: int) -> int:
    depth = elements = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        elements += event == "start"
        if depth > MAX_DEPTH:
            refuse("body", "too_deep", f"is nested deeper than {MAX_DEPTH} levels")
        if elements > room:
            refuse("body", "too_many_elements", f"has more than {MAX_ELEMENTS} elements")
    return elements


def _node(element: etree._Element, path: str, counted: Container[str]) -> Node:
    # Plain string work: of a message as bulky as may be, this is called a hundred thousand times.
    namespace, _, name = str(element.tag).rpartition("}")
    children = []
    seen: dict[str, int] = {}
    for child in element:
        local = str(child.tag).rpartition("}")[2]
        nth = seen[local] = seen.get(local, 0) + 1
        # What should stand once is counted from its second.
        step = f"{local}[{nth}]" if nth > 1 or local in counted else local
        children.append(_node(child, f"{path}/{step}", counted))
    return Node(namespace[1:], name, path, tuple(children), element)
