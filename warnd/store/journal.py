"""
The append-only, hash-chained record of every fact.

Each writer has a chain of its own, so that none waits for another; anchors, which are entries like any other, name the
heads of all of them and so bind them to each other. A link is made once per commit over that commit's rows: ids, times and salted digests, never a body. So a body
can be erased (a person's right) and the chain still verifies; a row changed, dropped or put in later does not.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, func, select

from warnd.store.tables import journal, journal_links

ANCHORED = "journal.anchored"
"""The kind of an anchor."""


def genesis(chain: int) -> str:
    """What a chain's first link follows."""
    return f"{chain:064x}"


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
    """What walking the chains found, ``heads`` in their order. ``broken`` names the first link that does not hold, with why."""

    links: int
    rows: int
    heads: tuple[str, ...]
    broken: str | None


def verify(connection: Connection) -> Verification:
    """
    Walk every chain in short steps; bodies that are still there are held against their digests, and the heads that
    anchors name against the chains.
    """
    links = rows = 0
    heads: list[str] = []
    anchors: list[Row] = []
    for chain in _chains(connection):
        walk = _Walk(chain, genesis(chain))
        fault = _walked(connection, walk, anchors)
        links, rows = links + walk.links, rows + walk.rows
        heads.append(walk.head)
        if fault is not None:
            return Verification(links, rows, tuple(heads), fault)
    faults = (fault for anchor in anchors if (fault := _unbound(connection, anchor)) is not None)
    return Verification(links, rows, tuple(heads), next(faults, None))


def anchor(connection: Connection, now: int) -> tuple[int, list[Entry]]:
    """An entry that names the head of every chain, unless there is but one; how many chains there are."""
    heads = [
        row
        for chain in _chains(connection)
        for row in connection.execute(
            select(journal_links.c.chain, journal_links.c.last_seq, journal_links.c.head)
            .where(journal_links.c.chain == chain)
            .order_by(journal_links.c.first_seq.desc())
            .limit(1)
        ).all()
    ]
    if len(heads) < 2:
        return len(heads), []
    named = [{"chain": row.chain, "seq": row.last_seq, "head": row.head} for row in heads]
    return len(heads), [Entry(now, ANCHORED, "journal", {"heads": named}, "schedule")]


@dataclass(slots=True)
class _Walk:
    """How far a chain holds."""

    chain: int
    head: str
    next_seq: int = 1
    links: int = 0
    rows: int = 0


def _walked(connection: Connection, walk: _Walk, anchors: list[Row]) -> str | None:
    """Walk one chain to its end, or to the first fault, which is the answer; its anchors are put aside."""
    c = journal.c
    for found in _links(connection, walk.chain):
        rows = connection.execute(
            select(c.seq, c.at, c.kind, c.subject, c.actor, c.body, c.salt, c.digest)
            .where(c.chain == walk.chain, c.seq.between(found.first_seq, found.last_seq))
            .order_by(c.seq)
        ).all()
        fault = _fault(found, rows, walk.head, walk.next_seq)
        if fault is not None:
            return f"link {walk.chain}/{found.first_seq}: {fault}"
        anchors += [Row._make(row) for row in rows if row.kind == ANCHORED and row.body is not None]
        walk.head, walk.next_seq = found.head, found.last_seq + 1
        walk.links += 1
        walk.rows += len(rows)
    last = connection.execute(select(func.max(c.seq)).where(c.chain == walk.chain)).scalar()
    if last is not None and last >= walk.next_seq:
        return f"row {walk.chain}/{last} belongs to no link"
    return None


def _unbound(connection: Connection, row: Row) -> str | None:
    """Whether a chain is not, or no longer, what an anchor said of it."""
    for named in orjson.loads(row.body)["heads"]:
        c = journal_links.c
        head = connection.execute(
            select(c.head).where(c.chain == named["chain"], c.last_seq == named["seq"])
        ).scalar()
        if head != named["head"]:
            return f"chain {named['chain']} is not what row {row.seq} of {row.kind} says it was at {named['seq']}"
    return None


def _chains(connection: Connection) -> range:
    """The lowest free one is always taken first, so none is left out; asking for the highest reads no more than that."""
    highest = (
        connection.execute(select(func.max(table.c.chain))).scalar() for table in (journal, journal_links)
    )
    return range(max((chain + 1 for chain in highest if chain is not None), default=0))


def _links(connection: Connection, chain: int) -> Iterator[Any]:
    after = 0
    c = journal_links.c
    while True:
        page = connection.execute(
            select(journal_links)
            .where(c.chain == chain, c.first_seq > after)
            .order_by(c.first_seq)
            .limit(500)
        ).all()
        if not page:
            return
        yield from page
        after = page[-1].first_seq


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
