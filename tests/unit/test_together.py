"""What a process on a shared store takes for its own to send."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from warnd.app.together import LYING_US, Together
from warnd.errors import StoreError
from warnd.model.color import Lane
from warnd.model.content import Content
from warnd.model.delivery import Batch
from warnd.model.share import Share
from warnd.queue.pacing import Pace
from warnd.queue.rates import Rate

NOW = 1_000_000_000


def of_another(channel: str) -> Batch:
    """A batch in the second share of two that is due just now."""
    found = (
        Batch(
            f"01M8{n:022}", "A", channel, Lane.RED, Content("C", "A", "sms", "zh", "暴雨"), ("D", "E"), ("1", "2"),
            0, NOW * 2, b"55", due=NOW,
        )
        for n in range(100)
    )  # fmt: skip
    return next(one for one in found if Share(1, 2).has(one))


@dataclass
class Journal:
    """What others asked of targets is known once it was ``read``, or cannot be."""

    read: asyncio.Event = field(default_factory=asyncio.Event)
    fails: bool = False

    async def recall(self) -> None:
        await self.read.wait()
        if self.fails:
            raise StoreError("made up")


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
async def together(journal: Journal) -> Together:
    """The first of two that send, by a channel with a rate for each target and one without."""

    async def look() -> None: ...

    lanes = SimpleNamespace(pace=Pace(), look_again=lambda: None, is_shared=False)
    lines = {
        name: SimpleNamespace(settings=SimpleNamespace(target_rate=rate), lanes=lanes)
        for name, rate in (("sms", None), ("wechat", Rate(20, 60)))
    }
    nothing, ranges = cast(Any, None), cast(Any, SimpleNamespace(look=lambda: None))
    alarms = cast(Any, SimpleNamespace(remember=look))
    made = Together(
        nothing, cast(Any, lines), clerk=nothing, planning=nothing, ranges=ranges, targets=cast(Any, journal), in_force=nothing, alarms=alarms,
        look=look, clock=lambda: NOW, now=lambda: datetime.now(UTC),
    )  # fmt: skip
    made.met(1, (1, 2))
    return made


async def test_of_anothers_share_it_takes_what_lies_about_and_what_it_had_out(together: Together) -> None:
    """That it rests again the other one may not hear, and would look only when it has nothing else."""
    fresh = of_another("sms")
    assert not together.takes(fresh, NOW)
    assert together.takes(fresh, NOW + LYING_US)
    assert together.takes(replace(fresh, epoch=1), NOW)


async def test_where_targets_are_counted_nothing_of_anothers_share_is_taken(together: Together) -> None:
    """Two that count a robot's messages would send it twice as many."""
    fresh = of_another("wechat")
    assert not together.takes(fresh, NOW + LYING_US)
    assert not together.takes(replace(fresh, epoch=1), NOW)


@pytest.mark.parametrize("fails", [False, True], ids=["read", "not to be had"])
async def test_what_falls_to_it_is_its_own_once_it_is_known_what_was_asked(
    together: Together, journal: Journal, *, fails: bool
) -> None:
    """Else a robot would be asked twenty times more; but a journal that cannot be read keeps nothing waiting."""
    fresh, journal.fails = of_another("wechat"), fails
    together.met(1, (1,))
    await asyncio.sleep(0)
    assert not together.takes(fresh, NOW)
    journal.read.set()
    for _ in range(20):
        await asyncio.sleep(0)
    assert together.takes(fresh, NOW)


async def test_a_share_that_is_anothers_again_before_that_is_not_taken(
    together: Together, journal: Journal
) -> None:
    """A process was gone for a beat, and is back."""
    fresh = of_another("wechat")
    together.met(1, (1,))
    together.met(1, (1, 2))
    journal.read.set()
    for _ in range(20):
        await asyncio.sleep(0)
    assert not together.takes(fresh, NOW)
