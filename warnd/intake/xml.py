"""XML text to a tree of plain nodes, with everything refused that an alert never needs: DTDs, depth, bulk."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterator
from dataclasses import dataclass, field

from lxml import etree

from warnd.intake.findings import refuse

MAX_DEPTH = 16
"""Levels of elements; CAP has four, an enveloped signature six more."""

MAX_ELEMENTS = 100_000
"""The largest real message known has nine languages and 225 polygons: some thousands."""

_DECLARATION = re.compile(r"<\?xml\s[^>]*\?>")
_DOCTYPE = re.compile(r"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """
    One element. ``path`` leads to it from the root: ``alert/info[1]/expires``, counted from 1.

    Comments and processing instructions are gone.
    """

    namespace: str
    name: str
    path: str
    children: tuple[Node, ...]
    _element: etree._Element = field(repr=False)

    @property
    def text(self) -> str:
        """All text within, stripped."""
        return "".join(map(str, self._element.itertext())).strip()

    @property
    def markup(self) -> bytes:
        """This element alone, as an XML document in UTF-8 with the namespaces it needs."""
        return etree.tostring(self._element, encoding="utf-8", with_tail=False)

    def attribute(self, name: str) -> str:
        """An attribute without a namespace; empty if there is none."""
        return self._element.get(name) or ""

    def all(self, name: str) -> tuple[Node, ...]:
        """The children of that name in this element's own namespace."""
        return tuple(
            child for child in self.children if child.name == name and child.namespace == self.namespace
        )

    def first(self, name: str) -> Node | None:
        return next(iter(self.all(name)), None)

    def value(self, name: str) -> str:
        """The text of the first child of that name; empty if there is none."""
        child = self.first(name)
        return child.text if child is not None else ""


def read_xml(text: str, *, counted: Container[str]) -> Node:
    """
    Parse a whole document that begins with its first ``<``. Names in ``counted`` carry an index in paths even when alone.

    Raises InvalidAlert. A DOCTYPE is looked for in the decoded text before the parser sees any of it: CAP
    needs none, and entities are how XML is attacked.
    """
    if _DOCTYPE.search(text) is not None:
        refuse("body", "doctype", "holds a DOCTYPE or an entity declaration, which no alert needs")
    declaration = _DECLARATION.match(text)
    root = _parsed(text[declaration.end() :] if declaration is not None else text)
    _refuse_bulk(root)
    return _node(root, etree.QName(root).localname, counted)


def _parsed(text: str) -> etree._Element:
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
        return refuse("body", "not_well_formed", f"is not well-formed XML: {error.msg}")
    except UnicodeEncodeError:
        return refuse("body", "bad_encoding", "holds half of a surrogate pair")


def _refuse_bulk(root: etree._Element) -> None:
    depth = elements = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        elements += event == "start"
        if depth > MAX_DEPTH:
            refuse("body", "too_deep", f"is nested deeper than {MAX_DEPTH} levels")
        if elements > MAX_ELEMENTS:
            refuse("body", "too_many_elements", f"has more than {MAX_ELEMENTS} elements")


def _node(element: etree._Element, path: str, counted: Container[str]) -> Node:
    name = etree.QName(element)
    return Node(
        namespace=name.namespace or "",
        name=name.localname,
        path=path,
        children=tuple(_node(child, f"{path}/{step}", counted) for child, step in _steps(element, counted)),
        _element=element,
    )


def _steps(element: etree._Element, counted: Container[str]) -> Iterator[tuple[etree._Element, str]]:
    """Each child with its step: ``expires``, ``info[2]``; what should stand once counts from its second."""
    seen: Counter[str] = Counter()
    for child in element:
        name = etree.QName(child).localname
        seen[name] += 1
        yield child, f"{name}[{seen[name]}]" if name in counted or seen[name] > 1 else name
