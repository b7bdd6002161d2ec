"""From a warning to the divisions it touches, and from them to whom it concerns."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bench import matching, places
from bench.report import Bar, Result
from bench.scale import Scale


async def touched(scale: Scale) -> Sequence[Result]:
    divisions = scale.pick(500, 3_500)
    found = await asyncio.to_thread(places.seconds, divisions=divisions, points=700, polygons=225, times=9)
    name = f"divisions touched by 225 polygons, of {divisions:,}"
    return [Result(name, found * 1000, "ms", None, Bar(1000, at_least=False))]


async def matched(scale: Scale) -> Sequence[Result]:
    """In a process of its own, whose memory is the index's alone."""
    subscriptions = scale.pick(10_000, 100_000)
    found = await asyncio.to_thread(matching.measure, subscriptions)
    name = f"match, {found.divisions:,} divisions, {subscriptions:,} subscriptions"
    return [
        Result(f"{name}: an alert, the slowest of five", found.slowest * 1000, "ms", None, Bar(20, at_least=False)),
        Result(f"{name}: the index", found.mebibytes, "MiB", None, Bar(150, at_least=False)),
        Result(f"{name}: building it", found.building, "s", None, Bar(3, at_least=False)),
    ]  # fmt: skip
