"""How fast a channel and each of its targets may be asked: its rates, what throttling makes of them, its breaker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from warnd.contract.outcome import Accepted, Deferred, Outcome, Reason, Rejected, Scope
from warnd.queue.breaker import Breaker, looks_dead
from warnd.queue.rates import Bucket, Rate, Window

_SLOWEST = 0.05
_RECOVERY_SECONDS = 60.0
_DEFAULT_THROTTLE = 1.0
_TARGETS_KEPT = 20_000


def throttled_for(outcome: Deferred) -> float:
    """Seconds that a throttled channel or target is left alone."""
    return outcome.retry_after.total_seconds() if outcome.retry_after is not None else _DEFAULT_THROTTLE


@dataclass(slots=True)
class Pace:
    """
    One channel's pace: its own bucket, one window for each target, how much it was throttled, its breaker.

    ``rate`` counts segments, ``target_rate`` requests. The rate shrinks by half on each throttling and recovers over a
    minute. ``is_free``: nothing may have to wait just now, so nothing need be asked. ``on_change`` is to be called when
    something may go that could not, for another reason than time.
    """

    rate: Rate | None = None
    target_rate: Rate | None = None
    share: float = 1.0
    rest_until: float = 0.0
    on_change: Callable[[], None] = field(default=lambda: None, repr=False)
    breaker: Breaker = field(init=False, default_factory=Breaker)
    is_free: bool = field(init=False)
    _shrunk_at: float = 0.0
    _bucket: Bucket | None = field(init=False, default=None)
    _targets: dict[str, Window] = field(init=False, default_factory=dict)
    _target_rest: dict[str, float] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        if self.rate is not None:
            self._bucket = Bucket(self.rate)
        self._look()

    @property
    def open(self) -> bool:
        """Whether the breaker is open: nothing but a probe goes."""
        return self.breaker.open

    @property
    def unfit_for(self) -> float | None:
        """For how many seconds other processes too have known that it is down, or that our account is refused."""
        return None

    @property
    def minds_targets(self) -> bool:
        """Whether any single target has a pace of its own just now."""
        return self.target_rate is not None or bool(self._target_rest)

    def channel_wait(self, cost: float, now: float, *, red: bool) -> float:
        """Seconds until the channel may be asked for a batch of ``cost`` segments."""
        if (rest := self._rest(now)) > 0:
            return rest
        if self._bucket is None:
            self._look()
            return 0.0
        return self._bucket.wait(cost, now, red=red, share=self._share(now))

    def target_wait(self, address: str, now: float, *, red: bool) -> float:
        """Seconds until this one target may be asked."""
        if self._target_rest and (rest := self._target_rest.get(address)) is not None:
            if now < rest:
                return rest - now
            del self._target_rest[address]
        if self.target_rate is None:
            return 0.0
        return self._window(address, self.target_rate, now).wait(now, red=red)

    def rest_target(self, address: str, now: float, wait: float) -> None:
        """A target wants to be left alone for so many seconds, whichever process it said that to."""
        if len(self._target_rest) >= _TARGETS_KEPT:
            self._target_rest = {one: until for one, until in self._target_rest.items() if now < until}
        self._target_rest[address] = max(now + wait, self._target_rest.get(address, 0.0))
        self.is_free = False

    def recall(self, asked: Mapping[str, Sequence[float]], now: float) -> None:
        """What others asked of each target, in order of time: it counts in place of what was recalled before."""
        if self.target_rate is None:
            return
        for window in self._targets.values():
            window.others = ()
        for address, times in asked.items():
            self._window(address, self.target_rate, now).others = times

    def share_among(self, workers: int) -> None:
        """So many processes ask the channel at once, each at its part of the rate."""
        if self.rate is not None and self._bucket is not None:
            self._bucket.change(Rate(self.rate.tokens / workers, self.rate.seconds))

    def take(self, cost: float, addresses: tuple[str, ...], *, red: bool, lower_turn: bool = False) -> None:
        """Pay for a batch about to be leased; in its turn a lower color draws on the bucket as red does."""
        if self._bucket is not None:
            self._bucket.take(cost, red=red or lower_turn)
        self._take_of_targets(addresses, red=red)
        self.breaker.taken(addresses)

    def pay(self, more: float, *, red: bool) -> None:
        """What was taken costs so much more, or less, than was paid for it."""
        if self._bucket is not None:
            self._bucket.take(more, red=red)

    def give_back(self, cost: float, addresses: tuple[str, ...]) -> None:
        """What was paid for was not sent after all."""
        if self._bucket is not None:
            self._bucket.give_back(cost)
        self._give_back_of_targets(addresses)
        self.breaker.not_sent(addresses)

    def learn(self, outcome: Outcome, address: str, now: float, *, pause: float) -> None:
        """
        Slow down, rest or recover by one answer. ``pause`` is the rest after a refusal of the account.
        """
        if looks_dead(outcome):
            self.breaker.failed(address, now)
        elif self.breaker.failures:
            self.breaker.lived()
        elif type(outcome) is Accepted:
            return
        match outcome:
            case Deferred(reason=Reason.THROTTLED, scope=scope):
                wait = throttled_for(outcome)
                if scope is Scope.TARGET:
                    self.rest_target(address, now, wait)
                else:
                    self.rest_until = max(self.rest_until, now + wait)
                    self._shrink(now)
            case Rejected(scope=Scope.ACCOUNT):
                self.rest_until = max(self.rest_until, now + pause)
        self._look()

    def _rest(self, now: float) -> float:
        """Seconds that the channel rests as a whole."""
        if self.rest_until:
            if now < self.rest_until:
                return self.rest_until - now
            self.rest_until = 0.0
        return self.breaker.wait(now) if self.breaker.failures else 0.0

    def _take_of_targets(self, addresses: tuple[str, ...], *, red: bool) -> None:
        if self.target_rate is not None:
            for address in addresses:
                if (window := self._targets.get(address)) is not None:
                    window.take(red=red)

    def _give_back_of_targets(self, addresses: tuple[str, ...]) -> None:
        if self.target_rate is not None:
            for address in addresses:
                if (window := self._targets.get(address)) is not None:
                    window.give_back()

    def _look(self) -> None:
        self.is_free = (
            self._bucket is None
            and not self.minds_targets
            and not self.rest_until
            and not self.breaker.failures
        )

    def _shrink(self, now: float) -> None:
        if now - self._shrunk_at > _DEFAULT_THROTTLE:
            self.share = max(self._share(now) / 2, _SLOWEST)
            self._shrunk_at = now

    def _share(self, now: float) -> float:
        recovered = (now - self._shrunk_at) / _RECOVERY_SECONDS
        return min(1.0, self.share + recovered) if self.share < 1.0 else 1.0

    def _window(self, address: str, rate: Rate, now: float) -> Window:
        window = self._targets.get(address)
        if window is None:
            if len(self._targets) >= _TARGETS_KEPT:
                self._forget(now)
            window = self._targets[address] = Window(rate)
        return window

    def _forget(self, now: float) -> None:
        for window in self._targets.values():
            window.wait(now, red=True)
        idle = [address for address, window in self._targets.items() if window.idle]
        for address in idle or list(self._targets)[: _TARGETS_KEPT // 2]:
            del self._targets[address]
