"""How CAP 1.2 writes a value: elements and pairs, times, what is a link, and what XML can hold of a text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from lxml import etree

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
DEFAULT: Mapping[Any, str] = {None: NAMESPACE}

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_CHARACTER = r"(?:[^\s%#<>\"{}|\\^`\[\]\x00-\x20\x7f-\x9f]|%[0-9A-Fa-f]{2})"
_AUTHORITY = r"//[^\s/?#:@%<>\"{}|\\^`\[\]\x00-\x20\x7f-\x9f]+(?::[0-9]{1,5})?(?=[/?#]|\Z)"
_URI = re.compile(
    rf"[A-Za-z][A-Za-z0-9+.-]*:(?:{_AUTHORITY}|(?!//)){_CHARACTER}*(?:#{_CHARACTER}*)?"
    rf"|(?!//)(?![^/?#]*:){_CHARACTER}+(?:#{_CHARACTER}*)?"
)
"""What the schema's ``anyURI`` surely takes (RFC 3986); a host by name or number, without a login."""

_DECIMAL = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)", re.ASCII)


def name(local: str) -> str:
    return f"{{{NAMESPACE}}}{local}"


def add(parent: etree._Element, local: str, value: str | None) -> None:
    """Only what there is: CAP knows no empty element that means anything."""
    said = clean(value or "")
    if said.strip():
        etree.SubElement(parent, name(local)).text = said


def add_pair(parent: etree._Element, local: str, key: str, value: str) -> None:
    """A pair whose value is empty stays one: that it was named may be all it says."""
    pair = etree.SubElement(parent, name(local))
    etree.SubElement(pair, name("valueName")).text = clean(key)
    etree.SubElement(pair, name("value")).text = clean(value)


def cap_time(when: datetime | None) -> str:
    """Seconds and the offset it came with; CAP writes UTC as ``-00:00``. Empty where there is no time."""
    if when is None:
        return ""
    written = when.replace(microsecond=0).isoformat()
    return written.replace("+00:00", "-00:00") if when.utcoffset() == timedelta(0) else written


def link(said: str | None) -> str:
    """It, if it is a link; else empty."""
    return said if said is not None and _URI.fullmatch(said) is not None else ""


def decimal(said: str) -> str:
    """It, if it is a number as the schema wants one; else empty."""
    return said if _DECIMAL.fullmatch(said) is not None else ""


def first_said(*values: str) -> str:
    return next((said for said in map(clean, values) if said.strip()), "")


def clean(text: str) -> str:
    """What XML can hold of it."""
    return _NOT_XML.sub("", text)
