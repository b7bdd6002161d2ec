"""Whatever state a crash leaves: the clerk and the lanes bring every row of it to its end, from the store alone."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, multiple, rule

from tests.fakes.empty_store import empty_store
from tests.integration.store_site import (
    BAD,
    BUSY,
    CONTENT,
    ONE_OF,
    POLICY,
    ROUTES,
    SECOND,
    UNCLEAR,
    YES,
    Site,
    fetch,
    flag_stopped,
    recounted,
    to,
)
from warnd.app.board import AlarmBoard
from warnd.app.clerk import Clerk
from warnd.app.doubts import Doubts
from warnd.app.failover import Failover
from warnd.app.punctuality import Punctuality
from warnd.app.quiet import QuietKeeper
from warnd.contract.outcome import Accepted, Outcome, Receipt, ReceiptStatus
from warnd.model.color import Lane
from warnd.model.delivery import Batch, Rank, State
from warnd.pipeline.confirm import confirm
from warnd.pipeline.lease import InForce
from warnd.store import backlog, sweeping, tables
from warnd.store.sqlite import SqliteStore

T = TypeVar("T")

OUTCOMES: Sequence[Outcome] = (YES, Accepted("k"), BUSY, UNCLEAR, BAD, ONE_OF, CONTENT)
PEOPLE = st.lists(st.integers(0, 5), min_size=1, max_size=5)
IN_MEMORY = Path("/dev/shm")
"""Thousands of commits are about rows; what a disk makes of one is another test's question."""

PASSES = 40
"""Of the recovery, a minute and more apart: more than any wait and every resend takes."""

UNFINISHED = "SELECT id, state, batch_id FROM deliveries WHERE state IN ('queued', 'waiting', 'standby')"
OPEN = "SELECT id, state FROM batches WHERE state IN ('queued', 'waiting', 'unknown', 'sending')"
UNPLANNED = "SELECT id FROM alerts WHERE stopped_at IS NULL AND NOT plan_done"
UNSWEPT = "SELECT id FROM alerts WHERE stopped_at IS NOT NULL AND NOT swept"


class _Idle:
    """No policy here has quiet hours, and nobody watches the pace."""

    async def round(self) -> None: ...


class Engine(RuleBasedStateMachine):
    """What the engine may do to its rows, in any order, with a crash after any commit."""

    alerts = Bundle("alerts")
    out = Bundle("out")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.home = tempfile.TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None)
        self.path = empty_store(Path(self.home.name) / "warnd.db")
        self.site = Site(self.run(self.opened()))

    def run(self, doing: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(doing)

    async def opened(self) -> SqliteStore:
        store = SqliteStore(self.path, confirm=confirm)
        await store.open()
        return store

    # --- what happens ------------------------------------------------------------------------------

    @rule(target=alerts, lane=st.sampled_from([Lane.RED, Lane.BLUE]))
    def a_warning(self, lane: Lane) -> tuple[str, Lane]:
        return self.run(self.site.alert(lane=lane)), lane

    @rule(target=alerts, earlier=consumes(alerts))
    def an_update(self, earlier: tuple[str, Lane]) -> tuple[str, Lane]:
        """It takes the place of the earlier one, of which nothing more is to leave."""
        self.run(self.site.store.write(flag_stopped, earlier[0]))
        return self.run(self.site.alert(episode=earlier[0], lane=earlier[1])), earlier[1]

    @rule(of=alerts, people=PEOPLE, chained=st.booleans(), follows=st.booleans(), shared=st.booleans())
    def a_chunk(
        self, of: tuple[str, Lane], people: list[int], chained: bool, follows: bool, shared: bool
    ) -> None:
        """Some share a number; some have a second channel that stands by."""
        found = []
        for n in people:
            number = f"+8615400002{n:03}" if chained else f"+8615400000{n % 3 if shared else n:03}"
            who = f"S{n}{number}"
            found.append(to(number, who=who))
            if chained:
                found.append(to(f"{who}@mail.example", channel="mail", state=State.STANDBY, who=who, step=1))
        self.run(self.site.plan(of[0], found, lane=of[1], follows=follows))

    @rule(target=out, n=st.integers(0, 9))
    def a_lease(self, n: int) -> Any:
        """Of anything that rests, under whatever epoch it has."""
        resting = self.run(self.resting())
        leased = self.run(self.site.lease(resting[n % len(resting)])) if resting else None
        return leased if leased is not None else multiple()

    @rule(batch=consumes(out), outcomes=st.lists(st.sampled_from(OUTCOMES), min_size=3, max_size=3))
    def an_answer(self, batch: Batch, outcomes: list[Outcome]) -> None:
        """Also long after its lease ran out."""
        settled = self.run(self.site.answer(batch, *outcomes[: len(batch)]))
        if settled.content_refused:
            self.run(self.site.store.move(sweeping.stop_content, batch, self.site.now, 2))

    @rule(status=st.sampled_from(ReceiptStatus))
    def a_receipt(self, status: ReceiptStatus) -> None:
        self.run(self.site.store.receive("sms", [Receipt("k", status)], self.site.now))

    @rule(seconds=st.sampled_from([0, 1, 50]))
    def the_clerk_comes_round(self, seconds: int) -> None:
        self.site.now += seconds * SECOND
        self.run(self.clerk().round())

    @rule()
    def some_are_gathered(self) -> None:
        self.run(self.site.gather())

    @rule()
    def a_crash(self) -> None:
        """Memory is gone; who was out answers nobody."""
        self.run(self.site.store.close())
        self.site.store = self.run(self.opened())

    # --- and what comes of it -----------------------------------------------------------------------

    def teardown(self) -> None:
        try:
            self.a_crash()
            self.run(self.recovered())
        finally:
            self.run(self.site.store.close())
            self.runner.close()
            self.home.cleanup()

    async def recovered(self) -> None:
        clerk = self.clerk()
        await clerk.round()
        passes = 0
        while any((await self.left()).values()) and (passes := passes + 1) < PASSES:
            for alert in await self.rows(UNPLANNED):
                await self.site.plan(alert[0], [to("+8615400000009")], done=True)
            self.site.now += 61 * SECOND
            await clerk.round()
            await self.site.gather()
            for batch in await self.resting():
                if (leased := await self.site.lease(batch)) is not None:
                    await self.site.answer(leased, YES)
        assert await self.left() == {"deliveries": [], "batches": [], "plans": [], "stops": []}
        await recounted(self.site)

    async def left(self) -> dict[str, list[Any]]:
        wanted = {"deliveries": UNFINISHED, "batches": OPEN, "plans": UNPLANNED, "stops": UNSWEPT}
        return {name: await self.rows(query) for name, query in wanted.items()}

    def clerk(self) -> Clerk:
        site = self.site
        alarms = AlarmBoard(
            site.store, now=lambda: tables.instant(site.now), new_id=lambda: site.new_ids(1)[0]
        )
        return Clerk(
            site.store, routes=ROUTES, retry=POLICY, in_force=InForce(), alarms=alarms,
            failover=Failover(site.store, unfit=dict, clock=lambda: site.now),
            quiet=cast(QuietKeeper, _Idle()), punctuality=cast(Punctuality, _Idle()), doubts=cast(Doubts, _Idle()), post=lambda _: None,
            plan=lambda *_: None, new_ids=site.new_ids, clock=lambda: site.now,
        )  # fmt: skip

    async def resting(self) -> list[Batch]:
        found: list[Batch] = []
        for channel in ROUTES:
            for lane in Lane:
                for rank in Rank:
                    found += await self.site.store.read(
                        backlog.open_batches, channel, lane, "", 1000, rank=rank
                    )
        return found

    async def rows(self, statement: str) -> list[Any]:
        return await self.site.store.read(fetch, statement)


TestWhateverACrashLeaves = Engine.TestCase
TestWhateverACrashLeaves.settings = settings(
    max_examples=20, stateful_step_count=25, deadline=None, derandomize=True,
    phases=[Phase.generate],  # a case as it was found is short enough; shrinking it would take minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)  # fmt: skip
