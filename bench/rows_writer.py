"""The thread of the bare loop that writes: whatever the slots hand in, in one commit."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Sequence
from queue import SimpleQueue

from bench.rows_commit import Alert, Committer, Job

Handed = tuple[Job, asyncio.Future[None]]


class Writer:
    """Group commit in one thread."""

    def __init__(self, connection: sqlite3.Connection, alert: Alert) -> None:
        self._rows = Committer(connection, alert)
        self._inbox: SimpleQueue[Handed | None] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._inbox.put(None)
        self._thread.join()

    def hand(self, job: Job) -> asyncio.Future[None]:
        """Done when it is on disk."""
        written = self._loop.create_future()
        self._inbox.put((job, written))
        return written

    def _run(self) -> None:
        going = True
        while going:
            waiting = [self._inbox.get()]
            while not self._inbox.empty():
                waiting.append(self._inbox.get_nowait())
            handed = [one for one in waiting if one is not None]
            going = len(handed) == len(waiting)
            if not handed:
                return
            try:
                self._rows.commit([job for job, _ in handed])
            except Exception as error:  # noqa: BLE001  whoever waits hears of it
                self._loop.call_soon_threadsafe(_fail, handed, error)
            else:
                self._loop.call_soon_threadsafe(_answer, handed)


def _answer(handed: Sequence[Handed]) -> None:
    for _, written in handed:
        if not written.cancelled():
            written.set_result(None)


def _fail(handed: Sequence[Handed], error: Exception) -> None:
    for _, written in handed:
        if not written.cancelled():
            written.set_exception(error)
