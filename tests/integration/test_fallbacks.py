"""What stands by for a delivery wakes when that cannot be told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.integration.store_site import (
    BAD,
    BUSY,
    POLICY,
    UNCLEAR,
    YES,
    Site,
    everyone,
    recounted,
    to,
)
from warnd.contract.outcome import (
    Outcome,
)
from warnd.model.delivery import State


@pytest.mark.parametrize(
    ("outcome", "after"),
    [
        pytest.param(YES, "suppressed", id="not needed once the first is accepted"),
        pytest.param(BAD, "waiting", id="wakes when the first fails"),
        pytest.param(BUSY, "standby", id="stands by while the first is tried again"),
        pytest.param(UNCLEAR, "standby", id="stands by while the first is resent"),
    ],
)
@pytest.mark.parametrize("company", [0, 1], ids=["alone in its batch", "beside an accepted one"])
async def test_a_fallback(site: Site, outcome: Outcome, after: str, company: int) -> None:
    """The next channel of an ordered policy."""
    alert = await site.alert()
    number = "+8615400000009"
    people = [to(number), to(number, channel="sms2", state=State.STANDBY, step=1)]
    (batch,) = (await site.plan(alert, [*people, *everyone(company)])).batches
    outcomes = [outcome if address == number else YES for address in batch.addresses]
    await site.send(batch, *outcomes)
    assert (await site.states(alert))[f"{number} sms2"] == after
    assert [one.channel for one in await site.gather()] == (["sms2"] if after == "waiting" else [])
    await recounted(site)


async def test_a_fallback_wakes_when_what_happened_stays_unknown(site: Site) -> None:
    """Resent as often as allowed; then the next channel starts."""
    alert = await site.alert()
    people = [to("1"), to("1", channel="sms2", state=State.STANDBY, step=1)]
    (batch,) = (await site.plan(alert, people)).batches
    for _ in range(POLICY.unknown_resends[next(iter(POLICY.unknown_resends))] + 1):
        leased = await site.lease(batch)
        assert leased is not None
        settled = await site.answer(leased, UNCLEAR)
        batch = replace(leased, state=settled.state, due=settled.due, unknowns=settled.unknowns)
    assert await site.states(alert) == {"1 sms": "unknown", "1 sms2": "waiting"}
    await recounted(site)


async def test_only_the_address_that_failed_goes_to_the_second_provider(site: Site) -> None:
    """Of a person's two numbers one was accepted: nobody is told twice without need."""
    alert = await site.alert()
    people = [to(number, channel=channel, state=state, who="S", step=step)
              for channel, state, step in (("sms", State.QUEUED, 0), ("sms2", State.STANDBY, 1))
              for number in ("1", "2")]  # fmt: skip
    (batch,) = (await site.plan(alert, people)).batches
    await site.send(batch, BAD, YES)
    assert await site.states(alert) == {
        "1 sms": "failed",
        "1 sms2": "waiting",
        "2 sms": "accepted",
        "2 sms2": "suppressed",
    }
