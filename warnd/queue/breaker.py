"""When a provider looks dead, and how it is found to live again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeGuard

from warnd.contract.outcome import Deferred, Outcome, Reason, Scope

_FAILURES_TO_OPEN = 5
_FIRST_REST = 1.0
_LONGEST_REST = 30.0
_DEAD = frozenset({Reason.UNREACHABLE, Reason.NO_REPLY, Reason.TEMPORARY_FAILURE, Reason.CONNECTION_LOST})


def looks_dead(outcome: Outcome) -> TypeGuard[Deferred]:
    """Whether a provider that answers so may as well be gone."""
    return isinstance(outcome, Deferred) and outcome.scope is Scope.CHANNEL and outcome.reason in _DEAD


@dataclass(slots=True)
class Breaker:
    """
    After five failures in a row the provider rests; then one probe goes, of whatever color is most urgent, and its
    answer decides: a second rest, twice as long up to half a minute, or the end of it.

    Answers to what was out before are no answers to the probe, unless they are signs of life. Times are monotonic
    seconds.
    """

    failures: int = 0
    rest_until: float = 0.0
    _rest: float = _FIRST_REST
    _probe: Sequence[str] | None = field(init=False, default=None)

    @property
    def open(self) -> bool:
        """Whether nothing but a probe goes."""
        return self.failures >= _FAILURES_TO_OPEN

    def wait(self, now: float) -> float:
        """Seconds until it is worth asking again; 0 is now."""
        if now < self.rest_until:
            return self.rest_until - now
        return _FIRST_REST / 10 if self._probe is not None else 0.0

    def is_probe(self, addresses: Sequence[str]) -> bool:
        """Whether the request to just these is the probe that is out."""
        return self._probe == addresses

    def is_probe_to(self, address: str) -> bool:
        """Whether the probe that is out is for this address, perhaps among others."""
        return self._probe is not None and address in self._probe

    def adopt(self, failures: int, rest_until: float, next_rest: float) -> None:
        """What several processes know together; a probe of this one stays out while it is open."""
        self.failures, self.rest_until, self._rest = failures, rest_until, next_rest
        if not self.open:
            self._probe = None

    def taken(self, addresses: Sequence[str]) -> None:
        """A request to these is about to leave: while it is open, the probe."""
        if self.open:
            self._probe = addresses

    def not_sent(self, addresses: Sequence[str]) -> None:
        """The request did not leave; if it was to be the probe, another may be."""
        if self.is_probe(addresses):
            self._probe = None

    def lived(self) -> None:
        """The provider gave a sign of life."""
        self.failures = 0
        self._rest = _FIRST_REST
        self._probe = None

    def failed(self, address: str, now: float) -> None:
        """A request to this address (and others) came to nothing."""
        if not self.open:
            self.failures += 1
            if self.open:
                self._rest_from(now)
        elif self.is_probe_to(address):
            self._probe = None
            self._rest_from(now)

    def _rest_from(self, now: float) -> None:
        self.rest_until = now + self._rest
        self._rest = min(self._rest * 2, _LONGEST_REST)
