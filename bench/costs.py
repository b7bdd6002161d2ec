"""What a broadcast costs on this machine, thread by thread: the numbers that ``bench.model`` reckons with."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.audience import Crowd, build
from bench.gateway import Counting, counting_gateway
from bench.model import Cost, Costs, Way, fitted_hold
from bench.process import Running, home
from bench.standing import feed_key
from bench.told import tell_by_http
from bench.until import until
from warnd.store.database import open_writer

ONE, HUNDRED = Way(1, 64, 0), Way(100, 8, 0)
"""The two ways that the costs are solved from."""

_SETTLED = """
SELECT plan_done AND NOT EXISTS (SELECT 1 FROM tallies WHERE n > 0 AND state <> 'accepted') FROM alerts
"""
_COMMITS = "SELECT count(*) FROM journal_links"


@dataclass(frozen=True, slots=True)
class Measured:
    """
    One broadcast: seconds until the first and the last recipient had been told, CPU seconds of the daemon's loop and its other
    threads (the writer, nearly), and of the gateway; commits that wrote to the journal.
    """

    people: int
    first: float
    seconds: float
    loop: float
    writer: float
    gateway: float
    commits: int

    @property
    def rate(self) -> float:
        """Recipients a second, once they had begun to leave."""
        return self.people / (self.seconds - self.first)


def measure(way: Way, people: int, *, times: int = 1) -> Measured:
    """The run of the median rate; each has a daemon of its own."""
    with tempfile.TemporaryDirectory(prefix="bench-") as directory, counting_gateway() as gateway:
        gateway.go_wrong(latency=way.latency)
        audience = Path(directory, "audience.db")
        build(audience, [Crowd("sms", people)])
        key = feed_key(audience)
        runs = sorted(
            (_broadcast(audience, gateway, way, people, key) for _ in range(times)), key=lambda one: one.rate
        )
        return runs[len(runs) // 2]


def sync(times: int = 100) -> float:
    """Median seconds of a commit with next to nothing in it, by a connection as the store's writer has it."""
    taken = []
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as directory,
        closing(open_writer(Path(directory, "sync.db"))) as connection,
    ):
        connection.execute("CREATE TABLE synced (at REAL)")
        for _ in range(times):
            began = time.perf_counter()
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO synced VALUES (?)", (began,))
            connection.execute("COMMIT")
            taken.append(time.perf_counter() - began)
    return median(taken)


def solve(one: Measured, hundred: Measured, *, sync: float) -> Costs:
    """``one`` and ``hundred`` went the ways of those names."""

    def part(name: str) -> Cost:
        each = [getattr(run, name) / run.people for run in (one, hundred)]
        return Cost.solved(one=each[0], many=each[1], batch=HUNDRED.batch)

    loop, writer = part("loop"), part("writer")
    each = loop.each(HUNDRED.batch), writer.each(HUNDRED.batch)
    return Costs(
        loop,
        writer,
        part("gateway"),
        sync=sync,
        start=median((one.first, hundred.first)),
        held=fitted_hold(*each, rate=hundred.rate),
    )


def _broadcast(audience: Path, gateway: Counting, way: Way, people: int, key: str) -> Measured:
    gateway.forget()
    channel = {
        "adapter": "sms.http", "max_batch": way.batch, "slots": way.connections, "receipts": False,
        **gateway.options,
    }  # fmt: skip
    with home(audience, {"sms": channel}) as here, here.daemon("--stay") as running:
        os.sync()  # what the copy, or anybody else, left to be written is no part of a commit
        before = _cpu(running, gateway)
        began = time.monotonic_ns()
        tell_by_http(running.url, key)
        until(lambda: gateway.arrived() >= people, "everybody is told", every=0.05)
        here.wait_for("all is settled", _SETTLED)
        loop, writer, taking = (after - at for after, at in zip(_cpu(running, gateway), before, strict=True))
        arrived = sorted(gateway.arrivals().values())
        return Measured(
            people,
            (arrived[0] - began) / 1e9,
            (arrived[-1] - began) / 1e9,
            loop,
            writer,
            taking,
            commits=here.look(_COMMITS),
        )


def _cpu(running: Running, gateway: Counting) -> Sequence[float]:
    """CPU seconds so far of the daemon's main thread, of its others, of the gateway."""
    daemon = running.process.pid
    loop = _thread(daemon, daemon)
    return loop, _process(daemon) - loop, _process(gateway.pid)


def _process(process: int) -> float:
    return sum(_thread(process, int(task.name)) for task in Path(f"/proc/{process}/task").iterdir())


def _thread(process: int, thread: int) -> float:
    """The kernel's own account, in nanoseconds (proc(5): schedstat)."""
    return int(Path(f"/proc/{process}/task/{thread}/schedstat").read_text().split()[0]) / 1e9
