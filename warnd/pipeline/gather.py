"""
Deliveries without a batch → batches.

Certain non-acceptances, fallbacks that wake up and resends all come this way, merged for about 50 ms, so that
one percent of failures does not become thousands of requests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from warnd.model.color import Lane
from warnd.model.content import Content
from warnd.model.delivery import Batch
from warnd.model.region import LEVELS
from warnd.pipeline.expand import Route
from warnd.ports import Batchless

MERGE_SECONDS = 0.05


def gather(
    members: Sequence[Batchless],
    contents: Mapping[str, Content],
    routes: Mapping[str, Route],
    *,
    new_ids: Callable[[int], list[str]],
    now: int,
) -> list[Batch]:
    """
    New batches, under new keys, for deliveries that share alert, channel, content, lane and number of tries.

    Those of a channel that is no longer configured are left out. ``now`` is in microseconds.
    """
    parts: dict[tuple[str, str, str, int, int], list[Batchless]] = {}
    for one in members:
        if one.channel in routes:
            key = (one.alert_id, one.channel, one.content_id, one.lane, one.attempts)
            parts.setdefault(key, []).append(one)
    batches: list[Batch] = []
    for (alert_id, channel, content_id, lane, attempts), part in parts.items():
        size = routes[channel].capabilities.max_batch
        starts = range(0, len(part), size)
        for id_, start in zip(new_ids(len(starts)), starts, strict=True):
            piece = part[start : start + size]
            batches.append(
                Batch(
                    id=id_,
                    alert_id=alert_id,
                    channel=channel,
                    lane=Lane(lane),
                    content=contents[content_id],
                    deliveries=tuple(one.id for one in piece),
                    addresses=tuple(one.address for one in piece),
                    created=now,
                    deliver_until=piece[0].deliver_until,
                    levels=bytes(LEVELS[len(one.region)] for one in piece),
                    attempts=attempts,
                    follows=any(one.follows for one in piece),
                    ordered=any(one.ordered for one in piece),
                    behind=piece[0].behind,
                )
            )
    return batches
