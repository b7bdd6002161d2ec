"""What rests in the store, as the lanes read it."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from tests.integration.store_site import (
    Site,
    Steps,
    everyone,
)
from warnd.contract.outcome import (
    Reason,
    Rejected,
)
from warnd.model.color import Lane
from warnd.model.delivery import Rank, State
from warnd.store import backlog, resending, tables


async def test_a_later_round_is_read_back_as_one(site: Site) -> None:
    """Its place in the lane is behind the first notices, also after a restart."""
    alert = await site.alert()
    (batch,) = (await site.plan(alert, everyone(2))).batches
    await site.send(batch, Rejected(Reason.BAD_ADDRESS))
    request = resending.Resend(alert, frozenset({State.FAILED}))
    chosen = await site.store.read(resending.select_for_resend, request, 1, "")
    await site.store.move(
        resending.resend, request, 1, chosen, now=tables.instant(site.now), ids=site.new_ids(2), actor="duty"
    )
    (gathered,) = await site.gather()
    assert gathered.rank is Rank.AGAIN
    assert await site.store.read(backlog.open_batches, "sms", Lane.RED, "", 9, rank=Rank.AGAIN) == [gathered]
    assert await site.store.read(backlog.open_batches, "sms", Lane.RED, "", 9) == []


@pytest.mark.parametrize("site", ["sqlite"], indirect=True)
async def test_what_waits_in_a_place_makes_no_look_into_another_dearer(site: Site) -> None:
    """Empty places are looked into every second, also beside a lane of a million."""
    steps = Steps()

    def look(connection: Connection) -> None:
        steps.count(connection)
        assert not backlog.open_batches(connection, "sms", Lane.RED, "", 100, rank=Rank.BEHIND)

    await site.store.read(look)
    nothing, steps.taken = steps.taken, 0
    await site.plan(await site.alert(), everyone(1500))
    await site.store.read(look)
    assert steps.taken <= nothing + 5
