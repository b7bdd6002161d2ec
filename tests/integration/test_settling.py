"""What attempts come to, in the rows."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection, insert

from tests.integration.store_site import (
    BAD,
    BUSY,
    NOW,
    SECOND,
    UNCLEAR,
    YES,
    Site,
    everyone,
    fetch,
    recounted,
    to,
)
from warnd.contract.outcome import (
    Accepted,
)
from warnd.model.color import Lane
from warnd.model.delivery import BatchState
from warnd.pipeline.expand import Recipient
from warnd.store import backlog, sweeping, tables


async def test_a_late_acceptance_stops_a_repeat_that_has_not_left(site: Site) -> None:
    """The lease had run out; the answer is kept in the journal, and nobody is told twice."""
    alert = await site.alert()
    (batch,) = (await site.plan(alert, everyone(2))).batches
    leased = await site.lease(batch)
    assert leased is not None
    assert await site.store.move(sweeping.run_out, [leased], site.now, BatchState.UNKNOWN)
    assert set((await site.states(alert)).values()) == {"unknown"}
    await site.answer(leased, Accepted("k"))
    assert set((await site.states(alert)).values()) == {"accepted"}
    assert await site.store.read(backlog.open_batches, "sms", Lane.RED, "", 10) == []
    rows = await site.store.read(fetch, "SELECT kind, body LIKE '%\"late\":true%' FROM journal ORDER BY seq")
    assert rows == [("attempt.interrupted", 0), ("attempt.ended", 1)]
    await recounted(site)


async def test_a_late_answer_changes_nothing_once_the_repeat_is_out(site: Site) -> None:
    """The repeat's own answer will say."""
    alert = await site.alert()
    (batch,) = (await site.plan(alert, everyone(2))).batches
    leased = await site.lease(batch)
    assert leased is not None
    await site.store.move(sweeping.run_out, [leased], site.now, BatchState.UNKNOWN)
    (again,) = await site.store.read(backlog.open_batches, "sms", Lane.RED, "", 10)
    assert again.addresses == leased.addresses, "byte for byte"
    repeat = await site.lease(again)
    assert repeat is not None
    await site.answer(leased, BAD)
    assert set((await site.states(alert)).values()) == {"unknown"}
    await site.answer(repeat, YES)
    assert set((await site.states(alert)).values()) == {"accepted"}
    await recounted(site)


async def test_a_lease_taken_anew_is_not_run_out(site: Site) -> None:
    """Between looking and writing it was settled and lent again: another epoch, another lease."""
    alert = await site.alert()
    (batch,) = (await site.plan(alert, everyone(1))).batches
    seen = await site.lease(batch)
    assert seen is not None
    settled = await site.answer(seen, BUSY)
    rested = replace(seen, state=settled.state, due=settled.due)
    assert await site.lease(rested) is not None
    assert await site.store.move(sweeping.run_out, [seen], site.now, BatchState.UNKNOWN) == []


async def test_where_outcomes_differ_each_delivery_goes_its_own_way(site: Site) -> None:
    """Accepted, failed, to be gathered, and unclear in a batch of its own."""
    alert = await site.alert()
    (batch,) = (await site.plan(alert, everyone(3))).batches
    await site.send(batch, YES, BUSY, UNCLEAR)
    assert list((await site.states(alert)).values()) == ["accepted", "waiting", "unknown"]
    site.now += SECOND
    (gathered,) = await site.gather()
    assert gathered.deliveries == (batch.deliveries[1],)
    unclear, again = await site.store.read(backlog.open_batches, "sms", Lane.RED, "", 10)
    assert (unclear.deliveries, unclear.state) == ((batch.deliveries[2],), BatchState.UNKNOWN)
    assert again == gathered
    assert await site.store.read(fetch, "SELECT count(*) FROM former_batches") == [(2,)]
    await recounted(site)


async def test_tries_are_counted_once_however_often_a_delivery_is_regrouped(site: Site) -> None:
    """A delivery's tries are its own count and its batch's; waits grow by them."""
    alert = await site.alert()
    (batch,) = (await site.plan(alert, everyone(2))).batches
    await site.send(batch, YES, BUSY)
    for tries in (2, 3, 4):
        site.now += 60 * SECOND
        (again,) = await site.gather()
        (leased,) = [await site.lease(again)]
        assert leased is not None
        assert leased.attempts == tries
        counted = await site.store.read(
            fetch, "SELECT d.attempts + b.attempts FROM deliveries d JOIN batches b ON b.id = d.batch_id "
            "WHERE d.id = ?", batch.deliveries[1],
        )  # fmt: skip
        assert counted == [(tries,)]
        judged = site.judged(leased, [BUSY])
        departing = judged._replace(
            uniform=None, state=BatchState.SETTLED,
            departures=site.judged(replace(leased, deliveries=leased.deliveries * 2, addresses=leased.addresses * 2,
                                           levels=leased.levels * 2), [BUSY, YES]).departures,
        )  # fmt: skip
        await site.store.turn(departing, None)


async def test_three_refusals_in_a_row_suspend_an_endpoint_and_an_acceptance_between_forgives(
    site: Site,
) -> None:
    """A number that worked last month is not given up for three slips in three years."""
    person = to("+8615400000001", who="S1")
    await site.store.write(keep_endpoint, person)
    for outcome, rejections, state in (
        (BAD, 1, "active"), (BAD, 2, "active"), (YES, 2, "active"), (BAD, 1, "active"), (BAD, 2, "active"),
        (BAD, 3, "suspended"),
    ):  # fmt: skip
        site.now += SECOND
        alert = await site.alert()
        (batch,) = (await site.plan(alert, [person])).batches
        await site.send(batch, outcome)
        assert await site.store.read(fetch, "SELECT rejections, state FROM endpoints") == [
            (rejections, state)
        ]


def keep_endpoint(connection: Connection, one: Recipient) -> None:
    connection.execute(
        insert(tables.endpoints).values(
            id=one.endpoint_id,
            subscriber_id=one.subscriber_id,
            channel="sms",
            address=one.address,
            created_at=NOW,
        )
    )
