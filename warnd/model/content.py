"""The rendered words for one channel and language, shared by all who get the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b


@dataclass(frozen=True, slots=True)
class Content:
    """
    What is said.

    ``subject`` is for channels that have one. ``segments`` is what the text costs in tokens of the
    channel's rate (SMS parts; 1 elsewhere). Gateways that take an approved template instead of words find
    its code in ``template_code`` and its ``variables``.
    """

    id: str
    alert_id: str
    kind: str
    language: str
    body: str
    subject: str = ""
    segments: int = 1
    template: str = ""
    template_code: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)


def content_id(alert_id: str, channel: str, language: str) -> str:
    """The id of what an alert says there: the same whoever renders it, and stamped with the time of the alert's."""
    of = f"{alert_id} {channel} {language}".encode()
    return alert_id[:10] + blake2b(of, digest_size=8).hexdigest().upper()


SINGLE_SEGMENT = 70
"""UTF-16 units that fit one short message in UCS-2 (3GPP 23.040)."""

PART_OF_MANY = 67
"""UTF-16 units in each part of a longer one: 134 octets after a 6-octet header."""


def ucs2_units(text: str) -> int:
    """UTF-16 code units: what a Chinese SMS is counted in. 𠮷 and emoji cost two."""
    return len(text.encode("utf-16-be")) // 2


def ucs2_segments(text: str) -> tuple[str, ...]:
    """
    The parts a gateway cuts a UCS-2 text into, greedily; a surrogate pair is never cut.

    One part up to 70 units, else parts of up to 67 (66 where the 67th would be half a character).
    """
    if ucs2_units(text) <= SINGLE_SEGMENT:
        return (text,)
    parts: list[str] = []
    start = units = 0
    for index, character in enumerate(text):
        width = 2 if ord(character) > 0xFFFF else 1
        if units + width > PART_OF_MANY:
            parts.append(text[start:index])
            start, units = index, 0
        units += width
    parts.append(text[start:])
    return tuple(parts)
