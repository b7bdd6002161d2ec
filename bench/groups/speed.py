"""How fast a broadcast leaves, beside bare loops."""

from __future__ import annotations

from collections.abc import Sequence

from bench import throughput
from bench.gateway import mail_gateway, sms_gateway
from bench.report import Bar, Result
from bench.scale import Scale
from bench.throughput import BARE, BARE_BY_OURS, BARE_WRITING, WARND, WRITER_ALONE, Shape


async def one_per_request(scale: Scale) -> Sequence[Result]:
    results: list[Result] = []
    for latency, bar in ((0, Bar(0.45, first=0.35)), (20, Bar(0.9, first=0.85))):
        shape = Shape(people=scale.pick(1_000, 20_000), batch=1, connections=64)
        with sms_gateway(latency_ms=latency) as gateway:
            turns = await throughput.sms(gateway, shape)
        name = f"one request per recipient, gateway {latency} ms, 64 connections"
        results += [
            Result(name, turns.ratio(WARND, to=BARE), "×", BARE, bar),
            *(Result(name, turns.ratio(WARND, to=peer), "×", peer) for peer in (BARE_BY_OURS, BARE_WRITING)),
            *(Result(f"{name}: {peer}", turns.rate(peer), "recipients/s") for peer in turns.seconds),
        ]
    return results


async def hundred_per_request(scale: Scale) -> Sequence[Result]:
    shape = Shape(people=scale.pick(20_000, 100_000), batch=100, connections=8)
    with sms_gateway() as gateway:
        turns = await throughput.sms(gateway, shape)
    alone = await throughput.writer_alone(shape)
    name = "100 numbers per request, gateway 0 ms, 8 connections"
    return [
        Result(f"{name}: {WARND}", turns.rate(WARND), "recipients/s", None, Bar(80_000, first=30_000)),
        Result(name, turns.ratio(WARND, to=BARE_WRITING), "×", BARE_WRITING, Bar(0.6, first=0.4)),
        Result(name, turns.ratio(WARND, to=BARE), "×", BARE),
        *(
            Result(f"{name}: {peer}", turns.rate(peer), "recipients/s")
            for peer in (BARE, BARE_BY_OURS, BARE_WRITING)
        ),
        Result(f"{name}: {WRITER_ALONE}", alone.rate(WRITER_ALONE), "recipients/s"),
    ]


async def pooled_mail(scale: Scale) -> Sequence[Result]:
    shape = Shape(people=scale.pick(300, 10_000), batch=1, connections=8, rounds=scale.pick(3, 5))
    with mail_gateway() as gateway:
        turns = await throughput.email(gateway, shape)
    name = "mail over pooled SMTP, 8 connections"
    return [
        Result(name, turns.ratio(WARND, to=BARE), "×", "a bare aiosmtplib loop", Bar(0.7, first=0.6)),
        *(Result(f"{name}: {peer}", turns.rate(peer), "recipients/s") for peer in turns.seconds),
    ]
