"""In which weather the daemon is killed: gateways that fail, messages that follow, receipts that come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

_MOST = 0.1
"""Share of the requests that a fault strikes at the most: a batch has three tries."""


class Follow(Enum):
    """What comes behind the warning while it is being sent."""

    NOTHING = "nothing"
    UPDATE = "an update"
    CANCEL = "a cancel"


@dataclass(frozen=True, slots=True)
class Variant:
    """``struck``: how many requests of a broadcast each fault of the gateway strikes (``contract.emulator.Faults``)."""

    name: str
    struck: Mapping[str, int] = field(default_factory=dict)
    follow: Follow = Follow.NOTHING
    receipts: bool = False

    def faults(self, requests: int) -> Mapping[str, float]:
        """The gateway's settings for a broadcast of so many; times in seconds."""
        shares = {name: min(_MOST, count / requests) for name, count in self.struck.items()}
        return shares | ({"retry_after": 0.2} if "throttled" in shares else {})


_THROTTLES = {"throttled": 10}
_FAILS = {"unavailable": 6, "hang_after": 3, "cut_after": 3}

VARIANTS = (
    Variant("calm"),
    Variant("throttled", _THROTTLES),
    Variant("failing", _FAILS),
    Variant("an update", follow=Follow.UPDATE),
    Variant("a cancel", follow=Follow.CANCEL),
    Variant("an update, throttled and failing", _THROTTLES | _FAILS, Follow.UPDATE),
    Variant("a cancel, throttled and failing", _THROTTLES | _FAILS, Follow.CANCEL),
    Variant("receipts", receipts=True),
)


@dataclass(frozen=True, slots=True)
class Shape:
    """How a broadcast leaves: numbers a request, requests of each process at once, seconds until each answer."""

    batch: int
    slots: int
    latency: float


BY_ONE = (Shape(1, 32, 0.01), Shape(10, 8, 0.02), Shape(100, 2, 0.06))
BY_SEVERAL = (Shape(1, 8, 0.05), Shape(10, 4, 0.15), Shape(100, 1, 0.6))
"""Of one process, and of each of several: a sweep's broadcast takes seconds, time enough to be killed in."""
