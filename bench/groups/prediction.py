"""The model beside what was measured, and what it says of several workers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence

from bench.costs import HUNDRED, ONE, Measured, measure, solve, sync
from bench.model import ASSUMED, Costs, Way, bound, scaled, seconds
from bench.report import Result
from bench.scale import Scale

NATION = 3_400_000
"""Recipients of workload N."""

WORKERS = (2, 8, 32)

CHECKED = {
    "1 number, 64 connections, 20 ms": (Way(1, 64, 0.02), 3_000),
    "1 number, 64 connections, 200 ms": (Way(1, 64, 0.2), 800),
    "10 numbers, 8 connections, 0 ms": (Way(10, 8, 0), 20_000),
    "100 numbers, 8 connections, 20 ms": (Way(100, 8, 0.02), 40_000),
}
"""Ways that the costs are not solved from, with how many are told."""

SCALED = {
    "100 numbers a request, 8 connections a worker, 50 ms": Way(100, 8, 0.05),
    "1 number a request, 64 connections a worker, 200 ms": Way(1, 64, 0.2),
}


async def beside_measurement(scale: Scale) -> Sequence[Result]:
    return await asyncio.to_thread(_beside_measurement, scale)


def _beside_measurement(scale: Scale) -> Sequence[Result]:
    times, smaller = scale.pick(1, 3), scale.pick(4, 1)
    one = measure(ONE, 4_000 // smaller, times=times)
    hundred = measure(HUNDRED, 40_000 // smaller, times=times)
    costs = solve(one, hundred, sync=sync())
    checked = [
        (name, way, measure(way, people // smaller, times=times)) for name, (way, people) in CHECKED.items()
    ]
    cores = len(os.sched_getaffinity(0))
    return [
        *_of_this_machine(costs, {"1 number": one, "100 numbers": hundred}),
        *_checks(costs, checked, cores),
        *_nation(costs),
    ]


def _of_this_machine(costs: Costs, runs: Mapping[str, Measured]) -> Iterator[Result]:
    for name, part in (
        ("the loop", costs.loop),
        ("the writer", costs.writer),
        ("the gateway", costs.gateway),
    ):
        yield Result(f"cost: CPU of {name}, a request", part.request * 1e6, "µs")
        yield Result(f"cost: CPU of {name}, a recipient", part.recipient * 1e6, "µs")
    yield Result("cost: share of the writer's time in which it has the interpreter, fitted", costs.held, "")
    yield Result("cost: until the first request", costs.start, "s after handing over")
    yield Result("cost: a commit, the disk's part", costs.sync * 1e3, "ms")
    for name, run in runs.items():
        yield Result(f"cost: commits, {name} a request", run.commits / run.seconds, "commits/s")
        yield Result(
            f"cost: deliveries settled in a commit, {name} a request", run.people / run.commits, "rows"
        )


def _checks(costs: Costs, checked: Sequence[tuple[str, Way, Measured]], cores: int) -> Iterator[Result]:
    for name, way, measured in checked:
        expected = seconds(costs, way, measured.people, cores=cores)
        limit = bound(costs, way, cores=cores).limit
        yield Result(f"model, {name}: measured", measured.seconds, "s")
        yield Result(f"model, {name}: predicted, bound by its {limit}", expected, "s")
        error = 100 * (expected / measured.seconds - 1)
        yield Result(f"model, {name}: error", error, "%", "the measurement")


def _nation(costs: Costs) -> Iterator[Result]:
    for name, way in SCALED.items():
        for workers in WORKERS:
            found = scaled(costs, way, ASSUMED, workers=workers)
            yield Result(
                f"model, {NATION:,} recipients, {name}: {workers} workers on an assumed PostgreSQL, bound by {found.limit}",
                NATION / found.rate / 60,
                "minutes",
            )
