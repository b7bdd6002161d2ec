"""The lease, which is a conditional update: who gets it, who does not, and what it costs."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.integration.store_site import (
    END,
    SECOND,
    UNCLEAR,
    YES,
    Site,
    Steps,
    everyone,
    flag_stopped,
)
from warnd.ports import Lease


async def test_a_lease_is_granted_once(site: Site) -> None:
    """Whoever asks with the epoch before it is refused."""
    alert = await site.alert()
    (batch,) = (await site.plan(alert, everyone(2))).batches
    leased = await site.lease(batch)
    assert leased is not None
    assert (leased.epoch, leased.attempts) == (1, 1)
    assert await site.lease(batch) is None


async def test_a_stale_hint_is_refused_beside_a_good_one(site: Site) -> None:
    """In one commit with a lease that is granted: the batch that is out already is not lent a second time."""
    alert = await site.alert()
    out, free = (await site.plan(alert, everyone(6))).batches
    assert await site.lease(out) is not None
    site.now += 1
    stale, granted = await asyncio.gather(site.lease(out), site.lease(free))
    assert stale is None
    assert granted is not None


async def test_no_lease_after_the_alert_stopped_or_its_time_is_over(site: Site) -> None:
    """Checked in the lease itself, whatever the hint says."""
    alert = await site.alert()
    first, second = (await site.plan(alert, everyone(6))).batches
    late = replace(site, now=END)
    assert await late.lease(first) is None
    await site.store.write(flag_stopped, alert)
    assert await site.lease(second) is None


async def test_a_follower_waits_for_what_is_out_to_the_same_address(site: Site) -> None:
    """It never overtakes; when that is settled, or stays unknown, it goes."""
    alert = await site.alert()
    (first,) = (await site.plan(alert, everyone(1))).batches
    leased = await site.lease(first)
    assert leased is not None
    await site.store.write(flag_stopped, alert)
    update_ = await site.alert(episode=alert)
    (second,) = (await site.plan(update_, everyone(1), follows=True)).batches
    asked = Lease(second, site.now, site.now + SECOND)
    answer = await site.store.turn(None, asked)
    assert (answer.batch, answer.later) == (None, True)
    await site.answer(leased, UNCLEAR)
    assert await site.lease(second) is not None


@pytest.mark.parametrize("site", ["sqlite"], indirect=True)
async def test_what_an_address_was_told_in_years_makes_no_lease_dearer(site: Site) -> None:
    """A robot of the county hears of thousands of warnings; the database takes as many steps for the last as for the first."""
    steps = Steps()

    async def told() -> int:
        """Steps of the lease of an update of its own warning."""
        alert = await site.alert()
        (first,) = (await site.plan(alert, everyone(1))).batches
        await site.send(first, YES)
        (second,) = (await site.plan(await site.alert(episode=alert), everyone(1), follows=True)).batches
        steps.taken = 0
        leased = await site.lease(second)
        taken = steps.taken
        assert leased is not None
        await site.answer(leased, YES)
        return taken

    await site.store.write(steps.count)
    at_first = [await told() for _ in range(5)]
    for _ in range(50):
        last = await told()
    assert 0 < last < 2 * max(at_first)
