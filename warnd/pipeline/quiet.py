"""Who is not woken for it: what quiet hours mean for a delivery, at a time, of an alert."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from warnd.model.color import Color
from warnd.model.hazard import Hazard
from warnd.model.quiet import QuietHours

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def can_wait(color: Color, hazard: Hazard | None) -> bool:
    """Red and orange never wait for the morning, nor what comes without warning: floods, slides, breaking dams."""
    return color < Color.ORANGE and not (hazard is not None and hazard.sudden)


def kept(hours: Sequence[QuietHours | None]) -> str:
    """
    As a delivery notes them, the quiet hours of somebody to whom several policies apply; "" when there are none.

    Whoever is to be told at any time for one reason is, for all; else the shortest hours count.
    """
    found = [one for one in hours if one is not None]
    return str(min(found, key=lambda one: one.length)) if found and len(found) == len(hours) else ""


def held_until(quiet: str, *, now: datetime, ends: datetime, zone: ZoneInfo) -> datetime | None:
    """
    When a delivery with these quiet hours may leave of an alert that ``ends`` then; None is now.

    They delay and never drop: what would be over by their end does not wait for it.
    """
    end = QuietHours.of(quiet).ends(now, zone) if quiet else None
    return end if end is not None and end < ends else None


@dataclass(frozen=True, slots=True)
class Night:
    """A moment in a time zone, for what is to be told then; ``now`` and all times are microseconds since 1970."""

    now: int
    zone: ZoneInfo

    def held_until(self, quiet: str, deliver_until: int) -> int | None:
        """See the function of that name."""
        end = held_until(quiet, now=_instant(self.now), ends=_instant(deliver_until), zone=self.zone)
        return None if end is None else (end - _EPOCH) // _MICROSECOND


def _instant(at: int) -> datetime:
    return _EPOCH + timedelta(microseconds=at)
