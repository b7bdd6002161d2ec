"""Keeping left-to-right and right-to-left text apart, so that neither reorders the other (UAX #9)."""

from __future__ import annotations

from unicodedata import bidirectional

FSI, PDI, RLM = "\u2068", "\u2069", "\u200f"

_CLOSES = {
    **dict.fromkeys("\u202a\u202b\u202d\u202e", "\u202c"),
    **dict.fromkeys("\u2066\u2067\u2068", PDI),
}
_FORMATTING = frozenset(_CLOSES) | frozenset(_CLOSES.values())
_TO_THE_LEFT = frozenset({"R", "AL"})
_FOREIGN_TO_RTL = frozenset({"L", "EN"})


def balanced(text: str) -> str:
    """
    The text without the direction controls of those lines where one is left open or closes nothing.

    Such a control would turn what follows it around, down to the digits of a telephone number.
    """
    if _FORMATTING.isdisjoint(text):
        return text
    return "\n".join(line if _is_balanced(line) else _plain(line) for line in text.split("\n"))


def isolated(text: str, *, rtl: bool) -> str:
    """The text, each line isolated that holds words of the other direction (or digits, if ``rtl``)."""
    foreign = _FOREIGN_TO_RTL if rtl else _TO_THE_LEFT
    return "\n".join(
        f"{FSI}{line}{PDI}" if any(bidirectional(character) in foreign for character in line) else line
        for line in text.split("\n")
    )


def directed(text: str) -> str:
    """
    Right-to-left text whose lines also start as such where nothing but the first letter decides.

    A line that opens with a Chinese name would otherwise be laid out from the left as a whole.
    """
    return "\n".join(RLM + line if line and not _starts_right(line) else line for line in text.split("\n"))


def _starts_right(line: str) -> bool:
    """Whether the first strong character outside of isolates is a right-to-left one (rules P2, P3)."""
    depth = 0
    for character in line:
        match bidirectional(character):
            case "FSI" | "LRI" | "RLI":
                depth += 1
            case "PDI":
                depth = max(depth - 1, 0)
            case "R" | "AL" if depth == 0:
                return True
            case "L" if depth == 0:
                return False
    return False


def _is_balanced(line: str) -> bool:
    awaited: list[str] = []
    for character in line:
        if (closing := _CLOSES.get(character)) is not None:
            awaited.append(closing)
        elif character in _FORMATTING and (not awaited or awaited.pop() != character):
            return False
    return not awaited


def _plain(line: str) -> str:
    return "".join(character for character in line if character not in _FORMATTING)
