"""The one door of intake: whatever bytes came, an Alert or InvalidAlert."""

from __future__ import annotations

import re
from dataclasses import replace

from warnd.errors import Fault
from warnd.intake import cap, national, push
from warnd.intake.cap_grammar import NAMESPACES
from warnd.intake.encoding import decode
from warnd.intake.findings import refuse
from warnd.model.alert import Parsed
from warnd.model.hazard import HazardCatalogue

MAX_BYTES = 4 * 1024 * 1024
"""The largest body read. The largest real message known, in nine languages, has 1.7 MB."""

_NATIONAL = re.compile("<(senderCode|sendTime)[ />]", re.IGNORECASE)
_ROOT = re.compile(r"<(?:[\w.-]+:)?[A-Za-z][^>]{0,4000}>")


def read(body: bytes, content_type: str | None, catalogue: HazardCatalogue) -> Parsed:
    """
    Read one message. Raises InvalidAlert naming every fault by path; ``body`` is the path of the whole.

    What the body looks like decides between JSON and XML; a content type that says otherwise is a warning.
    """
    text = _text(body)
    if text.startswith("<"):
        parsed = cap.parse(text, catalogue)
        return _contradicted(parsed, content_type, "json")
    if text.startswith(("{", "[")) or "json" in (content_type or "").lower():
        parsed = push.parse(text, catalogue)
        return _contradicted(parsed, content_type, "xml")
    return refuse("body", "unknown_format", "is neither JSON nor XML")


def guess_kind(body: bytes) -> str:
    """What a body that was refused wanted to be: ``json``, ``cap-1.2``, ``xml``; ``unknown`` when unreadable."""
    # Latin-1 reads anything; the names looked for are ASCII, and zeros are all that UTF-16 puts between.
    text = body[:8192].decode("latin-1").replace("\0", "").lstrip("þÿï»¿ \t\r\n")
    if text.startswith(("{", "[")):
        return push.KIND
    if not text.startswith("<"):
        return "unknown"
    root = _ROOT.search(text)
    named = [
        kind
        for uri, kind in NAMESPACES.items()
        if root is not None and f'"{uri}"' in root[0].replace("'", '"')
    ]
    if named:
        return named[0]
    return national.KIND if _NATIONAL.search(text) is not None else "xml"


def _text(body: bytes) -> str:
    if len(body) > MAX_BYTES:
        refuse("body", "too_large", f"has {len(body)} bytes, more than {MAX_BYTES}")
    text = decode(body).strip()
    if not text:
        refuse("body", "empty", "is empty")
    return text


def _contradicted(parsed: Parsed, content_type: str | None, other: str) -> Parsed:
    if other not in (content_type or "").lower():
        return parsed
    odd = Fault("body", "content_type", f"the content type is {content_type}, the body is {parsed.kind}")
    return replace(parsed, warnings=(odd, *parsed.warnings))
