"""
The append-only, hash-chained record of every fact.

A link is made once per commit over that commit's rows: ids, times and salted digests, never a body. So a body
can be erased (a person's right) and the chain still verifies; a row changed, dropped or put in later does not.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, select

from warnd.store.tables import journal, journal_links

GENESIS = "0" * 64


class Entry(NamedTuple):
    """A fact to be kept: ``kind`` is ``noun.verb`` in the past tense, ``subject`` an id, ``at`` microseconds."""

    at: int
    kind: str
    subject: str
    body: Any
    actor: str = ""


class Row(NamedTuple):
    """A fact as stored."""

    seq: int
    at: int
    kind: str
    subject: str
    actor: str
    body: str
    salt: str
    digest: str


def seal(entries: Iterable[Entry], first_seq: int) -> list[Row]:
    """Number the entries from ``first_seq`` and give each its salted digest."""
    salt = os.urandom(16)
    salt_text = salt.hex()
    return [
        Row(seq, at, kind, subject, actor, (text := orjson.dumps(body)).decode(), salt_text,
            digest(text, salt, seq))
        for seq, (at, kind, subject, body, actor) in enumerate(entries, first_seq)
    ]  # fmt: skip


def digest(body: bytes, salt: bytes, seq: int) -> str:
    """BLAKE2b of a body under its commit's salt and its own number."""
    return hashlib.blake2b(body, digest_size=32, key=salt + seq.to_bytes(8, "big")).hexdigest()


def link(previous: str, rows: Iterable[Sequence[Any]]) -> str:
    """The chain's next head over (seq, at, kind, subject, actor, …, digest) rows."""
    chain = hashlib.sha256(previous.encode())
    for row in rows:
        chain.update(f"\n{row[0]}|{row[1]}|{row[2]}|{row[3]}|{row[4]}|{row[-1]}".encode())
    return chain.hexdigest()


@dataclass(frozen=True, slots=True)
class Verification:
    """What walking the chain found. ``broken`` names the first link that does not hold, with why."""

    links: int
    rows: int
    head: str
    broken: str | None


def verify(connection: Connection) -> Verification:
    """Walk the whole chain in short steps; bodies that are still there are held against their digests."""
    head, count, rows_seen, next_seq = GENESIS, 0, 0, 1
    for found in _links(connection):
        rows = connection.execute(
            select(journal)
            .where(journal.c.seq.between(found.first_seq, found.last_seq))
            .order_by(journal.c.seq)
        ).all()
        fault = _fault(found, rows, head, next_seq)
        if fault is not None:
            return Verification(count, rows_seen, head, f"link {found.id}: {fault}")
        head, next_seq = found.head, found.last_seq + 1
        count += 1
        rows_seen += len(rows)
    last = connection.execute(select(journal.c.seq).order_by(journal.c.seq.desc()).limit(1)).scalar()
    if last is not None and last >= next_seq:
        return Verification(count, rows_seen, head, f"row {last} belongs to no link")
    return Verification(count, rows_seen, head, None)


def _links(connection: Connection) -> Iterator[Any]:
    after = 0
    while True:
        page = connection.execute(
            select(journal_links).where(journal_links.c.id > after).order_by(journal_links.c.id).limit(500)
        ).all()
        if not page:
            return
        yield from page
        after = page[-1].id


def _fault(found: Any, rows: Sequence[Any], head: str, next_seq: int) -> str | None:
    if found.previous != head:
        return "it does not follow the link before it"
    if [row.seq for row in rows] != list(range(next_seq, found.last_seq + 1)):
        return "rows are missing or were put in"
    for row in rows:
        if row.body is not None and digest(row.body.encode(), bytes.fromhex(row.salt), row.seq) != row.digest:
            return f"row {row.seq} was changed"
    if link(head, [(r.seq, r.at, r.kind, r.subject, r.actor, r.digest) for r in rows]) != found.head:
        return "its rows were changed"
    return None
