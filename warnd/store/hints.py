"""
Hints to the other processes on a shared store, sent with the commit that gives reason to them.

None is needed for anything but speed: whoever misses one finds out from the store within a second. A file, which has one
process, gives none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from warnd.model.color import Lane
from warnd.model.delivery import Batch
from warnd.store.statement import Cursor

_IDS = 250
"""Of 27 bytes each: a notification holds 8,000."""


def batches_made(cursor: Cursor, batches: Sequence[Batch]) -> None:
    """They can be leased; told for each channel and lane with the lowest id."""
    lowest: dict[tuple[str, Lane], str] = {}
    for batch in batches:
        place = batch.channel, batch.lane
        lowest[place] = min(lowest.get(place, batch.id), batch.id)
    for (channel, lane), id_ in lowest.items():
        cursor.notify(f"batches {channel} {lane.value} {id_}")


def alerts_stopped(cursor: Cursor, ids: Iterable[str]) -> None:
    """Nothing more of these may leave."""
    for id_ in ids:
        cursor.notify(f"stopped {id_}")


def plan_goes_on(cursor: Cursor, id: str, lane: Lane) -> None:
    """It was released, or all ranges that were opened of it are planned."""
    cursor.notify(f"plan {id} {lane.value}")


def ranges_opened(cursor: Cursor) -> None:
    """Parts of a large plan can be taken."""
    cursor.notify("ranges")


def targets_throttled(cursor: Cursor, channel: str, seconds: float, deliveries: Sequence[str]) -> None:
    """Those whom these deliveries are for want to be left alone on that channel for so long from now."""
    for start in range(0, len(deliveries), _IDS):
        cursor.notify(f"throttled {channel} {seconds:.3f} {' '.join(deliveries[start : start + _IDS])}")


def deliveries_batchless(cursor: Cursor) -> None:
    """Some are to be gathered into batches."""
    cursor.notify("gather")
