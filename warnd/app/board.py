"""The board of alarms: conditions that a person must act on, sounded from anywhere in the process."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog

from warnd.app.alarm_words import in_english
from warnd.errors import StoreError
from warnd.ports import Fact, Facts
from warnd.store import alarms
from warnd.store.alarms import Alarm
from warnd.store.threads import ThreadedStore

log = structlog.get_logger()

ROOM = 200
"""Alarms that are remembered before it is asked which of them still stand."""

AGAIN_AFTER = timedelta(seconds=10)
"""Sounded again sooner than that, a condition is not written again."""

_ON_DISK = timedelta(minutes=10)
"""What was sounded longer ago has been written, or never will be."""

_WORDINGS = 20
"""Of one condition that are remembered, not to be logged again."""

_FIGURES = re.compile(r"\d+")


@dataclass(slots=True)
class _Sounded:
    """A condition that stands: when it was sounded last, and in which words, figures apart, the log has it."""

    last: datetime
    logged: set[str] = field(default_factory=set)

    def is_news(self, message: str) -> bool:
        """Whether the log has to hear of it: asked once for each time that it is sounded."""
        words = _FIGURES.sub("0", message)
        if words in self.logged:
            return False
        if len(self.logged) == _WORDINGS:
            self.logged.clear()
        self.logged.add(words)
        return True


class AlarmBoard:
    """
    Keeps alarms in the store without holding up whoever sounds them.

    The same condition is written at most every ten seconds, and logged when it begins and when its words are others, not
    for a figure in them. What stands is remembered; what the store ended by itself, as it does with alarms about an alert
    that is over, is forgotten when there are many. What the store cannot take now, its own failure above all, stands here
    until it can.
    """

    def __init__(
        self, store: ThreadedStore, *, now: Callable[[], datetime], new_id: Callable[[], str]
    ) -> None:
        self._store = store
        self._now = now
        self._new_id = new_id
        self._written: dict[tuple[str, str], _Sounded] = {}
        self._left: dict[tuple[str, str], Alarm] = {}
        self._room = ROOM
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def remembered(self) -> int:
        """How many alarms it keeps in mind."""
        return len(self._written)

    @property
    def unwritten(self) -> list[Alarm]:
        """Those that could not be written yet, the newest first."""
        return list(reversed(self._left.values()))

    def sound(self, kind: str, subject: str, /, **facts: Fact) -> None:
        """A person must act: ``kind`` is constant, ``subject`` the channel, alert or file it is about."""
        now = self._now()
        sounded = self._written.get((kind, subject))
        if sounded is None:
            sounded = self._written[kind, subject] = _Sounded(now)
        # A clock that was set back is no reason to say nothing until it has caught up.
        elif abs(now - sounded.last) < AGAIN_AFTER:
            return
        sounded.last = now
        alarm = _alarm(kind, subject, facts, id=self._new_id(), now=now)
        if is_news := sounded.is_news(alarm.message):
            _log(alarm)
        self._later(self._write(alarm, logged=is_news))
        if len(self._written) > self._room:
            self._room = 2 * len(self._written)
            self._later(self._forget())

    def clear(self, kind: str, subject: str) -> None:
        """The condition is over; cheap when it does not stand."""
        sounded = self._written.pop((kind, subject), None)
        if sounded is not None:
            self._later(self._end(kind, subject, sounded))

    async def remember(self) -> None:
        """What an earlier process sounded is cleared by this one when it is over."""
        for alarm in await self._store.read(alarms.open_alarms):
            self._written.setdefault((alarm.kind, alarm.subject), _Sounded(alarm.latest))

    async def write_what_is_left(self) -> None:
        """Try again to write what could not be written, each as it was sounded first."""
        for alarm in list(self._left.values()):
            await self._write(alarm, logged=True)
            if (alarm.kind, alarm.subject) in self._left:
                return

    async def settle(self) -> None:
        """Wait until all that was sounded is on disk."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def _write(self, alarm: Alarm, *, logged: bool) -> None:
        key = alarm.kind, alarm.subject
        first = self._left.get(key, alarm)
        try:
            begins = await self._store.record(
                alarms.sound, *key, alarm.message, alarm.facts, id=first.id, now=first.since
            )
        except StoreError as error:
            self._left.setdefault(key, alarm)
            log.error("alarm.not_written", kind=alarm.kind, error=str(error))
        else:
            self._left.pop(key, None)
            if begins and not logged:
                _log(alarm)  # it had ended by its acknowledgement, or with its alert

    async def _end(self, kind: str, subject: str, sounded: _Sounded) -> None:
        try:
            await self._store.record(alarms.clear, kind, subject, now=self._now())
        except StoreError as error:
            # It is cleared again whenever it is seen to be over; until then it stands.
            self._written.setdefault((kind, subject), sounded)
            log.error("alarm.not_cleared", kind=kind, error=str(error))

    async def _forget(self) -> None:
        """Those that stand no more; the next time is when there are twice as many as are left."""
        try:
            standing = {(one.kind, one.subject) for one in await self._store.read(alarms.open_alarms)}
        except StoreError:
            return
        recent = self._now() - _ON_DISK
        self._written = {
            key: sounded for key, sounded in self._written.items() if key in standing or sounded.last > recent
        }
        self._room = max(ROOM, 2 * len(self._written))

    def _later(self, writing: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(writing)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _log(alarm: Alarm) -> None:
    log.warning("alarm.sounded", kind=alarm.kind, subject=alarm.subject, message=alarm.message)


def _alarm(kind: str, subject: str, facts: Facts, *, id: str, now: datetime) -> Alarm:
    message = in_english(kind, subject, facts)
    return Alarm(id, kind, subject, message, facts, now, now, 1, None, None, None)
