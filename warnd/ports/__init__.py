"""
What the pipeline needs of a store and of a queue, and the values that pass between them.

Times in these values are microseconds since 1970 (UTC): they are bound to statements as they are.
"""

from __future__ import annotations

from warnd.ports.alarms import Alarms, Fact, Facts
from warnd.ports.chunk import Chunk, Committed, Fallback, Gap, PlannedDelivery, SharedAddress
from warnd.ports.lanes import Lanes
from warnd.ports.piles import Pile, Piles, Unclear
from warnd.ports.plan_source import Behind, Heard, OpenRange, Planned, PlanSource, Told
from warnd.ports.store import Store
from warnd.ports.telling import Telling
from warnd.ports.turn import Departure, Fate, Lease, Leased, Settlement
from warnd.ports.waiting import Batchless, Standing

__all__ = [
    "Alarms",
    "Batchless",
    "Behind",
    "Chunk",
    "Committed",
    "Departure",
    "Fact",
    "Facts",
    "Fallback",
    "Fate",
    "Gap",
    "Heard",
    "Lanes",
    "Lease",
    "Leased",
    "OpenRange",
    "Pile",
    "Piles",
    "PlanSource",
    "Planned",
    "PlannedDelivery",
    "Settlement",
    "SharedAddress",
    "Standing",
    "Store",
    "Telling",
    "Told",
    "Unclear",
]
