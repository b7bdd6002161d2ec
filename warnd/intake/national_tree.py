"""The national platform's XML (国突, 12379) as a tree that is spelled one way, however a producer spells it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from warnd.intake.xml import Node

ELEMENTS = {
    "alert": (
        *("identifier", "sender", "senderCode", "sendTime", "status", "msgType", "source", "scope"),
        *("restriction", "addresses", "code", "secClassification", "note", "references", "incidents", "info"),
    ),
    "code": ("method",),
    "method": ("methodName", "message", "audienceGrp", "audenceprt", "audiencePrt"),
    "info": (
        *("language", "category", "event", "eventType", "responseType", "urgency", "severity", "certainty"),
        *("audience", "effective", "onset", "expires", "senderName", "headline", "description"),
        *("instruction", "web", "contact", "parameter", "resource", "area"),
    ),
    "area": ("areaDesc", "polygon", "circle", "geocode", "altitude", "ceiling"),
    "parameter": ("valueName", "value"),
    "geocode": ("valueName", "value"),
}
"""
What may stand in what: as one real message has it, and what the format shares with CAP. The order means nothing.

``audenceprt`` is how the platform itself spells it. What stands in a ``resource`` is not looked at.
"""

_SPELLINGS = {name.casefold(): name for names in (*ELEMENTS.values(), tuple(ELEMENTS)) for name in names}


def spelled(node: Node) -> Node:
    """
    The same tree with every known name in its usual letter case, free of namespaces and of empty elements.

    The format writes ``<expires/>`` for what it does not say. Paths stay as the message has them.
    """
    children = (spelled(child) for child in node.children)
    return replace(
        node,
        namespace="",
        name=_SPELLINGS.get(node.name.casefold(), node.name),
        children=tuple(child for child in children if child.children or child.text),
    )


def strangers(node: Node) -> Iterator[Node]:
    """The elements of a spelled tree that the format does not know there."""
    for child in node.children:
        if child.name not in ELEMENTS[node.name]:
            yield child
        elif child.name in ELEMENTS:
            yield from strangers(child)
