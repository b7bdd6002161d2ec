"""Held against each other: what warnd's own rows say of an alert, and what the gateways say they took over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from operator import add
from typing import NamedTuple

from warnd.model.delivery import State
from warnd.model.region import Level, level_of

TAKEN_OVER = frozenset({State.ACCEPTED, State.DELIVERED, State.UNDELIVERED})
"""States in which a provider has taken the message over from us."""

NOT_ACCEPTED = frozenset({State.FAILED, State.EXPIRED, State.SUPERSEDED, State.CANCELLED})
"""Final states of a delivery that nobody took over."""


class Line(NamedTuple):
    """One delivery as stored; ``tries`` counts every request it was in."""

    channel: str
    address: str
    region: str
    state: State
    tries: int


class Span(NamedTuple):
    """From the start of the first request to the end of the last, in microseconds since 1970."""

    first: int
    last: int

    @classmethod
    def around(cls, spans: Collection[Span]) -> Span:
        """What holds them all; there must be one."""
        return cls(min(one.first for one in spans), max(one.last for one in spans))

    def seconds(self, since: int) -> tuple[float, float]:
        """To the first and to the last; a request may leave before the 202 it is counted from is read."""
        return max(0.0, (self.first - since) / 1e6), max(0.0, (self.last - since) / 1e6)


@dataclass(slots=True)
class Tally:
    """
    Deliveries of one channel and level, or of more of them together.

    ``taken`` is the gateway's word, all else ours; ``suppressed`` ones were never to be sent, so ``targeted`` leaves
    them out. ``accepted`` counts those later delivered, or not, too. ``retries`` are tries after the first.
    """

    targeted: int = 0
    accepted: int = 0
    delivered: int = 0
    undelivered: int = 0
    failed: int = 0
    unknown: int = 0
    suppressed: int = 0
    open: int = 0
    retries: int = 0
    taken: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(*map(add, astuple(self), astuple(other)))


@dataclass(frozen=True, slots=True)
class Reckoning:
    """
    ``lost``: accepted by us but unknown to the gateway, or targeted without a final state.

    ``repeated``: messages a gateway took over for an address that had its already.
    """

    tallies: Mapping[tuple[str, Level], Tally] = field(default_factory=dict)
    lost: int = 0
    repeated: int = 0

    def of_channel(self, channel: str) -> Tally:
        return sum((tally for (name, _), tally in self.tallies.items() if name == channel), Tally())

    @property
    def total(self) -> Tally:
        return sum(self.tallies.values(), Tally())


def told(lines: Iterable[Line]) -> set[tuple[str, str]]:
    """The addresses, with their channels, that certainly or maybe have the message."""
    return {
        (one.channel, one.address) for one in lines if one.state in TAKEN_OVER or one.state is State.UNKNOWN
    }


def targeted(lines: Iterable[Line]) -> set[tuple[str, str]]:
    """The addresses, with their channels, that were to have it."""
    return {(one.channel, one.address) for one in lines if one.state is not State.SUPPRESSED}


def is_final(state: State, *, receipts: bool) -> bool:
    """Whether nothing more will become of a delivery; ``receipts``: its channel reports what arrived."""
    if state is State.ACCEPTED:
        return not receipts
    return state in TAKEN_OVER or state in NOT_ACCEPTED or state in (State.UNKNOWN, State.SUPPRESSED)


def reckon(
    lines: Iterable[Line], taken: Mapping[str, Sequence[str]], *, receipts: frozenset[str]
) -> Reckoning:
    """
    Count, address by address.

    ``taken`` are the addresses each gateway took the message over for, repeats included; ``receipts`` the
    channels that report what arrived.
    """
    known = {channel: Counter(addresses) for channel, addresses in taken.items()}
    tallies: dict[tuple[str, Level], Tally] = {}
    lost = 0
    for line in lines:
        tally = tallies.setdefault((line.channel, level_of(line.region)), Tally())
        times = known.get(line.channel, Counter())[line.address]
        final = is_final(line.state, receipts=line.channel in receipts)
        _count(tally, line, final=final)
        tally.taken += times
        lost += not final or (line.state in TAKEN_OVER and times == 0)
    repeated = sum(times.total() - len(times) for times in known.values())
    return Reckoning(dict(sorted(tallies.items())), lost, repeated)


def _count(tally: Tally, line: Line, *, final: bool) -> None:
    if line.state is State.SUPPRESSED:
        tally.suppressed += 1
        return
    tally.targeted += 1
    tally.accepted += line.state in TAKEN_OVER
    tally.delivered += line.state is State.DELIVERED
    tally.undelivered += line.state is State.UNDELIVERED
    tally.failed += line.state in NOT_ACCEPTED
    tally.unknown += line.state is State.UNKNOWN
    tally.open += not final
    tally.retries += max(line.tries - 1, 0)
