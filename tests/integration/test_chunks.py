"""Chunks of a plan: behind their cursor, harmless when they come again, one row an address."""

from __future__ import annotations

import pytest

from tests.integration.store_site import (
    BAD,
    YES,
    Site,
    everyone,
    fetch,
    flag_stopped,
    recounted,
    to,
)
from warnd.contract.outcome import (
    Outcome,
)
from warnd.model.color import Lane
from warnd.model.delivery import State
from warnd.store import backlog


async def test_a_chunk_behind_another_cursor_is_refused(site: Site) -> None:
    """Two planners of one alert cannot both go on."""
    alert = await site.alert()
    await site.plan(alert, everyone(2))
    assert (await site.plan(alert, everyone(4), after="")).stopped
    assert len(await site.states(alert)) == 2


async def test_a_chunk_of_a_stopped_alert_is_refused(site: Site) -> None:
    """Superseded in the middle of planning: nothing more is promised."""
    alert = await site.alert()
    await site.store.write(flag_stopped, alert)
    assert (await site.plan(alert, everyone(2))).stopped


async def test_planning_the_same_people_again_is_harmless(site: Site) -> None:
    """A restart that replays a part of the plan promises nothing twice."""
    alert = await site.alert()
    await site.plan(alert, everyone(3))
    again = await site.plan(alert, everyone(5))
    assert sorted(address for batch in again.batches for address in batch.addresses) == [
        one.address for one in everyone(5)[3:]
    ]
    assert len(await site.states(alert)) == 5
    await recounted(site)


async def test_two_people_behind_one_address_get_one_delivery(site: Site) -> None:
    """In one chunk or in two; each of them stands behind it with reasons."""
    alert = await site.alert()
    await site.plan(alert, [to("1", who="P"), to("1", who="Q")])
    await site.plan(alert, [to("1", who="R")])
    assert await site.states(alert) == {"1 sms": "queued"}
    rows = await site.store.read(fetch, "SELECT subscriber_id FROM recipients ORDER BY 1")
    assert rows == [("P",), ("Q",), ("R",)]


@pytest.mark.parametrize("state", [State.SUPPRESSED, State.STANDBY], ids=["not to be told", "standing by"])
async def test_whoever_is_to_be_told_takes_over_the_row_of_whoever_is_not(site: Site, state: State) -> None:
    """Their number is one; a later chunk's reason to tell outweighs an earlier chunk's reason not to."""
    alert = await site.alert()
    await site.plan(alert, [to("2", who="P", state=state, region="62")])
    committed = await site.plan(alert, [to("1"), to("2", who="Q"), to("3")])
    assert await site.states(alert) == {"1 sms": "queued", "2 sms": "queued", "3 sms": "queued"}
    assert await site.store.read(backlog.open_batches, "sms", Lane.RED, "", 10) == list(committed.batches)
    (batch,) = committed.batches
    await site.send(batch, YES)
    assert set((await site.states(alert)).values()) == {"accepted"}
    await recounted(site)


@pytest.mark.parametrize(
    ("outcome", "after"), [(BAD, "waiting"), (YES, "suppressed")], ids=["fails", "succeeds"]
)
async def test_what_stands_by_for_a_shared_number_stands_by_for_the_row_it_has(
    site: Site, outcome: Outcome, after: str
) -> None:
    """The second person's own row was never made: nothing would ever have woken their mail."""
    alert = await site.alert()
    batches = [
        one
        for who in ("P", "Q")
        for one in (
            await site.plan(
                alert,
                [to("1", who=who), to(f"{who}@mail", channel="mail", state=State.STANDBY, who=who, step=1)],
            )
        ).batches
    ]
    (batch,) = batches
    await site.send(batch, outcome)
    assert await site.states(alert) == {
        "1 sms": "failed" if outcome is BAD else "accepted", "P@mail mail": after, "Q@mail mail": after,
    }  # fmt: skip
