"""
XML as canonical octets, which signatures are made of (C14N 1.0 and 1.1, exclusive or not).

Canonicalizing sorts attributes by insertion and finds each namespace by walking through all of them: without bounds
on both, one element of a hostile message takes it minutes. Everything here raises ValueError saying what is wrong, as the end
of "the signature …".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from lxml import etree

MAX_TAGS = 30_000
"""Opening and closing ones; the largest signed message known has some thousands."""

MAX_ATTRIBUTES = 64
"""Of one element."""

MAX_NAMESPACES = 24
"""Declarations in a whole document, and prefixes that a canonicalization names."""

_INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
_INCLUSIVE_11 = "http://www.w3.org/2006/12/xml-c14n11"
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"


@dataclass(frozen=True, slots=True)
class Canon:
    """One canonicalization. C14N 1.0 and 1.1 differ in inherited ``xml:`` attributes only, which are kept out."""

    exclusive: bool = False
    comments: bool = False
    prefixes: tuple[str, ...] = ()

    def octets(self, document: etree._ElementTree) -> bytes:
        """Of a whole document: canonicalized as a part of one, an element can lose its namespaces."""
        prefixes = list(self.prefixes) if self.exclusive else None
        try:
            return etree.tostring(
                document,
                method="c14n",
                exclusive=self.exclusive,
                with_comments=self.comments,
                inclusive_ns_prefixes=prefixes,
            )
        except etree.LxmlError as error:
            raise ValueError("stands in a document that has no canonical form") from error


_CANONS: Mapping[str, Canon] = {
    _INCLUSIVE: Canon(),
    f"{_INCLUSIVE}#WithComments": Canon(comments=True),
    _INCLUSIVE_11: Canon(),
    f"{_INCLUSIVE_11}#WithComments": Canon(comments=True),
    _EXCLUSIVE: Canon(exclusive=True),
    f"{_EXCLUSIVE}WithComments": Canon(exclusive=True, comments=True),
}


def bounded(text: str) -> etree._Element:
    """The root of a document that does not take long to canonicalize."""
    if "<!DOCTYPE" in text:
        raise ValueError("stands in a document with a DOCTYPE")
    if text.count("<") > MAX_TAGS or text.count("xmlns") > MAX_NAMESPACES:
        raise ValueError("stands in a document with too many elements or namespaces")
    root = parsed(text.encode())
    if root.xpath(f"boolean(//*[count(@*) > {MAX_ATTRIBUTES}])"):
        raise ValueError("stands in a document with too many attributes on one element")
    return root


def parsed(octets: bytes, *, comments: bool = True) -> etree._Element:
    """The root, with its comments unless they would be in the way; nothing is loaded or expanded."""
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=not comments,
    )
    try:
        return etree.fromstring(octets, parser)
    except etree.XMLSyntaxError as error:
        raise ValueError("stands in a document that is not well-formed") from error


def canon_of(element: etree._Element) -> Canon:
    """The canonicalization that an element with an ``Algorithm`` names."""
    canon = _CANONS.get(algorithm_of(element))
    if canon is None:
        raise unsupported(element)
    parameters = [child for child in element if isinstance(child.tag, str)]
    if not parameters:
        return canon
    prefixes = tuple(str(parameters[0].get("PrefixList", "")).split())
    known = canon.exclusive and parameters[0].tag == f"{{{_EXCLUSIVE}}}InclusiveNamespaces"
    if not known or len(parameters) > 1 or len(prefixes) > MAX_NAMESPACES:
        raise ValueError("has a canonicalization with parameters that are not understood here")
    return replace(canon, prefixes=prefixes)


def algorithm_of(element: etree._Element) -> str:
    return str(element.get("Algorithm", ""))


def unsupported(element: etree._Element) -> ValueError:
    name = etree.QName(element).localname
    return ValueError(f"uses {algorithm_of(element)[:80]!r} as {name}, which is not supported")
