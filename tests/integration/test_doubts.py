"""That nobody knows who got an alert is an alarm until it is known, or they were told again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import update

from tests.integration.store_site import SECOND, UNCLEAR, YES, Site, everyone, keep_alert
from warnd.app.board import AlarmBoard
from warnd.app.doubts import Doubts
from warnd.contract.outcome import Outcome
from warnd.model.color import Lane
from warnd.model.delivery import Batch, BatchState, State
from warnd.model.ulid import UlidMaker
from warnd.store import alarms, resending, tables


@pytest.fixture
def board(site: Site) -> AlarmBoard:
    return AlarmBoard(site.store, now=lambda: tables.instant(site.now), new_id=lambda: site.new_ids(1)[0])


async def left_unknown(site: Site, board: AlarmBoard, people: int) -> str:
    """An alert to so many of whom nobody knows whether they got it, and the alarm about that."""
    alert = await site.alert()
    for batch in (await site.plan(alert, everyone(people))).batches:
        await tried(site, batch, UNCLEAR)
    sound(board, alert)
    await board.settle()
    return alert


async def tried(site: Site, batch: Batch, outcome: Outcome) -> None:
    """As often as warnd tries by itself."""
    while batch.state is not BatchState.SETTLED:
        site.now = max(site.now, batch.due)
        leased = await site.lease(batch)
        assert leased is not None
        settled = await site.answer(leased, outcome)
        batch = replace(leased, state=settled.state, due=settled.due, unknowns=settled.unknowns)


def sound(board: AlarmBoard, alert: str) -> None:
    board.sound("unknown_outcome", alert)


async def told_again(site: Site, alert: str, *, at_most: int = 100) -> Sequence[Batch]:
    """A further round of what is unknown, about to be sent."""
    request = resending.Resend(alert, frozenset({State.UNKNOWN}))
    now = tables.instant(site.now)
    round_ = await site.store.read(resending.next_round, request, now=now)
    chosen = (await site.store.read(resending.select_for_resend, request, round_, ""))[:at_most]
    await site.store.move(
        resending.resend, request, round_, chosen, now=now, ids=site.new_ids(len(chosen)), actor="duty"
    )
    return await site.gather()


async def standing(site: Site, doubts: Doubts, *, after: float = 30) -> set[str]:
    """The alerts of which the alarm stands, when it was looked at so many seconds later."""
    site.now += int(after * SECOND)
    await doubts.round()
    return {one.subject for one in await site.store.read(alarms.open_alarms)}


@pytest.fixture
def doubts(site: Site) -> Doubts:
    return Doubts(site.store, clock=lambda: site.now)


async def test_it_ends_when_everybody_in_doubt_was_told_again(
    site: Site, board: AlarmBoard, doubts: Doubts
) -> None:
    """Not when some were, nor before the provider has answered; and no other alert's alarm."""
    other = await left_unknown(site, board, 1)
    alert = await left_unknown(site, board, 3)
    assert await standing(site, doubts) == {alert, other}
    for batch in await told_again(site, alert, at_most=2):
        await tried(site, batch, YES)
    assert await standing(site, doubts) == {alert, other}
    (batch,) = await told_again(site, alert)
    assert await standing(site, doubts) == {alert, other}
    await tried(site, batch, YES)
    assert await standing(site, doubts) == {other}


async def test_who_was_told_again_and_is_in_doubt_again_is_in_doubt(
    site: Site, board: AlarmBoard, doubts: Doubts
) -> None:
    """The last round counts."""
    alert = await left_unknown(site, board, 1)
    for outcome, left in ((UNCLEAR, {alert}), (YES, set())):
        (batch,) = await told_again(site, alert)
        await tried(site, batch, outcome)
        assert await standing(site, doubts) == left


async def test_a_later_round_that_ran_out_before_it_left_is_no_answer(
    site: Site, board: AlarmBoard, doubts: Doubts
) -> None:
    """Who was in doubt still is."""
    alert = await left_unknown(site, board, 1)
    await told_again(site, alert)
    late = update(tables.deliveries).where(tables.deliveries.c.round == 1).values(state="expired")
    await site.store.write(lambda connection: connection.execute(late) and None)
    assert await standing(site, doubts) == {alert}


async def test_whoever_plans_by_a_clock_that_is_behind_leaves_no_doubt_unseen(
    site: Site, board: AlarmBoard, doubts: Doubts
) -> None:
    """Its rows may have ids that come before their alert's."""
    (alert,) = site.new_ids(1)
    await site.store.write(keep_alert, alert, alert, Lane.RED)
    site.now -= 3 * SECOND
    site.ids = UlidMaker()
    for batch in (await site.plan(alert, everyone(1))).batches:
        await tried(site, batch, UNCLEAR)
    sound(board, alert)
    await board.settle()
    await told_again(site, alert)
    assert await standing(site, doubts) == {alert}, "the second round has not left yet"


async def test_a_doubt_that_comes_as_the_last_one_ends_is_not_lost(
    site: Site, board: AlarmBoard, doubts: Doubts
) -> None:
    """What was sounded a moment ago is not written again, so it is not ended either."""
    alert = await left_unknown(site, board, 1)
    (batch,) = await told_again(site, alert)
    await tried(site, batch, YES)
    site.now += 60 * SECOND
    sound(board, alert)
    await board.settle()
    assert await standing(site, doubts, after=19) == {alert}
    assert await standing(site, doubts, after=6) == set()
    sound(board, alert)
    await board.settle()
    assert await standing(site, doubts, after=0) == {alert}
