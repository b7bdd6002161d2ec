"""A stop ends what runs for ever, whatever becomes of a cancellation on its way."""

from __future__ import annotations

import asyncio

import pytest

from warnd.app import ending
from warnd.app.ending import ended
from warnd.errors import StoreError


async def stubborn(lost: int) -> None:
    """Connects anew so many times, as if its connection had been lost and nobody had asked for its end."""
    for _ in range(lost):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue
    await asyncio.Event().wait()


@pytest.mark.parametrize("lost", [0, 1, 3])
async def test_a_task_that_loses_a_cancellation_ends_all_the_same(
    lost: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside one that loses none; only those that go on are asked again."""
    monkeypatch.setattr(ending, "AGAIN_SECONDS", 0.01)
    tasks = [asyncio.create_task(stubborn(lost)), asyncio.create_task(stubborn(0))]
    await asyncio.sleep(0)
    async with asyncio.timeout(20):
        await ended(tasks)
    assert [task.cancelled() for task in tasks] == [True, True]


async def test_a_task_that_ended_or_broke_is_ended() -> None:
    """Its error is for whoever it belongs to."""

    async def breaks() -> None:
        raise StoreError("made up")

    broken = asyncio.create_task(breaks())
    await asyncio.wait([broken])
    await ended([broken])
    await ended([])
    assert isinstance(broken.exception(), StoreError)
