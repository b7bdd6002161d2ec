"""
The one thread that writes, for everybody at once (group commit).

Whatever is waiting when a commit begins goes into it together, in this order: leases (intents), settlements
(outcomes), receipts, calls. Between two such commits goes one plan chunk, red's first, in a commit of its own. So a
slot's outcome is on disk no later than its next intent, and neither a plan of a million people nor a flood of receipts,
of which each commit takes some, holds up a lease for longer than one chunk takes.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from warnd.contract.outcome import Receipt
from warnd.errors import Conflict, StoreError, WarndError
from warnd.ports import Chunk, Lease, Leased, Settlement
from warnd.store import bulk
from warnd.store.database import FAILURES, said_by
from warnd.store.journal import GENESIS, Entry, link, seal
from warnd.store.leasing import lease
from warnd.store.pending import Pending, write_tallies
from warnd.store.planning import commit_chunk
from warnd.store.receiving import Confirm, receive
from warnd.store.settling import settle
from warnd.store.tables import journal, journal_links

RECEIPTS_A_COMMIT = 2000
"""As many as a chunk of a plan has deliveries."""

_ENTRIES = bulk.Insert(journal, ("seq", "at", "kind", "subject", "actor", "body", "salt", "digest"))
_END = f"""
SELECT (SELECT coalesce(max(seq), 0) FROM {journal.name}),
    coalesce((SELECT head FROM {journal_links.name} ORDER BY id DESC LIMIT 1), ?)
"""
_LINK = (
    f"INSERT INTO {journal_links.name} (writer, first_seq, last_seq, previous, head) VALUES (?, ?, ?, ?, ?)"
)


@dataclass(slots=True)
class _Turn:
    future: asyncio.Future[Any]
    settlement: Settlement | None
    lease: Lease | None
    answer: Leased = field(default_factory=lambda: Leased(None))


@dataclass(slots=True)
class _Receipts:
    future: asyncio.Future[Any]
    channel: str
    receipts: Sequence[tuple[str, Receipt]]
    now: int


@dataclass(slots=True)
class _Call:
    future: asyncio.Future[Any]
    function: Callable[[Connection, Pending], Any]


@dataclass(slots=True)
class _Chunk:
    future: asyncio.Future[Any]
    chunk: Chunk


_Job = _Turn | _Receipts | _Call | _Chunk
_Answer = tuple[asyncio.Future[Any], Any, BaseException | None]


class Writer:
    """
    Runs jobs on ``connection`` in a thread of its own; each returns when its commit is on disk.

    ``on_gather`` is called in the event loop after a commit that left deliveries without a batch,
    ``on_failure`` when a commit failed (disk full, read-only): its jobs are answered with StoreError.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        sqlalchemy: Connection,
        *,
        name: str,
        confirm: Confirm,
        suspend_after: int,
        on_gather: Callable[[], None],
        on_failure: Callable[[str], None],
    ) -> None:
        self._connection = connection
        self._sqlalchemy = sqlalchemy
        self._name = name
        self._confirm = confirm
        self._suspend_after = suspend_after
        self._on_gather = on_gather
        self._on_failure = on_failure
        self._inbox: SimpleQueue[_Job | None] = SimpleQueue()
        self._chunks: list[_Chunk] = []
        self._receipts: deque[_Receipts] = deque()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="warnd-writer")
        self.commits = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Finish what was handed in, then end; blocks until it has."""
        self._inbox.put(None)
        self._thread.join()

    # --- handing in, from the event loop ----------------------------------------------------------

    def turn(self, settlement: Settlement | None, wanted: Lease | None) -> asyncio.Future[Leased]:
        return self._hand_in(_Turn(self._loop.create_future(), settlement, wanted))

    def receive(
        self, channel: str, receipts: Sequence[tuple[str, Receipt]], now: int
    ) -> asyncio.Future[None]:
        return self._hand_in(_Receipts(self._loop.create_future(), channel, receipts, now))

    def call(self, function: Callable[[Connection, Pending], Any]) -> asyncio.Future[Any]:
        return self._hand_in(_Call(self._loop.create_future(), function))

    def chunk(self, chunk: Chunk) -> asyncio.Future[Any]:
        return self._hand_in(_Chunk(self._loop.create_future(), chunk))

    def _hand_in(self, job: _Job) -> asyncio.Future[Any]:
        self._inbox.put(job)
        return job.future

    # --- in the thread ----------------------------------------------------------------------------

    def _run(self) -> None:
        going = True
        while going or self._chunks or self._receipts:
            jobs: list[_Job] = []
            if not self._chunks and not self._receipts:
                going = self._collect(jobs, self._inbox.get())
            while not self._inbox.empty():
                going = self._collect(jobs, self._inbox.get_nowait()) and going
            jobs += self._some_receipts()
            if jobs:
                self._commit_all(jobs)
            if self._chunks:
                self._chunks.sort(key=lambda waiting: waiting.chunk.lane)
                self._commit_all([self._chunks.pop(0)])

    def _collect(self, jobs: list[_Job], job: _Job | None) -> bool:
        if job is None:
            return False
        if isinstance(job, _Chunk):
            self._chunks.append(job)
        elif isinstance(job, _Receipts):
            self._receipts.append(job)
        else:
            jobs.append(job)
        return True

    def _some_receipts(self) -> list[_Receipts]:
        """Those that came first, as many as one commit takes; a job alone may be more."""
        taken: list[_Receipts] = []
        left = RECEIPTS_A_COMMIT
        while self._receipts and (not taken or len(self._receipts[0].receipts) <= left):
            taken.append(self._receipts.popleft())
            left -= len(taken[-1].receipts)
        return taken

    def _commit_all(self, jobs: list[_Job]) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            # Locked, or not to be written: no job is at fault, and each by itself would only wait as long.
            self._refuse(jobs, StoreError(f"nothing was kept: {error}"))
            return
        try:
            answers = self._commit(jobs)
        except Exception as error:  # noqa: BLE001  the thread must outlive any single job
            if len(jobs) == 1:
                failed = isinstance(error, FAILURES)
                self._refuse(jobs, StoreError(f"nothing was kept: {said_by(error)}") if failed else error)
                return
            # One of them is at fault, or the disk is: alone, each shows.
            for job in jobs:
                self._commit_all([job])
        else:
            self._loop.call_soon_threadsafe(_answer, answers)

    def _refuse(self, jobs: list[_Job], error: Exception) -> None:
        self._loop.call_soon_threadsafe(self._on_failure, str(error) or repr(error))
        answers: list[_Answer] = [(job.future, None, error) for job in jobs]
        self._loop.call_soon_threadsafe(_answer, answers)

    def _commit(self, jobs: list[_Job]) -> list[_Answer]:
        cursor = self._connection.cursor()
        try:
            pending = Pending()
            answers = self._work(cursor, jobs, pending)
            write_tallies(cursor, pending.tally)
            if pending.entries:
                self._append(cursor, pending.entries)
            cursor.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                cursor.execute("ROLLBACK")
            raise
        self.commits += 1
        if pending.gather:
            self._loop.call_soon_threadsafe(self._on_gather)
        return answers

    def _work(self, cursor: sqlite3.Cursor, jobs: list[_Job], pending: Pending) -> list[_Answer]:
        turns = [job for job in jobs if isinstance(job, _Turn)]
        if wanted := [turn for turn in turns if turn.lease is not None]:
            leased = lease(cursor, [turn.lease for turn in wanted if turn.lease is not None])
            for turn, answer in zip(wanted, leased, strict=True):
                turn.answer = answer
        if settlements := [turn.settlement for turn in turns if turn.settlement is not None]:
            settle(cursor, settlements, pending, confirm=self._confirm, suspend_after=self._suspend_after)
        answers: list[_Answer] = [(turn.future, turn.answer, None) for turn in turns]
        for job in jobs:
            if isinstance(job, _Receipts):
                receive(cursor, job.channel, job.receipts, job.now, pending, self._confirm)
                answers.append((job.future, None, None))
            elif isinstance(job, _Call):
                answers.append(self._one_call(cursor, job, pending))
            elif isinstance(job, _Chunk):
                answers.append((job.future, commit_chunk(cursor, job.chunk, pending), None))
        return answers

    def _one_call(self, cursor: sqlite3.Cursor, job: _Call, pending: Pending) -> _Answer:
        """In a savepoint: its failure is its caller's alone."""
        mark = (pending.tally.copy(), len(pending.entries))
        cursor.execute("SAVEPOINT call")
        try:
            result = job.function(self._sqlalchemy, pending)
        except IntegrityError as error:
            failure: Exception = Conflict(f"it is there already: {error.orig}")
        except (WarndError, ValueError, LookupError, TypeError) as error:
            failure = error
        else:
            cursor.execute("RELEASE call")
            return (job.future, result, None)
        cursor.execute("ROLLBACK TO call")
        cursor.execute("RELEASE call")
        pending.tally = mark[0]
        del pending.entries[mark[1] :]
        return (job.future, None, failure)

    def _append(self, cursor: sqlite3.Cursor, entries: list[Entry]) -> None:
        seq, previous = cursor.execute(_END, (GENESIS,)).fetchone()
        rows = seal(entries, seq + 1)
        stored = [(r.seq, r.at, r.kind, r.subject, r.actor, r.body, r.salt, r.digest) for r in rows]
        _ENTRIES.run(cursor, stored)
        cursor.execute(_LINK, (self._name, rows[0].seq, rows[-1].seq, previous, link(previous, rows)))


def _answer(answers: list[_Answer]) -> None:
    for future, result, error in answers:
        if future.cancelled():
            continue
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)
