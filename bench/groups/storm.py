"""A thousand warnings come in while one is broadcast."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import median

from bench import intake
from bench.compare import p99
from bench.report import Bar, Result
from bench.scale import Scale


async def thousand(scale: Scale) -> Sequence[Result]:
    people, count, minute_ms = scale.pick((10_000, 200, 240), (100_000, 1_000, 480))
    name = f"{count:,} CAP alerts beside a red broadcast to {people:,}"
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        file = Path(directory, "audience.db")
        intake.audience(file, people, rules=100_000)
        results: list[Result] = []
        paces = ((1_000, minute_ms, "1,000 a minute"), (None, 0, "as fast as they are taken"))
        for per_minute, latency_ms, pace in paces:
            alone = await asyncio.to_thread(intake.broadcast_alone, file, latency_ms=latency_ms)
            found = await asyncio.to_thread(
                partial(
                    intake.pour_in,
                    file,
                    count,
                    latency_ms=latency_ms,
                    per_minute=per_minute,
                    beside_a_red=True,
                )
            )
            assert found.broadcast is not None
            least = Bar(1_000) if per_minute is None else None
            results += [
                Result(f"{name}, {pace}: admitted", found.per_minute, "alerts/min", None, least),
                Result(f"{name}, {pace}: median of POST", median(found.seconds) * 1000, "ms"),
                Result(f"{name}, {pace}: p99 of POST", p99(found.seconds) * 1000, "ms",
                       None, Bar(200, at_least=False) if per_minute else None),
                Result(f"{name}, {pace}: the broadcast's time", found.broadcast / alone, "×", "the same alone"),
            ]  # fmt: skip
        lost = await asyncio.to_thread(intake.killed_after, file, count)
        results.append(
            Result(f"{name}, kill -9 after the last 202: lost", lost, "alerts", None, Bar(0, at_least=False))
        )
        blue = await asyncio.to_thread(partial(intake.pour_in, file, count, mix="mostly blue"))
        aged = await asyncio.to_thread(intake.grow_old, file, 11 * count, part=count)
    among = f"reds among {count:,} alerts, nine in ten blue: first request"
    return [
        *results,
        Result(f"{among}, median", median(blue.first_requests), "s after the 202"),
        Result(f"{among}, p99", p99(blue.first_requests), "s after the 202", None, Bar(0.5, at_least=False)),
        Result(f"POST with {10 * count:,} alerts and 100,000 subscriptions in the store, median", median(aged.old) / median(aged.young),
               "×", f"the first {count:,} alerts", Bar(1.5, at_least=False)),
        Result("memory that 1,000 planned alerts leave behind, with what SQLite caches of them", aged.kept, "MiB"),
    ]  # fmt: skip
