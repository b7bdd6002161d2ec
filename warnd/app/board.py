"""The board of alarms: conditions that a person must act on, sounded from anywhere in the process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from warnd.errors import StoreError
from warnd.store import alarms
from warnd.store.threads import ThreadedStore

log = structlog.get_logger()

ROOM = 200
"""Alarms that are remembered before it is asked which of them still stand."""

_AGAIN_AFTER = timedelta(seconds=10)

_ON_DISK = timedelta(minutes=10)
"""What was sounded longer ago has been written, or never will be."""


class AlarmBoard:
    """
    Keeps alarms in the store without holding up whoever sounds them.

    The same condition is written at most every ten seconds. What stands is remembered; what the store ended by itself,
    as it does with alarms about an alert that is over, is forgotten when there are many.
    """

    def __init__(
        self, store: ThreadedStore, *, now: Callable[[], datetime], new_id: Callable[[], str]
    ) -> None:
        self._store = store
        self._now = now
        self._new_id = new_id
        self._written: dict[tuple[str, str], datetime] = {}
        self._room = ROOM
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def remembered(self) -> int:
        """How many alarms it keeps in mind."""
        return len(self._written)

    def sound(self, kind: str, subject: str, message: str) -> None:
        """A person must act: ``kind`` is constant, ``subject`` the channel, alert or file it is about."""
        now = self._now()
        last = self._written.get((kind, subject))
        if last is not None and now - last < _AGAIN_AFTER:
            return
        self._written[kind, subject] = now
        log.warning("alarm.sounded", kind=kind, subject=subject, message=message)
        self._later(self._store.record(alarms.sound, kind, subject, message, id=self._new_id(), now=now))
        if len(self._written) > self._room:
            self._room = 2 * len(self._written)
            self._later(self._forget())

    def clear(self, kind: str, subject: str) -> None:
        """The condition is over; cheap when it does not stand."""
        if self._written.pop((kind, subject), None) is not None:
            self._later(self._store.record(alarms.clear, kind, subject, now=self._now()))

    async def remember(self) -> None:
        """What an earlier process sounded is cleared by this one when it is over."""
        for alarm in await self._store.read(alarms.open_alarms):
            self._written.setdefault((alarm.kind, alarm.subject), alarm.latest)

    async def settle(self) -> None:
        """Wait until all that was sounded is on disk."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def _forget(self) -> None:
        """Those that stand no more; the next time is when there are twice as many as are left."""
        standing = {(one.kind, one.subject) for one in await self._store.read(alarms.open_alarms)}
        recent = self._now() - _ON_DISK
        self._written = {key: last for key, last in self._written.items() if key in standing or last > recent}
        self._room = max(ROOM, 2 * len(self._written))

    def _later(self, writing: object) -> None:
        async def write() -> None:
            try:
                await writing  # type: ignore[misc]
            except StoreError as error:
                log.error("alarm.lost", error=str(error))

        task = asyncio.get_running_loop().create_task(write())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
