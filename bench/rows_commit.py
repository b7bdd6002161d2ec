"""
The commits of the bare loop that also writes: warnd's rows, tables, indexes and pragmas, many slots' in one.

They decide nothing: what is handed in is true.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from bench.audience import COUNTY
from warnd.model.ulid import UlidMaker
from warnd.pipeline.chunks import CHUNK, FIRST_CHUNK
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


class Batch(NamedTuple):
    id: str
    deliveries: Sequence[str]
    addresses: Sequence[str]


class Done(NamedTuple):
    batch: Batch
    keys: Sequence[str]
    started: int
    ended: int


class Turn(NamedTuple):
    """What a slot has to say at once: how its last request ended, and which comes next."""

    done: Done | None
    intent: Batch | None


class Chunk(NamedTuple):
    """A piece of the plan; ``people`` are (delivery, subscriber)."""

    batches: Sequence[Batch]
    people: Sequence[tuple[str, str]]
    cursor: str
    planned: int
    last: bool


Job = Turn | Chunk


@dataclass(frozen=True, slots=True)
class Alert:
    id: str
    content: str
    text: str


class Committer:
    """Over one connection, for one alert."""

    def __init__(self, connection: sqlite3.Connection, alert: Alert) -> None:
        self._cursor = connection.cursor()
        self._blocks = SqliteCursor(connection)
        self._alert = alert
        self._seq = 0
        self._head = _GENESIS
        self._told_text = False

    def commit(self, jobs: Sequence[Job]) -> None:
        """All of them in one commit."""
        turns = [job for job in jobs if isinstance(job, Turn)]
        moved: Counter[str] = Counter()
        self._cursor.execute("BEGIN IMMEDIATE")
        if intents := [turn.intent.id for turn in turns if turn.intent is not None]:
            self._cursor.execute(_INTENTS, (bulk.rows(intents), micros() + _LEASE_US))
        if done := [turn.done for turn in turns if turn.done is not None]:
            self._outcomes(done, moved)
        for job in jobs:
            if isinstance(job, Chunk):
                self._planned(job, moved)
        if moved:
            self._cursor.execute(_TALLIES, (bulk.rows(list(moved.items())), self._alert.id, _LEVEL))
        if done:
            self._journal(done)
        self._cursor.execute("COMMIT")

    def _outcomes(self, done: Sequence[Done], moved: Counter[str]) -> None:
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

    def _planned(self, chunk: Chunk, moved: Counter[str]) -> None:
        now, alert = micros(), self._alert
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

    def _journal(self, done: Sequence[Done]) -> None:
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


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that commits as warnd's does while red goes out."""
    with closing(open_writer(path)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint=16000")
        yield connection


def prepare(path: Path, alert: Alert) -> None:
    """A new file with warnd's schema and the one row that chunks keep their cursor in."""
    with closing(open_writer(path)) as raw:
        engine = engine_over(raw)
        tables.metadata.create_all(engine)
        now = wall()
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


def chunks(addresses: Sequence[str], ids: UlidMaker, *, batch: int) -> Iterator[Chunk]:
    """The plan in pieces as long as warnd's, each made when it is asked for."""
    start, size = 0, FIRST_CHUNK
    while start < len(addresses):
        part = addresses[start : start + size]
        deliveries = ids.many(len(part), wall())
        people = list(zip(deliveries, deliveries, strict=True))
        places = range(0, len(part), batch)
        batches = [
            Batch(id_, deliveries[place : place + batch], part[place : place + batch])
            for id_, place in zip(ids.many(len(places), wall()), places, strict=True)
        ]
        start, size = start + len(part), CHUNK
        yield Chunk(batches, people, deliveries[-1], start, start >= len(addresses))


def micros() -> int:
    return time.time_ns() // 1000


def wall() -> datetime:
    return instant(micros())
