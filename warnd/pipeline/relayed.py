"""Carrying the issuer's words as they are: without what a device would obey, and shortened only by rule."""

from __future__ import annotations

import re
from unicodedata import combining

from warnd.pipeline.direction import balanced

ELLIPSIS = "…"

SHORTEST = 8
"""Characters under which a shortened text says nothing and is left out."""

_BREAK = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
# Controls, halves of characters (which cannot be encoded) and byte order marks.
_DROPPED = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufeff]")
_SPACES = re.compile(r"\s+")
_SENTENCE_END = re.compile(r"[。！？；؟۔]|[.!?](?=\s)|(?=\n)")
_MARKDOWN = re.compile(r"<|\](?=\()|\*(?=\*)|^ *(?=[#>])", re.MULTILINE)
_GAP = "\u200b"


def cleaned(text: str) -> str:
    """The text with its line breaks, without control characters and without stray direction controls."""
    unbroken = _BREAK.sub("\n", text).replace("\t", " ")
    return balanced(_DROPPED.sub("", unbroken)).strip()


def one_line(text: str) -> str:
    """The same for what is a name or a title: a line break in it would end a mail's subject."""
    return _SPACES.sub(" ", cleaned(text))


def markdown_safe(text: str) -> str:
    """
    The text with an invisible gap wherever WeCom would read markup in it.

    Its Markdown knows headings, quotes, bold, links, ``<font>`` and ``<@mention>``, and has no escapes: a
    backslash would be shown.
    """
    return _MARKDOWN.sub(lambda markup: markup[0] + _GAP, text)


def shortened(text: str, room: int) -> str:
    """
    At most ``room`` characters of the text: to the end of a sentence if that keeps half of it, then ``…``.

    A text that would keep less than ``SHORTEST`` is left out. No letter is parted from its accents.
    """
    if len(text) <= room:
        return text
    if room < SHORTEST:
        return ""
    end = room - len(ELLIPSIS)
    sentences = [found.end() for found in _SENTENCE_END.finditer(text, 0, end)]
    if sentences and sentences[-1] * 2 >= end:
        end = sentences[-1]
    while end and combining(text[end]):
        end -= 1
    return text[:end].rstrip() + ELLIPSIS
