"""How many requests a channel has out at once, and whose is the next."""

from __future__ import annotations

import asyncio

import pytest

from warnd.pipeline import requests
from warnd.pipeline.requests import Requests


async def settled() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


class Board:
    """Requests that are out until they are told to come back, in the order in which they left."""

    def __init__(self, at_once: int, *, for_red: int = 0) -> None:
        self.requests = Requests(at_once, for_red=for_red)
        self.left: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def ask(self, *names: str) -> None:
        """Those whose name begins with R are red."""
        for name in names:
            self._ends[name] = asyncio.Event()
            self.tasks[name] = asyncio.create_task(self._request(name))
        await settled()

    async def end(self, *names: str) -> None:
        for name in names:
            self._ends[name].set()
        await settled()

    async def close(self) -> None:
        for task in self.tasks.values():
            task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)

    async def _request(self, name: str) -> None:
        async with self.requests.red if name.startswith("R") else self.requests.lower:
            self.left.append(name)
            await self._ends[name].wait()


async def test_red_goes_first_and_some_are_kept_for_it() -> None:
    """Blue that is leased already waits behind red; of eight requests blue never has all."""
    board = Board(3, for_red=1)
    await board.ask("B1", "B2", "B3")
    assert board.left == ["B1", "B2"]
    await board.ask("R1", "R2")
    assert board.left == ["B1", "B2", "R1"]
    await board.end("B1")
    assert board.left == ["B1", "B2", "R1", "R2"]
    await board.end("B2", "R1", "R2")
    assert board.left == ["B1", "B2", "R1", "R2", "B3"]
    await board.close()


async def test_a_lower_one_that_waits_for_long_goes_before_red(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is leased, and its lease runs: reds that never end must not keep it until that is over."""
    board = Board(1)
    await board.ask("R1", "B1", "R2")
    monkeypatch.setattr(requests, "_LONGEST_WAIT", 0.0)
    await board.end("R1")
    assert board.left == ["R1", "B1"]
    await board.close()


async def test_what_red_will_need_is_left_free_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the beginning of its plan until it has batches; then blue goes on by itself."""
    monkeypatch.setattr(requests, "WAY_SECONDS", 0.02)
    board = Board(1)
    board.requests.make_way()
    await board.ask("B1")
    assert board.left == []
    await board.ask("R1")
    assert board.left == ["R1"]
    await board.end("R1")
    async with asyncio.timeout(5):
        while board.left != ["R1", "B1"]:  # noqa: ASYNC110  the pause has no event
            await asyncio.sleep(0.005)
    await board.close()


async def test_blue_goes_on_after_that_moment_whatever_the_clock_makes_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The daemon's loop counts whole milliseconds: a tenth of a second after 100,000.001 is less than their sum."""
    now = 100_000.001
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now)
    board = Board(1)
    board.requests.make_way()
    await board.ask("B1")
    assert board.left == []
    now = 100_000.101
    assert now < 100_000.001 + requests.WAY_SECONDS
    await settled()
    assert board.left == ["B1"]
    await board.close()


@pytest.mark.parametrize("let_in", [False, True], ids=["while it waits", "as it is let in"])
async def test_who_stops_waiting_takes_nothing_along(*, let_in: bool) -> None:
    """A lost place would slow the channel for good."""
    board = Board(1)
    await board.ask("B1", "B2", "B3")
    if let_in:
        board._ends["B1"].set()
        await asyncio.sleep(0)
    board.tasks["B2"].cancel()
    await settled()
    await board.end("B1")
    assert board.left[-1] == "B3"
    await board.end("B3")
    await board.ask("B4")
    assert board.left[-1] == "B4"
    await board.close()
