"""Ending tasks for certain: a stop must not hang on a cancellation that was lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import structlog

log = structlog.get_logger()

AGAIN_SECONDS = 1.0


async def ended(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """
    Cancel these, and wait until none of them runs.

    One that goes on is cancelled again every second: a library may take a cancellation for a time-out of its own, or
    put an error of its cleaning up in its place, for which whoever runs for ever connects anew.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=AGAIN_SECONDS)
        for task in left:
            log.warning("task.goes_on", task=task.get_name(), at=[str(frame) for frame in task.get_stack()])
