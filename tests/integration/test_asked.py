"""What targets were asked of late, as a store has it: by others, on channels that count it, and who throttles."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.integration.store_site import POLICY, SECOND, START, YES, Site, everyone, to
from warnd.contract.outcome import Deferred, Reason, Scope
from warnd.model.delivery import Batch, BatchState
from warnd.pipeline.bundle import settle_bundle
from warnd.pipeline.settle import Try
from warnd.ports import Settlement
from warnd.store import asked
from warnd.store.asked import Lately

OWN, ANOTHER = 1, 2
ROBOT = "robot"
SLOW = Deferred(Reason.THROTTLED, Scope.TARGET, retry_after=timedelta(seconds=60))
BUSY = Deferred(Reason.THROTTLED, Scope.CHANNEL, retry_after=timedelta(seconds=60))


async def lately(
    site: Site, own: int = OWN, *, counted: tuple[str, ...] = ("sms",), since: int = START
) -> Lately:
    return await site.store.read(asked.lately, counted, own, since - 1, site.now)


async def planned(site: Site, *addresses: str) -> list[Batch]:
    """One batch for each, of a warning of its own."""
    return [(await site.plan(await site.alert(), [to(one)])).batches[0] for one in addresses]


async def test_every_request_of_others_counts_and_none_of_ones_own(site: Site) -> None:
    """Two of one process in a row, one of another; each process is told of the other's."""
    first, second, third = await planned(site, ROBOT, ROBOT, ROBOT)
    site.store.lease_as(ANOTHER)
    for batch in (first, second):
        await site.send(batch, YES)
        site.now += SECOND
    site.store.lease_as(OWN)
    await site.send(third, YES)
    assert (await lately(site)).asked == {("sms", ROBOT): [START, START + SECOND]}
    assert (await lately(site, ANOTHER)).asked == {("sms", ROBOT): [START + 2 * SECOND]}
    assert (await lately(site, counted=())).asked == {}


async def test_what_others_have_out_counts_as_asked_now(site: Site) -> None:
    """Whether it has left, nobody knows yet."""
    (batch,) = await planned(site, ROBOT)
    site.store.lease_as(ANOTHER)
    await site.lease(batch)
    site.now += 5 * SECOND
    assert (await lately(site)).asked == {("sms", ROBOT): [site.now]}
    assert (await lately(site, ANOTHER)).asked == {}


async def test_a_bundle_is_one_request_and_what_did_not_leave_is_none(site: Site) -> None:
    """Its parts are journaled one by one."""
    first, second, third = await planned(site, ROBOT, ROBOT, "robot-2")
    site.store.lease_as(ANOTHER)
    content = replace(first.content, id=site.new_ids(1)[0])
    bundle = await site.lease(Batch.carrying([first, second], content, site.now))
    assert bundle is not None
    await site.store.turn(
        settle_bundle(bundle, YES, POLICY, Try(site.now, site.now, 0.5, tuple(site.new_ids(2)))), None
    )
    held = await site.lease(third)
    assert held is not None
    late = Settlement(held, site.now, site.now, BatchState.QUEUED, due=site.now, outcome={"not_sent": "late"})
    await site.store.turn(late, None)
    assert (await lately(site)).asked == {("sms", ROBOT): [START]}


async def test_who_throttles_is_known_of_every_channel_to_everybody(site: Site) -> None:
    """Of all of a batch or of some; not of the channel as a whole, which is no target's."""
    (alike, mixed) = (await site.plan(await site.alert(), everyone(6))).batches
    await site.send(alike, SLOW)
    await site.send(mixed, YES, SLOW, BUSY)
    until = START + 60 * SECOND
    found = await lately(site, counted=())
    assert found.throttled == {("sms", one): until for one in (*alike.addresses, mixed.addresses[1])}
    assert await site.store.read(asked.addresses, mixed.deliveries) == dict(
        zip(mixed.deliveries, mixed.addresses, strict=True)
    )


async def test_no_more_of_the_journal_is_read_than_there_is_to_know(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Page by page from its end, to the first that is older; nothing of before counts."""
    monkeypatch.setattr(asked, "_PAGE", 2)
    batches = await planned(site, *[ROBOT] * 9)
    site.store.lease_as(ANOTHER)
    for batch in batches:
        await site.send(batch, YES)
        site.now += SECOND
    found = await lately(site, since=START + 4 * SECOND)
    assert found.asked == {("sms", ROBOT): [START + n * SECOND for n in range(4, 9)]}
