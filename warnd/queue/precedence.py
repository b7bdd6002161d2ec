"""Whose turn it is among the lanes: strictly the most urgent, and every twentieth time one of those that wait below it."""

from __future__ import annotations

from warnd.model.color import Lane
from warnd.model.delivery import Rank

PLACES = tuple((lane, rank) for lane in Lane for rank in Rank)
"""A bit of a set of places stands for each, the most urgent the lowest."""

RANKS = len(Rank)
"""Places of a lane."""

RED_PLACES = (1 << RANKS) - 1

_IN_A_ROW = 19
_OF_LANE = tuple(RED_PLACES << lane * RANKS for lane in Lane)


class Precedence:
    """
    Counts what was taken while somebody waited in a lower lane.

    The lower lanes have their twentieth one after the other: a drill that never ends does not keep it from orange.
    """

    __slots__ = ("_in_a_row", "_latest")

    def __init__(self) -> None:
        self._in_a_row = 0
        self._latest = 0

    def kept_for(self, ready: int) -> int:
        """Of the places that have something those whose turn it is out of order; 0 when it is nobody's."""
        if self._in_a_row < _IN_A_ROW:
            return 0
        lanes = [lane for lane in range(_top_lane(ready) + 1, len(_OF_LANE)) if ready & _OF_LANE[lane]]
        if not lanes:
            return 0
        return ready & _OF_LANE[next((lane for lane in lanes if lane > self._latest), lanes[0])]

    def taken(self, lane: int, ready: int) -> None:
        """One of this lane was taken, of places that had something."""
        if lane > _top_lane(ready):
            self._in_a_row, self._latest = 0, lane
        elif ready >> (lane + 1) * RANKS:
            self._in_a_row += 1
        else:
            self._in_a_row = 0

    def taken_alone(self) -> None:
        """One was taken when no other place had anything."""
        self._in_a_row = 0


def _top_lane(places: int) -> int:
    """The most urgent lane of these."""
    return ((places & -places).bit_length() - 1) // RANKS
