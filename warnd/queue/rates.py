"""What may pass in a time: a bucket of tokens for a channel, a sliding window for one target."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

RED_SHARE = 0.25
"""The share of a bucket or window that only red may draw on."""

_IN_A_ROW = 19
"""Reds to one target, after which the twentieth is for a lower color that waits for it."""


@dataclass(frozen=True, slots=True)
class Rate:
    """``tokens`` in every ``seconds``."""

    tokens: float
    seconds: float = 1.0

    @property
    def per_second(self) -> float:
        return self.tokens / self.seconds


@dataclass(slots=True)
class Bucket:
    """
    A token bucket. Times are seconds of one monotonic clock.

    It holds a fifth of a second's tokens (at least one), so that a start is no burst. A batch dearer than the bucket goes
    when it is full, and leaves a debt. What a lower color owes it pays from what overflows: no red waits for it.
    """

    rate: Rate
    size: float = field(init=False)
    level: float = field(init=False)
    owed: float = field(init=False, default=0.0)
    at: float = 0.0
    _kept: float = field(init=False)

    def __post_init__(self) -> None:
        self.level = float("inf")
        self.change(self.rate)

    def change(self, rate: Rate) -> None:
        """From now on it fills at this rate, and holds as much less or more."""
        self.rate = rate
        self.size = max(1.0, rate.per_second / 5)
        self.level = min(self.level, self.size)
        self._kept = 0.0 if self.size < 2 else self.size * RED_SHARE

    def empty(self, now: float) -> None:
        """It begins to fill now."""
        self.level, self.owed, self.at = 0.0, 0.0, now

    def wait(self, cost: float, now: float, *, red: bool, share: float = 1.0) -> float:
        """Seconds until ``cost`` may be taken; 0 is now. ``share`` slows the whole rate."""
        speed = self.rate.per_second * share
        self._fill(max(now - self.at, 0.0) * speed)
        self.at = now
        if red:
            missing = min(cost, self.size) - self.level
        elif self.owed:
            missing = self.size - self.level + self.owed
        else:
            missing = min(cost, self.size - self._kept) + self._kept - self.level
        return max(0.0, missing / speed)

    def take(self, cost: float, *, red: bool) -> None:
        paid = cost if red else min(cost, max(self.level - self._kept, 0.0))
        self.level -= paid
        self.owed += cost - paid

    def give_back(self, cost: float) -> None:
        excused = min(self.owed, cost)
        self.owed -= excused
        self.level += cost - excused

    def _fill(self, tokens: float) -> None:
        self.level += tokens
        if (over := self.level - self.size) > 0:
            self.level = self.size
            self.owed = max(0.0, self.owed - over)


@dataclass(slots=True)
class Window:
    """
    At most so many in any stretch of time, as a provider that counts a sliding minute counts it.

    The lower colors leave a quarter of it to red; and red, after nineteen, the last place to a lower color that asks.
    What ``others`` asked of the target counts as well, in order of time.
    """

    rate: Rate
    at: float = 0.0
    others: Sequence[float] = ()
    _times: deque[float] = field(default_factory=deque)
    _reds: int = 0
    _asked_until: float = float("-inf")

    def wait(self, now: float, *, red: bool) -> float:
        """Seconds until one more may go; 0 is now."""
        self.at = now
        times, seconds = self._counted(now), self.rate.seconds
        limit = max(int(self.rate.tokens), 1)
        lower_next = self._reds >= _IN_A_ROW and now < self._asked_until
        if red and lower_next:
            limit -= 1
        elif not red and not lower_next:
            limit -= int(limit * RED_SHARE)
        if len(times) < limit:
            return 0.0
        wait = times[-limit] + seconds - now if limit else self._asked_until - now
        if not red:
            self._asked_until = now + wait + seconds
        return wait

    def take(self, *, red: bool = True) -> None:
        self._times.append(self.at)
        self._reds = self._reds + 1 if red else 0

    def give_back(self) -> None:
        if self._times:
            self._times.pop()

    @property
    def idle(self) -> bool:
        """Whether nothing of it is used up."""
        return not self._times and not self.others

    def _counted(self, now: float) -> Sequence[float]:
        """When it was asked, as far as that still counts."""
        times, seconds = self._times, self.rate.seconds
        while times and now - times[0] >= seconds:
            times.popleft()
        if not self.others:
            return times
        self.others = [at for at in self.others if now - at < seconds]
        return sorted((*times, *self.others))
