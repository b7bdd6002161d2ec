"""What people and machines ask while a broadcast of millions is out: every statement goes by an index."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import sys
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection

from tests.integration import county as counties
from tests.integration.county import Clock, County
from tests.integration.door import RED
from warnd.api.routes import ROUTES
from warnd.cli import main

BIG = (
    "deliveries",
    "recipients",
    "batches",
    "journal",
    "receipts",
    "receipt_keys",
    "former_batches",
    "bundle_parts",
    "fallbacks",
)
"""Tables with a row for every delivery, or for what happened to it."""

_ALIAS = re.compile(rf"\b({'|'.join(BIG)})\b(?:\s+(?:AS\s+)?(\w+))?", re.IGNORECASE)
_SMALL = "USING INDEX ix_batches_out"
"""An index of what is out at this moment: a batch a slot."""

_STATES = {"alerts": "released", "endpoints": "active"}
_SCAN = re.compile(r"SCAN (\w+)")


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement of every connection, with its values in place."""
    said: list[str] = []
    connect = sqlite3.connect

    def listened(*args: object, **options: object) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **options)  # type: ignore[call-overload]
        connection.set_trace_callback(said.append)
        return connection

    monkeypatch.setattr(sqlite3, "connect", listened)
    return said


def scans(path: Path, statements: Iterable[str]) -> Mapping[str, list[str]]:
    """Of the statements those that read a big table or one of its indexes from end to end, with how."""
    found = {}
    with closing(sqlite3.connect(path)) as connection:
        for statement in dict.fromkeys(statements):
            aliases = {name for pair in _ALIAS.findall(statement) for name in pair if name}
            if not aliases or statement.startswith(("EXPLAIN", "CREATE", "PRAGMA", "--")):
                continue
            plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
            scanned = [
                step
                for step in plan
                if (hit := _SCAN.match(step)) and hit[1] in aliases and _SMALL not in step
            ]
            if scanned:
                found[statement] = plan
    return found


@pytest.mark.parametrize(
    "statement", ["SELECT count(*) FROM deliveries d", "UPDATE batches SET due = 1 WHERE size = 3"]
)
def test_a_scan_is_found(county: Path, statement: str) -> None:
    """By whatever name the table goes."""
    assert scans(county, [statement, "SELECT 1 FROM deliveries d WHERE d.id = 'D'"]).keys() == {statement}


async def test_the_api_the_pages_and_the_clerk_scan_no_big_table(
    tmp_path: Path, county: Path, said: list[str]
) -> None:
    """Every route that reads, with each of its filters, and each act on an alert and its deliveries."""
    counties.settle(tmp_path, county)
    async with counties.opened(tmp_path, Clock()) as door:
        await counties.hand_out_keys(door)
        alert = await broadcast(County(door, Clock()))
        delivery, group = await door.app.store.read(one_delivery), await door.app.store.read(one_group)
        key = {"key": door.texts["admin"]}
        await door.client.post("/signin", data=key, headers={"Origin": str(door.client.make_url("/"))[:-1]})
        said.clear()
        for path in paths(alert, delivery, group):
            reply = await door.reply("GET", path, allow_redirects=False)
            assert reply.status in (200, 304, 404, 409), (path, await reply.text())
        for lanes in (line.lanes for line in door.app.lines.values()):
            refilling = asyncio.create_task(lanes.refill())
            assert await lanes.take(0)
            refilling.cancel()
        await door.set_state("failed", [delivery])
        status, answer = await door.ask(
            "POST", "deliveries/resend", json={"alert": alert, "state": ["failed"]}
        )
        assert status == 202, answer
        await County(door, Clock()).round()
        status, answer = await door.ask("POST", f"alerts/{alert}/cancel", json={"reason": "made up"})
        assert status == 200, answer
        await County(door, Clock()).round()
    assert any(delivery in statement for statement in said)
    assert scans(tmp_path / "warnd.db", said) == {}


def test_the_commands_scan_no_big_table(
    tmp_path: Path, county: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that look, list, hand out and send again."""
    counties.settle(tmp_path, county)

    async def made() -> tuple[str, str]:
        async with counties.opened(tmp_path, Clock()) as door:
            await counties.hand_out_keys(door)
            return await broadcast(County(door, Clock())), await door.app.store.read(one_delivery)

    alert, delivery = asyncio.run(made())
    monkeypatch.setenv("WARND_CONFIG", str(tmp_path / "warnd.toml"))
    said.clear()
    for words in (
        ["alerts", "list"], ["alerts", "show", alert], ["messages", "list"], ["deliveries", "list"],
        ["deliveries", "list", "--alert", alert, "--state", "queued"], ["deliveries", "show", delivery],
        ["deliveries", "export", "--alert", alert, "--out", tmp_path / "out.csv"],
        ["deliveries", "resend", "--alert", alert, "--state", "failed"],
    ):  # fmt: skip
        monkeypatch.setattr(sys, "argv", ["warnd", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            main.run()
        assert left.value.code == int("resend" in words), words
    assert any(delivery in statement for statement in said)
    assert scans(tmp_path / "warnd.db", said) == {}


async def broadcast(here: County) -> str:
    """A red one to five posts, of which nothing was sent yet."""
    await here.door.settle_in(5)
    status, body = await here.door.ask("POST", "alerts", role="weather", json=RED)
    assert status == 202, body
    await here.door.app.broadcaster.broadcast(body["id"])
    return str(body["id"])


def one_delivery(connection: Connection) -> str:
    return str(connection.exec_driver_sql("SELECT id FROM deliveries ORDER BY id LIMIT 1").scalar_one())


def one_group(connection: Connection) -> str:
    return str(connection.exec_driver_sql("SELECT id FROM groups").scalar_one())


def paths(alert: str, delivery: str, group: str) -> Iterable[str]:
    """Each route that reads, bare and with each filter by itself; ids are those of the alert, the delivery and the group."""
    values = {
        "alert": alert, "state": "queued", "channel": "sms", "region": "621202", "group": group, "q": "+86154",
        "since": "2026-07-14T00:00:00Z", "until": "2026-07-15T00:00:00Z", "color": "red", "parent": "6212",
    }  # fmt: skip
    for route in ROUTES:
        if route.method != "GET" or route.path.endswith(("/events", "/resolve", "/readyz")):
            continue
        id = delivery if "/deliveries/" in route.path else alert
        path = re.sub(r"\{[^{}]*(?:\{[^{}]*\})?[^{}]*\}", id, route.path)
        yield path
        for param in route.query:
            values["state"] = _STATES.get(route.path.rpartition("/")[2], "queued")
            if param.name in values:
                yield f"{path}?{param.name}={values[param.name].replace('+', '%2B')}"
    yield from (f"/api/v1/deliveries?state={state}" for state in ("failed", "sending", "accepted", "standby"))
    yield "/api/v1/deliveries?q=%E5%80%BC"
    yield f"/api/v1/deliveries?alert={alert}&region=621202101&q=%E5%80%BC&state=queued"
    yield from (
        "/",
        f"/alerts/{alert}",
        "/deliveries",
        f"/deliveries?alert={alert}",
        f"/deliveries/{delivery}",
        "/messages",
    )
