"""Counting by tally and by scanning come to the same, whatever happened."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from tests.integration.store_site import (
    BAD,
    BUSY,
    CONTENT,
    ONE_OF,
    POLICY,
    REGIONS,
    ROUTES,
    SECOND,
    UNCLEAR,
    YES,
    Site,
    receipt,
    recounted,
    to,
)
from warnd.contract.outcome import (
    Accepted,
    Outcome,
    ReceiptStatus,
)
from warnd.model.color import Lane
from warnd.model.delivery import Batch, BatchState, State
from warnd.pipeline.settle import resends
from warnd.store import backlog, sweeping


@pytest.mark.parametrize("seed", range(30))
async def test_tallies_always_equal_a_recount(site: Site, seed: int) -> None:
    """After any sequence of what the engine does, counting by tally and by scanning come to the same."""
    chance = random.Random(seed)
    alerts = [await site.alert() for _ in range(2)]
    resting: list[Batch] = []
    out: list[Batch] = []
    late: list[Batch] = []
    keys: list[str] = []

    def outcome() -> Outcome:
        kinds: list[Outcome] = [YES, YES, BUSY, UNCLEAR, BAD, ONE_OF, CONTENT]
        kind = chance.choice(kinds)
        if kind is YES and chance.random() < 0.7:
            keys.append(f"k{len(keys)}")
            return Accepted(keys[-1])
        return kind

    async def plan() -> None:
        people = [
            to(
                f"+86154{chance.randrange(40):08}", channel=chance.choice(["sms", "mail"]), who=f"S{chance.randrange(10**9)}",
                state=chance.choice([State.QUEUED, State.QUEUED, State.SUPPRESSED]), region=chance.choice(REGIONS),
            )
            for _ in range(chance.randrange(1, 12))
        ]  # fmt: skip
        for one in list(people):
            if one.channel == "sms" and one.state is State.QUEUED and chance.random() < 0.5:
                people.append(one._replace(channel="sms2", state=State.STANDBY, step=1))
        resting.extend((await site.plan(chance.choice(alerts), people)).batches)

    async def lease() -> None:
        if resting:
            batch = resting.pop(chance.randrange(len(resting)))
            if (leased := await site.lease(batch)) is not None:
                out.append(leased)
            if chance.random() < 0.1:
                resting.append(batch)

    async def answer() -> None:
        if out:
            batch = out.pop(chance.randrange(len(out)))
            same = [outcome()] * len(batch)
            settled = await site.answer(batch, *chance.choice([same, [outcome() for _ in range(len(batch))]]))
            resting.extend(settled.splits)
            if settled.state in (BatchState.WAITING, BatchState.UNKNOWN):
                resting.append(
                    replace(batch, state=settled.state, due=settled.due, unknowns=settled.unknowns)
                )
            if settled.content_refused:
                await site.store.move(sweeping.stop_content, batch, site.now, 2)

    async def run_out() -> None:
        if out:
            batch = out.pop()
            final = batch.unknowns + 1 > resends(batch, POLICY)
            state = BatchState.SETTLED if final else BatchState.UNKNOWN
            await site.store.move(sweeping.run_out, [batch], site.now, state)
            late.append(batch)

    async def answer_late() -> None:
        if late:
            await site.answer(late.pop(), YES)

    async def receive() -> None:
        if keys:
            status = chance.choice(list(ReceiptStatus))
            await site.store.receive(
                chance.choice(["sms", "mail"]), [receipt(chance.choice(keys), status)], site.now
            )

    async def gather_due() -> None:
        site.now += 2 * SECOND
        resting.extend(await site.gather())

    async def reload() -> None:
        resting.clear()
        for channel in ROUTES:
            resting.extend(await site.store.read(backlog.open_batches, channel, Lane.RED, "", 1000))

    async def stop() -> None:
        if chance.random() < 0.1:
            await site.stop(alerts[0])

    acts = [
        plan,
        lease,
        lease,
        lease,
        answer,
        answer,
        answer,
        run_out,
        answer_late,
        receive,
        gather_due,
        reload,
        stop,
    ]
    for _ in range(80):
        await chance.choice(acts)()
        await recounted(site)
        site.now += 1000
