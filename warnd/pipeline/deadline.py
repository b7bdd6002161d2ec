"""Ending what takes longer than it may, with one timer for all that are under way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any, TypeVar

T = TypeVar("T")


class Deadline:
    """
    The same time-out for many tasks at once, each of them in at most one ``bound``.

    As all have as long, the first that began is the first that is due: one timer waits for it, where a time-out of its
    own for each would cost a tenth of a request.
    """

    def __init__(self, after: timedelta) -> None:
        self._after = after.total_seconds()
        self._due: dict[asyncio.Task[Any], float] = {}
        self._overdue: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def bound(self, work: Awaitable[T]) -> T:
        """
        Wait for ``work``. Raises TimeoutError when it is cut off; a CancelledError from without passes.
        """
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  a coroutine runs in a task
        loop = asyncio.get_running_loop()
        self._due[task] = due = loop.time() + self._after
        if self._timer is None:
            self._timer = loop.call_at(due, self._cut_off)
        try:
            return await work
        except asyncio.CancelledError:
            # Of two reasons to end, the one from without counts.
            if task in self._overdue and task.cancelling() == 1:
                raise TimeoutError from None
            raise
        finally:
            del self._due[task]
            if task in self._overdue:
                self._overdue.remove(task)
                task.uncancel()

    def _cut_off(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        for task, due in self._due.items():
            if due > loop.time():
                self._timer = loop.call_at(due, self._cut_off)
                break
            if task not in self._overdue:
                self._overdue.add(task)
                task.cancel()
