"""
What only the OASIS schema of CAP 1.2 objects to, in a message whose grammar was checked already.

The schema judges the parsed tree, never the parser's input: a parser bound to a schema crashes on an entity.
"""

from __future__ import annotations

import re
import threading
from functools import cache
from pathlib import Path
from typing import NamedTuple

from lxml import etree

from warnd.intake.cap_grammar import STRUCTURE
from warnd.intake.findings import MAX_FINDINGS, Findings
from warnd.intake.xml import Node, entries, said

FILE = Path(__file__).with_name("schema") / "CAP-v1.2.xsd"
"""The schema as OASIS published it (docs.oasis-open.org/emergency/cap/v1.2)."""

_STRUCTURAL = frozenset({"SCHEMAV_ELEMENT_CONTENT", "SCHEMAV_CVC_TYPE_3_1_2", "SCHEMAV_CVC_COMPLEX_TYPE_2_3"})
"""The schema finds an element or a text where it wants none, or lacks one; all else is about a value."""

_MOST = 10 * MAX_FINDINGS
"""Objections looked at."""

_ONE_AT_A_TIME = threading.Lock()

_NAMESPACE = re.compile(r"\{[^}]*\}")
_STEP = re.compile(r"(?:([\w.-]+):)?([\w.-]+|\*)(?:\[(\d+)\])?")


def check_schema(root: Node, findings: Findings) -> None:
    """
    Add what the schema objects to beyond ``findings``, which hold what ``check_grammar`` found.

    In the structure that is a doubt: what was read may not be what was meant. In a value it is a warning.
    """
    objections = _objections(root.element)
    if not objections:
        return
    found = [*findings.faults, *findings.doubts, *findings.warnings]
    places = {fault.path for fault in found}
    spoilt = {_parent(fault.path) for fault in found if fault.code in STRUCTURE}
    for one in objections:
        node = _at(root, one.path)
        message = f"the schema of CAP 1.2 objects: {_NAMESPACE.sub('', one.message)[:200]}"
        if one.kind in _STRUCTURAL:
            # Of one parent the schema names only the first departure, the grammar names all.
            parent = node.path if "Missing child" in one.message else _parent(node.path)
            if spoilt.isdisjoint({parent, node.path}):
                findings.doubt(node.path, "schema_structure", message)
                spoilt.add(parent)
        elif node.path not in places:
            findings.warn(node.path, "schema_value", message)
            places.add(node.path)


class _Objection(NamedTuple):
    path: str
    message: str
    kind: str


def _objections(element: etree._Element) -> list[_Objection]:
    """The first of what the schema objects to. Its log is the schema's own, so that one is read at a time."""
    with _ONE_AT_A_TIME:
        schema = _schema()
        if schema.validate(element):
            return []
        found = entries(schema.error_log)[:_MOST]
        return [_Objection(said(one, "path"), said(one, "message"), one.type_name) for one in found]


@cache
def _schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(FILE))


def _at(root: Node, path: str) -> Node:
    """The node that the validator's path leads to: ``/*/*[7]``, ``/cap:alert/cap:info[2]``; the root if none."""
    node = root
    for step in path.split("/")[2:]:
        named = _STEP.fullmatch(step)
        if named is None:
            return node
        prefix, name, index = named[1], named[2], int(named[3] or 1)
        same = [
            child
            for child in node.children
            if name == "*" or (child.name, child.element.prefix) == (name, prefix)
        ]
        if index > len(same):
            return node
        node = same[index - 1]
    return node


def _parent(path: str) -> str:
    return path.rpartition("/")[0]
