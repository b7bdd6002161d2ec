"""The benchmark's model: what it is solved from it gives back, and it names what would have to be faster."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.model import ASSUMED, Cost, Costs, Way, bound, fitted_hold, scaled, seconds

COSTS = Costs(
    loop=Cost(100e-6, 10e-6),
    writer=Cost(50e-6, 20e-6),
    gateway=Cost(60e-6, 2e-6),
    sync=0.002,
    start=0.1,
    held=0.5,
)
CORES = 2


def test_a_cost_is_solved_from_two_broadcasts() -> None:
    """One alone in its request and one among a hundred say what a request and what a recipient costs."""
    cost = Cost(100e-6, 10e-6)
    solved = Cost.solved(one=cost.each(1), many=cost.each(100), batch=100)
    assert (solved.request, solved.recipient) == (pytest.approx(100e-6), pytest.approx(10e-6))


def test_no_cost_is_below_nothing() -> None:
    """Measured on a busy machine, many may seem dearer than one."""
    assert Cost.solved(one=10e-6, many=12e-6, batch=100) == Cost(0, 10e-6)


@pytest.mark.parametrize(
    ("way", "limit", "rate"),
    [
        pytest.param(Way(1, 64, 0.2), "connections", 64 / (0.2 + 172e-6 * 32), id="a slow gateway"),
        pytest.param(Way(100, 1, 0.002), "turns", 200 / (3.36e-3 + 1.5 * 4.05e-3), id="few slots"),
        pytest.param(Way(10, 2, 0), "writer", 20 / (2e-3 + 25e-6 * 20), id="a slow disk"),
        pytest.param(Way(100, 64, 0), "interpreter", 1 / (11e-6 + 0.5 * 20.5e-6), id="many a request"),
    ],
)
def test_the_least_bound_is_named(way: Way, limit: str, rate: float) -> None:
    """The rate is what the slowest part allows."""
    found = bound(COSTS, way, cores=CORES)
    assert (found.limit, found.rate) == (limit, pytest.approx(rate, rel=0.01))


def test_on_one_core_everything_shares_it() -> None:
    """The gateway of a benchmark runs on the same machine."""
    assert bound(COSTS, Way(100, 64, 0), cores=1).limit == "cores"


def test_the_fitted_share_gives_the_rate_back() -> None:
    """It is fitted where the interpreter binds, and nowhere else."""
    way = Way(100, 64, 0)
    rate = bound(COSTS, way, cores=CORES).rate
    held = fitted_hold(COSTS.loop.each(100), COSTS.writer.each(100), rate=rate)
    assert held == pytest.approx(COSTS.held)
    assert bound(replace(COSTS, held=held), way, cores=CORES).rate == pytest.approx(rate)


def test_a_broadcast_takes_its_start_and_its_people() -> None:
    """The time until the first request is added once."""
    way = Way(1, 64, 0.2)
    few, many = (seconds(COSTS, way, people, cores=CORES) for people in (0, 6_400))
    assert few == COSTS.start
    assert many == pytest.approx(COSTS.start + 100 * (0.2 + 172e-6 * 32), rel=0.01)


def test_more_workers_help_until_the_store_is_the_limit() -> None:
    """What a province buys with a second machine, and what it does not."""
    way = Way(100, 8, 0.05)
    found = {workers: scaled(COSTS, way, ASSUMED, workers=workers) for workers in (1, 2, 32)}
    assert found[2].rate == pytest.approx(2 * found[1].rate)
    assert (found[1].limit, found[32].limit) == ("connections", "the store's rows")
    assert found[32].rate == ASSUMED.rows
