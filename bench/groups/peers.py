"""Engines side by side on one gateway process: how fast, how soon, how heavy, and what a ``kill -9`` costs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.gateway import Counting, counting_gateway
from bench.matrix import DEATH, HALF, LOST, MOST, NEVER, PEAK, RATE, SIDE_BY_SIDE, TWICE, row
from bench.peers.alertmanager import Alertmanager
from bench.peers.apprise import Apprise
from bench.peers.celery import Celery, CeleryLate
from bench.peers.death import Aftermath, TooLate, kill_on_the_way
from bench.peers.engine import Engine
from bench.peers.loops import Bare, BareWriting
from bench.peers.ours import Warnd
from bench.peers.race import Ran, run
from bench.report import Bar, Result
from bench.scale import Scale

ENGINES: Sequence[type[Engine]] = (Warnd, Alertmanager, Apprise, CeleryLate)
LOOPS: Sequence[type[Engine]] = (Bare, BareWriting)
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Case:
    """A gateway, by its faults (times in seconds), and how many are told through it."""

    name: str
    people: int
    faults: Mapping[str, float]
    runners: Sequence[type[Engine]] = (*LOOPS, *ENGINES)


def cases(scale: Scale) -> Sequence[Case]:
    """Bare loops try nothing again, so a gateway that fails is not for them."""
    well = {"latency": 0.0, "unavailable": 0.0, "throttled": 0.0}
    many = scale.pick(500, 4_000, 5_000)
    few = scale.pick(200, 1_000, 1_500)
    return [
        Case("gateway 0 ms", many, well),
        Case("gateway 20 ms", few, {**well, "latency": 0.02}),
        Case("gateway 200 ms", scale.pick(100, 400, 600), {**well, "latency": 0.2}),
        Case("1% answered 503", few, {**well, "unavailable": 0.01}, ENGINES),
        Case("1% answered 429, Retry-After 1 s", few, {**well, "throttled": 0.01, "retry_after": 1.0}, ENGINES),
    ]  # fmt: skip


async def side_by_side(scale: Scale) -> Sequence[Result]:
    rounds = scale.pick(1, 1, 3)
    return await asyncio.to_thread(_side_by_side, cases(scale), rounds)


async def killed(scale: Scale) -> Sequence[Result]:
    """A quick run has the one engine alone that has a bar."""
    return await asyncio.to_thread(_killed, scale.pick((Warnd,), tuple(_DOOMED)))


def _side_by_side(chosen: Sequence[Case], rounds: int) -> Sequence[Result]:
    results: list[Result] = [_not_run(engine) for engine in ENGINES if engine.missing()]
    with counting_gateway() as gateway:
        for case in chosen:
            gateway.go_wrong(**case.faults)
            runners = [kind for kind in case.runners if kind.missing() is None]
            runs: dict[str, list[Ran]] = {kind.name: [] for kind in runners}
            for _ in range(rounds):
                for kind in runners:
                    runs[kind.name].append(run(kind, gateway, case.people, patience=_PATIENCE))
            results += told(case, runs)
    return results


def told(case: Case, runs: Mapping[str, Sequence[Ran]]) -> Iterator[Result]:
    """The medians of the rounds; of a gateway at 0 ms also how warnd compares, which has its bar."""
    after = "s after handing over"
    for engine, rounds in runs.items():
        yield Result(row(case.name, engine, RATE), median(one.rate for one in rounds), "recipients/s")
        yield Result(row(case.name, engine, HALF), median(one.p50 for one in rounds), after)
        yield Result(row(case.name, engine, MOST), median(one.p99 for one in rounds), after)
        yield Result(row(case.name, engine, PEAK), max(one.peak for one in rounds), "MiB")
        if missing := max(one.missing for one in rounds):
            yield Result(row(case.name, engine, NEVER), missing, "recipients")
    ours = runs[Warnd.name]
    for peer in (engine.name for engine in ENGINES if engine is not Warnd and engine.name in runs):
        ratio = median(a.rate / b.rate for a, b in zip(ours, runs[peer], strict=True))
        yield Result(
            f"{SIDE_BY_SIDE}, {case.name}", ratio, "×", peer, Bar(1) if case.name == "gateway 0 ms" else None
        )


_DOOMED: Mapping[type[Engine], int] = {
    Warnd: 2_000, Alertmanager: 20_000, Apprise: 1_000, Celery: 2_000, CeleryLate: 2_000,
}  # fmt: skip
"""So many that each is caught in the middle."""
_TRIES = 3


def _killed(doomed: Sequence[type[Engine]]) -> Sequence[Result]:
    results: list[Result] = []
    with counting_gateway() as gateway:
        gateway.go_wrong(latency=0.02)
        for kind in doomed:
            people = _DOOMED[kind]
            if kind.missing():
                results.append(_not_run(kind))
                continue
            if (found := _caught(kind, gateway, people)) is None:
                results.append(Result(f"{kind.name}: not killed: through with {people:,} too soon", 0, ""))
                continue
            ours = Bar(0, at_least=False) if kind is Warnd else None
            name = f"{DEATH}: {kind.name}, {people:,} handed over"
            results += [
                Result(f"{name}: {LOST}", found.lost, "recipients", None, ours),
                Result(f"{name}: {TWICE}", found.repeated, "recipients"),
            ]
    return results


def _caught(kind: type[Engine], gateway: Counting, people: int) -> Aftermath | None:
    """An engine that was through too soon is tried again; None when it always was."""
    for _ in range(_TRIES):
        try:
            return kill_on_the_way(kind, gateway, people)
        except TooLate:
            continue
    return None


def _not_run(kind: type[Engine]) -> Result:
    return Result(f"{kind.name}: not run: {kind.missing()}", 0, "")
