"""What a statement reads of PostgreSQL is bounded, whatever the server knows, or believes, of the tables (ADR 19)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from typing import Any

import psycopg
import pytest
from aiohttp.test_utils import TestClient, TestServer
from psycopg import sql

from tests.integration import county as counties
from tests.integration.county import Clock, County
from tests.integration.door import RED, Door
from tests.integration.test_scans import one_delivery, one_group, paths
from warnd import api, console
from warnd.app import App
from warnd.store.database import raw_of
from warnd.store.postgres_connection import Place, Session
from warnd.store.statement import Statement

pytestmark = pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)

PEOPLE = 3_000
MOST_PAGES = 100_000
"""
That one statement may read. A page of the log may look up 10,000 deliveries with batch and alert, a step of a follow-up 6,000 addresses, of
some five pages each. Where one alert's deliveries, or the table, are walked through for each of them, it is millions.
"""

Runs = dict[tuple[bool, str], list[Any]]
"""The parameters of each statement's first run and of its last, by whether they have numbers, and its text."""

NEXT = {"type": "update", "references": [{"sender": RED["sender"], "identifier": RED["identifier"]}]}
LOWER = {"color": "orange", "headline": "武都区气象台发布暴雨橙色预警信号"}
EPISODE: Sequence[Mapping[str, Any]] = (
    NEXT | {"identifier": "again", "sent": "2026-07-14T08:05:00+08:00"},
    NEXT | {"identifier": "less", "sent": "2026-07-14T08:06:00+08:00"} | LOWER,
    NEXT | {"identifier": "more", "sent": "2026-07-14T08:07:00+08:00"},
    NEXT | {"identifier": "over", "sent": "2026-07-14T08:08:00+08:00", "type": "cancel"},
)
"""A continuation, a lowering, a raising, an end."""


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Runs:
    said: Runs = {}
    execute = psycopg.Cursor.execute

    def listened(self: Any, query: Any, params: Any = None, **options: Any) -> Any:
        runs = said.setdefault((isinstance(self, psycopg.RawCursor), str(query)), [])
        runs[1:] = [params]
        return execute(self, query, params, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", listened)
    return said


@pytest.fixture
async def door(app: App) -> AsyncIterator[Door]:
    """The API and the pages."""
    site = api.build(app)
    console.mount(site, app)
    async with TestClient(TestServer(site)) as client:
        yield Door(app, client, {})


def pages_read(place: Place, said: Runs) -> Mapping[str, int]:
    """By statement the most that one of its runs reads, as a plan made for its parameters does, and as one made for any."""
    found: dict[str, int] = {}
    with closing(Session(place)) as session:
        for (numbered, text), runs in list(said.items()):
            if not text.lstrip().startswith(("SELECT", "WITH", "UPDATE", "INSERT", "DELETE")):
                continue
            for params in runs:
                with suppress(psycopg.errors.UniqueViolation):  # what is there now is not put there again
                    for pages in _read(session.raw, text, params, numbered=numbered):
                        found[text] = max(found.get(text, 0), pages)
    return found


def _read(connection: psycopg.Connection[Any], text: str, params: Any, *, numbered: bool) -> Iterator[int]:
    explain = "EXPLAIN (ANALYZE, TIMING OFF, BUFFERS, FORMAT JSON) "
    cursor = psycopg.RawCursor(connection) if numbered else psycopg.Cursor(connection)
    with connection.transaction(force_rollback=True):
        cursor.execute(explain + text, params)
        yield _pages(cursor)
    if not numbered:
        return
    values = sql.SQL(", ").join(map(sql.Literal, params or ()))
    connection.execute("SET plan_cache_mode = force_generic_plan")
    connection.execute(f"PREPARE one AS {text}".encode())
    try:
        with connection.transaction(force_rollback=True):
            call = sql.SQL("EXECUTE one ({})").format(values) if params else sql.SQL("EXECUTE one")
            cursor.execute(sql.SQL(explain) + call)
            yield _pages(cursor)
    finally:
        connection.execute("DEALLOCATE one")
        connection.execute("RESET plan_cache_mode")


def _pages(cursor: psycopg.Cursor[Any]) -> int:
    (plan,) = cursor.fetchone()[0]
    return int(plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"])


async def test_an_episode_and_whoever_looks_at_it_read_little_of_a_database_whose_statistics_are_old(
    app: App, door: Door, said: Runs
) -> None:
    """They were taken when the first alert was all there was: the server takes every later one to have no rows."""
    await counties.hand_out_keys(door)
    first = await tell(door, {})
    await app.store.write(
        lambda connection: connection.exec_driver_sql("ANALYZE deliveries, recipients, batches") and None
    )
    for change in EPISODE:
        last = await tell(door, change)
    delivery, group = await app.store.read(one_delivery), await app.store.read(one_group)
    key = {"key": door.texts["admin"]}
    await door.client.post("/signin", data=key, headers={"Origin": str(door.client.make_url("/"))[:-1]})
    for alert in (first, last):
        for path in paths(alert, delivery, group):
            reply = await door.reply("GET", path, allow_redirects=False)
            assert reply.status in (200, 304, 404, 409), (path, await reply.text())
    county = County(door, Clock())
    more = await tell(door, {"identifier": "another", "sent": "2026-07-14T08:09:00+08:00"})
    await app.store.write(
        lambda connection: (
            connection.exec_driver_sql(
                "UPDATE deliveries SET state = 'failed' WHERE id IN (SELECT max(id) FROM deliveries WHERE state = 'accepted')"
            )
            and None
        )
    )
    status, answer = await door.ask("POST", "deliveries/resend", json={"alert": more, "state": ["failed"]})
    assert status == 202, answer
    await county.round()
    status, answer = await door.ask("POST", f"alerts/{more}/cancel", json={"reason": "made up"})
    assert status == 200, answer
    await county.round()
    place = app.store.place
    assert {text: n for text, n in pages_read(place, said).items() if n > MOST_PAGES} == {}


async def tell(door: Door, change: Mapping[str, Any]) -> str:
    """The warning with that change, planned and told."""
    if not change:
        await door.settle_in(PEOPLE)
    status, body = await door.ask("POST", "alerts", role="weather", json=RED | change)
    assert status == 202, body
    await door.app.broadcaster.broadcast(body["id"])

    def settle(connection: Any) -> None:
        raw = raw_of(connection)
        raw.execute(Statement("UPDATE deliveries SET told = true, state = 'accepted' WHERE state = 'queued'"))
        raw.execute(Statement("UPDATE batches SET state = 'settled'"))

    await door.app.store.write(settle)
    return str(body["id"])
