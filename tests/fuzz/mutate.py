"""Spoiling messages: structure first, for most bytes that are merely broken get no further than the parser."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from copy import deepcopy
from random import Random
from typing import Any

from lxml import etree

LONGEST = 1_000_000
"""Bytes of a spoilt message."""

WORDS = (
    *("", " ", "\0", "\ud800", "\ufeff", "𠮷", "\u202e", "\x1b[2J", "<", "&", "]]>", "%s", "../../x", "null", "true"),
    *("0", "-1", "9" * 400, "1e400", "NaN", "2026-07-14T08:00:00+08:00", "2026-02-30T25:61:61-99:99", "0000", "Actual"),
    *("Cancel", "Update", "红色预警", "解除", "621202", "621202000000", "a,b,c", "33,104 33,105 34,105 33,104", "91,181 -1"),
    *("zh-CN", "x" * 300, "http://127.0.0.1:9/", "file:///etc/passwd", "urn:oasis:names:tc:emergency:cap:1.2", "Extreme"),
)  # fmt: skip
NAMES = (
    *("alert", "info", "area", "identifier", "sender", "sent", "status", "msgType", "scope", "references", "language"),
    *("event", "severity", "headline", "description", "expires", "polygon", "circle", "geocode", "parameter", "value"),
    *("valueName", "resource", "Signature", "SignedInfo", "feed", "entry", "content", "embeddedXMLContent", "x"),
)  # fmt: skip
ENCODINGS = (
    "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030", "big5", "latin-1", "cp037", "utf-7",
)  # fmt: skip


def spoilt(original: bytes, others: Sequence[bytes], random: Random) -> bytes:
    """A message with one to six things done to it. The same of the same ``random``."""
    body = original
    for _ in range(random.choice((1, 1, 1, 2, 2, 3, 6))):
        body = random.choice((_structure, _structure, _structure, _bytes))(body, others, random)[:LONGEST]
    return body


def _structure(body: bytes, others: Sequence[bytes], random: Random) -> bytes:
    if body.lstrip()[:1] in (b"{", b"["):
        return _json(body, random) or _bytes(body, others, random)
    return _xml(body, random) or _bytes(body, others, random)


# --- XML --------------------------------------------------------------------------------------------


def _xml(body: bytes, random: Random) -> bytes | None:
    try:
        root = etree.fromstring(body, etree.XMLParser(recover=True, resolve_entities=False, no_network=True))
        if root is None:
            return None
        elements = [element for element in root.iter() if isinstance(element.tag, str)][:2000]
        random.choice(_XML)(random.choice(elements), random.choice(elements), random)
        return etree.tostring(root, encoding=random.choice(("utf-8", "utf-8", "utf-16", "ascii")))
    except (etree.LxmlError, ValueError):
        return None  # what was mended while parsing has names that lxml itself does not write


def _repeat(chosen: etree._Element, other: etree._Element, random: Random) -> None:
    size = len(etree.tostring(chosen))
    times = min(random.choice((1, 2, 10, 300, 20_000)), 200_000 // size)
    if chosen.getparent() is not None:
        for _ in range(times):
            chosen.addnext(deepcopy(chosen))


def _delete(chosen: etree._Element, other: etree._Element, random: Random) -> None:
    parent = chosen.getparent()
    if parent is not None:
        parent.remove(chosen)


def _move(chosen: etree._Element, other: etree._Element, random: Random) -> None:
    """Anywhere, as a copy: below itself it would be lost."""
    if len(etree.tostring(chosen)) < 200_000:
        other.append(deepcopy(chosen))


def _swap(chosen: etree._Element, other: etree._Element, random: Random) -> None:
    chosen.text, other.text = other.text, chosen.text


def _reword(chosen: etree._Element, other: etree._Element, random: Random) -> None:
    word = _legal(random.choice(WORDS))
    chosen.text = random.choice((word, f"{chosen.text or ''}{word}", word * random.choice((1, 50, 2000))))


def _rename(chosen: etree._Element, other: etree._Element, random: Random) -> None:
    space = etree.QName(chosen).namespace
    space = random.choice((space, space, None, "urn:x", "urn:oasis:names:tc:emergency:cap:1.1"))
    chosen.tag = etree.QName(space, random.choice(NAMES)).text


def _attribute(chosen: etree._Element, other: etree._Element, random: Random) -> None:
    names = ("Id", "URI", "Algorithm", "{http://www.w3.org/XML/1998/namespace}lang", "type", *chosen.attrib)
    chosen.set(str(random.choice(names)), _legal(random.choice(WORDS)))


def _wrap(chosen: etree._Element, other: etree._Element, random: Random) -> None:
    """Down a well of elements, deeper sometimes than is read."""
    parent = chosen.getparent()
    if parent is None:
        return
    place = parent.index(chosen)
    bottom = top = etree.Element(random.choice(NAMES))
    for _ in range(random.choice((0, 1, 14, 300))):
        bottom = etree.SubElement(bottom, random.choice(NAMES))
    bottom.append(chosen)
    parent.insert(place, top)


def _interrupt(chosen: etree._Element, other: etree._Element, random: Random) -> None:
    """A comment, an instruction or CDATA in the midst of the words."""
    text = chosen.text or ""
    half = len(text) // 2
    odd = random.choice((etree.Comment("x"), etree.ProcessingInstruction("x", "y")))
    chosen.text, odd.tail = text[:half], text[half:]
    chosen.insert(0, odd)


_XML: tuple[Callable[[etree._Element, etree._Element, Random], None], ...] = (
    *(_repeat, _delete, _move, _swap, _reword, _reword, _rename, _attribute, _wrap, _interrupt),
)  # fmt: skip


def _legal(word: str) -> str:
    """Without what XML cannot hold; bytes are spoilt elsewhere."""
    return "".join(
        char for char in word if char in "\t\n" or (char >= " " and not "\ud800" <= char <= "\udfff")
    )


# --- JSON -------------------------------------------------------------------------------------------


def _json(body: bytes, random: Random) -> bytes | None:
    try:
        tree = json.loads(body)
    except (ValueError, RecursionError):
        return None
    places = list(_places(tree))[:5000]
    if not places:
        return None
    parent, key = random.choice(places)
    other_parent, other_key = random.choice(places)
    value = parent[key]
    match random.randrange(6):
        case 0:
            del parent[key]
        case 1:
            parent[key] = random.choice(WORDS)
        case 2:
            parent[key] = _odd(value, random)
        case 3 if len(json.dumps(other_parent[other_key])) < 100_000:
            # Not deepcopy: what is nested five hundred deep is more than it bears.
            parent[key] = json.loads(json.dumps(other_parent[other_key]))
        case 4 if isinstance(parent, dict):
            parent[random.choice((*NAMES, *WORDS, "areas", "texts", "regions"))] = value
        case _:
            parent[key] = [value] * min(
                random.choice((1, 2, 1000, 50_000)), 1 + 200_000 // len(json.dumps(value))
            )
    return json.dumps(tree, ensure_ascii=random.random() < 0.5).encode("utf-8", "surrogatepass")


def _odd(value: Any, random: Random) -> Any:
    nested: Any = value
    for _ in range(random.choice((1, 10, 500))):
        nested = [nested] if random.random() < 0.5 else {"x": nested}
    return random.choice((None, True, -1, 10**400, 1e308, float("nan"), "", [], {}, {"": ""}, [None], nested))


def _places(tree: Any) -> list[tuple[Any, Any]]:
    """Every container with each of its keys or indexes."""
    found: list[tuple[Any, Any]] = []
    waiting = [tree]
    while waiting and len(found) < 5000:
        node = waiting.pop()
        keys = (
            list(node) if isinstance(node, dict) else list(range(len(node))) if isinstance(node, list) else []
        )
        found += [(node, key) for key in keys]
        waiting += [node[key] for key in keys]
    return found


# --- bytes ------------------------------------------------------------------------------------------


def _bytes(body: bytes, others: Sequence[bytes], random: Random) -> bytes:
    start = random.randrange(len(body) + 1)
    end = min(len(body), start + random.choice((1, 4, 100, 5000)))
    match random.randrange(8):
        case 0:
            return body[:start]
        case 1:
            return body[:start] + body[end:]
        case 2:
            return body[:start] + body[start:end] * random.choice((2, 20, 200)) + body[end:]
        case 3:
            spoilt = bytearray(body)
            for _ in range(random.choice((1, 8, 64))):
                if spoilt:
                    spoilt[random.randrange(len(spoilt))] = random.randrange(256)
            return bytes(spoilt)
        case 4:
            word = random.choice(
                (*WORDS, "<!DOCTYPE a>", "&a;", "<![CDATA[", "<!--", '<?xml encoding="x"?>', "}", '"')
            )
            return body[:start] + word.encode("utf-8", "surrogatepass") + body[start:]
        case 5:
            other = random.choice(others)
            return body[:start] + other[random.randrange(len(other) + 1) :]
        case 6:
            return body.decode("utf-8", "replace").encode(random.choice(ENCODINGS), "replace")
        case _:
            return body.replace(b"UTF-8", random.choice(ENCODINGS).encode(), 1)
