"""Broadcasts under way on a real store: who hears that one will be late, and when that is over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from tests.fakes.empty_store import empty_store
from tests.integration.store_site import SECOND, YES, Site, everyone, to
from warnd.app.board import AlarmBoard
from warnd.app.punctuality import Punctuality
from warnd.model.audience import AudienceClass
from warnd.model.color import Color, Lane
from warnd.model.delivery import Batch, State
from warnd.model.policy import ChannelPolicy, Policies
from warnd.pipeline.confirm import confirm
from warnd.ports import Fact, Facts
from warnd.store.postgres import PostgresStore
from warnd.store.sqlite import SqliteStore
from warnd.store.threads import ThreadedStore

POLICIES = Policies({(AudienceClass.PUBLIC, Color.RED): ChannelPolicy(("sms",))})


@dataclass
class Board:
    """What stands, by alert."""

    standing: dict[str, Facts] = field(default_factory=dict)

    def sound(self, kind: str, subject: str, /, **facts: Fact) -> None:
        assert kind == "broadcast_late"
        self.standing[subject] = facts

    def clear(self, kind: str, subject: str) -> None:
        assert kind == "broadcast_late"
        self.standing.pop(subject, None)


@dataclass
class Watch:
    """A store, from which whoever sends is seen, and a board."""

    site: Site
    board: Board = field(default_factory=Board)
    punctuality: Punctuality = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """As after a start of the daemon."""
        self.punctuality = Punctuality(
            self.site.store, policies=POLICIES, alarms=cast(AlarmBoard, self.board), clock=lambda: self.site.now,
        )  # fmt: skip

    async def later(self, seconds: int, handed_over: Sequence[Batch] = ()) -> dict[str, Facts]:
        """What stands after so long, in which some process has handed these over."""
        self.site.now += seconds * SECOND
        for batch in handed_over:
            await self.site.send(batch, YES)
        await self.punctuality.round()
        return self.board.standing

    async def begin(self, *people: Any, lane: Lane = Lane.RED) -> str:
        alert = await self.site.alert(lane=lane)
        self.punctuality.began(alert)
        await self.site.plan(alert, people, done=True, lane=lane)
        return alert


@pytest.fixture(params=["sqlite", "postgresql"])
async def watch(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Watch]:
    """On either store."""
    if request.param == "sqlite":
        store: ThreadedStore = SqliteStore(empty_store(tmp_path / "warnd.db"), confirm=confirm)
    else:
        store = PostgresStore(request.getfixturevalue("postgres_place"), confirm=confirm)
    await store.open()
    yield Watch(Site(store))
    await store.close()


async def test_what_will_be_late_is_known_while_it_can_be_helped(watch: Watch) -> None:
    """300 at six in five seconds, with a minute's time: known within ten seconds, over when nothing is left."""
    site = watch.site
    alert = await site.alert()
    watch.punctuality.began(alert)
    batches = (await site.plan(alert, everyone(300), done=True)).batches
    assert await watch.later(0) == {}
    (said,) = (await watch.later(5, batches[:2])).values()
    assert (said["case"], said["n"], said["channel"], said["seconds"]) == ("slow", 294, "sms", 190)
    assert await watch.later(5, batches[2:]) == {}


async def test_what_comes_in_time_is_not_spoken_of(watch: Watch) -> None:
    """300 at ten a second."""
    site = watch.site
    alert = await site.alert()
    watch.punctuality.began(alert)
    batches = (await site.plan(alert, everyone(300), done=True)).batches
    await watch.later(0)
    assert await watch.later(5, batches[:17]) == {}


async def test_a_channel_that_tells_nobody_is_late_when_the_time_has_come(watch: Watch) -> None:
    """Nothing can be foretold of it; and a start of the daemon forgets nobody."""
    await watch.begin(*everyone(3))
    for _ in range(11):
        assert await watch.later(5) == {}
    watch.start()
    (said,) = (await watch.later(5)).values()
    assert said["case"] == "stuck"


async def test_what_waits_for_the_morning_is_not_late(watch: Watch) -> None:
    """Nor is a drill, nor what only stands by."""
    held = to("1")._replace(quiet="00:00-23:59")
    await watch.begin(held, to("2", channel="sms2", state=State.STANDBY, step=1), lane=Lane.BLUE)
    await watch.begin(*everyone(3), lane=Lane.DRILL)
    for _ in range(3):
        assert await watch.later(1_800) == {}


async def test_it_is_over_with_its_alert(watch: Watch) -> None:
    """Whatever is left of it is not told any more."""
    alert = await watch.begin(*everyone(3))
    await watch.later(0)
    assert alert in await watch.later(61)
    await watch.site.stop(alert)
    assert await watch.later(5) == {}
