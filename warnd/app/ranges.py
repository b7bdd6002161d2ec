"""The ranges of large plans that this process takes, one of red's and one of the others' at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from warnd.app.board import AlarmBoard
from warnd.errors import StoreError
from warnd.model.color import Lane
from warnd.pipeline.ranges import RangePlanner
from warnd.ports import OpenRange
from warnd.store import ranges
from warnd.store.threads import ThreadedStore

log = structlog.get_logger()

_LANES = ((Lane.RED, Lane.RED), (Lane.ORANGE, Lane.DRILL))
"""From the one to the other; red waits for no range of another's."""

_LOOKED_AT = 16
"""Ranges of which one is to be had, if need be the last: so many processes may ask at once."""

_REST_SECONDS = 1.0


class Ranges:
    """Takes none until it ``begins``; looks for some whenever it is told to ``look``."""

    def __init__(
        self, planner: RangePlanner, store: ThreadedStore, alarms: AlarmBoard, *, clock: Callable[[], int]
    ) -> None:
        self._planner = planner
        self._store = store
        self._alarms = alarms
        self._clock = clock
        self._looks = [asyncio.Event() for _ in _LANES]
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self, group: asyncio.TaskGroup) -> None:
        """From now on this process takes ranges; its tasks belong to ``group``."""
        self._tasks = [
            group.create_task(self._work(lanes, look))
            for lanes, look in zip(_LANES, self._looks, strict=True)
        ]

    def end(self) -> None:
        """It takes none any more; what it was at is another's once this process has left. Safe to call twice."""
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()

    def look(self) -> None:
        """There may be some to be had."""
        for look in self._looks:
            look.set()

    async def _work(self, lanes: tuple[Lane, Lane], look: asyncio.Event) -> None:
        while True:
            await look.wait()
            look.clear()
            try:
                while await self._one(lanes):
                    pass
            except StoreError as error:
                log.error("store.failed", by="ranges", error=str(error))
                await asyncio.sleep(_REST_SECONDS)

    async def _one(self, lanes: tuple[Lane, Lane]) -> bool:
        """Plan the most urgent that is to be had; False when there is none."""
        found = await self._store.read(ranges.to_be_had, lanes, self._store.holder, self._clock(), _LOOKED_AT)
        for one in found:
            if await self._plan(one):
                return True
        return False

    async def _plan(self, one: OpenRange) -> bool:
        try:
            return await self._planner.plan(one)
        except StoreError:
            raise
        except Exception as error:
            log.exception("range.broke", alert=one.alert_id, lane=one.lane.name)
            self._alarms.sound("broadcast_broke", one.alert_id, why=repr(error))
            return False
