"""
A model of one machine, and what it says of several: from measured costs to the rate of a broadcast, and to its limit.

A recipient costs CPU in three places: the event loop that sends, the thread that writes, and the gateway, which here shares the
machine. A request costs some for all its recipients together. A commit costs the disk's sync, and the writer's CPU for what is in
it. What follows is the least of five bounds:

- **connections**: each carries one request at a time, which takes the gateway's latency and the CPU of both ends, for itself and
  for half of the others, which are out with it;
- **turns**: there are two slots to a connection (ADR 0007), and between two requests of a slot lies its turn with the writer:
  half of the commit that is running, and all of its own, each with what all connections carry;
- **interpreter**: one process has one, and the writer needs it for the share ``held`` of its time (SQLite works without);
- **writer**: one thread commits for everybody;
- **cores**: all CPU together cannot exceed what the machine has.

Assumed: recipients are alike, audiences long (the time until the first request is added once), nothing is throttled or tried
again, pacing is unlimited, nobody else uses the machine. Left out: queueing between the parts, but for the requests that are out
together, so that near the point where two bounds cross the truth lies below both.
"""

from __future__ import annotations

from dataclasses import dataclass

SLOTS = 2
"""To a connection (ADR 0007)."""

_TURN = 1.5
"""Commits that a slot waits for."""


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds of one part: for each request, and for each recipient of it."""

    request: float
    recipient: float

    def each(self, batch: int) -> float:
        """Of a recipient, in requests of ``batch``."""
        return self.request / batch + self.recipient

    @classmethod
    def solved(cls, *, one: float, many: float, batch: int) -> Cost:
        """From what a recipient costs alone in its request and among ``batch``; no cost is below nothing."""
        request = max(0.0, (one - many) / (1 - 1 / batch))
        return cls(request, max(0.0, one - request))


@dataclass(frozen=True, slots=True)
class Costs:
    """
    Of one machine. ``sync`` are the seconds that the disk takes for a commit, ``start`` those until the first request leaves;
    ``held`` is between 0 and 1.
    """

    loop: Cost
    writer: Cost
    gateway: Cost
    sync: float
    start: float
    held: float


@dataclass(frozen=True, slots=True)
class Way:
    """How a broadcast leaves: recipients a request, requests at once, seconds until the gateway answers."""

    batch: int
    connections: int
    latency: float

    @property
    def out(self) -> int:
        """Recipients in requests at once."""
        return self.batch * self.connections


@dataclass(frozen=True, slots=True)
class Bound:
    """Recipients a second, and what would have to be faster for more."""

    rate: float
    limit: str


def bound(costs: Costs, way: Way, *, cores: int) -> Bound:
    """What one process reaches, beside the gateway, on a machine with that many cores."""
    loop, writer, gateway = (part.each(way.batch) for part in (costs.loop, costs.writer, costs.gateway))
    request = way.latency + (loop + gateway) * max(way.batch, way.out / 2)
    commit = costs.sync + writer * way.out
    return _least(
        {
            "connections": way.out / request,
            "turns": SLOTS * way.out / (request + _TURN * commit),
            "interpreter": 1 / (loop + costs.held * writer),
            "writer": way.out / commit,
            "cores": cores / (loop + writer + gateway),
        }
    )


def seconds(costs: Costs, way: Way, people: int, *, cores: int) -> float:
    """From the handing over to the last recipient."""
    return costs.start + people / bound(costs, way, cores=cores).rate


def fitted_hold(loop: float, writer: float, *, rate: float) -> float:
    """The ``held`` with which the interpreter's bound is ``rate``, from the CPU seconds of a recipient."""
    return min(1.0, max(0.0, (1 / rate - loop) / writer))


@dataclass(frozen=True, slots=True)
class SharedStore:
    """
    A store that several workers share.

    ``rows`` it settles a second, ``commits`` a second (each waits for the disk), ``dearer`` is how many times the CPU a worker's
    loop spends on a recipient when the store and the queue are across a socket.
    """

    rows: float
    commits: float
    dearer: float


ASSUMED = SharedStore(rows=50_000, commits=1_000, dearer=1.5)
"""
Of PostgreSQL, until it is measured: not one of these numbers is.

A row is planned, leased and settled once; about as many as a single server on one disk writes in bulk. A thousand group
commits a second is one every millisecond, which is what a disk with a write cache gives.
"""


def scaled(costs: Costs, way: Way, store: SharedStore, *, workers: int) -> Bound:
    """
    What so many workers reach together, each with a core of its own and ``way.connections`` of its own.

    The gateway is elsewhere and keeps up. A worker's requests share a commit by as many as it has connections.
    """
    loop = costs.loop.each(way.batch) * store.dearer
    request = way.latency + loop * way.batch
    return _least(
        {
            "the workers' CPU": workers / loop,
            "connections": workers * way.out / request,
            "the store's rows": store.rows,
            "the store's commits": store.commits * way.out,
        }
    )


def _least(rates: dict[str, float]) -> Bound:
    limit = min(rates, key=lambda name: rates[name])
    return Bound(rates[limit], limit)
