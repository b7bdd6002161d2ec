"""In which weather the daemon is killed: gateways that fail, messages that follow, receipts that come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Follow(Enum):
    """What comes behind the warning while it is being sent."""

    NOTHING = "nothing"
    UPDATE = "an update"
    CANCEL = "a cancel"


@dataclass(frozen=True, slots=True)
class Variant:
    """``faults`` are of the gateway (``contract.emulator.Faults``, times in seconds)."""

    name: str
    faults: Mapping[str, float] = field(default_factory=dict)
    follow: Follow = Follow.NOTHING
    receipts: bool = False


VARIANTS = (
    Variant("plain"),
    Variant(
        "a gateway that throttles and fails", {"throttled": 0.01, "retry_after": 0.2, "unavailable": 0.01}
    ),
    Variant("a gateway that takes and does not answer", {"hang_after": 0.01, "cut_after": 0.01}),
    Variant("an update on the way", follow=Follow.UPDATE),
    Variant("a cancel on the way", follow=Follow.CANCEL),
    Variant("receipts", receipts=True),
)


@dataclass(frozen=True, slots=True)
class Shape:
    """How a broadcast leaves: numbers a request, requests at once, seconds until each answer."""

    batch: int
    slots: int
    latency: float


SHAPES = (Shape(1, 32, 0.01), Shape(10, 8, 0.02), Shape(100, 2, 0.06))
"""Each takes about a second for a sweep's broadcast: time enough to be killed in."""
