"""The rows of speed: warnd beside a bare loop, and beside a bare loop that writes the same rows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import bare, engine, mail, rows, rows_alone
from bench.audience import Crowd, build
from bench.compare import Turns, take_turns
from bench.gateway import Gateway

BARE, BARE_WRITING, WARND = "a bare loop", "a bare loop that writes identical rows", "warnd"
BARE_BY_OURS = "a bare loop over the channels' own client"
WRITER_ALONE = "the writer alone, identical rows, nothing else"
_WARM_UP = 200
_TEXT = "暴雨红色预警"
"""Kept once for all: how long it is costs nothing that could be measured."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How much goes out and how: ``batch`` recipients in a request, ``connections`` (our slots) at once."""

    people: int
    batch: int
    connections: int
    rounds: int = 3


async def sms(gateway: Gateway, shape: Shape) -> Turns:
    """Four ways through one SMS gateway: bare, bare over the channels' client, bare with rows, warnd."""
    crowd = Crowd("sms", shape.people)
    channel = {
        "adapter": "sms.http", "max_batch": shape.batch, "slots": shape.connections, "receipts": False,
        **gateway.options,
    }  # fmt: skip
    async with _prepared(crowd, channel) as (audience, (_, text)):
        requests = bare.bodies(crowd.addresses, text, batch=shape.batch)

        async def run_bare() -> float:
            gateway.forget()
            took = await bare.post_all(gateway, requests, connections=shape.connections)
            return _all_taken(took, gateway, shape)

        async def run_bare_by_ours() -> float:
            gateway.forget()
            took = await bare.post_all_by_ours(gateway, requests, connections=shape.connections)
            return _all_taken(took, gateway, shape)

        async def run_writing() -> float:
            gateway.forget()
            with TemporaryDirectory(prefix="bench-") as directory:
                took = await rows.post_and_write(
                    Path(directory, "bare.db"), gateway, crowd.addresses, text,
                    batch=shape.batch, connections=shape.connections,
                )  # fmt: skip
            return _all_taken(took, gateway, shape)

        async def run_warnd() -> float:
            gateway.forget()
            return _all_taken(await _tell(audience, crowd, channel), gateway, shape)

        peers = {
            BARE: run_bare, BARE_BY_OURS: run_bare_by_ours, BARE_WRITING: run_writing, WARND: run_warnd,
        }  # fmt: skip
        return await take_turns(peers, size=shape.people, rounds=shape.rounds)


async def writer_alone(shape: Shape) -> Turns:
    """The commits of a bare loop that writes, without the loop."""
    addresses = Crowd("sms", shape.people).addresses

    async def run() -> float:
        with TemporaryDirectory(prefix="bench-") as directory:
            path = Path(directory, "alone.db")
            return await asyncio.to_thread(
                rows_alone.write, path, addresses, _TEXT, batch=shape.batch, slots=shape.connections
            )

    return await take_turns({WRITER_ALONE: run}, size=shape.people, rounds=shape.rounds)


async def email(gateway: Gateway, shape: Shape) -> Turns:
    """Two ways through one relay: bare aiosmtplib, warnd's pool."""
    crowd = Crowd("email", shape.people)
    channel = {"adapter": "email.smtp", "slots": shape.connections, **gateway.options}
    async with _prepared(crowd, channel) as (audience, (subject, body)):
        letters = mail.letters(gateway, crowd.addresses, subject, body)

        async def run_bare() -> float:
            with _each_taken(gateway, shape):
                return await mail.mail_all(gateway, letters, connections=shape.connections)

        async def run_warnd() -> float:
            with _each_taken(gateway, shape):
                return await _tell(audience, crowd, channel)

        return await take_turns({BARE: run_bare, WARND: run_warnd}, size=shape.people, rounds=shape.rounds)


@asynccontextmanager
async def _prepared(crowd: Crowd, channel: Mapping[str, Any]) -> AsyncIterator[tuple[Path, tuple[str, str]]]:
    """The audience's file, and the (subject, body) that a small broadcast came to; everything warm."""
    with TemporaryDirectory(prefix="bench-") as directory:
        few, all_ = Path(directory, "few.db"), Path(directory, "all.db")
        sample = Crowd(crowd.channel, min(_WARM_UP, crowd.size))
        build(few, [sample])
        build(all_, [crowd])
        async with engine.daemon(few, {crowd.channel: channel}) as served:
            telling = await engine.tell(served.app, {crowd.channel: sample.size})
        yield all_, telling.texts[crowd.channel]


async def _tell(audience: Path, crowd: Crowd, channel: Mapping[str, Any]) -> float:
    async with engine.daemon(audience, {crowd.channel: channel}) as served:
        return (await engine.tell(served.app, {crowd.channel: crowd.size})).seconds


def _all_taken(seconds: float, gateway: Gateway, shape: Shape) -> float:
    """A loop that is fast because it loses something is no peer."""
    counts = gateway.counts()
    if (counts["taken"], counts["requests"]) != (shape.people, -(-shape.people // shape.batch)):
        raise RuntimeError(f"the gateway took {counts['taken']} in {counts['requests']} requests")
    return seconds


@contextmanager
def _each_taken(relay: Gateway, shape: Shape) -> Iterator[None]:
    """The same for a relay, whose account goes on."""
    before = relay.counts()["taken"]
    yield
    taken = relay.counts()["taken"] - before
    if taken != shape.people:
        raise RuntimeError(f"the relay took {taken} letters")
