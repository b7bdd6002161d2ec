"""One timer ends every request that takes too long, and nothing else."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from warnd.pipeline.deadline import Deadline

SOON, NEVER = timedelta(milliseconds=20), timedelta(hours=1)


async def _for_ever() -> None:
    await asyncio.Event().wait()


async def test_what_is_done_in_time_gives_its_result() -> None:
    """Nothing of the time-out shows."""
    deadline = Deadline(NEVER)
    assert await deadline.bound(asyncio.sleep(0, "done")) == "done"


async def test_what_takes_too_long_is_cut_off_and_its_task_lives_on() -> None:
    """As asyncio.timeout has it: TimeoutError, and no cancellation left over."""
    deadline = Deadline(SOON)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await deadline.bound(_for_ever())
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    assert await deadline.bound(asyncio.sleep(0, "again")) == "again"


async def test_each_of_many_is_cut_off_for_itself() -> None:
    """Those that end in time do so while others hang; all that hang are ended."""
    deadline = Deadline(SOON)
    works = [deadline.bound(_for_ever() if n % 3 else asyncio.sleep(0)) for n in range(30)]
    came = await asyncio.gather(*works, return_exceptions=True)
    assert [isinstance(one, TimeoutError) for one in came] == [bool(n % 3) for n in range(30)]


async def test_a_cancellation_from_without_passes() -> None:
    """Stopping the worker is no time-out."""
    deadline = Deadline(NEVER)
    task = asyncio.create_task(deadline.bound(_for_ever()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_of_both_at_once_the_cancellation_counts() -> None:
    """A worker that is told to stop while a request runs over its time stops."""
    deadline = Deadline(SOON)

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            task.cancel()

    task = asyncio.create_task(deadline.bound(stubborn()))
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_work_that_ends_at_the_last_moment_leaves_no_cancellation_behind() -> None:
    """An adapter that swallows the cancellation and answers is believed."""
    deadline = Deadline(SOON)

    async def swallowing() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "late, but here"
        raise AssertionError

    assert await deadline.bound(swallowing()) == "late, but here"
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
