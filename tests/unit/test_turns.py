"""Whose plan is worked on: red's at any time, of the others a few at once, the most urgent first."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from warnd.model.color import Lane
from warnd.pipeline import turns
from warnd.pipeline.turns import AT_ONCE, Turns, give_way_seconds


def idle() -> Turns:
    return Turns(red_waits=lambda: False, make_way=lambda: None)


async def settle() -> None:
    """Everything that can go on has."""
    for _ in range(10):
        await asyncio.sleep(0)


class Board:
    """Steps that go on until they are told to end, and the order in which they got their turns."""

    def __init__(self, of: Turns) -> None:
        self.turns = of
        self.began: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}

    def begin(self, group: asyncio.TaskGroup, lane: Lane, alert: str) -> asyncio.Task[None]:
        self._ends[alert] = asyncio.Event()
        return group.create_task(self._step(lane, alert))

    def end(self, *alerts: str) -> None:
        for alert in alerts:
            self._ends[alert].set()

    async def _step(self, lane: Lane, alert: str) -> None:
        async with self.turns.step(lane, alert):
            self.began.append(alert)
            await self._ends[alert].wait()


async def test_a_few_lower_steps_are_taken_at_once_and_the_rest_by_urgency_then_age() -> None:
    """A thousand warnings a minute may come; each that is planned holds readers, writer and memory."""
    board = Board(idle())
    busy = [f"busy {n}" for n in range(AT_ONCE)]
    async with asyncio.TaskGroup() as group:
        for alert in busy:
            board.begin(group, Lane.BLUE, alert)
        await settle()
        waiting = [(Lane.BLUE, "2"), (Lane.YELLOW, "4"), (Lane.BLUE, "1"), (Lane.ORANGE, "3")]
        for lane, alert in waiting:
            board.begin(group, lane, alert)
        await settle()
        assert board.began == busy
        board.end(*busy, "1", "2", "3", "4")
    assert board.began == [*busy, "3", "4", "1", "2"]


async def test_red_waits_for_nobody() -> None:
    """However many lower plans are at work."""
    board = Board(idle())
    async with asyncio.TaskGroup() as group:
        lower = [f"{n}" for n in range(AT_ONCE + 3)]
        for alert in lower:
            board.begin(group, Lane.ORANGE, alert)
        board.begin(group, Lane.RED, "red")
        await settle()
        assert board.began == [*lower[:AT_ONCE], "red"]
        board.end("red", *lower)


@pytest.mark.parametrize("granted", [False, True], ids=["while it waits", "as it gets its turn"])
async def test_who_leaves_the_queue_takes_no_turn_along(*, granted: bool) -> None:
    """A daemon that stops cancels plans at any point; a lost turn would slow down all that come after it."""
    of = idle()
    async with AsyncExitStack() as held:
        for n in range(AT_ONCE):
            await held.enter_async_context(of.step(Lane.BLUE, f"{n}"))
        board = Board(of)
        async with asyncio.TaskGroup() as group:
            leaving = board.begin(group, Lane.BLUE, "leaving")
            board.begin(group, Lane.BLUE, "staying")
            await settle()
            if granted:
                await held.aclose()
            leaving.cancel()
            await settle()
            await held.aclose()
            await settle()
            assert board.began == ["staying"]
            board.end("staying")
    async with AsyncExitStack() as all_of_them, asyncio.timeout(1):
        for n in range(AT_ONCE):
            await all_of_them.enter_async_context(of.step(Lane.BLUE, f"{n}"))


@pytest.mark.parametrize(
    ("members", "seconds"),
    [(0, 0.1), (10, 0.1), (200, 0.4), (500, 1), (1500, 1)],
    ids=lambda value: f"{value}",
)
def test_a_lower_plan_lets_red_pass_for_longer_the_more_it_puts_on_its_way(
    members: int, seconds: float
) -> None:
    """What reaches few costs red little."""
    assert give_way_seconds(members) == seconds


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """No hold is longer than a moment."""
    for name in ("_LOOK_SECONDS", "_SHORTEST_WAY", "_LONGEST_WAY"):
        monkeypatch.setattr(turns, name, 0.001)


@pytest.mark.usefixtures("hurried")
async def test_a_lower_plan_comes_along_when_reds_never_end() -> None:
    """Neither its step nor its commit is held for ever."""
    looks: list[bool] = []
    of = Turns(red_waits=lambda: looks.append(True) or True, make_way=lambda: None)  # type: ignore[func-returns-value]
    async with of.step(Lane.BLUE, "a", 10):
        held = len(looks)
        assert held
        async with of.commit(Lane.BLUE, 10):
            assert len(looks) > held


async def test_who_waited_for_the_commit_of_another_has_let_red_pass_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A thousand small plans while reds never end: each held anew, one after another, they would take minutes."""
    monkeypatch.setattr(turns, "_LOOK_SECONDS", 0)
    of = Turns(red_waits=lambda: True, make_way=lambda: None)
    now = 0.0
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now)
    board: list[int] = []

    async def commit(n: int) -> None:
        async with of.commit(Lane.BLUE, 10):
            board.append(n)

    async with asyncio.TaskGroup() as group:
        for n in range(50):
            group.create_task(commit(n))
        await settle()
        assert board == []
        now = give_way_seconds(10)
        for _ in range(50):
            await settle()
        assert board == list(range(50))


async def test_a_lower_plan_waits_while_a_red_one_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not only while its batches wait: between two chunks the lanes may be empty."""
    monkeypatch.setattr(turns, "_LOOK_SECONDS", 0)
    of = idle()
    board: list[str] = []

    async def blue() -> None:
        async with of.step(Lane.BLUE, "a", 500):
            board.append("blue")

    async with asyncio.TaskGroup() as group:
        with of.planning(Lane.RED):
            group.create_task(blue())
            await settle()
            board.append("red is planned")
    assert board == ["red is planned", "blue"]


async def test_way_is_made_when_a_red_plan_begins() -> None:
    """And for no other."""
    made: list[str] = []
    of = Turns(red_waits=lambda: False, make_way=lambda: made.append("way"))
    for lane in reversed(Lane):
        with of.planning(lane):
            assert made == (["way"] if lane is Lane.RED else [])


async def test_of_the_lower_plans_one_chunk_is_handed_in_at_a_time_and_none_while_red_is_about(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The store cannot be asked for it back: red would wait for all that are there before it."""
    monkeypatch.setattr(turns, "_LOOK_SECONDS", 0)
    of = idle()
    board: list[str] = []
    going_on = asyncio.Event()

    async def commit(lane: Lane, name: str) -> None:
        async with of.commit(lane, 500):
            board.append(name)
            await going_on.wait()

    async with asyncio.TaskGroup() as group:
        group.create_task(commit(Lane.BLUE, "blue"))
        group.create_task(commit(Lane.YELLOW, "yellow"))
        group.create_task(commit(Lane.RED, "red"))
        group.create_task(commit(Lane.RED, "red"))
        await settle()
        assert board == ["blue", "red", "red"]
        with of.planning(Lane.RED):
            going_on.set()
            await settle()
            assert board == ["blue", "red", "red"]
    assert board[-1] == "yellow"
