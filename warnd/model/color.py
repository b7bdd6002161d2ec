"""The grade of a warning (预警级别) and the lane it travels in."""

from __future__ import annotations

from enum import Enum, IntEnum


class Color(Enum):
    """Ordered blue < yellow < orange < red: levels IV, III, II and I of China's practice."""

    BLUE = "blue"
    YELLOW = "yellow"
    ORANGE = "orange"
    RED = "red"

    @property
    def rank(self) -> int:
        """0 for blue to 3 for red."""
        return _RANKS[self]

    def __lt__(self, other: Color) -> bool:
        return self.rank < other.rank

    def __le__(self, other: Color) -> bool:
        return self.rank <= other.rank

    def __gt__(self, other: Color) -> bool:
        return self.rank > other.rank

    def __ge__(self, other: Color) -> bool:
        return self.rank >= other.rank


_RANKS = {color: rank for rank, color in enumerate(Color)}


class Lane(IntEnum):
    """Priority class of a batch; the value is its place, the most urgent first."""

    RED = 0
    ORANGE = 1
    YELLOW = 2
    BLUE = 3
    DRILL = 4


def lane_of(color: Color, *, drill: bool = False) -> Lane:
    """The lane of a warning of this color; a drill never shares one with the real thing."""
    return Lane.DRILL if drill else Lane(Color.RED.rank - color.rank)
