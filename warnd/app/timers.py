"""What one process does for all of them: plan, drive on what is unfinished, and keep the schedule."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager

from warnd.app.clerk import Clerk
from warnd.app.planning import Planning

Schedule = Callable[[], AbstractContextManager[object]]
"""Runs the jobs at their times for as long as its context lasts."""


class Timers:
    """Kept from ``take`` to ``drop``, as often as it comes to that; the tasks belong to ``group``."""

    def __init__(
        self, clerk: Clerk, planning: Planning, schedule: Schedule, group: asyncio.TaskGroup
    ) -> None:
        self._clerk = clerk
        self._planning = planning
        self._schedule = schedule
        self._group = group
        self._keeping: asyncio.Task[None] | None = None

    @property
    def kept(self) -> bool:
        """Whether it is this process that keeps them."""
        return self._keeping is not None

    async def start_over(self) -> None:
        """Keep them from now on; returns when what the last process left unfinished is under way again."""
        self._planning.begin(self._group)
        await self._clerk.round()
        self.take()

    def take(self) -> None:
        """Keep them from now on."""
        if self._keeping is None:
            self._planning.begin(self._group)
            self._keeping = self._group.create_task(self._keep())

    def drop(self) -> None:
        """Keep them no longer; safe to call twice."""
        if self._keeping is not None:
            self._keeping.cancel()
            self._keeping = None
            self._planning.end()

    async def _keep(self) -> None:
        with self._schedule():
            async with asyncio.TaskGroup() as group:
                group.create_task(self._clerk.rounds())
                group.create_task(self._clerk.gathering())
