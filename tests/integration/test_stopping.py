"""What is stopped, gathered and taken back, a chunk at a time."""

from __future__ import annotations

from collections import Counter

from tests.integration.store_site import (
    BUSY,
    CONTENT,
    ROUTES,
    SECOND,
    YES,
    Site,
    everyone,
    fetch,
    flag_stopped,
    recounted,
    to,
)
from warnd.model.color import Lane
from warnd.model.delivery import BatchState, State
from warnd.pipeline.gather import gather
from warnd.store import backlog, sweeping


async def test_sweeping_marks_what_is_unsent_and_leaves_what_is_out(site: Site) -> None:
    """Whoever may have been told keeps that; the rest says why it was not."""
    alert = await site.alert()
    people = [
        *everyone(6),
        to("9", channel="mail", state=State.STANDBY, step=1, who=everyone(1)[0].subscriber_id),
    ]
    out, rests = (await site.plan(alert, people)).batches
    leased = await site.lease(out)
    assert leased is not None
    await site.store.write(flag_stopped, alert)
    sweep = (sweeping.sweep_stopped, alert, State.SUPERSEDED, "", site.now, 1000)
    assert await site.store.move(*sweep) == "", "one is still out"
    assert Counter((await site.states(alert)).values()) == {"queued": 3, "superseded": 4}
    await site.answer(leased, YES, BUSY, YES)
    assert await site.store.move(*sweep) is None
    assert Counter((await site.states(alert)).values()) == {"accepted": 2, "superseded": 5}
    assert rests.id not in {
        one.id for one in await site.store.read(backlog.open_batches, "sms", Lane.RED, "", 9)
    }
    await recounted(site)


async def test_what_comes_back_behind_a_chunk_of_the_sweep_is_swept_too(site: Site) -> None:
    """Its batch was out when the first chunk passed it, and settled before the last."""
    alert = await site.alert()
    batches = (await site.plan(alert, everyone(9))).batches
    leased = await site.lease(batches[0])
    assert leased is not None
    await site.store.write(flag_stopped, alert)
    after = await site.store.move(sweeping.sweep_stopped, alert, State.SUPERSEDED, "", site.now, 4)
    assert after
    await site.answer(leased, BUSY)
    while after is not None:
        after = await site.store.move(sweeping.sweep_stopped, alert, State.SUPERSEDED, after, site.now, 4)
    assert set((await site.states(alert)).values()) == {"superseded"}
    await recounted(site)


async def test_gathering_leaves_out_what_was_stopped_meanwhile(site: Site) -> None:
    """Between reading and writing the sweep came by: those rows are as it left them."""
    alert = await site.alert()
    (batch,) = (await site.plan(alert, everyone(3))).batches
    await site.send(batch, YES, BUSY, BUSY)
    site.now += SECOND
    found = await site.store.read(backlog.batchless, site.now, (0, ""), 10)
    contents = await site.store.read(backlog.contents_by_id, {one.content_id for one in found})
    made = gather(found, contents, ROUTES, new_ids=site.new_ids, now=site.now)
    await site.stop(alert)
    assert await site.store.move(sweeping.gather, made, site.now) == []
    assert Counter((await site.states(alert)).values()) == {"accepted": 1, "superseded": 2}
    await recounted(site)


async def test_stopping_a_refused_text_stops_it_on_its_channel_only(site: Site) -> None:
    """What rests fails with the reason; another channel's text is another."""
    alert = await site.alert()
    people = [*everyone(6), to("a@mail.example", channel="mail")]
    first, *_ = (await site.plan(alert, people)).batches
    judged = await site.send(first, CONTENT)
    assert judged.content_refused
    assert not await site.store.move(sweeping.stop_content, first, site.now, 100)
    states = await site.states(alert)
    assert states.pop("a@mail.example mail") == "queued"
    assert set(states.values()) == {"failed"}
    await recounted(site)


async def test_leases_that_ran_out_are_unknown_then_final(site: Site) -> None:
    """After a crash nobody can say whether the request left; when it has been resent often enough, that stays so."""
    alert = await site.alert()
    (batch,) = (await site.plan(alert, everyone(2))).batches
    leased = await site.lease(batch, seconds=10)
    assert leased is not None
    assert await site.store.read(backlog.leases_run_out, site.now, 10) == []
    site.now += 11 * SECOND
    (found,) = await site.store.read(backlog.leases_run_out, site.now, 10)
    assert (found.deliveries, found.addresses) == (batch.deliveries, batch.addresses)
    await site.store.move(sweeping.run_out, [found], site.now, BatchState.SETTLED)
    assert set((await site.states(alert)).values()) == {"unknown"}
    assert await site.store.read(fetch, "SELECT DISTINCT told FROM deliveries") == [(1,)]
    assert await site.store.read(backlog.open_batches, "sms", Lane.RED, "", 10) == []
    await recounted(site)


async def test_a_repeat_that_is_broken_off_is_marked_too(site: Site) -> None:
    """Whoever got it twice can read that it may be so, though nobody ever heard how the repeat went."""
    await site.plan(await site.alert(), everyone(2))
    for state in (BatchState.UNKNOWN, BatchState.SETTLED):
        (batch,) = await site.store.read(backlog.open_batches, "sms", Lane.RED, "", 10)
        assert await site.lease(batch, seconds=10) is not None
        site.now += 11 * SECOND
        found = await site.store.read(backlog.leases_run_out, site.now, 10)
        await site.store.move(sweeping.run_out, found, site.now, state)
    marks = await site.store.read(
        fetch, "SELECT body LIKE '%\"possible_repeat\":true%' FROM journal ORDER BY seq"
    )
    assert marks == [(0,), (1,)]
