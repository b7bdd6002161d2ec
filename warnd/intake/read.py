"""The one door of intake: whatever bytes came, each message in them as an Alert or InvalidAlert."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from warnd.errors import Fault, InvalidAlert
from warnd.intake import cap, national, push
from warnd.intake.cap_grammar import NAMESPACES
from warnd.intake.encoding import decode
from warnd.intake.envelope import Enclosed, kind_of_root, open_envelope
from warnd.intake.findings import refuse
from warnd.intake.xml import Node
from warnd.model.alert import Parsed, Status
from warnd.model.hazard import HazardCatalogue

MAX_BYTES = 4 * 1024 * 1024
"""The largest body read. The largest real message known, in nine languages, has 1.7 MB."""

_NATIONAL = re.compile("<(senderCode|sendTime)[ />]", re.IGNORECASE)
_ROOT = re.compile(r"<(?:[\w.-]+:)?([A-Za-z][\w.-]*)[^>]{0,4000}>")


@dataclass(frozen=True, slots=True)
class Message:
    """
    One message of a body: what it was read as, or why it could not be.

    ``path`` leads to it from the root of the document, ``feed/entry[2]/content/alert``; ``body`` is its own bytes.
    """

    path: str
    result: Parsed | InvalidAlert
    body: bytes


@dataclass(frozen=True, slots=True)
class Reading:
    """
    What a body holds. ``kind`` is that of the envelope, of the message where it stands alone.

    ``messages`` come in their order, each read when it is asked for; ``warnings`` are about the envelope.
    """

    kind: str
    count: int
    messages: Iterator[Message]
    warnings: tuple[Fault, ...] = ()


def located(path: str, fault: Fault) -> Fault:
    """The fault of the message at ``path``, with a path from the root of the document: several tell apart by it."""
    first, slash, rest = fault.path.partition("/")
    if path == "body" or first not in ("alert", "body"):
        return fault
    return replace(fault, path=f"{path}{slash}{rest}")


def read(body: bytes, content_type: str | None, catalogue: HazardCatalogue) -> Parsed:
    """
    Read exactly one message. Raises InvalidAlert naming every fault by path; ``body`` is the path of the whole.

    What the body looks like decides between JSON and XML; a content type that says otherwise is a warning.
    """
    reading = read_all(body, content_type, catalogue)
    if reading.count > 1:
        refuse("body", "several_messages", f"holds {reading.count} messages; send them one by one here")
    result = next(reading.messages).result
    if isinstance(result, InvalidAlert):
        raise result
    return result


def read_all(body: bytes, content_type: str | None, catalogue: HazardCatalogue) -> Reading:
    """
    Read every message of a body. Raises InvalidAlert for a body that holds none.

    A bad message among several costs the others nothing.
    """
    text = _text(body)
    if text.startswith("<"):
        return _from_xml(text, body, content_type, catalogue)
    if text.startswith(("{", "[")) or "json" in (content_type or "").lower():
        parsed = _contradicted(push.parse(text, catalogue), content_type, "xml")
        return Reading(parsed.kind, 1, iter([Message("body", parsed, body)]))
    return refuse("body", "unknown_format", "is neither JSON nor XML")


def _from_xml(text: str, body: bytes, content_type: str | None, catalogue: HazardCatalogue) -> Reading:
    envelope = open_envelope(text)

    def messages() -> Iterator[Message]:
        for enclosed in envelope.messages:
            own = enclosed.written() if envelope.kind else body
            result = _read_enclosed(enclosed, catalogue)
            if isinstance(result, Parsed):
                result = _contradicted(result, content_type, "json")
            yield Message(enclosed.path, result, own)

    if envelope.kind:
        return Reading(envelope.kind, len(envelope.messages), messages(), tuple(envelope.warnings))
    alone = next(messages())
    kind = alone.result.kind if isinstance(alone.result, Parsed) else guess_kind(body)
    return Reading(kind, 1, iter([alone]))


def _read_enclosed(enclosed: Enclosed, catalogue: HazardCatalogue) -> Parsed | InvalidAlert:
    try:
        parsed = parse_message(enclosed.root(), catalogue)
    except InvalidAlert as invalid:
        return invalid
    doubts = []
    if enclosed.unbound:
        prefixes = ", ".join(enclosed.unbound)
        sentence = f"no namespace is declared for the prefix {prefixes}; it was read as if there were"
        doubts.append(Fault("alert", "unbound_prefix", sentence))
    if enclosed.status not in ("", "Actual") and parsed.alert.status is Status.ACTUAL:
        sentence = f"its envelope says {enclosed.status[:40]}, the message itself Actual"
        doubts.append(Fault("alert/status", "envelope_status", sentence))
    return replace(parsed, doubts=(*doubts, *parsed.doubts))


def parse_message(root: Node, catalogue: HazardCatalogue) -> Parsed:
    """One XML message by the format its root shows. Raises InvalidAlert."""
    if national.is_national(root):
        return national.parse_message(root, catalogue)
    return cap.parse_message(root, catalogue)


def guess_kind(body: bytes) -> str:
    """What a body that was refused wanted to be: ``json``, ``cap-1.2``, ``atom``; ``unknown`` when unreadable."""
    # Latin-1 reads anything; the names looked for are ASCII, and zeros are all that UTF-16 puts between.
    text = body[:8192].decode("latin-1").replace("\0", "").lstrip("þÿï»¿ \t\r\n")
    if text.startswith(("{", "[")):
        return push.KIND
    if not text.startswith("<"):
        return "unknown"
    root = _ROOT.search(text)
    if root is None:
        return "xml"
    if root[1] != "alert":
        return kind_of_root(root[1])
    written = root[0].replace("'", '"')
    named = next((kind for uri, kind in NAMESPACES.items() if f'"{uri}"' in written), None)
    if named is not None:
        return named
    return national.KIND if _NATIONAL.search(text) is not None else "xml"


def _text(body: bytes) -> str:
    if len(body) > MAX_BYTES:
        refuse("body", "too_large", f"has {len(body)} bytes, more than {MAX_BYTES}")
    text = decode(body)
    if not text:
        refuse("body", "empty", "is empty")
    return text


def _contradicted(parsed: Parsed, content_type: str | None, other: str) -> Parsed:
    if other not in (content_type or "").lower():
        return parsed
    odd = Fault("body", "content_type", f"the content type is {content_type}, the body is {parsed.kind}")
    return replace(parsed, warnings=(odd, *parsed.warnings))
