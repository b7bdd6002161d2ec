"""How much of a large sweep the clerk does at a time, and in which order."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest

from warnd.app.board import AlarmBoard
from warnd.app.clerk import CHUNKS_OF_A_ROUND, Clerk
from warnd.app.doubts import Doubts
from warnd.app.failover import Failover
from warnd.app.punctuality import Punctuality
from warnd.app.quiet import QuietKeeper
from warnd.model.alert import AlertState
from warnd.model.policy import RetryPolicy
from warnd.pipeline.lease import InForce
from warnd.store import backlog, releasing, sweeping
from warnd.store.sqlite import SqliteStore


class _Store:
    """Stopped alerts by how many chunks are left of each (one in ``out`` waits for an answer), and what was done."""

    def __init__(self, home: Path, unswept: dict[str, int], out: set[str]) -> None:
        self.directory, self.unswept, self.out = home, unswept, out
        self.shared, self.chain = False, 0
        self.done: list[str] = []
        self.began_again = 0

    async def read(self, function: Callable[..., Any], *_: Any) -> Any:
        if function is releasing.overdue:
            self.done.append("holds")
        if function is backlog.unswept:
            return [(id_, AlertState.SUPERSEDED) for id_ in self.unswept]
        return []

    async def record(self, *_: Any) -> list[str]:
        return []

    async def move(self, function: Callable[..., Any], id_: str, _: Any, after: str, *__: Any) -> str | None:
        assert function is sweeping.sweep_stopped
        self.done.append(id_)
        self.began_again += after == "" and self.done.count(id_) > 1
        self.unswept[id_] -= 1
        if self.unswept[id_] > 0:
            return str(self.unswept[id_])
        if id_ in self.out:
            self.unswept[id_] = 1
            return ""
        del self.unswept[id_]
        return None


@pytest.fixture
def sweeps(tmp_path: Path) -> Callable[..., tuple[Clerk, _Store]]:
    def made(unswept: dict[str, int], *out: str) -> tuple[Clerk, _Store]:
        store = _Store(tmp_path, unswept, set(out))
        it = cast(SqliteStore, store)
        clerk = Clerk(
            it, routes={}, retry=RetryPolicy(), in_force=InForce(), alarms=cast(AlarmBoard, _Quiet()),
            failover=cast(Failover, _Idle()), quiet=cast(QuietKeeper, _Idle()), punctuality=cast(Punctuality, _Idle()), doubts=cast(Doubts, _Idle()), post=lambda _: None,
            plan=lambda *_: None, new_ids=lambda n: [""] * n, clock=lambda: 0,
        )  # fmt: skip
        return clerk, store

    return made


class _Idle:
    async def round(self) -> bool:
        return False


class _Quiet:
    def sound(self, *_: str, **__: object) -> None: ...
    def clear(self, *_: str) -> None: ...


async def test_a_hold_that_falls_due_waits_for_a_few_chunks_of_a_large_sweep(sweeps: Any) -> None:
    """A million rows are swept for a minute: between them the clerk looks at everything else."""
    clerk, store = sweeps({"red": 25 * CHUNKS_OF_A_ROUND, "blue": 3})
    while await clerk.round():
        pass
    looks = [n for n, what in enumerate([*store.done, "holds"]) if what == "holds"]
    assert max(later - one for one, later in pairwise(looks)) <= CHUNKS_OF_A_ROUND + 1
    assert store.unswept == {}
    assert store.began_again == 0
    assert store.done.index("blue") > store.done.index("red")


async def test_what_waits_for_an_answer_keeps_nothing_else_from_being_swept(sweeps: Any) -> None:
    """As many as there may be; nor is the clerk kept busy with them."""
    waiting = [f"out {n}" for n in range(2 * CHUNKS_OF_A_ROUND)]
    clerk, store = sweeps(dict.fromkeys([*waiting, "blue"], 1), *waiting)
    rounds = 1
    while await clerk.round():
        rounds += 1
    assert "blue" in store.done
    assert rounds <= 4
