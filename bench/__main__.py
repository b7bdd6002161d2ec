"""``python -m bench``: every row, in the order of the table. ``--quick`` is smaller, ``--only NAME`` is one group."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median

import uvloop
from rich.console import Console

from bench import intake, kill, memory, national, places, throughput
from bench.audience import Crowd, build
from bench.compare import p99
from bench.gateway import mail_gateway, sms_gateway
from bench.red import red_behind_blue
from bench.report import Bar, Result, keep, machine, show
from bench.throughput import BARE, BARE_WRITING, WARND, Shape
from bench.workload import api_during_r, workload_r
from warnd import logs

_PLAIN_WIDTH = 180
"""Of the table where no terminal says otherwise: a row stays a line."""

Rows = Callable[[bool], Awaitable[Sequence[Result]]]
"""Measures a group of rows, quickly or in full."""


async def one_per_request(quick: bool) -> Sequence[Result]:
    results: list[Result] = []
    for latency, bar in ((0, 0.35), (20, 0.85)):
        shape = Shape(people=1_000 if quick else 6_000, batch=1, connections=64)
        with sms_gateway(latency_ms=latency) as gateway:
            turns = await throughput.sms(gateway, shape)
        name = f"one request per recipient, gateway {latency} ms, 64 connections"
        results += [
            Result(name, turns.ratio(WARND, to=BARE), "×", BARE, Bar(bar)),
            Result(name, turns.ratio(WARND, to=BARE_WRITING), "×", BARE_WRITING),
            *(Result(f"{name}: {peer}", turns.rate(peer), "recipients/s") for peer in turns.seconds),
        ]
    return results


async def hundred_per_request(quick: bool) -> Sequence[Result]:
    shape = Shape(people=20_000 if quick else 100_000, batch=100, connections=8)
    with sms_gateway() as gateway:
        turns = await throughput.sms(gateway, shape)
    name = "100 numbers per request, gateway 0 ms, 8 connections"
    return [
        Result(f"{name}: {WARND}", turns.rate(WARND), "recipients/s", None, Bar(30_000)),
        Result(name, turns.ratio(WARND, to=BARE_WRITING), "×", BARE_WRITING, Bar(0.4)),
        Result(name, turns.ratio(WARND, to=BARE), "×", BARE),
        *(Result(f"{name}: {peer}", turns.rate(peer), "recipients/s") for peer in (BARE, BARE_WRITING)),
    ]


async def pooled_mail(quick: bool) -> Sequence[Result]:
    shape = Shape(people=300 if quick else 2_000, batch=1, connections=8)
    with mail_gateway() as gateway:
        turns = await throughput.email(gateway, shape)
    name = "mail over pooled SMTP, 8 connections"
    return [
        Result(name, turns.ratio(WARND, to=BARE), "×", "a bare aiosmtplib loop", Bar(0.6)),
        *(Result(f"{name}: {peer}", turns.rate(peer), "recipients/s") for peer in turns.seconds),
    ]


async def killed(quick: bool) -> Sequence[Result]:
    people = 4_000 if quick else 20_000
    results: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        audience = Path(directory, "audience.db")
        build(audience, [Crowd("sms", people)])
        for share in (0.05, 0.5, 0.9):
            found = await asyncio.to_thread(
                kill.kill_and_restart, audience, people, after=int(people * share)
            )
            name = f"kill -9 at {share:.0%} of {people:,} recipients, restart"
            results += [
                Result(f"{name}: lost", found.lost, "recipients", None, Bar(0, at_least=False)),
                Result(f"{name}: told twice", found.repeated, "recipients", None, Bar(found.in_flight, at_least=False)),
                Result(f"{name}: marked as possible repeats", found.marked, "recipients", None, Bar(found.repeated)),
            ]  # fmt: skip
    return results


async def whole_prefecture(quick: bool) -> Sequence[Result]:
    sizes = {"sms": 100_000, "wechat": 5_000, "email": 5_000}
    if quick:
        sizes = {channel: size // 10 for channel, size in sizes.items()}
    telling = await workload_r(sizes)
    calls = await api_during_r(sizes)
    name = f"workload R ({sizes['sms']:,} SMS, {sizes['wechat']:,} WeChat, {sizes['email']:,} mail)"
    both = max(telling.last["sms"], telling.last["wechat"])
    return [
        Result(f"{name}: first request", telling.first, "s after the 202", None, Bar(0.5, at_least=False)),
        Result(f"{name}: last SMS and WeChat", both, "s after the 202", None, Bar(8, at_least=False)),
        Result(f"{name}: last mail", telling.last["email"], "s after the 202", None, Bar(15, at_least=False)),
        *(
            Result(
                f"API while R runs: p99 of {route}", p99(seconds) * 1000, "ms", None, Bar(200, at_least=False)
            )
            for route, seconds in calls.items()
        ),
    ]


async def red_first(quick: bool) -> Sequence[Result]:
    queued = 30_000 if quick else 300_000
    found = await red_behind_blue(queued, times=5 if quick else 15)
    name = f"red to 1,000 behind {queued:,} blue (20 ms, 8 slots), its last request"
    idle = "the same on an idle daemon"
    return [
        Result(f"{name}: median", found.median, "×", idle, Bar(2, at_least=False)),
        Result(f"{name}: p99", found.p99, "×", idle, Bar(2, at_least=False)),
    ]


async def long_queue(quick: bool) -> Sequence[Result]:
    queued = 30_000 if quick else 300_000
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        audience = Path(directory, "audience.db")
        build(audience, [Crowd("sms", queued)])
        found = await asyncio.to_thread(memory.resident_mebibytes, audience)
    return [Result(f"memory with {queued:,} queued", found, "MiB", None, Bar(400, at_least=False))]


async def whole_country(quick: bool) -> Sequence[Result]:
    people, rules = (30_000, 20_000) if quick else (300_000, 100_000)
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


async def placing(quick: bool) -> Sequence[Result]:
    divisions = 500 if quick else 3_500
    found = await asyncio.to_thread(places.seconds, divisions=divisions, points=700, polygons=225, times=9)
    name = f"divisions touched by 225 polygons, of {divisions:,}"
    return [Result(name, found * 1000, "ms", None, Bar(1000, at_least=False))]


async def storm(quick: bool) -> Sequence[Result]:
    people, count, minute_ms = (10_000, 200, 240) if quick else (100_000, 1_000, 480)
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


GROUPS: Mapping[str, Rows] = {
    "one": one_per_request,
    "hundred": hundred_per_request,
    "mail": pooled_mail,
    "kill": killed,
    "workload-r": whole_prefecture,
    "red": red_first,
    "memory": long_queue,
    "national": whole_country,
    "places": placing,
    "intake": storm,
}


async def measure(names: Sequence[str], *, quick: bool, console: Console) -> Sequence[Result]:
    results: list[Result] = []
    for name in names:
        began = time.monotonic()
        results += await GROUPS[name](quick)
        console.print(f"{name}: {time.monotonic() - began:.0f} s")
    return results


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="smaller sizes, for trying it out")
    arguments.add_argument(
        "--only", choices=GROUPS, action="append", help="this group alone; may be repeated"
    )
    given = arguments.parse_args()
    console = Console()
    if not console.is_terminal:
        console = Console(width=_PLAIN_WIDTH)
    logs.configure(level="error")
    described = machine()
    results = uvloop.run(measure(given.only or list(GROUPS), quick=given.quick, console=console))
    console.print(described)
    show(results, console)
    if given.quick or given.only:
        console.print("A part, or small: bench/results.json and bench/README.md stay as they are.")
    else:
        keep(results, described)


if __name__ == "__main__":
    main()
