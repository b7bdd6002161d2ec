"""Which deliveries are called possible repeats: those of which somebody may have got two."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import insert, update

from tests.integration.store_site import UNCLEAR, YES, Site, everyone, fetch, flag_stopped
from warnd.contract.outcome import Outcome
from warnd.model.delivery import Batch, BatchState, State
from warnd.ports import Settlement
from warnd.store import sweeping
from warnd.store.repeats import possible_repeats
from warnd.store.tables import deliveries, fallbacks


async def tried(site: Site, batch: Batch, outcome: Outcome) -> Batch:
    site.now = max(site.now, batch.due)
    leased = await site.lease(batch)
    assert leased is not None
    settled = await site.answer(leased, outcome)
    return replace(leased, state=settled.state, due=settled.due, unknowns=settled.unknowns)


async def repeats(site: Site) -> frozenset[str]:
    ids = [id for (id,) in await site.store.read(fetch, "SELECT id FROM deliveries")]
    return await site.store.read(possible_repeats, ids)


async def test_only_what_left_again_after_a_try_without_an_answer_is_one(site: Site) -> None:
    """A second try that was held back at the last look told nobody."""
    (batch,) = (await site.plan(await site.alert(), everyone(1))).batches
    batch = await tried(site, batch, UNCLEAR)
    assert await repeats(site) == frozenset()
    site.now = max(site.now, batch.due)
    leased = await site.lease(batch)
    assert leased is not None
    held_back = Settlement(
        leased, site.now, site.now, BatchState.WAITING, due=site.now, unknowns=1, outcome={"not_sent": "late"}
    )
    await site.store.turn(held_back, None)
    assert await repeats(site) == frozenset()
    await tried(site, replace(leased, state=BatchState.WAITING), YES)
    assert len(await repeats(site)) == 1


async def test_what_stood_by_and_never_began_is_none(site: Site) -> None:
    """Though the one before it was told, and both were stopped."""
    alert = await site.alert()
    await site.plan(alert, everyone(2))
    (first,), (second,) = await site.store.read(fetch, "SELECT id FROM deliveries ORDER BY id")
    of = deliveries.c.id
    for change in (
        update(deliveries).where(of == first).values(state="accepted", told=True),
        update(deliveries).where(of == second).values(state="standby", batch_id=None),
        insert(fallbacks).values(delivery_id=first, next_id=second, until="delivered", late_after=1),
    ):
        await site.store.write(lambda connection, change=change: connection.execute(change) and None)
    await site.store.write(flag_stopped, alert)
    await site.store.move(sweeping.sweep_stopped, alert, State.SUPERSEDED, "", site.now, 100)
    assert await site.store.read(fetch, "SELECT state FROM deliveries ORDER BY id") == [
        ("accepted",),
        ("superseded",),
    ]
    assert await repeats(site) == frozenset()
