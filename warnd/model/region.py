"""Divisions of China's five-level statistical code, and how a code that was padded finds its own."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

WIDTHS = (2, 4, 6, 9, 12)


class Level(IntEnum):
    """Level of a division; the value is its place in ``WIDTHS``."""

    PROVINCE = 0
    PREFECTURE = 1
    COUNTY = 2
    TOWNSHIP = 3
    VILLAGE = 4


LEVELS = {width: Level(place) for place, width in enumerate(WIDTHS)}
"""Levels by the width of a code that is known to be one: ``level_of`` looks whether it is."""


@dataclass(frozen=True, slots=True)
class Region:
    """
    A division of China's five-level statistical code, e.g. ``621202100201``, a village.

    ``code`` has 2, 4, 6, 9 or 12 digits by level (GB/T 2260, GB/T 10114, NBS). Raises ValueError otherwise.
    """

    code: str
    name: str

    def __post_init__(self) -> None:
        level_of(self.code)

    @property
    def level(self) -> Level:
        return level_of(self.code)


def level_of(code: str) -> Level:
    """The level of an unpadded code. Raises ValueError when it has another width or other characters."""
    if not (code.isascii() and code.isdigit()) or len(code) not in LEVELS:
        raise ValueError(f"{code!r} is not a division code of 2, 4, 6, 9 or 12 digits")
    return LEVELS[len(code)]


def ancestors(code: str) -> tuple[str, ...]:
    """The codes above this one, province first, without itself."""
    return tuple(code[:width] for width in WIDTHS if width < len(code))


def covers(outer: str, inner: str) -> bool:
    """Whether ``inner`` lies in ``outer`` or is the same; both unpadded."""
    return inner.startswith(outer)


def candidates(code: str) -> tuple[str, ...]:
    """
    What a code that may be padded with zeros can mean, deepest first; empty if it is no code at all.

    Only zeros that fill whole levels are taken off: ``370614000000`` may be itself, ``370614000``,
    ``370614``; never ``37061``. Which one is meant, the tree says: the deepest that exists.
    """
    if not (code.isascii() and code.isdigit()) or not 2 <= len(code) <= 12:
        return ()
    return tuple(
        code[:width] for width in reversed(WIDTHS) if width <= len(code) and not code[width:].strip("0")
    )
