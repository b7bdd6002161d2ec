"""The broadcasts under way: each alert is planned by one task, as long as this process is the one that plans."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from warnd.app.board import AlarmBoard
from warnd.model.color import Lane
from warnd.pipeline.broadcast import Broadcaster

log = structlog.get_logger()


class Planning:
    """
    Plans nothing until it ``begins``: what is released by then is found by the clerk. ``began`` hears of each alert whose
    broadcast starts.
    """

    def __init__(self, broadcaster: Broadcaster, alarms: AlarmBoard, *, began: Callable[[str], None]) -> None:
        self._broadcaster = broadcaster
        self._alarms = alarms
        self._began = began
        self._group: asyncio.TaskGroup | None = None
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def begin(self, group: asyncio.TaskGroup) -> None:
        """From now on this process plans; its tasks belong to ``group``."""
        self._group = group

    def end(self) -> None:
        """It plans no more; what it was at goes on from its cursor, wherever that may be."""
        self._group = None
        for task in self._tasks.values():
            task.cancel()

    def plan(self, alert_id: str, lane: Lane) -> None:
        """Start (or go on with) an alert's broadcast, unless it is under way or another process plans."""
        if self._group is None or alert_id in self._tasks:
            return
        self._began(alert_id)
        task = self._group.create_task(self._broadcast(alert_id, lane))
        self._tasks[alert_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(alert_id, None))

    async def _broadcast(self, alert_id: str, lane: Lane) -> None:
        try:
            await self._broadcaster.broadcast(alert_id, lane)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.exception("broadcast.broke", alert=alert_id, lane=lane.name)
            self._alarms.sound("broadcast_broke", alert_id, why=repr(error))
