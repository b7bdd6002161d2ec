"""
The bare loop that also writes: rows like warnd's in the same tables, with the same commits, and no decisions.

An intent is committed before its request leaves, an outcome together with the slot's next intent, a plan in
chunks, all slots' in one commit by one thread. Nothing is matched, rendered, paced, checked or retried.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple

import aiohttp
import orjson

from bench.audience import COUNTY
from bench.bare import session
from bench.gateway import Gateway
from warnd.daemon import tuned
from warnd.model.ulid import UlidMaker
from warnd.pipeline.broadcast import CHUNK, FIRST_CHUNK
from warnd.store import bulk, tables
from warnd.store.database import SqliteCursor, engine_over, open_writer
from warnd.store.tables import instant

_LEASE_US = 28_000_000
_LEVEL = 4
_GENESIS = "0" * 64
_REASONS = orjson.dumps(
    [{"subscription": "0" * 26, "group": "0" * 26, "relation": "within", "why": None}]
).decode()

_DELIVERIES = bulk.Insert(
    tables.deliveries,
    ("id", "alert_id", "channel", "address", "round", "batch_id", "content_id", "lane", "state", "name", "region",
     "updated"),
)  # fmt: skip
_RECIPIENTS = bulk.Insert(
    tables.recipients, ("delivery_id", "subscriber_id", "endpoint_id", "name", "region", "reasons")
)
_CONTENTS = bulk.Insert(
    tables.contents,
    ("id", "alert_id", "channel", "kind", "language", "subject", "body", "segments", "template"),
)
_BATCHES = bulk.Insert(
    tables.batches,
    ("id", "alert_id", "channel", "content_id", "lane", "state", "due", "created", "deliver_until", "size"),
)
_PROGRESS = "UPDATE alerts SET plan_cursor = ?, planned = ?, plan_done = ? WHERE id = ?"
_INTENTS = """
UPDATE batches SET state = 'sending', epoch = epoch + 1, attempts = attempts + 1, lease_until = ?2
WHERE id IN (SELECT value FROM json_each(?1))
"""
_OUTCOMES = """
UPDATE batches SET state = 'settled', lease_until = NULL WHERE id IN (SELECT value FROM json_each(?))
"""
_TOLD = """
UPDATE deliveries SET state = 'accepted', told = 1, updated = ?2
WHERE batch_id IN (SELECT value FROM json_each(?1))
"""
_KEYS = bulk.Insert(tables.receipt_keys, ("channel", "receipt_key", "delivery_id"))
_TALLIES = """
INSERT INTO tallies (alert_id, channel, level, state, n)
SELECT ?2, 'sms', ?3, json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?1) WHERE true
ON CONFLICT (alert_id, channel, level, state, chain) DO UPDATE SET n = tallies.n + excluded.n
"""
_JOURNAL = bulk.Insert(tables.journal, ("seq", "at", "kind", "subject", "actor", "body", "salt", "digest"))
_LINK = "INSERT INTO journal_links (writer, first_seq, last_seq, previous, head) VALUES (?, ?, ?, ?, ?)"


class _Batch(NamedTuple):
    id: str
    deliveries: Sequence[str]
    addresses: Sequence[str]


class _Done(NamedTuple):
    batch: _Batch
    keys: Sequence[str]
    started: int
    ended: int


@dataclass(slots=True)
class _Turn:
    future: asyncio.Future[None]
    done: _Done | None
    intent: _Batch | None


@dataclass(slots=True)
class _Chunk:
    future: asyncio.Future[None]
    batches: Sequence[_Batch]
    people: Sequence[tuple[str, str]]
    cursor: str
    planned: int
    last: bool


@dataclass(frozen=True, slots=True)
class _Alert:
    id: str
    content: str
    text: str


async def post_and_write(
    path: Path, gateway: Gateway, addresses: Sequence[str], text: str, *, batch: int, connections: int
) -> float:
    """Seconds from the start of the plan to the commit of the last outcome, on a new file at ``path``."""
    ids = UlidMaker()
    alert = _Alert(ids.one(_now()), ids.one(_now()), text)
    _prepare(path, alert)
    with closing(open_writer(path)) as connection, tuned():
        writer = _Writer(connection, alert)
        ready: asyncio.Queue[_Batch | None] = asyncio.Queue()
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
    writer: _Writer,
    ready: asyncio.Queue[_Batch | None],
    *,
    batch: int,
    slots: int,
) -> None:
    start, size = 0, FIRST_CHUNK
    while start < len(addresses):
        part = addresses[start : start + size]
        deliveries = ids.many(len(part), _now())
        people = list(zip(deliveries, deliveries, strict=True))
        places = range(0, len(part), batch)
        batches = [
            _Batch(id_, deliveries[place : place + batch], part[place : place + batch])
            for id_, place in zip(ids.many(len(places), _now()), places, strict=True)
        ]
        start, size = start + len(part), CHUNK
        last = start >= len(addresses)
        await writer.chunk(batches, people, cursor=deliveries[-1], planned=start, last=last)
        for one in batches:
            ready.put_nowait(one)
    for _ in range(slots):
        ready.put_nowait(None)


async def _slot(
    http: aiohttp.ClientSession,
    gateway: Gateway,
    alert: _Alert,
    writer: _Writer,
    ready: asyncio.Queue[_Batch | None],
) -> None:
    url = str(gateway.options["url"])
    done: _Done | None = None
    while True:
        if done is not None and ready.empty():
            await writer.turn(done, None)
            done = None
        batch = await ready.get()
        if batch is None:
            break
        await writer.turn(done, batch)
        started = _micros()
        body = orjson.dumps({"to": batch.addresses, "text": alert.text, "ref": batch.id})
        async with http.post(url, data=body) as reply:
            reply.raise_for_status()
            answer = orjson.loads(await reply.read())
        done = _Done(batch, [one["id"] for one in answer["results"]], started, _micros())
    if done is not None:
        await writer.turn(done, None)


class _Writer:
    """Group commit in one thread."""

    def __init__(self, connection: sqlite3.Connection, alert: _Alert) -> None:
        self._cursor = connection.cursor()
        self._blocks = SqliteCursor(connection)
        self._alert = alert
        self._inbox: SimpleQueue[_Turn | _Chunk | None] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run)
        self._seq = 0
        self._head = _GENESIS
        self._told_text = False

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._inbox.put(None)
        self._thread.join()

    def turn(self, done: _Done | None, intent: _Batch | None) -> asyncio.Future[None]:
        turn = _Turn(self._loop.create_future(), done, intent)
        self._inbox.put(turn)
        return turn.future

    def chunk(
        self,
        batches: Sequence[_Batch],
        people: Sequence[tuple[str, str]],
        *,
        cursor: str,
        planned: int,
        last: bool,
    ) -> asyncio.Future[None]:
        chunk = _Chunk(self._loop.create_future(), batches, people, cursor, planned, last)
        self._inbox.put(chunk)
        return chunk.future

    def _run(self) -> None:
        going = True
        while going:
            waiting = [self._inbox.get()]
            while not self._inbox.empty():
                waiting.append(self._inbox.get_nowait())
            jobs = [job for job in waiting if job is not None]
            going = len(jobs) == len(waiting)
            if not jobs:
                return
            try:
                self._commit(jobs)
            except Exception as error:  # noqa: BLE001  whoever waits hears of it
                self._loop.call_soon_threadsafe(_fail, jobs, error)
            else:
                self._loop.call_soon_threadsafe(_answer, jobs)

    def _commit(self, jobs: Sequence[_Turn | _Chunk]) -> None:
        turns = [job for job in jobs if isinstance(job, _Turn)]
        moved: Counter[str] = Counter()
        self._cursor.execute("BEGIN IMMEDIATE")
        if intents := [turn.intent.id for turn in turns if turn.intent is not None]:
            self._cursor.execute(_INTENTS, (bulk.rows(intents), _micros() + _LEASE_US))
        if done := [turn.done for turn in turns if turn.done is not None]:
            self._outcomes(done, moved)
        for job in jobs:
            if isinstance(job, _Chunk):
                self._planned(job, moved)
        if moved:
            self._cursor.execute(_TALLIES, (bulk.rows(list(moved.items())), self._alert.id, _LEVEL))
        if done:
            self._journal(done)
        self._cursor.execute("COMMIT")

    def _outcomes(self, done: Sequence[_Done], moved: Counter[str]) -> None:
        batches = bulk.rows([one.batch.id for one in done])
        self._cursor.execute(_OUTCOMES, (batches,))
        self._cursor.execute(_TOLD, (batches, done[-1].ended))
        keys = [
            ("sms", key, delivery)
            for one in done
            for key, delivery in zip(one.keys, one.batch.deliveries, strict=True)
        ]
        _KEYS.run(self._blocks, keys)
        moved["queued"] -= len(keys)
        moved["accepted"] += len(keys)

    def _planned(self, chunk: _Chunk, moved: Counter[str]) -> None:
        now, alert = _micros(), self._alert
        village = f"{COUNTY}100201"
        if not self._told_text:
            self._told_text = True
            content = (alert.content, alert.id, "sms", "sms", "zh", "", alert.text, 1, "sms/_.zh.txt")
            _CONTENTS.run(self._blocks, [content])
        rows = [
            (
                delivery,
                alert.id,
                "sms",
                address,
                0,
                batch.id,
                alert.content,
                0,
                "queued",
                "值班岗",
                village,
                now,
            )
            for batch in chunk.batches
            for delivery, address in zip(batch.deliveries, batch.addresses, strict=True)
        ]
        _DELIVERIES.run(self._blocks, rows)
        until = now + 6 * 3600 * 1_000_000
        batches = [
            (batch.id, alert.id, "sms", alert.content, 0, "queued", 0, now, until, len(batch.deliveries))
            for batch in chunk.batches
        ]
        _BATCHES.run(self._blocks, batches)
        people = [
            (delivery, person, person, "值班岗", village, _REASONS) for delivery, person in chunk.people
        ]
        _RECIPIENTS.run(self._blocks, people)
        self._cursor.execute(_PROGRESS, (chunk.cursor, chunk.planned, int(chunk.last), alert.id))
        moved["queued"] += len(rows)

    def _journal(self, done: Sequence[_Done]) -> None:
        salt = os.urandom(16)
        rows: list[tuple[Any, ...]] = []
        chain = hashlib.sha256(self._head.encode())
        first = self._seq + 1
        for self._seq, one in enumerate(done, first):
            body = orjson.dumps(
                {
                    "channel": "sms",
                    "alert": self._alert.id,
                    "try": 1,
                    "epoch": 1,
                    "started": one.started,
                    "size": len(one.keys),
                    "accepted": len(one.keys),
                }
            )
            digest = hashlib.blake2b(
                body, digest_size=32, key=salt + self._seq.to_bytes(8, "big")
            ).hexdigest()
            chain.update(f"\n{self._seq}|{one.ended}|attempt.ended|{one.batch.id}|{digest}".encode())
            rows.append(
                (self._seq, one.ended, "attempt.ended", one.batch.id, "", body.decode(), salt.hex(), digest)
            )
        _JOURNAL.run(self._blocks, rows)
        previous, self._head = self._head, chain.hexdigest()
        self._cursor.execute(_LINK, ("bare", first, self._seq, previous, self._head))


def _prepare(path: Path, alert: _Alert) -> None:
    """A new file with warnd's schema and the one row that chunks keep their cursor in."""
    with closing(open_writer(path)) as raw:
        engine = engine_over(raw)
        tables.metadata.create_all(engine)
        now = _now()
        with engine.connect() as connection:
            connection.execute(
                tables.alerts.insert().values(
                    id=alert.id, episode_id=alert.id, sender="s", identifier="i", sent=now, source="weather",
                    received_at=now, state="released", verdict="accept", status="actual", type="alert",
                    hazard="rainstorm", color="red", lane=0, change="issued", headline="", body={}, digest="",
                    raw_id=alert.id, deliver_until=now,
                )
            )  # fmt: skip
        engine.dispose()


def _answer(jobs: Sequence[_Turn | _Chunk]) -> None:
    for job in jobs:
        if not job.future.cancelled():
            job.future.set_result(None)


def _fail(jobs: Sequence[_Turn | _Chunk], error: Exception) -> None:
    for job in jobs:
        if not job.future.cancelled():
            job.future.set_exception(error)


def _micros() -> int:
    return time.time_ns() // 1000


def _now() -> Any:
    return instant(_micros())
