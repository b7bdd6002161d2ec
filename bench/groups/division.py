"""From a warning to the divisions it touches, and from them to whom it concerns."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bench import matching, national, places
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


async def planned(scale: Scale) -> Sequence[Result]:
    """A warning for the whole country, from its regions to the chunks of its plan; CPU time, in a process of its own."""
    people, rules = scale.pick(30_000, 300_000), scale.pick(20_000, 100_000)
    found = await asyncio.to_thread(national.measure, people, rules)
    of = f"{rules:,} subscriptions in 665,276 divisions"
    plan = f"a plan for {found.planned:,} recipients in {rules:,} groups"
    return [
        Result(f"match the whole country, {of}", found.country * 1000, "ms of CPU", None, Bar(20, at_least=False)),
        Result(f"match 3,000 divisions, {of}", found.long_list * 1000, "ms of CPU", None, Bar(20, at_least=False)),
        Result(f"read the index, {of}", found.build, "s of CPU", None, Bar(3, at_least=False)),
        Result(f"bring the index up to date after an edit, {of}", found.edit * 1000, "ms of CPU", None,
               Bar(100, at_least=False)),
        Result(f"{plan}: CPU for each", found.plan / found.planned * 1e6, "µs"),
        Result(f"{plan}: what memory grew in its second half", found.grew, "MiB", None, Bar(30, at_least=False)),
    ]  # fmt: skip
