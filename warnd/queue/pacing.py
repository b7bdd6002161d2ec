"""How fast a channel and each of its targets may be asked, and when a dead provider is left alone."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from warnd.contract.outcome import Accepted, Deferred, Outcome, Reason, Rejected, Scope

RED_SHARE = 0.25
"""The share of a bucket that only red may draw on."""

_SLOWEST = 0.05
_RECOVERY_SECONDS = 60.0
_FAILURES_TO_OPEN = 5
_FIRST_REST = 1.0
_LONGEST_REST = 30.0
_DEFAULT_THROTTLE = 1.0
_TARGETS_KEPT = 20_000
_DEAD = frozenset({Reason.UNREACHABLE, Reason.NO_REPLY, Reason.TEMPORARY_FAILURE, Reason.CONNECTION_LOST})


@dataclass(frozen=True, slots=True)
class Rate:
    """``tokens`` in every ``seconds``."""

    tokens: float
    seconds: float = 1.0

    @property
    def per_second(self) -> float:
        return self.tokens / self.seconds


def looks_dead(outcome: Outcome) -> bool:
    """Whether a provider that answers so may as well be gone."""
    return isinstance(outcome, Deferred) and outcome.scope is Scope.CHANNEL and outcome.reason in _DEAD


@dataclass(slots=True)
class Bucket:
    """
    A token bucket. Times are seconds of one monotonic clock.

    It holds a fifth of a second's tokens (at least one), so that a start is no burst. A batch dearer than the bucket goes when it is full, and leaves a debt.
    """

    rate: Rate
    level: float = field(init=False)
    at: float = 0.0

    def __post_init__(self) -> None:
        self.level = self.size

    @property
    def size(self) -> float:
        return max(1.0, self.rate.per_second / 5)

    def wait(self, cost: float, now: float, *, red: bool, share: float = 1.0) -> float:
        """Seconds until ``cost`` may be taken; 0 is now. ``share`` slows the whole rate."""
        self.level = min(self.size, self.level + max(now - self.at, 0.0) * self.rate.per_second * share)
        self.at = now
        kept = 0.0 if red or self.size < 2 else self.size * RED_SHARE
        missing = min(cost, self.size - kept) + kept - self.level
        return max(0.0, missing / (self.rate.per_second * share))

    def take(self, cost: float) -> None:
        self.level -= cost


@dataclass(slots=True)
class Window:
    """
    At most so many in any stretch of time, as a provider that counts a sliding minute counts it.

    The lower colors leave a quarter of it to red.
    """

    rate: Rate
    at: float = 0.0
    _times: deque[float] = field(default_factory=deque)

    def wait(self, now: float, *, red: bool) -> float:
        """Seconds until one more may go; 0 is now."""
        self.at = now
        while self._times and now - self._times[0] >= self.rate.seconds:
            self._times.popleft()
        limit = max(int(self.rate.tokens), 1)
        if not red:
            limit -= int(limit * RED_SHARE)
        if len(self._times) < limit:
            return 0.0
        return self._times[-limit] + self.rate.seconds - now

    def take(self) -> None:
        self._times.append(self.at)

    def give_back(self) -> None:
        if self._times:
            self._times.pop()

    @property
    def idle(self) -> bool:
        """Whether nothing of it is used up."""
        return not self._times


@dataclass(slots=True)
class Pace:
    """
    One channel's pace: its own bucket, one for each target, how much it was throttled, its breaker.

    The rate shrinks by half on each throttling and recovers over a minute. After five failures in a row that
    look like a dead provider the channel rests; then one probe goes, and its answer decides.
    """

    rate: Rate | None = None
    target_rate: Rate | None = None
    share: float = 1.0
    rest_until: float = 0.0
    probing: bool = False
    failures: int = 0
    _rest: float = _FIRST_REST
    _shrunk_at: float = 0.0
    _bucket: Bucket | None = field(init=False, default=None)
    _targets: dict[str, Window] = field(init=False, default_factory=dict)
    _target_rest: dict[str, float] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        if self.rate is not None:
            self._bucket = Bucket(self.rate)

    @property
    def open(self) -> bool:
        """Whether the breaker is open: nothing but a probe goes."""
        return self.failures >= _FAILURES_TO_OPEN

    @property
    def minds_targets(self) -> bool:
        """Whether any single target has a pace of its own just now."""
        return self.target_rate is not None or bool(self._target_rest)

    def channel_wait(self, cost: float, now: float, *, red: bool) -> float:
        """Seconds until the channel may be asked."""
        if now < self.rest_until:
            return self.rest_until - now
        if self.open and self.probing:
            return _FIRST_REST / 10
        if self._bucket is None:
            return 0.0
        return self._bucket.wait(cost, now, red=red, share=self._share(now))

    def target_wait(self, address: str, now: float, *, red: bool) -> float:
        """Seconds until this one target may be asked."""
        if (rest := self._target_rest.get(address)) is not None:
            if now < rest:
                return rest - now
            del self._target_rest[address]
        if self.target_rate is None:
            return 0.0
        window = self._targets.get(address)
        if window is None:
            if len(self._targets) >= _TARGETS_KEPT:
                self._forget(now)
            window = self._targets[address] = Window(self.target_rate)
        return window.wait(now, red=red)

    def share_among(self, workers: int) -> None:
        """So many processes ask the channel at once, each at its part of the rate."""
        if self.rate is not None and self._bucket is not None:
            self._bucket.rate = Rate(self.rate.tokens / workers, self.rate.seconds)

    def take(self, cost: float, addresses: tuple[str, ...]) -> None:
        """Pay for a batch about to be leased."""
        if self._bucket is not None:
            self._bucket.take(cost)
        if self.target_rate is not None:
            for address in addresses:
                if (window := self._targets.get(address)) is not None:
                    window.take()
        if self.open:
            self.probing = True

    def give_back(self, cost: float, addresses: tuple[str, ...]) -> None:
        """What was paid for was not sent after all; if it was to be the probe, another may be."""
        self.take(-cost, ())
        if self.target_rate is not None:
            for address in addresses:
                if (window := self._targets.get(address)) is not None:
                    window.give_back()
        self.probing = False

    def learn(self, outcome: Outcome, address: str, now: float, *, pause: float) -> None:
        """
        Slow down, rest or recover by one answer. ``pause`` is the rest after a refusal of the account.
        """
        self.probing = False
        match outcome:
            case Accepted():
                self.failures = 0
                self._rest = _FIRST_REST
            case Deferred(reason=Reason.THROTTLED, scope=scope, retry_after=asked):
                self.failures = 0
                wait = asked.total_seconds() if asked is not None else _DEFAULT_THROTTLE
                if scope is Scope.TARGET:
                    self._target_rest[address] = now + wait
                else:
                    self.rest_until = max(self.rest_until, now + wait)
                    self._shrink(now)
            case Rejected(scope=Scope.ACCOUNT):
                # It has answered: what is wrong is our account, not the provider.
                self.failures = 0
                self._rest = _FIRST_REST
                self.rest_until = max(self.rest_until, now + pause)
            case _ if looks_dead(outcome):
                self._failed(now)
            case _:
                self.failures = 0
                self._rest = _FIRST_REST

    def _failed(self, now: float) -> None:
        self.failures += 1
        if self.open and now >= self.rest_until:
            self.rest_until = now + self._rest
            self._rest = min(self._rest * 2, _LONGEST_REST)

    def _shrink(self, now: float) -> None:
        if now - self._shrunk_at > _DEFAULT_THROTTLE:
            self.share = max(self._share(now) / 2, _SLOWEST)
            self._shrunk_at = now

    def _share(self, now: float) -> float:
        recovered = (now - self._shrunk_at) / _RECOVERY_SECONDS
        return min(1.0, self.share + recovered) if self.share < 1.0 else 1.0

    def _forget(self, now: float) -> None:
        for window in self._targets.values():
            window.wait(now, red=True)
        idle = [address for address, window in self._targets.items() if window.idle]
        for address in idle or list(self._targets)[: _TARGETS_KEPT // 2]:
            del self._targets[address]
