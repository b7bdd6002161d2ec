"""A large plan in ranges: the same people are told by the same rows as by a plan in one piece, whoever shares its ranges."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import dropwhile
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection, text

from tests.integration.conftest import NOW
from tests.integration.door import RED
from tests.integration.running import until
from warnd.app import App
from warnd.model.color import Lane
from warnd.model.region import Level
from warnd.pipeline import broadcast, chunks, follow_ups, ranges
from warnd.ports import Chunk
from warnd.settings import load
from warnd.store import alarms, alert_views, bulk, members, standing, tables, told
from warnd.store import ranges as ranges_of_store
from warnd.store.database import raw_of
from warnd.store.sqlite import SqliteStore
from warnd.store.statement import Statement

pytestmark = pytest.mark.parametrize("store_url", ["sqlite", "postgresql"], indirect=True)

PEOPLE = 90
CONFIG = """
[store]
url = "{store}"
[channels.sms]
adapter = "sms.http"
url = "http://127.0.0.1:9/send"
token = "made-up"
max_batch = 7
[channels.sms2]
adapter = "sms.http"
url = "http://127.0.0.1:9/send"
token = "made-up"
[channels.email]
adapter = "email.smtp"
host = "127.0.0.1"
port = 9
sender = "warnings@example.com"
[policy.responsible.red]
channels = ["sms", "email"]
mode = "ordered"
[policy.leaders.red]
channels = ["email", "sms", "sms2"]
[policy.public.red]
channels = ["email"]
[sources.weather]
regions = ["6212"]
official = true
"""


@asynccontextmanager
async def processes(home: Path, store_url: str) -> AsyncIterator[list[App]]:
    """Three on a database, one on a file, that plan and send nothing; each takes ranges."""
    (home / "warnd.toml").write_text(CONFIG.format(store=store_url))
    settings = load(home / "warnd.toml", {})
    apps = [App(settings, wall=lambda: NOW) for _ in range(1 if store_url.startswith("sqlite") else 3)]
    for app in apps:
        await app.open()
    try:
        yield apps
    finally:
        for app in apps:
            await app.close()


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of a few, and a file that splits its plans as well."""
    monkeypatch.setattr(SqliteStore, "shared", True)
    monkeypatch.setattr(broadcast, "FIRST_CHUNK", 3)
    monkeypatch.setattr(chunks, "CHUNK", 4)
    monkeypatch.setattr(follow_ups, "CHUNK", 4)


def settle_in(connection: Connection, dice: random.Random) -> None:
    """
    People in some of five groups, with numbers and mailboxes that several share; some of which cannot be used.

    What is said to one group goes by a policy of its own, and two do not subscribe to what comes.
    """
    cursor, at = raw_of(connection), tables.micros(NOW)
    groups = {
        "G1": ("responsible", '["*"]'), "G2": ("leaders", '["*"]'), "G3": ("public", '["*"]'),
        "G4": ("responsible", '["typhoon"]'), "G5": ("leaders", '["typhoon"]'),
    }  # fmt: skip
    people = [f"P{n:05}" for n in range(PEOPLE)]
    endpoints = {
        (one, channel, address)
        for one in people
        for channel, address in (
            *(("sms", f"+86154{dice.randrange(40):08}") for _ in range(dice.choice((0, 1, 1, 2)))),
            *(("email", f"post{dice.randrange(30)}@example.com") for _ in range(dice.choice((0, 0, 1)))),
        )
    }
    for table, columns, values in (
        (tables.groups, ("id", "name", "region", "audience", "created_at"),
         [(id, id, "621202101", audience, at) for id, (audience, _) in groups.items()]),
        (tables.subscriptions, ("id", "group_id", "hazards", "min_color", "relation", "created_at"),
         [(f"S{id}", id, hazards, "blue", "both", at) for id, (_, hazards) in groups.items()]),
        (tables.subscribers, ("id", "kind", "name", "region", "created_at"),
         [(one, "person", one, "621202101201", at) for one in people]),
        (tables.memberships, ("subscriber_id", "group_id"),
         [(one, group) for one in people for group in dice.sample(list(groups), dice.choice((1, 1, 2)))]),
        (tables.endpoints, ("id", "subscriber_id", "channel", "address", "state", "created_at"),
         [(f"E{n:05}", *one, dice.choice(("active",) * 6 + ("suspended",)), at)
          for n, one in enumerate(sorted(endpoints))]),
    ):  # fmt: skip
        bulk.Insert(table, columns).run(cursor, values)
    standing.audience_changed(connection)


async def admit(app: App, **changes: Any) -> str:
    body = orjson.dumps(RED | changes)
    return (await app.intake.receive(body, "application/json", app.speakers["weather"])).id


async def plan_in_ranges(apps: list[App], alert: str, sounding: str = "") -> None:
    """
    The first of the processes opens the plan, and goes on with it; all of them take ranges of it until none is left, and
    an alarm stands that is to be sounded then.
    """

    async def is_planned() -> bool:
        for app in apps:
            app.ranges.look()
        ((left,),) = await rows(apps[0], "SELECT count(*) FROM plan_ranges")
        sounded = {one.kind for one in await apps[0].store.read(alarms.open_alarms)}
        return left == 0 and (not sounding or sounding in sounded)

    async with asyncio.TaskGroup() as group:
        for app in apps:
            app.ranges.begin(group)
        while not (await rows(apps[0], "SELECT plan_done FROM alerts WHERE id = ?", alert))[0][0]:
            await apps[0].broadcaster.broadcast(alert, Lane.RED)
            await until(is_planned)
        for app in apps:
            app.ranges.end()


async def rows(app: App, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    def read(connection: Connection) -> list[tuple[Any, ...]]:
        given = {f"v{n}": value for n, value in enumerate(values)}
        statement = sql
        for name in given:
            statement = statement.replace("?", f":{name}", 1)
        return [tuple(row) for row in connection.execute(text(statement), given)]

    return await app.store.read(read)


async def outcome(app: App, alert: str) -> dict[str, Any]:
    """Who is told by which address, who stands behind whom, who by for whom, who not, and what the counts say of it."""
    link = """
        SELECT d.channel, d.address, n.channel, n.address, f.until FROM fallbacks f
        JOIN deliveries d ON d.id = f.delivery_id JOIN deliveries n ON n.id = f.next_id WHERE d.alert_id = ? ORDER BY 1, 2, 3, 4
    """
    behind = """
        SELECT d.channel, d.address, r.subscriber_id, r.reasons FROM recipients r
        JOIN deliveries d ON d.id = r.delivery_id WHERE d.alert_id = ? ORDER BY 1, 2, 3
    """
    batches = """
        SELECT d.channel, d.address FROM deliveries d JOIN batches b ON b.id = d.batch_id
        JOIN contents c ON c.id = d.content_id AND c.id = b.content_id AND c.channel = d.channel
        WHERE d.alert_id = ? AND d.state = 'queued' ORDER BY 1, 2
    """
    return {
        "rows": await rows(
            app, "SELECT channel, address, state FROM deliveries WHERE alert_id = ? ORDER BY 1, 2", alert
        ),
        "behind": await rows(app, behind, alert),
        "links": await rows(app, link, alert),
        "in a batch": await rows(app, batches, alert),
        "lent": await rows(app, "SELECT coalesce(sum(size), 0) FROM batches WHERE alert_id = ?", alert),
        "gaps": await rows(
            app,
            "SELECT region, subscriber_id, why FROM coverage_gaps WHERE alert_id = ? ORDER BY 1, 2",
            alert,
        ),
        "tallies": await rows(
            app,
            "SELECT channel, level, state, sum(n) FROM tallies WHERE alert_id = ? "
            "GROUP BY 1, 2, 3 HAVING sum(n) <> 0 ORDER BY 1, 2, 3",
            alert,
        ),
        "plan": await rows(app, "SELECT plan_done, planned, plan_of FROM alerts WHERE id = ?", alert),
    }


@pytest.mark.parametrize("seed", range(5))
async def test_ranges_tell_whom_a_plan_in_one_piece_tells(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Wherever the members are cut, and whichever process comes first; but which of equals a row is named after."""
    dice = random.Random(seed)
    async with processes(tmp_path, store_url) as apps:
        await apps[0].store.write(settle_in, dice)
        whole = await admit(apps[0])
        await apps[0].broadcaster.broadcast(whole, Lane.RED)
        wanted = await outcome(apps[0], whole)
        monkeypatch.setattr(broadcast, "SPLIT_FROM", 1)
        monkeypatch.setattr(ranges, "RANGE", dice.randint(1, 30))
        if dice.random() < 0.5:
            monkeypatch.setattr(members, "LISTED", 2)
        again = await admit(apps[0], identifier="again")
        await plan_in_ranges(apps, again)
        assert await outcome(apps[0], again) == wanted
    assert {state for *_, state in wanted["rows"]} == {"queued", "standby", "suppressed"}
    assert wanted["plan"] == [(True, PEOPLE, wanted["plan"][0][2])]


async def test_nobody_told_is_sounded_once_whoever_planned_the_last_of_it(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one process counted is not all there is: the rows of all of them decide."""
    monkeypatch.setattr(broadcast, "SPLIT_FROM", 1)
    monkeypatch.setattr(ranges, "RANGE", 10)
    async with processes(tmp_path, store_url) as apps:
        await apps[0].store.write(settle_in, random.Random(1))
        await apps[0].store.write(
            lambda connection: connection.exec_driver_sql("UPDATE endpoints SET state = 'suspended'") and None
        )
        await plan_in_ranges(apps, await admit(apps[0]), sounding="nobody_told")
        for app in apps:
            await app.alarms.settle()
        found = {(one.kind, one.times) for one in await apps[0].store.read(alarms.open_alarms)}
        ((unreachable,),) = await rows(
            apps[0], "SELECT count(*) FROM coverage_gaps WHERE why = 'no_endpoint'"
        )
        (said,) = await rows(apps[0], "SELECT message FROM alarms WHERE kind = 'no_endpoint'")
    assert {("nobody_told", 1), ("no_endpoint", 1)} <= found
    assert f"for {unreachable} of" in said[0]
    assert unreachable > 10


async def test_those_told_before_hear_of_a_change_once_its_ranges_are_planned(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is matched no more was told, and is told again; who is matched is told as one who is."""
    monkeypatch.setattr(broadcast, "SPLIT_FROM", 1)
    monkeypatch.setattr(ranges, "RANGE", 12)
    async with processes(tmp_path, store_url) as apps:
        await apps[0].store.write(settle_in, random.Random(2))
        first = await admit(apps[0], color="orange", headline="武都区气象台发布暴雨橙色预警信号")
        await plan_in_ranges(apps, first)
        for change in (
            "UPDATE deliveries SET told = true, state = 'accepted' WHERE state = 'queued'",
            "UPDATE batches SET state = 'settled'",
            "DELETE FROM memberships WHERE subscriber_id < 'P00030'",
        ):
            await apps[0].store.write(
                lambda connection, change=change: connection.exec_driver_sql(change) and None
            )
        before = await outcome(apps[0], first)
        told = {row[:2] for row in before["rows"] if row[2] == "accepted"}
        still_matched = {row[:2] for row in before["behind"] if row[2] >= "P00030"}
        references = [{"sender": RED["sender"], "identifier": RED["identifier"]}]
        then = await admit(
            apps[0], identifier="then", type="update", references=references, sent="2026-07-14T08:05:00+08:00"
        )
        await plan_in_ranges(apps, then)
        found = await outcome(apps[0], then)
    assert told - still_matched
    assert told - still_matched <= {row[:2] for row in found["rows"] if row[2] == "queued"}
    assert told <= {row[:2] for row in found["rows"]}
    assert found["plan"][0][0]


LATER = {"sent": "2026-07-14T08:10:00+08:00"}
ENDS = LATER | {"type": "cancel"}
GOES_ON = LATER | {"type": "update"}
LOWERS = GOES_ON | {"color": "orange", "headline": "武都区气象台发布暴雨橙色预警信号"}


async def an_episode(app: App, name: str, last: Mapping[str, Any]) -> str:
    """
    A warning of which some were told, an update of which some of them and others were, and a ``last`` message, not planned,
    whose id it is.
    """
    first, then = f"{name}-1", f"{name}-2"
    await _tell(app, await admit(app, identifier=first), among="02468")
    update = {"type": "update", "sent": "2026-07-14T08:05:00+08:00"}
    await _tell(app, await admit(app, identifier=then, references=_to(first), **update), among="4567")
    return await admit(app, identifier=f"{name}-3", references=_to(first, then), **last)


def _to(*identifiers: str) -> list[Mapping[str, str]]:
    return [{"sender": RED["sender"], "identifier": one} for one in identifiers]


async def _tell(app: App, alert: str, among: str) -> None:
    """Plan it in one piece; by addresses that end so it is told, with a witness behind each, by the others it never will be."""
    await app.broadcaster.broadcast(alert, Lane.RED)

    def settle(connection: Connection) -> None:
        raw = raw_of(connection)
        queued = raw.execute(
            Statement("SELECT id, address FROM deliveries WHERE alert_id = ? AND state = 'queued'"), (alert,)
        ).fetchall()
        told = [id for id, address in queued if address.removesuffix("@example.com")[-1] in among]
        raw.execute(
            Statement("UPDATE deliveries SET state = 'failed' WHERE alert_id = ? AND state = 'queued'"),
            (alert,),
        )
        raw.execute(
            Statement("UPDATE deliveries SET told = true, state = 'accepted' WHERE id IN listed(?)"),
            (bulk.rows(told),),
        )
        raw.execute(Statement("UPDATE batches SET state = 'settled' WHERE alert_id = ?"), (alert,))
        behind = bulk.Insert(
            tables.recipients, ("delivery_id", "subscriber_id", "endpoint_id", "name", "region", "reasons")
        )
        behind.run(raw, [(id, f"W{among}", "", "", "621202101201", "[]") for id in told])

    await app.store.write(settle)


@pytest.mark.parametrize("last", [ENDS, GOES_ON, LOWERS], ids=["an end", "a continuation", "a lowering"])
@pytest.mark.parametrize("seed", range(2))
async def test_ranges_follow_up_to_whom_a_plan_in_one_piece_does(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch, seed: int, last: Mapping[str, Any]
) -> None:
    """Those told one earlier message after those told the one before it: who was told both is told as by the first."""
    dice = random.Random(seed)
    opened: list[str] = []
    hand_out = ranges_of_store.hand_out

    def watched(cursor: Any, chunk: Chunk) -> None:
        opened.append(chunk.earlier)
        hand_out(cursor, chunk)

    monkeypatch.setattr(ranges_of_store, "hand_out", watched)
    monkeypatch.setattr(told, "WALKED", dice.randint(1, 12))
    async with processes(tmp_path, store_url) as apps:
        await apps[0].store.write(settle_in, dice)
        whole = await an_episode(apps[0], "whole", last)
        await apps[0].broadcaster.broadcast(whole, Lane.RED)
        wanted = await outcome(apps[0], whole)
        again = await an_episode(apps[0], "again", last)
        monkeypatch.setattr(broadcast, "SPLIT_FROM", 0)
        monkeypatch.setattr(ranges, "RANGE", dice.randint(1, 30))
        await plan_in_ranges(apps, again)
        found = await outcome(apps[0], again)
        named = list(dropwhile(lambda earlier: not earlier, opened))
        assert set(named) == set(await earlier_of(apps[0], again)), "first the members, then those told"
    (found_done, *_), (wanted_done, *_) = found.pop("plan")[0], wanted.pop("plan")[0]
    assert found_done
    assert wanted_done
    assert found == wanted
    assert {who for *_, who, _ in wanted["behind"]} & {"W02468", "W4567"}


async def earlier_of(app: App, alert: str) -> list[str]:
    found = await rows(
        app,
        "SELECT a.id FROM alerts a JOIN alerts b ON b.episode_id = a.episode_id WHERE b.id = ? AND a.id <> b.id",
        alert,
    )
    return [id for (id,) in found]


async def test_whoever_plans_by_a_clock_that_is_behind_covers_the_same_divisions(
    tmp_path: Path, store_url: str
) -> None:
    """Rows may then have been made before their alert, to look at their ids."""
    async with processes(tmp_path, store_url) as apps:
        await apps[0].store.write(settle_in, random.Random(3))
        alert = await admit(apps[0])
        behind = App(apps[0].settings, wall=lambda: NOW - timedelta(seconds=5))
        await behind.open()
        await behind.broadcaster.broadcast(alert, Lane.RED)
        await behind.close()
        levels = await apps[0].store.read(alert_views.coverage, alert)
    (village,) = [one for one in levels if one.level is Level.VILLAGE]
    assert village.divisions - village.without_anybody == 1
