"""A lease has an epoch: what comes back under an old one is written down, and moves nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from tests.integration.store_site import (
    BAD,
    BUSY,
    CONTENT,
    ONE_OF,
    UNCLEAR,
    YES,
    Site,
    everyone,
    fetch,
    recounted,
    to,
)
from warnd.contract.outcome import Outcome
from warnd.model.color import Lane
from warnd.model.delivery import Batch, BatchState, State
from warnd.store import backlog, sweeping

TABLES = ("deliveries", "batches", "tallies", "receipt_keys", "endpoints", "contents", "former_batches")


async def rows_of(site: Site) -> dict[str, list[Any]]:
    return {table: await site.store.read(fetch, f"SELECT * FROM {table} ORDER BY 1, 2") for table in TABLES}


async def run_out(site: Site, batch: Batch) -> Batch:
    """The lease ends without an outcome; the batch as it rests."""
    assert await site.store.move(sweeping.run_out, [batch], site.now, BatchState.UNKNOWN)
    (resting,) = await site.store.read(backlog.open_batches, "sms", Lane.RED, "", 10)
    return resting


async def resting(site: Site, batch: Batch) -> None:
    await run_out(site, batch)


async def out_again(site: Site, batch: Batch) -> None:
    assert await site.lease(await run_out(site, batch)) is not None


async def settled_since(site: Site, batch: Batch) -> None:
    await site.send(await run_out(site, batch), YES)


async def given_up(site: Site, batch: Batch) -> None:
    await site.store.move(sweeping.run_out, [batch], site.now, BatchState.SETTLED)


LATE = {
    "rejected": [BAD] * 3,
    "deferred": [BUSY] * 3,
    "unclear": [UNCLEAR] * 3,
    "its text refused": [CONTENT] * 3,
    "one of them bad": [ONE_OF] * 3,
    "each another": [YES, BAD, BUSY],
}


@pytest.mark.parametrize("outcomes", LATE.values(), ids=LATE)
@pytest.mark.parametrize(
    "meanwhile", [resting, out_again, settled_since, given_up], ids=lambda one: one.__name__
)
async def test_a_late_outcome_changes_nothing_but_the_journal(
    site: Site, outcomes: Sequence[Outcome], meanwhile: Any
) -> None:
    """Whatever it says, and whatever has become of its batch since; the attempt can be read afterwards."""
    alert = await site.alert()
    (batch,) = (await site.plan(alert, everyone(3))).batches
    leased = await site.lease(batch)
    assert leased is not None
    await meanwhile(site, leased)
    before = await rows_of(site)
    await site.answer(leased, *outcomes)
    assert await rows_of(site) == before
    ((body,),) = await site.store.read(
        fetch, "SELECT body FROM journal WHERE kind = 'attempt.ended' ORDER BY seq DESC LIMIT 1"
    )
    told = json.loads(body)
    assert (told["late"], told["epoch"]) == (True, leased.epoch)
    await recounted(site)


async def test_a_late_acceptance_needs_no_standby_either(site: Site) -> None:
    """It stops the repeat that has not left, and with it what stood by for the number."""
    alert = await site.alert()
    people = [to("1"), to("1@mail", channel="mail", state=State.STANDBY, who="S1", step=1)]
    (batch,) = (await site.plan(alert, people)).batches
    leased = await site.lease(batch)
    assert leased is not None
    await run_out(site, leased)
    await site.answer(leased, YES)
    assert await site.states(alert) == {"1 sms": "accepted", "1@mail mail": "suppressed"}
    await recounted(site)
