"""By which channels whom is told, and how often something is tried again: what the configuration decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import NamedTuple

from warnd.model.audience import AudienceClass
from warnd.model.color import Color
from warnd.model.quiet import QuietHours

_MICROSECOND = timedelta(microseconds=1)


class Mode(Enum):
    """All the policy's channels at once, or the next only when one fails or is late."""

    PARALLEL = "parallel"
    ORDERED = "ordered"


class Until(Enum):
    """What makes the channels that stand by not needed."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    ACKNOWLEDGED = "acknowledged"


LATE_AFTER: Mapping[Color, timedelta] = {
    Color.RED: timedelta(minutes=1),
    Color.ORANGE: timedelta(minutes=3),
    Color.YELLOW: timedelta(minutes=10),
    Color.BLUE: timedelta(minutes=30),
}
"""How long a channel is waited for where the file does not say."""


class Patience(NamedTuple):
    """How long a channel is waited for, in microseconds, and until what, before the one that stands by for it starts."""

    until: Until = Until.ACCEPTED
    late_after: int = 60_000_000

    def with_(self, other: Patience) -> Patience:
        """What both ask for: the shorter wait, and a receipt where either wants one."""
        until = self.until if other.until is Until.ACCEPTED else other.until
        return Patience(until, min(self.late_after, other.late_after))


@dataclass(frozen=True, slots=True)
class ChannelPolicy:
    """
    By which configured channels an audience class is told of one color; in this order.

    ``quiet_hours`` are those in which channels that wake people keep still; None is never. ``until`` and ``late_after`` say when one that stands by starts: in an ordered policy each for the one before,
    in either mode a second one of the same kind.
    """

    channels: tuple[str, ...]
    mode: Mode = Mode.PARALLEL
    until: Until = Until.ACCEPTED
    late_after: timedelta = LATE_AFTER[Color.RED]
    quiet_hours: QuietHours | None = None

    @property
    def patience(self) -> Patience:
        return Patience(self.until, self.late_after // _MICROSECOND)


@dataclass(frozen=True, slots=True)
class Policies:
    """
    The channel policy of every audience class and color, with overrides for single hazards.

    ``revision`` changes whenever any of them does; each broadcast notes it.
    """

    general: Mapping[tuple[AudienceClass, Color], ChannelPolicy]
    hazards: Mapping[tuple[AudienceClass, Color, str], ChannelPolicy] = field(default_factory=dict)
    revision: str = ""

    @property
    def quiet_hours(self) -> frozenset[QuietHours]:
        """All that anybody keeps at any color."""
        every = (*self.general.values(), *self.hazards.values())
        return frozenset(one.quiet_hours for one in every if one.quiet_hours is not None)

    def late_after(self, color: Color, hazard: str, channel: str) -> timedelta:
        """When what is to be told at that color on that channel is late for anybody."""
        policies = [self.of(audience, color, hazard) for audience, of in self.general if of is color]
        return min((one.late_after for one in policies if channel in one.channels), default=LATE_AFTER[color])

    def of(self, audience: AudienceClass, color: Color, hazard: str) -> ChannelPolicy:
        """The override of this hazard if there is one, else the general policy."""
        found = self.hazards.get((audience, color, hazard))
        return found if found is not None else self.general[audience, color]


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """
    How often and when something is tried again.

    The n-th wait is ``first * factor**(n-1)``, at most ``ceiling``, times a jitter between 0.5 and 1.0 that the
    caller draws. ``pause`` is how long a channel rests whose account was refused. ``unknown_resends`` is how many times a
    batch without a clear answer is sent again. ``suspend_after`` refusals of an address in a row suspend it.
    """

    first: timedelta = timedelta(milliseconds=500)
    factor: float = 2.0
    ceiling: timedelta = timedelta(seconds=60)
    pause: timedelta = timedelta(seconds=60)
    unknown_resends: Mapping[Color, int] = field(
        default_factory=lambda: {Color.RED: 2, Color.ORANGE: 2, Color.YELLOW: 1, Color.BLUE: 1}
    )
    suspend_after: int = 3

    def wait(self, attempts: int, jitter: float) -> timedelta:
        """How long after the ``attempts``-th try; ``jitter`` in [0, 1)."""
        grown = self.first.total_seconds() * self.factor ** min(max(attempts - 1, 0), 63)
        return timedelta(seconds=min(grown, self.ceiling.total_seconds()) * (0.5 + jitter / 2))
