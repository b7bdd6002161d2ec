"""A real SQLite store under the engine: what is on disk after each commit, and what counting makes of it."""

from __future__ import annotations

import asyncio
import random
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, insert, update

from tests.fakes.empty_store import empty_store
from warnd.contract.channel import Capabilities
from warnd.contract.outcome import (
    Accepted,
    Deferred,
    Outcome,
    Reason,
    Receipt,
    ReceiptStatus,
    Rejected,
    Scope,
)
from warnd.errors import Conflict, NotFound, StoreError
from warnd.model.color import Lane
from warnd.model.content import Content
from warnd.model.delivery import Batch, BatchState, Rank, State
from warnd.model.policy import RetryPolicy
from warnd.model.region import level_of
from warnd.model.ulid import UlidMaker
from warnd.pipeline.confirm import confirm
from warnd.pipeline.expand import Recipient, Route
from warnd.pipeline.gather import gather
from warnd.pipeline.plan import Plan, plan_chunk
from warnd.pipeline.quiet import Night
from warnd.pipeline.settle import Try, resends, settle
from warnd.ports import Committed, Gap, Lease, Settlement
from warnd.store import backlog, resending, revision, sweeping, tables
from warnd.store.database import open_writer, raw_of
from warnd.store.journal import Entry, verify
from warnd.store.postgres import PostgresStore
from warnd.store.sqlite import SqliteStore
from warnd.store.statement import statement
from warnd.store.threads import ThreadedStore

NOW = datetime(2026, 7, 20, 8, tzinfo=UTC)
START = tables.micros(NOW)
END = START + 86_400_000_000
SECOND = 1_000_000
POLICY = RetryPolicy()
ROUTES = {
    name: Route(name, Capabilities(kind, max_batch=size))
    for name, kind, size in (("sms", "sms", 3), ("sms2", "sms", 3), ("mail", "email", 2))
}
REGIONS = ("62", "6212", "621202", "621202100", "621202100201")

YES = Accepted()
BUSY = Deferred(Reason.TEMPORARY_FAILURE)
UNCLEAR = Deferred(Reason.NO_REPLY, maybe_sent=True)
BAD = Rejected(Reason.BAD_ADDRESS)
ONE_OF = Rejected(Reason.BAD_ADDRESS, Scope.ONE_OF)
CONTENT = Rejected(Reason.CONTENT_REFUSED, Scope.CONTENT)


@dataclass
class Site:
    """The store with what a test needs around it: ids, a clock that is told, the contents it rendered."""

    store: ThreadedStore
    now: int = START
    ids: UlidMaker = field(default_factory=UlidMaker)
    contents: dict[tuple[str, str], Content] = field(default_factory=dict)
    cursors: dict[str, str] = field(default_factory=dict)

    def new_ids(self, count: int) -> list[str]:
        return self.ids.many(count, tables.instant(self.now))

    async def alert(self, *, episode: str | None = None, lane: Lane = Lane.RED) -> str:
        (id_,) = self.new_ids(1)
        await self.store.write(keep_alert, id_, episode or id_, lane)
        return id_

    async def plan(self, alert: str, people: Sequence[Recipient | Gap], *, done: bool = False,
                   after: str | None = None, lane: Lane = Lane.RED, follows: bool = False) -> Committed:  # fmt: skip
        """Plan a chunk and commit it behind the one before."""
        fresh: list[tuple[str, Content]] = []

        def content_of(channel: str, language: str) -> Content:
            if (alert, channel) not in self.contents:
                made = Content(self.new_ids(1)[0], alert, ROUTES[channel].kind, language, "暴雨红色预警")
                self.contents[alert, channel] = made
                fresh.append((channel, made))
            return self.contents[alert, channel]

        before = self.cursors.get(alert, "")
        cursor = f"m:{len(self.cursors)}{self.now}{random.random()}"
        chunk = plan_chunk(
            Plan(alert, 0, lane, END, follows, ROUTES, Night(self.now, ZoneInfo("Asia/Shanghai"))), people, content_of=content_of, new_ids=self.new_ids,
            after=before if after is None else after, cursor=cursor, planned=len(people), done=done,
        )  # fmt: skip
        committed = await self.store.commit(replace(chunk, contents=fresh))
        if not committed.stopped:
            self.cursors[alert] = cursor
        return committed

    async def lease(self, batch: Batch, *, seconds: int = 30) -> Batch | None:
        asked = Lease(batch, self.now, self.now + seconds * SECOND)
        return (await self.store.turn(None, asked)).batch

    def judged(self, batch: Batch, outcomes: Sequence[Outcome]) -> Settlement:
        attempt = Try(self.now, self.now, 0.5, tuple(self.new_ids(2)))
        return settle(batch, outcomes, POLICY, attempt)

    async def answer(self, batch: Batch, *outcomes: Outcome) -> Settlement:
        """Settle a leased batch; one outcome stands for all."""
        judged = self.judged(batch, outcomes if len(outcomes) == len(batch) else list(outcomes) * len(batch))
        await self.store.turn(judged, None)
        return judged

    async def send(self, batch: Batch, *outcomes: Outcome) -> Settlement:
        leased = await self.lease(batch)
        assert leased is not None
        return await self.answer(leased, *outcomes)

    async def states(self, alert: str) -> dict[str, str]:
        """Address on channel → state."""
        rows = await self.store.read(fetch, "SELECT address || ' ' || channel, state FROM deliveries "
                                            "WHERE alert_id = ? ORDER BY 1", alert)  # fmt: skip
        return dict(rows)

    async def gather(self) -> list[Batch]:
        found = await self.store.read(backlog.batchless, self.now, (0, ""), 1000)
        contents = await self.store.read(backlog.contents_by_id, {one.content_id for one in found})
        made = gather(found, contents, ROUTES, new_ids=self.new_ids, now=self.now)
        return await self.store.move(sweeping.gather, made, self.now)

    async def stop(self, alert: str, state: State = State.SUPERSEDED) -> None:
        await self.store.write(flag_stopped, alert)
        for _ in range(100):
            if await self.store.move(sweeping.sweep_stopped, alert, state, "", self.now, 1000) is None:
                return
            break


def fetch(connection: Connection, text: str, *values: Any) -> list[Any]:
    return list(raw_of(connection).execute(statement(text), values).fetchall())


def keep_alert(connection: Connection, id: str, episode: str, lane: Lane) -> None:
    connection.execute(
        insert(tables.alerts).values(
            id=id, episode_id=episode, sender="s", identifier=id, sent=NOW, source="weather", received_at=NOW,
            state="released", verdict="accept", status="actual", type="alert", hazard="rainstorm", color="red",
            lane=lane.value, change="issued", headline="暴雨", body={}, digest="", raw_id=id,
            deliver_until=tables.instant(END),
        )
    )  # fmt: skip


def flag_stopped(connection: Connection, id: str) -> None:
    connection.execute(
        update(tables.alerts).where(tables.alerts.c.id == id).values(stopped_at=NOW, state="superseded")
    )


def to(address: str, *, channel: str = "sms", state: State = State.QUEUED, who: str | None = None,
       region: str = "621202100201", chain: int = 0, step: int = 0) -> Recipient:  # fmt: skip
    name = who or f"S{address}"
    return Recipient(
        channel,
        address,
        "zh",
        state,
        None,
        name,
        f"E{name}{channel}",
        "两水镇值班室",
        region,
        "[]",
        chain,
        step,
    )


def everyone(count: int, **how: Any) -> list[Recipient]:
    return [to(f"+86154{n:08}", **how) for n in range(count)]


@pytest.fixture(params=["sqlite", "postgresql"])
async def site(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Site]:
    """Every promise is kept by either store."""
    if request.param == "sqlite":
        store: ThreadedStore = SqliteStore(empty_store(tmp_path / "warnd.db"), confirm=confirm)
    else:
        store = PostgresStore(request.getfixturevalue("postgres_place"), confirm=confirm)
    await store.open()
    yield Site(store)
    await store.close()


@pytest.fixture
async def embedded(tmp_path: Path) -> AsyncIterator[Site]:
    """The one in a file."""
    store = SqliteStore(tmp_path / "warnd.db", confirm=confirm)
    await store.open()
    yield Site(store)
    await store.close()


async def recounted(site: Site) -> None:
    """The tallies say what the deliveries say."""
    counted: Counter[tuple[str, str, int, str]] = Counter()
    for alert, channel, region, state in await site.store.read(
        fetch, "SELECT alert_id, channel, region, state FROM deliveries"
    ):
        counted[alert, channel, level_of(region), state] += 1
    rows = await site.store.read(
        fetch,
        "SELECT alert_id, channel, level, state, sum(n) FROM tallies GROUP BY 1, 2, 3, 4 HAVING sum(n) <> 0",
    )
    assert {tuple(row[:4]): row[4] for row in rows} == dict(counted)


# --- the file and its schema ----------------------------------------------------------------------


async def test_migrating_yields_exactly_the_declared_schema(embedded: Site) -> None:
    """Two descriptions of one schema drift apart unless something compares them."""
    engine = create_engine("sqlite://")
    with engine.connect() as declared:
        tables.metadata.create_all(declared)
        wanted = schema(fetch(declared, _SCHEMA))
    engine.dispose()
    found = schema(await embedded.store.read(fetch, _SCHEMA))
    found.pop("alembic_version")
    assert found == wanted


def test_the_newest_revision_is_that_of_the_last_migration() -> None:
    """Written down twice, so that a store that is up to date is opened without Alembic."""
    assert ScriptDirectory(str(revision.MIGRATIONS)).get_current_head() == revision.NEWEST


_SCHEMA = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"


def schema(rows: Iterable[Sequence[str]]) -> dict[str, list[str]]:
    """Each statement as its sorted clauses: the order of constraints says nothing."""
    return {
        name: sorted(line.strip(" \t,").replace('"', "") for line in sql.splitlines()) for name, sql in rows
    }


async def test_the_writer_is_durable_and_lets_others_read(embedded: Site) -> None:
    """``synchronous=FULL`` (2) and a write-ahead log, on the very connection that writes."""
    pragma = [await embedded.store.write(fetch, f"PRAGMA {name}") for name in ("synchronous", "journal_mode")]
    assert pragma == [[(2,)], [("wal",)]]


def test_opening_to_write_sets_both(tmp_path: Path) -> None:
    """Also when the file is there already."""
    for _ in range(2):
        with closing(open_writer(tmp_path / "warnd.db")) as connection:
            assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_what_is_no_database_is_named_in_a_sentence(tmp_path: Path) -> None:
    """Whatever the driver makes of the file; an operator reads no traceback."""
    (tmp_path / "warnd.db").write_bytes(b"something else, and long enough to be looked at" * 40)
    with pytest.raises(StoreError, match=r"warnd\.db: .*not a database"):
        open_writer(tmp_path / "warnd.db")


# --- one writer for all ---------------------------------------------------------------------------


async def test_turns_of_many_slots_share_commits(site: Site) -> None:
    """Group commit: a hundred slots cost a few commits, not a hundred."""
    alert = await site.alert()
    batches = (await site.plan(alert, everyone(300))).batches
    before = site.store.commits
    leased = await asyncio.gather(*(site.lease(batch) for batch in batches))
    assert all(leased)
    await asyncio.gather(*(site.answer(one, YES) for one in leased if one is not None))
    assert site.store.commits - before <= 20
    assert set((await site.states(alert)).values()) == {"accepted"}


async def test_a_failing_call_undoes_its_own_part_only(site: Site) -> None:
    """Its neighbours in the same commit stay; its journal entries go with it."""

    def bad(connection: Connection) -> tuple[None, list[Entry]]:
        connection.execute(insert(tables.meta).values(key="bad", value="1"))
        raise NotFound("thing", "x")

    def good(connection: Connection, key: str) -> tuple[None, list[Entry]]:
        connection.execute(insert(tables.meta).values(key=key, value="1"))
        return None, [Entry(START, "thing.done", key, {})]

    results = await asyncio.gather(
        site.store.record(good, "a"), site.store.record(bad), site.store.record(good, "a"),
        site.store.record(good, "b"), return_exceptions=True,
    )  # fmt: skip
    assert [type(one) for one in results] == [type(None), NotFound, Conflict, type(None)]
    assert await site.store.read(fetch, "SELECT key FROM meta WHERE key IN ('a','b','bad')") == [
        ("a",),
        ("b",),
    ]
    assert await site.store.read(fetch, "SELECT subject FROM journal ORDER BY seq") == [("a",), ("b",)]


# --- the lease ------------------------------------------------------------------------------------


async def test_a_lease_is_granted_once(site: Site) -> None:
    """Whoever asks with the epoch before it is refused."""
    alert = await site.alert()
    (batch,) = (await site.plan(alert, everyone(2))).batches
    leased = await site.lease(batch)
    assert leased is not None
    assert (leased.epoch, leased.attempts) == (1, 1)
    assert await site.lease(batch) is None


async def test_a_stale_hint_is_refused_beside_a_good_one(site: Site) -> None:
    """In one commit with a lease that is granted: the batch that is out already is not lent a second time."""
    alert = await site.alert()
    out, free = (await site.plan(alert, everyone(6))).batches
    assert await site.lease(out) is not None
    site.now += 1
    stale, granted = await asyncio.gather(site.lease(out), site.lease(free))
    assert stale is None
    assert granted is not None


async def test_no_lease_after_the_alert_stopped_or_its_time_is_over(site: Site) -> None:
    """Checked in the lease itself, whatever the hint says."""
    alert = await site.alert()
    first, second = (await site.plan(alert, everyone(6))).batches
    late = replace(site, now=END)
    assert await late.lease(first) is None
    await site.store.write(flag_stopped, alert)
    assert await site.lease(second) is None


async def test_a_follower_waits_for_what_is_out_to_the_same_address(site: Site) -> None:
    """It never overtakes; when that is settled, or stays unknown, it goes."""
    alert = await site.alert()
    (first,) = (await site.plan(alert, everyone(1))).batches
    leased = await site.lease(first)
    assert leased is not None
    await site.store.write(flag_stopped, alert)
    update_ = await site.alert(episode=alert)
    (second,) = (await site.plan(update_, everyone(1), follows=True)).batches
    asked = Lease(second, site.now, site.now + SECOND)
    answer = await site.store.turn(None, asked)
    assert (answer.batch, answer.later) == (None, True)
    await site.answer(leased, UNCLEAR)
    assert await site.lease(second) is not None


class Steps:
    """How many steps the database takes, of the connections that are counted."""

    def __init__(self) -> None:
        self.taken = 0

    def count(self, connection: Connection) -> None:
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.set_progress_handler(self._one_more, 10)

    def _one_more(self) -> None:
        self.taken += 1


@pytest.mark.parametrize("site", ["sqlite"], indirect=True)
async def test_what_an_address_was_told_in_years_makes_no_lease_dearer(site: Site) -> None:
    """A robot of the county hears of thousands of warnings; the database takes as many steps for the last as for the first."""
    steps = Steps()

    async def told() -> int:
        """Steps of the lease of an update of its own warning."""
        alert = await site.alert()
        (first,) = (await site.plan(alert, everyone(1))).batches
        await site.send(first, YES)
        (second,) = (await site.plan(await site.alert(episode=alert), everyone(1), follows=True)).batches
        steps.taken = 0
        leased = await site.lease(second)
        taken = steps.taken
        assert leased is not None
        await site.answer(leased, YES)
        return taken

    await site.store.write(steps.count)
    at_first = [await told() for _ in range(5)]
    for _ in range(50):
        last = await told()
    assert 0 < last < 2 * max(at_first)


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


# --- settling -------------------------------------------------------------------------------------


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


# --- fallbacks ------------------------------------------------------------------------------------


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


# --- plan chunks ----------------------------------------------------------------------------------


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


# --- receipts -------------------------------------------------------------------------------------


def receipt(key: str, status: ReceiptStatus = ReceiptStatus.DELIVERED, **more: Any) -> Receipt:
    return Receipt(key, status, **more)


LOST = ReceiptStatus.UNDELIVERED


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


# --- sweeping -------------------------------------------------------------------------------------


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


# --- tallies --------------------------------------------------------------------------------------


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


# --- the journal ----------------------------------------------------------------------------------


@pytest.fixture
async def journaled(site: Site) -> Site:
    """A store with a few facts in a few links."""
    for commit in range(3):
        await site.store.record(
            lambda _, commit=commit: (
                None,
                [Entry(START, "thing.done", f"{commit}{n}", {"n": n}) for n in range(3)],
            )
        )
    return site


async def test_the_chain_verifies(journaled: Site) -> None:
    """One link a commit, over all its rows."""
    found = await journaled.store.read(verify)
    assert (found.broken, found.rows, found.links) == (None, 9, 3)


async def test_erasing_a_body_leaves_the_chain_whole(journaled: Site) -> None:
    """A person's right: links cover digests, never bodies."""
    await journaled.store.write(fetch, "UPDATE journal SET body = NULL WHERE seq = 5")
    assert (await journaled.store.read(verify)).broken is None


@pytest.mark.parametrize(
    "tampering",
    [
        pytest.param("UPDATE journal SET body = '{}' WHERE seq = 5", id="a body changed"),
        pytest.param("UPDATE journal SET at = at + 1 WHERE seq = 5", id="a time changed"),
        pytest.param("UPDATE journal SET subject = 'x' WHERE seq = 5", id="a subject changed"),
        pytest.param("UPDATE journal SET actor = 'x' WHERE seq = 5", id="an actor changed"),
        pytest.param("DELETE FROM journal WHERE seq = 5", id="a row dropped"),
        pytest.param("DELETE FROM journal WHERE seq = 9", id="the last row dropped"),
        pytest.param("INSERT INTO journal (seq, at, kind, subject, actor, body, salt, digest) "
                     "SELECT 10, at, kind, subject, actor, body, salt, digest FROM journal WHERE seq = 9",
                     id="a row put in"),
        pytest.param("DELETE FROM journal_links WHERE first_seq = 4", id="a link dropped"),
        pytest.param("UPDATE journal_links SET head = previous WHERE first_seq = 4", id="a link changed"),
    ],
)  # fmt: skip
async def test_tampering_shows(journaled: Site, tampering: str) -> None:
    """A row changed, dropped or put in later does not verify."""
    await journaled.store.write(fetch, tampering)
    assert (await journaled.store.read(verify)).broken is not None


async def test_what_red_asks_for_is_committed_before_the_rest(site: Site) -> None:
    """However much of the others waits when the writer comes to choose: leases, then its chunk, then they."""
    plans = {lane: await site.alert(lane=lane) for lane in (Lane.RED, Lane.BLUE)}
    first = {lane: (await site.plan(id_, everyone(3), lane=lane)).batches[0] for lane, id_ in plans.items()}
    begun, going_on, came = threading.Event(), threading.Event(), list[str]()

    def takes_long(_: Connection) -> None:
        begun.set()
        going_on.wait(10)

    async def noted(name: str, doing: Awaitable[object]) -> None:
        await doing
        came.append(name)

    async with asyncio.TaskGroup() as group:
        group.create_task(noted("what was under way", site.store.write(takes_long)))
        await asyncio.to_thread(begun.wait, 10)
        others = everyone(6)[3:]
        group.create_task(noted("blue's chunk", site.plan(plans[Lane.BLUE], others, lane=Lane.BLUE)))
        group.create_task(noted("blue's lease", site.lease(first[Lane.BLUE])))
        group.create_task(noted("red's chunk", site.plan(plans[Lane.RED], others)))
        group.create_task(noted("red's lease", site.lease(first[Lane.RED])))
        await asyncio.sleep(0)
        going_on.set()
    assert came == ["what was under way", "red's lease", "red's chunk", "blue's lease", "blue's chunk"]


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
