"""Which processes are missed: ended without a word, or hanging; told by the one that keeps the timers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from warnd.app.board import AlarmBoard
from warnd.store import workers
from warnd.store.threads import ThreadedStore

_SURE_AFTER = 10
"""Beats at which somebody hangs before it is said: after an outage of the server all have been silent, and find back."""

_GAP_SECONDS = 5.0
"""Between two beats of a process's own: it may have been missed meanwhile."""


class Missing:
    """Of one process; ``now`` is the time of day."""

    def __init__(self, store: ThreadedStore, alarms: AlarmBoard, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._alarms = alarms
        self._now = now
        self._name = ""
        self._last_beat = 0.0
        self._hanging: dict[int, int] = {}

    def entered(self, name: str) -> None:
        """This process works under that name: whoever had it before is missed no more."""
        self._name = name
        self._last_beat = asyncio.get_running_loop().time()
        self._alarms.clear("worker_silent", name)

    async def beat(self) -> None:
        """This process is there; if it was not for a while, what was sounded about it is over. Raises StoreError."""
        last, self._last_beat = self._last_beat, asyncio.get_running_loop().time()
        if last and self._last_beat - last > _GAP_SECONDS:
            await self._alarms.remember()
            self._alarms.clear("worker_silent", self._name)

    async def look(self) -> None:
        """At the others, every beat. Raises StoreError."""
        await self._look_for_ended()
        await self._speak_for_the_gone()
        hanging = await self._store.read(workers.hanging, self._store.holder)
        self._hanging = {one.id: self._hanging.get(one.id, 0) + 1 for one in hanging}
        for one in hanging:
            if self._hanging[one.id] == _SURE_AFTER:
                self._alarms.sound("worker_silent", one.name, case="hangs", host=one.host)

    async def _speak_for_the_gone(self) -> None:
        """Whoever ended can no longer say that its link to Redis is back, and may come again under another name."""
        gone = await self._store.read(workers.gone, "redis_away")
        if gone:
            await self._alarms.remember()
        for name in gone:
            self._alarms.clear("redis_away", name)

    async def _look_for_ended(self) -> None:
        missed = await self._store.read(workers.missed, self._now())
        if not missed:
            return
        await self._store.write(workers.said, [one.id for one in missed])
        for one in missed:
            if one.back:
                continue
            self._alarms.sound(
                "worker_silent",
                one.name,
                case="alone" if one.alone_on else "ended",
                host=one.host,
                channels=list(one.alone_on),
            )
