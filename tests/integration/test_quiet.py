"""A night on a real store: who waits through it, who does not, and what the morning brings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from structlog.testing import capture_logs

from tests.fakes.empty_store import empty_store
from tests.integration.running import running, until
from tests.integration.store_site import BUSY, ROUTES, SECOND, YES, Site, everyone, recounted, to
from warnd.app.failover import Failover
from warnd.app.quiet import QuietKeeper
from warnd.model.audience import AudienceClass
from warnd.model.color import Color, Lane
from warnd.model.delivery import Batch, State
from warnd.model.policy import ChannelPolicy, Policies
from warnd.model.quiet import QuietHours
from warnd.pipeline.confirm import confirm
from warnd.pipeline.expand import Recipient
from warnd.pipeline.gather import gather
from warnd.store import backlog, sweeping, tables
from warnd.store.deliveries import DeliveryFilter, list_deliveries
from warnd.store.delivery_story import get_delivery
from warnd.store.postgres import PostgresStore
from warnd.store.sqlite import SqliteStore
from warnd.store.threads import ThreadedStore

HOUR = 3600 * SECOND
NIGHT = "22:00-07:00"
POLICIES = Policies(
    {(AudienceClass.PUBLIC, Color.BLUE): ChannelPolicy(("sms",), quiet_hours=QuietHours.of(NIGHT))}
)
EVENING = tables.micros(datetime(2026, 7, 20, 13, 50, tzinfo=UTC))
"""21:50 in Shanghai."""


@dataclass
class Stage:
    """A store in the evening, and the clerk's part in it."""

    site: Site
    keeper: QuietKeeper = field(init=False)

    def __post_init__(self) -> None:
        self.site.now = EVENING
        self.keeper = QuietKeeper(
            self.site.store, policies=POLICIES, zone=ZoneInfo("Asia/Shanghai"), clock=lambda: self.site.now
        )

    async def at(self, clock: str) -> None:
        """Let it become that time of this evening, or of the next day's morning."""
        hour, minute = map(int, clock.split(":"))
        since = (hour - 21) * 60 + minute - 50
        self.site.now = EVENING + (since if hour > 12 else since + 24 * 60) * 60 * SECOND
        await self.keeper.round()
        await recounted(self.site)

    async def gather(self) -> list[Batch]:
        site = self.site
        found = await self.keeper.awake(await site.store.read(backlog.batchless, site.now, (0, ""), 1000))
        contents = await site.store.read(backlog.contents_by_id, {one.content_id for one in found})
        made = gather(found, contents, ROUTES, new_ids=site.new_ids, now=site.now)
        return await site.store.move(sweeping.gather, made, site.now)


@pytest.fixture(params=["sqlite", "postgresql"])
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    """On either store."""
    if request.param == "sqlite":
        store: ThreadedStore = SqliteStore(empty_store(tmp_path / "warnd.db"), confirm=confirm)
    else:
        store = PostgresStore(request.getfixturevalue("postgres_place"), confirm=confirm)
    await store.open()
    yield Stage(Site(store))
    await store.close()


def hushed(*found: Recipient) -> list[Recipient]:
    return [one._replace(quiet=NIGHT) for one in found]


async def test_a_night_delays_and_the_morning_tells(stage: Stage) -> None:
    """Planned at eleven: it waits with its reason; at seven it leaves, and nothing of the reason stays."""
    site = stage.site
    alert = await site.alert(lane=Lane.BLUE)
    await stage.at("23:00")
    committed = await site.plan(alert, [*hushed(to("1")), to("2")], lane=Lane.BLUE)
    assert [batch.addresses for batch in committed.batches] == [("2",)]
    await stage.at("06:59")
    assert await stage.gather() == []
    assert await site.states(alert) == {"1 sms": "waiting", "2 sms": "queued"}
    page = await site.store.read(list_deliveries, DeliveryFilter(state=State.WAITING))
    assert [one.reason for one in page.items] == ["quiet_hours"]
    await stage.at("07:00")
    (batch,) = await stage.gather()
    await site.send(batch, YES)
    story = await site.store.read(get_delivery, batch.deliveries[0])
    assert (story.delivery.state, story.delivery.reason) == (State.ACCEPTED, None)
    assert story.events[0].facts["quiet_hours"] == NIGHT
    await recounted(site)


async def test_what_lies_in_the_lanes_when_the_night_begins_is_taken_back(stage: Stage) -> None:
    """Also what waits for its next try; what is on its way is not, nor who keeps no quiet hours."""
    site = stage.site
    alert = await site.alert(lane=Lane.BLUE)
    people = [*hushed(*everyone(9)), to("awake")]
    out, refused, resting, awake = (await site.plan(alert, people, lane=Lane.BLUE)).batches
    assert awake.quiet == ""
    leased = await site.lease(out)
    assert leased is not None
    await site.send(refused, BUSY)
    await stage.at("21:59")
    assert await stage.gather() == []
    await stage.at("22:00")
    assert [await site.lease(one) for one in (refused, resting)] == [None, None]
    assert await site.lease(awake) is not None
    await site.answer(leased, YES)
    await stage.at("07:00")
    batches = await stage.gather()
    assert sorted(len(batch) for batch in batches) == [3, 3]
    assert {batch.attempts for batch in batches} == {0, 1}


async def test_a_refusal_in_the_night_is_tried_again_in_the_morning(stage: Stage) -> None:
    """One of a batch that was on its way when the night began."""
    site = stage.site
    alert = await site.alert(lane=Lane.BLUE)
    (batch,) = (await site.plan(alert, hushed(*everyone(2)), lane=Lane.BLUE)).batches
    leased = await site.lease(batch)
    assert leased is not None
    await stage.at("22:00")
    await site.answer(leased, BUSY, YES)
    site.now += HOUR
    assert await stage.gather() == []
    await stage.at("07:00")
    assert [len(batch) for batch in await stage.gather()] == [1]


async def test_what_stands_by_does_not_wake_anybody_either(stage: Stage) -> None:
    """The first kept no quiet hours (it wakes nobody) and is late: the second waits for the morning."""
    site = stage.site
    alert = await site.alert(lane=Lane.BLUE)
    await stage.at("23:00")
    second = to("1", channel="sms2", state=State.STANDBY, step=1)
    await site.plan(alert, [to("1"), *hushed(second)], lane=Lane.BLUE)
    failover = Failover(site.store, unfit=dict, clock=lambda: site.now)
    site.now += HOUR
    await failover.round()
    assert await site.states(alert) == {"1 sms": "suppressed", "1 sms2": "waiting"}
    assert await stage.gather() == []
    await stage.at("07:00")
    assert [batch.channel for batch in await stage.gather()] == ["sms2"]


async def test_one_who_keeps_no_quiet_hours_is_told_by_the_row_of_one_who_does(stage: Stage) -> None:
    """They share a number; the second of them comes with a later chunk of the plan."""
    site = stage.site
    alert = await site.alert(lane=Lane.BLUE)
    await stage.at("23:00")
    await site.plan(alert, hushed(to("1", who="P")), lane=Lane.BLUE)
    (batch,) = (await site.plan(alert, [to("1", who="Q")], lane=Lane.BLUE)).batches
    await site.send(batch, YES)
    assert await site.states(alert) == {"1 sms": "accepted"}
    await stage.at("07:00")
    assert await stage.gather() == []


async def test_the_log_says_whom_the_night_holds_up(tmp_path: Path, county: Path) -> None:
    """It is ten past eight here: of three that were targeted nobody is told, and whoever reads the log sees why."""
    hours = '[policy.public.blue]\nchannels = ["sms"]\nquiet_hours = "07:00-09:00"\n'
    async with running(tmp_path, county, people=3, audience="public", options=hours) as site:
        with capture_logs() as log:
            alert = await site.push(color="blue", headline="武都区气象台发布暴雨蓝色预警信号")
            await until(lambda: any(one["event"] == "alert.planned" for one in log))
        assert await site.states(alert) == {"waiting": 3}
    held = [one for one in log if one["event"] == "deliveries.held"]
    assert [(one["alert"], one["deliveries"]) for one in held] == [(alert, 3)]
