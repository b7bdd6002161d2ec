"""
The bare loop that also writes: rows like warnd's in the same tables, with the same commits, and no decisions.

An intent is committed before its request leaves, an outcome together with the slot's next intent, a plan in
chunks, all slots' in one commit by one thread. Nothing is matched, rendered, paced, checked or retried.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import orjson

from bench.bare import session
from bench.gateway import Gateway
from bench.rows_commit import Alert, Batch, Done, Turn, chunks, micros, opened, prepare, wall
from bench.rows_writer import Writer
from warnd.daemon import tuned
from warnd.model.ulid import UlidMaker


async def post_and_write(
    path: Path, gateway: Gateway, addresses: Sequence[str], text: str, *, batch: int, connections: int
) -> float:
    """Seconds from the start of the plan to the commit of the last outcome, on a new file at ``path``."""
    ids = UlidMaker()
    alert = Alert(ids.one(wall()), ids.one(wall()), text)
    prepare(path, alert)
    with opened(path) as connection, tuned():
        writer = Writer(connection, alert)
        ready: asyncio.Queue[Batch | None] = asyncio.Queue()
        writer.start()
        try:
            async with session(gateway) as http:
                began = time.perf_counter()
                slots = [_slot(http, gateway, alert, writer, ready) for _ in range(connections)]
                await asyncio.gather(
                    _plan(addresses, ids, writer, ready, batch=batch, slots=connections), *slots
                )
                return time.perf_counter() - began
        finally:
            await asyncio.to_thread(writer.stop)


async def _plan(
    addresses: Sequence[str],
    ids: UlidMaker,
    writer: Writer,
    ready: asyncio.Queue[Batch | None],
    *,
    batch: int,
    slots: int,
) -> None:
    for chunk in chunks(addresses, ids, batch=batch):
        await writer.hand(chunk)
        for one in chunk.batches:
            ready.put_nowait(one)
    for _ in range(slots):
        ready.put_nowait(None)


async def _slot(
    http: aiohttp.ClientSession,
    gateway: Gateway,
    alert: Alert,
    writer: Writer,
    ready: asyncio.Queue[Batch | None],
) -> None:
    url = str(gateway.options["url"])
    done: Done | None = None
    while True:
        if done is not None and ready.empty():
            await writer.hand(Turn(done, None))
            done = None
        batch = await ready.get()
        if batch is None:
            break
        await writer.hand(Turn(done, batch))
        started = micros()
        body = orjson.dumps({"to": batch.addresses, "text": alert.text, "ref": batch.id})
        async with http.post(url, data=body) as reply:
            reply.raise_for_status()
            answer = orjson.loads(await reply.read())
        done = Done(batch, [one["id"] for one in answer["results"]], started, micros())
    if done is not None:
        await writer.hand(Turn(done, None))
