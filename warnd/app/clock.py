"""The time of day held against a clock that nobody sets: when they part, somebody set the one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

TOLERANCE = 2_000_000
"""Microseconds. What a time service puts right by and by is far less between two looks."""


class Look(NamedTuple):
    """Both clocks at one moment: ``wall`` in microseconds since 1970, ``steady`` in seconds since whenever."""

    wall: int
    steady: float


@dataclass(frozen=True, slots=True)
class Jump:
    """
    The clock was set: it says ``now`` where it would have said ``expected``; ``seen`` is what it said at the last look.

    All are microseconds since 1970.
    """

    seen: int
    expected: int
    now: int

    @property
    def by(self) -> int:
        """Forward if positive."""
        return self.now - self.expected


def jump_between(last: Look, this: Look) -> Jump | None:
    """What became of the clock between two looks; None when it only went on."""
    expected = last.wall + round((this.steady - last.steady) * 1_000_000)
    return Jump(last.wall, expected, this.wall) if abs(this.wall - expected) > TOLERANCE else None


def set_back_since(latest: int, now: int) -> Jump | None:
    """Whether what was written last lies ahead of the clock: it was set while no process looked."""
    return Jump(latest, latest, now) if latest > now + TOLERANCE else None
