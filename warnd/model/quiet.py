"""Quiet hours: the part of each day in which what can wait until morning does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

_CLOCK = r"([01]\d|2[0-3]):([0-5]\d)"
_WRITTEN = re.compile(f"{_CLOCK}-{_CLOCK}", re.ASCII)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """
    From ``begin`` to before ``end`` by the clock on the wall, over midnight when the end is the earlier one.

    Written ``22:00-07:00``. Raises ValueError when both are the same: that would be never, or always.
    """

    begin: time
    end: time

    def __post_init__(self) -> None:
        if self.begin == self.end:
            raise ValueError("they end when they begin")

    @classmethod
    def of(cls, text: str) -> QuietHours:
        """Raises ValueError for anything not written so."""
        found = _WRITTEN.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"{text!r} are no hours such as 22:00-07:00")
        hour, minute, end_hour, end_minute = map(int, found.groups())
        return cls(time(hour, minute), time(end_hour, end_minute))

    def __str__(self) -> str:
        return f"{self.begin:%H:%M}-{self.end:%H:%M}"

    @property
    def length(self) -> timedelta:
        """How long they last on a day without a change of the clocks."""
        day = datetime(2000, 1, 1)  # noqa: DTZ001  two times of one wall clock
        span = datetime.combine(day, self.end) - datetime.combine(day, self.begin)
        return span % timedelta(days=1)

    def ends(self, at: datetime, zone: ZoneInfo) -> datetime | None:
        """When the quiet hours end in which ``at`` falls, in UTC; None when it falls in none."""
        local = at.astimezone(zone)
        clock = local.time()
        after_begin, before_end = clock >= self.begin, clock < self.end
        if self.begin < self.end:
            if not (after_begin and before_end):
                return None
            day = local.date()
        elif before_end:
            day = local.date()
        elif after_begin:
            day = local.date() + timedelta(days=1)
        else:
            return None
        end = datetime.combine(day, self.end, zone)
        # In the second of two hours that the clocks repeat, the end is that of the second.
        return (end.replace(fold=local.fold) if day == local.date() else end).astimezone(UTC)
