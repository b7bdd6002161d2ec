"""Taking turns: peers run one after the other, round after round, so that a machine's mood strikes them alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

Run = Callable[[], Awaitable[float]]
"""One run; its seconds."""


@dataclass(frozen=True, slots=True)
class Turns:
    """Seconds of each peer's runs, round by round; each run tells ``size`` recipients."""

    size: int
    seconds: Mapping[str, Sequence[float]]

    def rate(self, peer: str) -> float:
        """Recipients a second, the median of its runs."""
        return self.size / median(self.seconds[peer])

    def ratio(self, peer: str, *, to: str) -> float:
        """How fast a peer is over another: the median of the rounds' ratios."""
        return median(b / a for a, b in zip(self.seconds[peer], self.seconds[to], strict=True))


async def take_turns(peers: Mapping[str, Run], *, size: int, rounds: int) -> Turns:
    seconds: dict[str, list[float]] = {name: [] for name in peers}
    for _ in range(rounds):
        for name, run in peers.items():
            seconds[name].append(await run())
    return Turns(size, seconds)


def p99(seconds: Sequence[float]) -> float:
    return quantiles(seconds, n=100, method="inclusive")[98]
