"""How big a run is: to try it out, in the minutes that one has, or as long as the numbers want."""

from __future__ import annotations

from enum import Enum
from typing import TypeVar

T = TypeVar("T")


class Scale(Enum):
    QUICK = "quick"
    USUAL = "usual"
    FULL = "full"

    def pick(self, quick: T, usual: T, full: T | None = None) -> T:
        """What belongs to it; full is as usual unless said otherwise."""
        match self:
            case Scale.QUICK:
                return quick
            case Scale.USUAL:
                return usual
            case Scale.FULL:
                return usual if full is None else full
