"""Channels that are late, down or without a receipt, on a real store: who is taken back, who starts, who is told twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.fakes.empty_store import empty_store
from tests.integration.store_site import (
    BAD,
    BUSY,
    SECOND,
    UNCLEAR,
    YES,
    Site,
    everyone,
    fetch,
    recounted,
    to,
)
from warnd.app.failover import Failover
from warnd.contract.outcome import Accepted, Receipt, ReceiptStatus
from warnd.model.color import Lane
from warnd.model.delivery import Batch, State
from warnd.model.policy import Patience, Until
from warnd.pipeline.confirm import confirm
from warnd.pipeline.expand import Recipient
from warnd.store import failover
from warnd.store.delivery_story import get_delivery
from warnd.store.postgres import PostgresStore
from warnd.store.sqlite import SqliteStore
from warnd.store.threads import ThreadedStore

MINUTE = 60 * SECOND
QUICK = Patience(Until.ACCEPTED, 10 * SECOND)
RECEIPT = Patience(Until.DELIVERED, 10 * SECOND)


@dataclass
class Stage:
    """A store, and the clerk's look at what is late; ``unfit`` are the channels that are down."""

    site: Site
    unfit: dict[str, int] = field(default_factory=dict)
    failover: Failover = field(init=False)

    def __post_init__(self) -> None:
        self.failover = Failover(self.site.store, unfit=lambda: dict(self.unfit), clock=lambda: self.site.now)

    async def later(self, seconds: float) -> None:
        self.site.now += int(seconds * SECOND)
        while await self.failover.round():
            pass
        await recounted(self.site)


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


def chain(
    address: str, *channels: str, patience: Patience = QUICK, who: str | None = None
) -> list[Recipient]:
    """One person's number on these channels, each standing by for the one before."""
    return [
        to(
            address, channel=channel, step=step, who=who, state=State.STANDBY if step else State.QUEUED
        )._replace(patience=patience)
        for step, channel in enumerate(channels)
    ]


async def test_what_is_late_is_taken_back_in_the_commit_that_starts_the_next(stage: Stage) -> None:
    """The batch that lay in the lanes is not leased any more; the second provider gets the number."""
    site = stage.site
    alert = await site.alert()
    (batch,) = (await site.plan(alert, chain("1", "sms", "sms2"))).batches
    await stage.later(9.9)
    assert await site.states(alert) == {"1 sms": "queued", "1 sms2": "standby"}
    await stage.later(0.1)
    assert await site.states(alert) == {"1 sms": "suppressed", "1 sms2": "waiting"}
    assert await site.lease(batch) is None
    (second,) = await site.gather()
    assert (second.channel, second.addresses) == ("sms2", ("1",))
    rows = await site.store.read(fetch, "SELECT reason FROM deliveries WHERE channel = 'sms'")
    assert rows == [("fell_over",)]
    (entry,) = await site.store.read(
        fetch, "SELECT subject, body FROM journal WHERE kind = 'deliveries.fell_over'"
    )
    assert entry == (alert, '{"channel":"sms","deliveries":1}')


async def test_what_is_on_its_way_is_waited_for(stage: Stage) -> None:
    """Its answer decides: a refusal for now lets it fall over, an acceptance lets the other stand down."""
    site = stage.site
    alert = await site.alert()
    people = [*chain("1", "sms", "sms2"), *chain("2", "sms", "sms2")]
    (batch,) = (await site.plan(alert, people)).batches
    leased = await site.lease(batch)
    assert leased is not None
    await stage.later(20)
    assert set((await site.states(alert)).values()) == {"queued", "standby"}
    await site.answer(leased, BUSY, YES)
    await stage.later(1)
    assert await site.states(alert) == {
        "1 sms": "suppressed",
        "1 sms2": "waiting",
        "2 sms": "accepted",
        "2 sms2": "suppressed",
    }


async def test_whoever_has_nothing_to_fall_back_on_stays_on_the_channel(stage: Stage) -> None:
    """They shared the batch; under a new key they go on, with the tries they have had."""
    site = stage.site
    alert = await site.alert()
    (batch,) = (await site.plan(alert, [*chain("1", "sms", "sms2"), *everyone(2)])).batches
    assert len(batch) == 3
    await site.send(batch, BUSY)
    await stage.later(20)
    found = {one.channel: one for one in await site.gather()}
    assert found["sms2"].addresses == ("1",)
    assert len(found["sms"]) == 2
    assert found["sms"].attempts == 1
    assert found["sms"].id != batch.id
    story = await site.store.read(get_delivery, found["sms"].deliveries[0])
    assert [event.kind for event in story.events] == ["delivery.planned", "attempt.ended"]


@pytest.mark.parametrize("lane", [Lane.RED, Lane.ORANGE])
async def test_only_red_goes_two_ways_when_the_first_is_unknown(stage: Stage, lane: Lane) -> None:
    """It is marked as a possible repeat; the first is resent all the same."""
    site = stage.site
    alert = await site.alert(lane=lane)
    (batch,) = (await site.plan(alert, chain("1", "sms", "sms2"), lane=lane)).batches
    await site.send(batch, UNCLEAR)
    await stage.later(11)
    red = lane is Lane.RED
    assert await site.states(alert) == {"1 sms": "unknown", "1 sms2": "waiting" if red else "standby"}
    if red:
        (second,) = await site.gather()
        story = await site.store.read(get_delivery, second.deliveries[0])
        assert story.delivery.possible_repeat
        await site.send(second, YES)
    assert not (await site.store.read(get_delivery, batch.deliveries[0])).delivery.possible_repeat


async def test_what_happened_since_it_was_looked_at_counts(stage: Stage) -> None:
    """Leased meanwhile, it stays; tried without a clear answer meanwhile, it may have been sent: it stays as well."""
    site = stage.site
    alert = await site.alert()
    (batch,) = (await site.plan(alert, chain("1", "sms", "sms2"))).batches
    found = await site.store.read(failover.late, site.now + MINUTE, 10)
    assert len(found) == 1
    for outcome in (UNCLEAR, BUSY):
        leased = await site.lease(batch)
        assert leased is not None
        assert await site.store.move(failover.fall_over, found, site.now) == 0
        settled = await site.answer(leased, outcome)
        batch = replace(leased, state=settled.state, due=settled.due, unknowns=settled.unknowns)
        assert await site.store.move(failover.fall_over, found, site.now) == 0
    assert await site.states(alert) == {"1 sms": "waiting", "1 sms2": "standby"}
    await recounted(site)


async def test_a_channel_that_is_down_is_left_after_a_tenth_of_the_time(stage: Stage) -> None:
    """Whatever rests on it and can, in all lanes; what comes later is given its own while."""
    site = stage.site
    alert = await site.alert()
    people = [one for n in range(7) for one in chain(str(n), "sms", "sms2")]
    batches = (await site.plan(alert, people)).batches
    stage.unfit = {"sms": site.now}
    await stage.later(0.9)
    assert set((await site.states(alert)).values()) == {"queued", "standby"}
    await stage.later(0.6)
    assert set((await site.states(alert)).values()) == {"suppressed", "waiting"}
    assert [await site.lease(batch) for batch in batches] == [None] * 3
    later = await site.alert()
    (probe,) = (await site.plan(later, chain("1", "sms", "sms2"))).batches
    await stage.later(0.5)
    assert await site.lease(probe) is not None


async def test_one_goes_on_to_the_third_when_the_second_is_late_too(stage: Stage) -> None:
    """Each has its own time, from when it began; at the last one stays."""
    site = stage.site
    alert = await site.alert()
    await site.plan(alert, chain("1", "sms", "sms2", "mail"))
    await stage.later(10)
    await site.gather()
    await stage.later(9)
    assert (await site.states(alert))["1 mail"] == "standby"
    await stage.later(1)
    assert await site.states(alert) == {"1 mail": "waiting", "1 sms": "suppressed", "1 sms2": "suppressed"}
    (last,) = await site.gather()
    await stage.later(3600)
    assert await site.lease(last) is not None


async def test_nobody_stands_by_any_more_once_the_first_is_accepted(stage: Stage) -> None:
    """Neither the second nor the third."""
    site = stage.site
    alert = await site.alert()
    (batch,) = (await site.plan(alert, chain("1", "sms", "sms2", "mail"))).batches
    await site.send(batch, YES)
    assert await site.states(alert) == {"1 mail": "suppressed", "1 sms": "accepted", "1 sms2": "suppressed"}
    await stage.later(3600)


async def receipt(site: Site, status: ReceiptStatus) -> None:
    await site.store.receive("sms", [Receipt("K", status)], site.now)


async def accepted(site: Site) -> tuple[str, Batch]:
    """A person of whom a receipt is wanted, accepted by the first provider."""
    alert = await site.alert()
    (batch,) = (await site.plan(alert, chain("1", "sms", "sms2", patience=RECEIPT))).batches
    site.now += 5 * SECOND
    await site.send(batch, Accepted("K"))
    return alert, batch


async def test_until_delivered_the_receipt_has_its_own_time(stage: Stage) -> None:
    """From acceptance; when it is over the next starts beside it, for it cannot be taken back."""
    alert, _ = await accepted(stage.site)
    await stage.later(9.9)
    assert await stage.site.states(alert) == {"1 sms": "accepted", "1 sms2": "standby"}
    await stage.later(0.1)
    assert await stage.site.states(alert) == {"1 sms": "accepted", "1 sms2": "waiting"}
    (second,) = await stage.site.gather()
    assert (await stage.site.store.read(get_delivery, second.deliveries[0])).delivery.possible_repeat


@pytest.mark.parametrize(
    ("status", "after"), [(ReceiptStatus.DELIVERED, "suppressed"), (ReceiptStatus.UNDELIVERED, "waiting")]
)
async def test_until_delivered_the_receipt_decides(stage: Stage, status: ReceiptStatus, after: str) -> None:
    """Delivered, the next is not needed; undelivered, it starts at once."""
    alert, _ = await accepted(stage.site)
    await receipt(stage.site, status)
    assert await stage.site.states(alert) == {"1 sms": status.value, "1 sms2": after}
    await stage.later(60)
    assert (await stage.site.states(alert))["1 sms2"] == after


async def test_a_receipt_that_overtakes_its_answer_is_not_waited_for(stage: Stage) -> None:
    """The settle that brings its key finds it delivered."""
    await receipt(stage.site, ReceiptStatus.DELIVERED)
    alert, _ = await accepted(stage.site)
    assert await stage.site.states(alert) == {"1 sms": "delivered", "1 sms2": "suppressed"}


async def test_what_fell_over_is_not_told_for_somebody_else_behind_its_number(stage: Stage) -> None:
    """They stand behind the delivery that took its place too."""
    site = stage.site
    alert = await site.alert()
    await site.plan(alert, chain("1", "sms", "sms2", who="P"))
    await stage.later(10)
    again = await site.plan(alert, chain("1", "sms", "sms2", who="Q"))
    assert list(again.batches) == []
    assert await site.states(alert) == {"1 sms": "suppressed", "1 sms2": "waiting"}
    (second,) = await site.gather()
    story = await site.store.read(get_delivery, second.deliveries[0])
    assert {one.name for one in story.people} == {"两水镇值班室"}
    assert len(story.people) == 2


async def test_a_standby_that_somebody_else_is_told_by_has_its_own_time(stage: Stage) -> None:
    """Shared, it begins at once, and so does its lateness."""
    site = stage.site
    alert = await site.alert()
    await site.plan(alert, chain("1", "sms", "sms2", "mail", who="P"))
    (told,) = (await site.plan(alert, [to("1", channel="sms2", who="Q")])).batches
    assert told.channel == "sms2"
    await stage.later(10)
    assert (await site.states(alert))["1 mail"] == "waiting"


async def test_many_are_late_at_once(stage: Stage) -> None:
    """In chunks, and none is forgotten."""
    site = stage.site
    alert = await site.alert()
    people = [one for n in range(2500) for one in chain(f"+86154{n:08}", "sms", "sms2")]
    await site.plan(alert, people)
    await stage.later(10)
    counted = await site.store.read(
        fetch, "SELECT channel, state, count(*) FROM deliveries GROUP BY 1, 2 ORDER BY 1"
    )
    assert counted == [("sms", "suppressed", 2500), ("sms2", "waiting", 2500)]


async def test_a_failure_starts_the_next_without_waiting(stage: Stage) -> None:
    """Lateness adds nothing to it."""
    site = stage.site
    alert = await site.alert()
    (batch,) = (await site.plan(alert, chain("1", "sms", "sms2", patience=RECEIPT))).batches
    await site.send(batch, BAD)
    assert await site.states(alert) == {"1 sms": "failed", "1 sms2": "waiting"}
    await stage.later(60)
    assert await site.states(alert) == {"1 sms": "failed", "1 sms2": "waiting"}
