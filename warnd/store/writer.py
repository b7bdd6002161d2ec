"""
The one thread that writes, for everybody at once (group commit).

Whatever is waiting when a commit begins goes into it together, in this order: leases (intents), settlements
(outcomes), receipts, calls; but what slots of red ask for goes ahead of the others in a commit of its own. Between two
such commits goes one plan chunk, red's before the rest of them. So a slot's outcome is on disk no later than its next
intent, and neither a plan of a million people nor a flood of receipts, of which each commit takes some, holds up a lease
for longer than one chunk takes.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Protocol

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError

from warnd.contract.outcome import Receipt
from warnd.errors import Conflict, StoreError, WarndError
from warnd.model.color import Lane
from warnd.ports import Chunk, Lease, Leased, Settlement
from warnd.store import bulk
from warnd.store.database import said_by
from warnd.store.hints import deliveries_batchless
from warnd.store.journal import Entry, genesis, link, seal
from warnd.store.leasing import lease
from warnd.store.pending import Pending, write_tallies
from warnd.store.planning import commit_chunk
from warnd.store.receiving import Confirm, receive
from warnd.store.settling import settle
from warnd.store.statement import Cursor, Statement
from warnd.store.tables import journal

RECEIPTS_A_COMMIT = 2000
"""As many as a chunk of a plan has deliveries."""

_ENTRIES = bulk.Insert(journal, ("chain", "seq", "at", "kind", "subject", "actor", "body", "salt", "digest"))
_END = Statement("""
SELECT coalesce((SELECT max(seq) FROM journal WHERE chain = ?1), 0),
    (SELECT head FROM journal_links WHERE chain = ?1 ORDER BY first_seq DESC LIMIT 1)
""")
_LINK = Statement(
    "INSERT INTO journal_links (chain, first_seq, writer, last_seq, previous, head) VALUES (?, ?, ?, ?, ?, ?)"
)

_MARK = Statement("SAVEPOINT call")
_KEEP = Statement("RELEASE SAVEPOINT call")
_UNDO = Statement("ROLLBACK TO SAVEPOINT call")

_NOTHING = Leased(None)

_TRIES = 3
"""Of a commit that stood in another process's way: each time one of the two gets through."""


@dataclass(slots=True)
class _Turn:
    future: asyncio.Future[Any]
    settlement: Settlement | None
    lease: Lease | None
    answer: Leased = _NOTHING

    @property
    def is_red(self) -> bool:
        settled, wanted = self.settlement, self.lease
        if wanted is not None and wanted.batch.lane is Lane.RED:
            return True
        return settled is not None and settled.batch.lane is Lane.RED


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

    @property
    def is_red(self) -> bool:
        return self.chunk.lane == Lane.RED


_Job = _Turn | _Receipts | _Call | _Chunk
_Answer = tuple[asyncio.Future[Any], Any, BaseException | None]


class _NotBegun(StoreError):
    """The store was locked, or not to be written: no job is at fault, and each by itself would only wait as long."""


class Writing(Protocol):
    """
    The one connection that writes, of either driver. ``errors`` are what the driver raises; ``chain`` is the journal's
    that nobody else appends to.

    ``begin`` is told whether the commit will decide on what it reads, and whether it is of ``red``, which waits for nothing
    that can be put off.
    """

    errors: tuple[type[Exception], ...]
    chain: int

    @property
    def cursor(self) -> Cursor: ...

    @property
    def sqlalchemy(self) -> Connection: ...

    def begin(self, *, deciding: bool, red: bool = False) -> None: ...

    def commit(self) -> None: ...

    def rollback(self) -> None: ...

    def is_passing(self, error: Exception) -> bool:
        """Whether the same jobs may get through at once: another process was in the way."""

    def is_lost(self) -> bool:
        """Whether there is no connection just now: trying each job alone would tell nothing."""


class Writer:
    """
    Runs jobs on ``writing`` in a thread of its own; each returns when its commit is on disk.

    ``on_gather`` is called in the event loop after a commit that left deliveries without a batch,
    ``on_failure`` when a commit failed (disk full, read-only): its jobs are answered with StoreError.
    """

    def __init__(
        self,
        writing: Writing,
        *,
        name: str,
        confirm: Confirm,
        suspend_after: int,
        on_gather: Callable[[], None],
        on_failure: Callable[[str], None],
    ) -> None:
        self._writing = writing
        self._name = name
        self._confirm = confirm
        self._suspend_after = suspend_after
        self._on_gather = on_gather
        self._on_failure = on_failure
        self._inbox: SimpleQueue[_Job | None] = SimpleQueue()
        self._going = True
        self._waiting: list[_Job] = []
        self._chunks: list[_Chunk] = []
        self._receipts: deque[_Receipts] = deque()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="warnd-writer")
        self.commits = 0
        self.holder: int | None = None
        """The number of the worker that leases here; None before it has joined."""

    @property
    def chain(self) -> int:
        return self._writing.chain

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
        while self._going or self._has_work():
            for next_jobs in (self._red_chunk, self._all_but_chunks, self._next_chunk):
                self._collect()
                if jobs := self._red_turns():
                    self._commit_all(jobs)
                if jobs := next_jobs():
                    self._commit_all(jobs)

    def _collect(self) -> None:
        """Take in what was handed in, and wait for it when there is nothing else to do."""
        while not self._inbox.empty() or (self._going and not self._has_work()):
            job = self._inbox.get()
            if job is None:
                self._going = False
            elif isinstance(job, _Chunk):
                self._chunks.append(job)
            elif isinstance(job, _Receipts):
                self._receipts.append(job)
            else:
                self._waiting.append(job)

    def _has_work(self) -> bool:
        return bool(self._waiting or self._receipts or self._chunks)

    def _red_turns(self) -> list[_Job]:
        """Of what waits the turns of red: before the others, not beside them."""
        red: list[_Job] = []
        others: list[_Job] = []
        for job in self._waiting:
            (red if isinstance(job, _Turn) and job.is_red else others).append(job)
        self._waiting = others
        return red

    def _red_chunk(self) -> list[_Job]:
        return self._next_chunk() if any(job.is_red for job in self._chunks) else []

    def _all_but_chunks(self) -> list[_Job]:
        jobs, self._waiting = self._waiting, []
        return [*jobs, *self._some_receipts()]

    def _next_chunk(self) -> list[_Job]:
        """The most urgent."""
        self._chunks.sort(key=lambda waiting: waiting.chunk.lane)
        return [self._chunks.pop(0)] if self._chunks else []

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
            answers = self._commit_in_time(jobs)
        except Exception as error:  # noqa: BLE001  the thread must outlive any single job
            if len(jobs) > 1 and not (isinstance(error, _NotBegun) or self._writing.is_lost()):
                # One of them is at fault, or the disk is: alone, each shows.
                for job in jobs:
                    self._commit_all([job])
                return
            answers = self._refused(jobs, error)
        self._loop.call_soon_threadsafe(_answer, answers)

    def _refused(self, jobs: list[_Job], error: Exception) -> list[_Answer]:
        if isinstance(error, (StoreError, DBAPIError, *self._writing.errors)):
            error = StoreError(f"nothing was kept: {said_by(error)}")
        self._loop.call_soon_threadsafe(self._on_failure, str(error) or repr(error))
        return [(job.future, None, error) for job in jobs]

    def _commit_in_time(self, jobs: list[_Job]) -> list[_Answer]:
        """The commit, again when it stood in another process's way."""
        for _ in range(_TRIES - 1):
            try:
                return self._commit(jobs)
            except Exception as error:
                if not self._writing.is_passing(error):
                    raise
        return self._commit(jobs)

    def _commit(self, jobs: list[_Job]) -> list[_Answer]:
        self._begin(jobs)
        try:
            cursor = self._writing.cursor
            pending = Pending()
            answers = self._work(cursor, jobs, pending)
            write_tallies(cursor, pending.tally, self._writing.chain)
            if pending.entries:
                self._append(cursor, pending.entries)
            if pending.gather:
                deliveries_batchless(cursor)
            self._writing.commit()
        except BaseException:
            self._writing.rollback()
            raise
        self.commits += 1
        if pending.gather:
            self._loop.call_soon_threadsafe(self._on_gather)
        return answers

    def _begin(self, jobs: list[_Job]) -> None:
        try:
            self._writing.begin(
                deciding=any(isinstance(job, _Call) for job in jobs),
                red=any(job.is_red for job in jobs if isinstance(job, _Turn | _Chunk)),
            )
        except self._writing.errors as error:
            if self._writing.is_passing(error):
                raise
            raise _NotBegun(said_by(error)) from error

    def _work(self, cursor: Cursor, jobs: list[_Job], pending: Pending) -> list[_Answer]:
        turns = [job for job in jobs if isinstance(job, _Turn)]
        if wanted := [turn for turn in turns if turn.lease is not None]:
            asked = [turn.lease for turn in wanted if turn.lease is not None]
            leased = lease(cursor, asked, self.holder)
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
                answers.append((job.future, commit_chunk(cursor, job.chunk, pending, self.holder), None))
        return answers

    def _one_call(self, cursor: Cursor, job: _Call, pending: Pending) -> _Answer:
        """In a savepoint: its failure is its caller's alone."""
        mark = (pending.tally.copy(), len(pending.entries))
        cursor.execute(_MARK)
        try:
            result = job.function(self._writing.sqlalchemy, pending)
        except IntegrityError as error:
            failure: Exception = Conflict(f"it is there already: {said_by(error)}")
        except (WarndError, ValueError, LookupError, TypeError) as error:
            failure = error
        else:
            cursor.execute(_KEEP)
            return (job.future, result, None)
        cursor.execute(_UNDO)
        cursor.execute(_KEEP)
        pending.tally = mark[0]
        del pending.entries[mark[1] :]
        return (job.future, None, failure)

    def _append(self, cursor: Cursor, entries: list[Entry]) -> None:
        chain = self._writing.chain
        seq, head = cursor.execute(_END, (chain,)).fetchone()
        previous = head or genesis(chain)
        rows = seal(entries, seq + 1)
        _ENTRIES.run(cursor, [(chain, *row) for row in rows])
        first, last = rows[0].seq, rows[-1].seq
        cursor.execute(_LINK, (chain, first, self._name, last, previous, link(previous, rows)))


def _answer(answers: list[_Answer]) -> None:
    for future, result, error in answers:
        if future.cancelled():
            continue
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)
