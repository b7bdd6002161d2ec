"""What names a message, identifier and sender, and how CAP's references name an earlier one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from warnd.intake.times import read_time
from warnd.model.alert import Reference

MAX_KEY = 256
"""Characters of an identifier or a sender."""

MAX_REFERENCES = 1000

_FORBIDDEN = re.compile(r"[\s,<&\x00-\x1f\x7f-\x9f\ufffe\uffff]")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def is_short_enough(key: str) -> bool:
    return 0 < len(key) <= MAX_KEY


def is_clean(key: str) -> bool:
    """
    Free of what CAP 1.2 (3.2.1) keeps out because references join keys by it, and of control characters.

    Of those XML can hold few: what has one in its name could be sent on under another name only.
    """
    return _FORBIDDEN.search(key) is None


def read_references(text: str, sender: str) -> tuple[tuple[Reference, ...], str]:
    """
    The messages that ``sender,identifier,sent`` triples name, and what was odd about them (empty if nothing).

    Triples are parted by white space, or by commas as some services do. A lone identifier is one of the same
    ``sender``. Repeats count once.
    """
    references: dict[tuple[str, str], Reference] = {}
    oddity = ""
    for fields in _groups(text):
        match fields:
            case [who, identifier, sent]:
                reference, odd = _reference(who, identifier, sent)
            case [who, identifier]:
                reference, odd = Reference(who, identifier), f"{identifier[:60]!r} comes without its time"
            case [identifier]:
                reference, odd = (
                    Reference(sender, identifier),
                    f"{identifier[:60]!r} comes without its sender",
                )
            case _:
                oddity = f"{','.join(fields)[:60]!r} is no sender,identifier,sent"
                continue
        oddity = oddity or odd
        references.setdefault((reference.sender, reference.identifier), reference)
    return tuple(references.values())[:MAX_REFERENCES], oddity


def _groups(text: str) -> Iterator[list[str]]:
    fields = [field for field in re.split(r"[\s,]+", text) if field]
    if len(fields) % 3 == 0 and all(_DAY.match(sent) for sent in fields[2::3]):
        yield from (fields[start : start + 3] for start in range(0, len(fields), 3))
    else:
        yield from ([field for field in token.split(",") if field] for token in text.split())


def _reference(sender: str, identifier: str, sent: str) -> tuple[Reference, str]:
    try:
        return Reference(sender, identifier, read_time(sent)[0]), ""
    except ValueError as error:
        return Reference(sender, identifier), f"{sent[:60]!r} {error}"
