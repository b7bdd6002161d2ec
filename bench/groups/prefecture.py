"""A prefecture's day: one warning for all, red behind blue, a long queue."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench import memory
from bench.audience import Crowd, build
from bench.compare import p99
from bench.red import BEHIND, IDLE, Behind, red_behind_blue
from bench.report import Bar, Result
from bench.scale import Scale
from bench.workload import api_during_r, workload_r


async def whole(scale: Scale) -> Sequence[Result]:
    """Once as usual, once with receipts, once with somebody asking the API."""
    sizes = {"sms": 100_000, "wechat": 5_000, "email": 5_000}
    if scale is Scale.QUICK:
        sizes = {channel: size // 10 for channel, size in sizes.items()}
    telling = await workload_r(sizes)
    receipted = await workload_r(sizes, receipts=True)
    calls = await api_during_r(sizes)
    name = f"workload R ({sizes['sms']:,} SMS, {sizes['wechat']:,} WeChat, {sizes['email']:,} mail)"
    after = "s after the 202"
    both = max(telling.last["sms"], telling.last["wechat"])
    with_receipts = max(receipted.last["sms"], receipted.last["wechat"])
    return [
        Result(f"{name}: first request", telling.first, after, None, Bar(0.3, at_least=False, first=0.5)),
        Result(f"{name}: last SMS and WeChat", both, after, None, Bar(4, at_least=False, first=8)),
        Result(f"{name}: last mail", telling.last["email"], after, None, Bar(10, at_least=False, first=15)),
        Result(f"{name}, receipts coming in: last SMS and WeChat", with_receipts, after),
        *(
            Result(
                f"API while R runs: p99 of {route}",
                p99(seconds) * 1000,
                "ms",
                None,
                Bar(100, at_least=False, first=200),
            )
            for route, seconds in calls.items()
        ),
    ]


async def red_first(scale: Scale) -> Sequence[Result]:
    queued = scale.pick(30_000, 300_000)
    found = await red_behind_blue(queued, times=scale.pick(5, 100))
    return red_rows(f"red to 1,000 behind {queued:,} blue (20 ms, 8 slots), its last request", found)


def red_rows(name: str, found: Behind) -> Sequence[Result]:
    """The two ratios, and the times that they are of."""
    idle = "the same on an idle daemon"
    bar = Bar(1.5, at_least=False, first=2)
    times = ((IDLE, found.idle), (BEHIND, found.behind))
    return [
        Result(f"{name}: median", found.median, "×", idle, bar),
        Result(f"{name}: p99", found.p99, "×", idle, bar),
        *(
            Result(f"{name}, {where}: {said}", value * 1000, "ms after the 202")
            for where, at in times
            for said, value in (("median", at.median), ("p99", at.p99))
        ),
    ]


async def long_queue(scale: Scale) -> Sequence[Result]:
    sizes = scale.pick((30_000,), (300_000,), (300_000, 1_000_000))
    results = []
    for queued in sizes:
        with tempfile.TemporaryDirectory(prefix="bench-") as directory:
            audience = Path(directory, "audience.db")
            build(audience, [Crowd("sms", queued)])
            found = await asyncio.to_thread(memory.resident_mebibytes, audience)
        bar = Bar(300, at_least=False, first=400)
        results.append(Result(f"memory with {queued:,} queued", found, "MiB", None, bar))
    return results
