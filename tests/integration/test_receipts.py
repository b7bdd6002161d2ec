"""Receipts: early, late, twice and unknown."""

from __future__ import annotations

import pytest

from tests.integration.store_site import (
    LOST,
    Site,
    fetch,
    receipt,
    recounted,
    to,
)
from warnd.contract.outcome import (
    Accepted,
    Receipt,
)


@pytest.mark.parametrize(
    ("receipts", "state"),
    [
        pytest.param([receipt("k")], "delivered", id="delivered"),
        pytest.param([receipt("k", LOST)], "undelivered", id="not delivered"),
        pytest.param([receipt("k"), receipt("k")], "delivered", id="repeated"),
        pytest.param([receipt("k"), receipt("k", LOST)], "delivered", id="a late failure changes nothing"),
        pytest.param([receipt("k", LOST), receipt("k")], "delivered", id="a late success does"),
        pytest.param([receipt("x")], "accepted", id="of an unknown key"),
        pytest.param([receipt("k", address="2")], "accepted", id="for another address"),
        pytest.param([receipt("k", address="1")], "delivered", id="for this address"),
    ],
)
@pytest.mark.parametrize("when", ["early", "late", "late, one by one"])
async def test_receipts(site: Site, receipts: list[Receipt], state: str, when: str) -> None:
    """Before or after the answer that names their key, in one call or several: each is kept, and applied once."""
    alert = await site.alert()
    (batch,) = (await site.plan(alert, [to("1")])).batches
    if when == "early":
        await site.store.receive("sms", receipts, site.now)
    await site.send(batch, Accepted("k"))
    if when == "late":
        await site.store.receive("sms", receipts, site.now)
    if when == "late, one by one":
        for one in receipts:
            await site.store.receive("sms", [one], site.now)
    assert await site.states(alert) == {"1 sms": state}
    kept = await site.store.read(fetch, "SELECT count(*) FROM receipts")
    assert kept == [(len(receipts),)]
    await recounted(site)
