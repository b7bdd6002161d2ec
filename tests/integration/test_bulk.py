"""An audience of a whole country in small: what grows with it is the table of members, and nothing in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from itertools import count, pairwise
from typing import Any

import pytest
from sqlalchemy import Connection

from tests.integration.conftest import NOW
from tests.integration.door import RED, Door
from tests.integration.store_site import Steps
from warnd.app import App
from warnd.model.color import Lane
from warnd.pipeline import broadcast, chunks, expand, follow_ups
from warnd.pipeline.match import AudienceIndex
from warnd.ports import Chunk, Committed
from warnd.store import bulk, members, standing, tables, told
from warnd.store.audience import audience_snapshot, group_sizes
from warnd.store.database import raw_of

_EVERYBODY = (
    "SELECT channel, address, state, region, reason FROM deliveries WHERE alert_id = ? ORDER BY address"
)


def fetch(connection: Connection, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in connection.exec_driver_sql(sql, parameters)]


def settle_in(connection: Connection, people: int, groups: Collection[str]) -> None:
    """So many people, each in two of the groups that lie around the county, by turns; every tenth without an address."""
    cursor, at, names = raw_of(connection), tables.micros(NOW), list(groups)
    rows = [(f"P{n:05}", "person", f"{n}号", "621202101201", at) for n in range(people)]
    for table, columns, values in (
        (tables.groups, ("id", "name", "region", "audience", "created_at"),
         [(id, id, "621202101", "responsible", at) for id in names]),
        (tables.subscriptions, ("id", "group_id", "hazards", "min_color", "relation", "created_at"),
         [(f"S{id}", id, '["*"]', "blue", "both", at) for id in names]),
        (tables.subscribers, ("id", "kind", "name", "region", "created_at"), rows),
        (tables.memberships, ("subscriber_id", "group_id"),
         [(row[0], names[(n + step) % len(names)]) for n, row in enumerate(rows) for step in (0, 1)]),
        (tables.endpoints, ("id", "subscriber_id", "channel", "address", "created_at"),
         [(f"E{n:05}", row[0], "sms", f"+86154{n:08}", at) for n, row in enumerate(rows) if n % 10]),
    ):  # fmt: skip
        bulk.Insert(table, columns).run(cursor, values)
    standing.audience_changed(connection)


async def red(door: Door, **changes: Any) -> str:
    status, body = await door.ask("POST", "alerts", role="feed", json=RED | changes)
    assert status == 202, body
    await door.app.broadcaster.broadcast(body["id"])
    return str(body["id"])


# --- members ------------------------------------------------------------------------------------------


async def all_members(app: App, page: Callable[..., Any]) -> list[Any]:
    found, after = [], ""
    while True:
        members, after = await app.store.read(page, after)
        found += members
        if not after:
            return found


@pytest.mark.parametrize("limit", [1, 7, 50])
async def test_walking_past_everybody_finds_the_members_that_asking_by_group_finds(
    app: App, limit: int
) -> None:
    """Each once, in order, with just the groups that were asked for; whatever a page's length and end."""
    await app.store.write(settle_in, 60, [f"G{n}" for n in range(6)])
    wanted = {"G1", "G4"}
    listed = bulk.rows(sorted(wanted))
    by_group = await all_members(
        app, lambda c, after: members.members_after(c, listed, after, limit, scan=False)
    )
    among = await all_members(app, lambda c, after: members.members_among(c, wanted, after, limit))
    assert among == by_group
    assert len(among) == 40


@pytest.mark.parametrize("size", [1, 5, 16, 200])
@pytest.mark.parametrize("named", [True, False], ids=["groups that are named", "any group"])
async def test_ranges_are_of_so_many_memberships_and_together_they_are_all(
    app: App, size: int, *, named: bool
) -> None:
    """A person is cut in no two; the last range is what is left, and less than another."""
    wanted = ["G1", "G4"] if named else [f"G{n}" for n in range(6)]
    await app.store.write(settle_in, 60, [f"G{n}" for n in range(6)])
    listed = bulk.rows(wanted)
    ends, after = [""], ""
    while found := await app.store.read(members.boundaries, listed if named else None, after, size):
        ends += found
        after = ends[-1]
    parts = []
    for first, last in pairwise((*ends, "")):
        part, ahead = await app.store.read(members.members_after, listed, first, 1000, scan=True, up_to=last)
        assert ahead == ""
        parts.append(part)
    counted = [sum(len(member.groups) for member in part) for part in parts]
    assert all(size <= each <= size + 1 for each in counted[:-1])
    assert counted[-1] < size
    everybody, _ = await app.store.read(members.members_after, listed, "", 1000, scan=False)
    assert [member for part in parts for member in part] == everybody


async def test_so_many_groups_that_none_is_named_tell_the_same_people(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How members are found is no part of who is told."""
    await door.app.store.write(settle_in, 60, [f"G{n}" for n in range(6)])
    named = await door.app.store.read(fetch, _EVERYBODY, await red(door))
    monkeypatch.setattr(members, "LISTED", 2)
    monkeypatch.setattr(broadcast, "FIRST_CHUNK", 4)
    again = await red(door, identifier="again", headline="武都区气象台发布暴雨红色预警信号（二）")
    assert await door.app.store.read(fetch, _EVERYBODY, again) == named
    assert len(named) == 54


async def test_what_is_remembered_of_sets_of_groups_is_bounded(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A country has as many of them as people, if each is in groups of their own; nobody is lost when it is forgotten."""
    monkeypatch.setattr(expand, "MOST_DECISIONS", 2)
    await door.app.store.write(settle_in, 60, [f"G{n}" for n in range(6)])
    assert len(await door.app.store.read(fetch, _EVERYBODY, await red(door))) == 54


async def test_a_number_that_several_have_is_foretold_once(door: Door) -> None:
    """Only such numbers are kept in mind while a forecast counts a country."""
    await door.app.store.write(settle_in, 60, [f"G{n}" for n in range(6)])
    share = "UPDATE endpoints SET address = '+8615400000001' WHERE id IN ('E00042', 'E00051', 'E00003')"
    await door.app.store.write(lambda connection: connection.exec_driver_sql(share) and None)
    assert await door.app.store.read(members.shared, bulk.rows(["E00001", "E00002", "E00051"])) == {
        "E00001",
        "E00051",
    }
    _, dry = await door.ask("POST", "alerts?dry_run=true", role="feed", json=RED)
    assert (dry["targeted"], dry["by_channel"]) == (51, {"sms": 51})


# --- the index ----------------------------------------------------------------------------------------


async def test_every_edit_brings_the_index_to_what_reading_it_anew_gives(door: Door) -> None:
    """Of an edit only the groups that it was about are read again."""
    app = door.app
    first, second, third = (f"G{n:025}" for n in range(3))
    await app.store.write(settle_in, 20, [first, second, third])

    async def is_up_to_date() -> AudienceIndex:
        def fresh(connection: Connection) -> AudienceIndex:
            return AudienceIndex.of(audience_snapshot(connection), group_sizes(connection))

        index = await app.audience.index()
        assert index == await app.store.read(fresh)
        return index

    await is_up_to_date()
    group = {"name": "新组", "region": "621202", "audience": "leaders"}
    _, made = await door.ask("POST", "groups", json=group)
    _, rule = await door.ask("POST", "subscriptions", json={"group": made["id"], "min_color": "red"})
    assert len((await is_up_to_date()).groups) == 4
    person = {"kind": "person", "name": "某人", "region": "621202", "groups": [made["id"], first]}
    status, somebody = await door.ask("POST", "subscribers", json=person)
    assert status == 201, somebody
    assert {one.id: one.size for one in (await is_up_to_date()).groups}[made["id"]] == 1
    edits: list[tuple[str, str, dict[str, Any] | None]] = [
        ("PATCH", f"subscriptions/{rule['id']}", {"min_color": "blue"}),
        ("PATCH", f"groups/{made['id']}", {"region": "621202101"}),
        ("PATCH", f"subscribers/{somebody['id']}", {"groups": [second]}),
        ("DELETE", f"subscribers/{somebody['id']}", None),
        ("DELETE", f"subscriptions/{rule['id']}", None),
        ("DELETE", f"groups/{third}", None),
    ]
    for method, path, body in edits:
        status, answer = await door.ask(method, path, json=body)
        assert status in (200, 204), (path, answer)
        await is_up_to_date()
    assert [one.id for one in (await is_up_to_date()).groups] == [first, second]


async def test_an_edit_that_matching_does_not_see_leaves_the_index_alone(door: Door) -> None:
    """A number is changed a hundred times a day; a hundred thousand rules are not read for it."""
    await door.app.store.write(settle_in, 20, ["G1", "G2"])
    before = await door.app.audience.index()
    await door.ask("PATCH", "endpoints/E00001", json={"priority": 2})
    assert await door.app.audience.index() is before


async def test_who_is_too_far_behind_reads_everything(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only so many changes are remembered; after one that may be about any group nothing is known either."""
    monkeypatch.setattr(standing, "KEPT", 3)

    def change(connection: Connection, *groups: str) -> None:
        standing.audience_changed(connection, groups or None)

    start = await app.store.read(standing.audience_revision)
    for group in ("A", "B", "A"):
        await app.store.write(change, group)
    assert await app.store.read(standing.groups_changed_since, start) == {"A", "B"}
    await app.store.write(change, "C")
    assert await app.store.read(standing.groups_changed_since, start) is None
    assert await app.store.read(standing.groups_changed_since, start + 1) == {"A", "B", "C"}
    await app.store.write(change)
    assert await app.store.read(standing.groups_changed_since, start + 4) is None


# --- chunks -------------------------------------------------------------------------------------------


async def test_each_chunk_of_a_plan_takes_as_many_statements_as_the_one_before(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the plan, and however many are behind it."""
    monkeypatch.setattr(broadcast, "FIRST_CHUNK", 20)
    monkeypatch.setattr(chunks, "CHUNK", 20)
    await door.app.store.write(settle_in, 200, [f"G{n}" for n in range(4)])
    statements: list[str] = []
    await door.app.store.write(lambda connection: _listen(connection, statements))
    await red(door)
    ends = [n for n, one in enumerate(statements) if one == "COMMIT"]
    each = [statements[a + 1 : b] for a, b in pairwise(ends)]
    taken = [len(one) for one in each if any("INTO deliveries" in statement for statement in one)]
    assert len(taken) == 10
    assert len(set(taken[1:])) == 1, taken


async def test_a_red_warning_in_the_middle_of_a_long_blue_plan_is_planned_before_that_goes_on(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lower plan for a country goes on for minutes, step by step; red takes no turn and waits for none of them."""
    monkeypatch.setattr(broadcast, "FIRST_CHUNK", 10)
    monkeypatch.setattr(chunks, "LOWER_CHUNK", 10)
    await door.app.store.write(settle_in, 60, [f"G{n}" for n in range(4)])
    lower = {"identifier": "blue", "color": "blue", "headline": "武都区气象台发布暴雨蓝色预警信号"}
    status, blue = await door.ask("POST", "alerts", role="feed", json=RED | lower)
    assert status == 202, blue
    commit, is_halfway, red_is_planned = door.app.store.commit, asyncio.Event(), asyncio.Event()
    begun = count()

    async def stopping_halfway(chunk: Chunk) -> Committed:
        if chunk.alert_id == blue["id"] and next(begun) > 2:
            is_halfway.set()
            await red_is_planned.wait()
        return await commit(chunk)

    monkeypatch.setattr(door.app.store, "commit", stopping_halfway)
    async with asyncio.timeout(60):
        planning = asyncio.create_task(door.app.broadcaster.broadcast(blue["id"], Lane.BLUE))
        await is_halfway.wait()
        assert len(await door.app.store.read(fetch, _EVERYBODY, await red(door))) == 54
        assert not planning.done()
        red_is_planned.set()
        await planning
    assert len(await door.app.store.read(fetch, _EVERYBODY, blue["id"])) == 54


@pytest.mark.parametrize("walked", [1, 7, 1000])
async def test_those_told_are_found_however_far_apart_they_lie(
    door: Door, monkeypatch: pytest.MonkeyPatch, walked: int
) -> None:
    """Each read walks past so many deliveries only; the end of a warning goes to just those who were told of it."""
    monkeypatch.setattr(told, "WALKED", walked)
    monkeypatch.setattr(follow_ups, "CHUNK", 5)
    await door.app.store.write(settle_in, 40, [f"G{n}" for n in range(4)])
    warning = await red(door)
    some = "UPDATE deliveries SET told = 1, state = 'accepted' WHERE alert_id = ? AND address LIKE '%3'"
    await door.app.store.write(lambda connection: connection.exec_driver_sql(some, (warning,)) and None)
    await door.app.store.write(
        lambda connection: connection.exec_driver_sql("UPDATE batches SET state = 'settled'") and None
    )
    refers = [{"sender": RED["sender"], "identifier": RED["identifier"]}]
    end = await red(
        door, identifier="end", type="cancel", sent="2026-07-14T08:05:00+08:00", references=refers
    )
    found = await door.app.store.read(fetch, _EVERYBODY, end)
    assert [row[1][-2:] for row in found] == ["03", "13", "23", "33"]


# --- episodes -----------------------------------------------------------------------------------------


async def test_a_message_of_a_long_episode_takes_as_many_statements_as_one_of_a_short_one(door: Door) -> None:
    """Some send every message of a season under one identifier, or each as an update of the one before."""
    statements: list[str] = []
    await door.app.store.write(lambda connection: _listen(connection, statements))
    counts = []
    for n in range(40):
        statements.clear()
        refers = [{"sender": RED["sender"], "identifier": f"{n - 1}"}] if n else []
        message = {
            "identifier": f"{n}",
            "sent": f"2026-07-14T08:00:{n:02}+08:00",
            "type": "update",
            "references": refers,
        }
        status, body = await door.ask("POST", "alerts", role="feed", json=RED | message)
        assert status == 202, body
        counts.append(len(statements))
    # Now and then an alarm is kept beside it.
    assert min(counts[2:10]) == min(counts[30:]), counts


async def test_a_message_takes_as_many_steps_however_many_others_are_in_force(door: Door) -> None:
    """Thousands may be in force, of all the counties; what bears on a message is of its own episode."""
    steps = Steps()
    await door.app.store.write(steps.count)

    async def updated(n: int) -> int:
        first = RED | {"identifier": f"first-{n}", "headline": f"武都区气象台发布暴雨红色预警信号（{n}）"}
        status, body = await door.ask("POST", "alerts", role="feed", json=first)
        assert status == 202, body
        refers = [{"sender": RED["sender"], "identifier": f"first-{n}"}]
        second = first | {
            "identifier": f"second-{n}",
            "sent": "2026-07-14T08:05:00+08:00",
            "type": "update",
            "references": refers,
        }
        steps.taken = 0
        status, body = await door.ask("POST", "alerts", role="feed", json=second)
        assert status == 202, body
        return steps.taken

    taken = [await updated(n) for n in range(150)]
    # Now and then an alarm is kept beside it; a table of three hundred rows is a level deeper than one of ten.
    assert min(taken[100:]) <= min(taken[2:20]) * 1.15, (min(taken[2:20]), min(taken[100:]))


def _listen(connection: Connection, statements: list[str]) -> None:
    driver: Any = connection.connection.driver_connection
    driver.set_trace_callback(lambda sql: statements.append(sql.strip().upper() if len(sql) < 10 else sql))
