"""Whether a broadcast will be late: what is unsent on a channel, and how fast it goes just now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

_SECOND = 1_000_000


class Unsent(NamedTuple):
    """
    What one alert has left to send on one channel, and when that is late, in microseconds since 1970.

    ``lane`` 0 is the most urgent; ``since`` is when the broadcast began.
    """

    alert_id: str
    channel: str
    lane: int
    since: int
    deliveries: int
    late_at: int


class Late(NamedTuple):
    """One that will be late, or is. ``ends``: when the last will have left; None when nothing leaves at all."""

    unsent: Unsent
    ends: int | None


def late(found: Sequence[Unsent], pace: Mapping[str, float], now: int) -> Iterator[Late]:
    """
    Of these the ones whose last delivery leaves too late, as things go.

    ``pace`` is in deliveries a second by channel, where it has been measured; those ahead, more urgent or longer
    under way, go first. Where nothing was measured nothing is foretold: that is late whose time has come.
    """
    ahead: dict[str, int] = {}
    for one in sorted(found, key=lambda one: (one.lane, one.since, one.alert_id)):
        total = ahead[one.channel] = ahead.get(one.channel, 0) + one.deliveries
        speed = pace.get(one.channel, 0.0)
        ends = now + int(total / speed * _SECOND) if speed > 0 else None
        if max(now, ends or 0) >= one.late_at:
            yield Late(one, ends)
