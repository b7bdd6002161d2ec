"""The grammar of CAP 1.2 as data (OASIS CAP-v1.2, the schema and its prose), and the check against it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from warnd.intake.findings import Findings, Weight
from warnd.intake.xml import Node

CAP_1_2 = "urn:oasis:names:tc:emergency:cap:1.2"
NAMESPACES = {
    CAP_1_2: "cap-1.2",
    "urn:oasis:names:tc:emergency:cap:1.1": "cap-1.1",
    "http://www.incident.com/cap/1.0": "cap-1.0",
}
"""XML namespace to kind of message."""

SIGNATURES = "http://www.w3.org/2000/09/xmldsig#"


@dataclass(frozen=True, slots=True)
class Element:
    """
    One element a parent may have.

    ``lack``: what it means that it is missing, repeated where it should stand once, or, for a closed list,
    holds another word; None where it is optional and open. ``required`` tells the optional closed lists.
    What departs from the structure of CAP 1.2 is never less than a doubt, whatever stands here.
    """

    name: str
    many: bool = False
    required: bool = False
    lack: Weight | None = None
    values: tuple[str, ...] = ()


def _identity(name: str, *values: str) -> Element:
    """Without it, nobody can know which message this is or what it is for."""
    return Element(name, required=True, lack=Weight.FAULT, values=values)


def _required(name: str, *values: str, many: bool = False) -> Element:
    return Element(name, many=many, required=True, lack=Weight.DOUBT, values=values)


def _wanted(name: str) -> Element:
    """Required by the schema; that it is empty is of no weight for telling people."""
    return Element(name, required=True, lack=Weight.WARNING)


def _optional(*names: str) -> tuple[Element, ...]:
    return tuple(Element(name) for name in names)


def _many(*names: str) -> tuple[Element, ...]:
    return tuple(Element(name, many=True) for name in names)


_PAIR = (_wanted("valueName"), _wanted("value"))

GRAMMAR: Mapping[str, tuple[Element, ...]] = {
    "alert": (
        _identity("identifier"),
        _identity("sender"),
        _identity("sent"),
        _identity("status", "Actual", "Exercise", "System", "Test", "Draft"),
        _identity("msgType", "Alert", "Update", "Cancel", "Ack", "Error"),
        *_optional("source"),
        _required("scope", "Public", "Restricted", "Private"),
        *_optional("restriction", "addresses"),
        *_many("code"),
        *_optional("note", "references", "incidents"),
        *_many("info"),
    ),
    "info": (
        *_optional("language"),
        _required(
            "category",
            *("Geo", "Met", "Safety", "Security", "Rescue", "Fire"),
            *("Health", "Env", "Transport", "Infra", "CBRNE", "Other"),
            many=True,
        ),
        _required("event"),
        Element(
            "responseType",
            many=True,
            lack=Weight.DOUBT,
            values=(
                *("Shelter", "Evacuate", "Prepare", "Execute", "Avoid"),
                *("Monitor", "Assess", "AllClear", "None"),
            ),
        ),
        _required("urgency", "Immediate", "Expected", "Future", "Past", "Unknown"),
        _required("severity", "Extreme", "Severe", "Moderate", "Minor", "Unknown"),
        _required("certainty", "Observed", "Likely", "Possible", "Unlikely", "Unknown"),
        *_optional("audience"),
        *_many("eventCode"),
        *_optional("effective", "onset", "expires", "senderName", "headline", "description", "instruction"),
        *_optional("web", "contact"),
        *_many("parameter", "resource", "area"),
    ),
    "resource": (
        _wanted("resourceDesc"),
        _wanted("mimeType"),
        *_optional("size", "uri", "derefUri", "digest"),
    ),
    "area": (
        _required("areaDesc"),
        *_many("polygon", "circle", "geocode"),
        *_optional("altitude", "ceiling"),
    ),
    "eventCode": _PAIR,
    "parameter": _PAIR,
    "geocode": _PAIR,
}
"""The children of each element that has any, in the order the schema wants."""

COUNTED = frozenset(element.name for elements in GRAMMAR.values() for element in elements if element.many)
"""Elements that may stand more than once: their paths carry an index."""

STRUCTURE = frozenset({"missing", "repeated", "unknown_element", "order"})
"""Codes of findings about which elements stand where."""

_LOOSE_IN_1_0 = frozenset({"scope", "category", "mimeType", "valueName", "value"})
"""CAP 1.0 did without them; its pairs were one text, ``SAME=SVR``."""

_VERY_LIKELY = "Very Likely"
"""A certainty of CAP 1.0 alone."""


def word(element: str, text: str) -> str | None:
    """The word of that element's closed list, letter case aside; None if it is none of them."""
    return _WORDS[element].get(text.strip().casefold())


_WORDS = {
    element.name: {value.casefold(): value for value in element.values}
    for elements in GRAMMAR.values()
    for element in elements
    if element.values
}


def pairs(node: Node, element: str) -> Iterator[tuple[str, str]]:
    """Name and value of each such child; CAP 1.0 wrote one text, ``SAME=SVR``, others a bare value."""
    for child in node.all(element):
        if child.children:
            yield child.value("valueName"), child.value("value")
        else:
            name, parted, value = child.text.partition("=")
            yield (name.strip(), value.strip()) if parted else ("", name)


def check_grammar(node: Node, kind: str, findings: Findings) -> None:
    """Add every departure of this element and all below it from the grammar to ``findings``."""
    elements = {element.name: element for element in GRAMMAR[node.name]}
    own = [child for child in node.children if child.namespace == node.namespace]
    counts = Counter(child.name for child in own)
    least = _least(kind)
    _check_strangers(node, elements, least, findings)
    _check_order([child for child in own if child.name in elements], list(elements), least, findings)
    for element in elements.values():
        if element.required and not (kind == "cap-1.0" and element.name in _LOOSE_IN_1_0):
            _check_presence(node, element, least, findings)
        if counts[element.name] > 1 and not element.many:
            path = f"{node.path}/{element.name}[2]"
            weight = Weight.FAULT if element.lack is Weight.FAULT else least
            findings.add(weight, path, "repeated", "stands twice; the first counts")
    for child in own:
        if child.name in elements and elements[child.name].values:
            _check_word(child, elements[child.name], kind, findings)
        if child.name in GRAMMAR and child.name in elements:
            check_grammar(child, kind, findings)


def _least(kind: str) -> Weight:
    """What a departure from the structure weighs. CAP 1.0 and 1.1 were written before checkers were at hand."""
    return Weight.DOUBT if kind == "cap-1.2" else Weight.WARNING


def _check_strangers(node: Node, elements: Mapping[str, Element], weight: Weight, findings: Findings) -> None:
    for child in node.children:
        if child.namespace == SIGNATURES:
            findings.warn(child.path, "signature_unverified", "the signature was not verified")
        elif child.namespace != node.namespace or child.name not in elements:
            findings.add(
                weight, child.path, "unknown_element", f"CAP knows no {child.name[:60]} in {node.name}"
            )


def _check_order(children: Sequence[Node], wanted: Sequence[str], weight: Weight, findings: Findings) -> None:
    places = {name: place for place, name in enumerate(wanted)}
    for before, after in pairwise(children):
        if places[after.name] < places[before.name]:
            findings.add(weight, after.path, "order", f"stands after {before.name}, CAP wants it before")
            return


def _check_presence(node: Node, element: Element, least: Weight, findings: Findings) -> None:
    if element.lack is None:
        return
    found = node.all(element.name)
    if not found:
        weight = least if element.lack is Weight.WARNING else element.lack
        findings.add(weight, _path(node, element), "missing", f"CAP requires {element.name}")
    elif not any(child.text for child in found):
        findings.add(
            element.lack, _path(node, element), "empty", f"CAP requires {element.name} to say something"
        )


def _check_word(child: Node, element: Element, kind: str, findings: Findings) -> None:
    said = child.text
    if not said or (said == _VERY_LIKELY and kind == "cap-1.0"):
        return
    known = word(element.name, said)
    if known is None and element.lack is not None:
        wanted = ", ".join(element.values)
        findings.add(element.lack, child.path, "bad_value", f"{said[:40]!r} is none of {wanted}")
    elif known != said:
        findings.warn(child.path, "letter_case", f"{said!r} was read as {known}")


def _path(node: Node, element: Element) -> str:
    return f"{node.path}/{element.name}[1]" if element.many else f"{node.path}/{element.name}"
