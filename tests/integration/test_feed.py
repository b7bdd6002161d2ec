"""The feed: what is in force and what has ended, as Atom with CAP in it, for those who may read it."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from lxml import etree
from sqlalchemy import Connection, insert, update
from yarl import URL

import warnd.intake
from tests.fakes.broadcast_rows import keep_alert
from tests.integration.conftest import NOW
from tests.integration.door import RED, Door
from warnd.api import atom, build
from warnd.api.atom import entry_id
from warnd.api.feed import MOST_ENTRIES, Edition, Kept
from warnd.intake.read import read
from warnd.model.alert import Alert
from warnd.store import tables
from warnd.store.alerts import expire_due

ATOM = "{http://www.w3.org/2005/Atom}"
FEED = "/feeds/cap.atom"
NEIGHBOURS = 5
SCHEMA = etree.XMLSchema(file=str(Path(warnd.intake.__file__).parent / "schema" / "CAP-v1.2.xsd"))


async def push(door: Door, **changes: Any) -> str:
    status, body = await door.ask("POST", "alerts", role="feed", json=RED | changes)
    assert status == 202, body
    return str(body["id"])


async def feed(door: Door, query: str = "") -> etree._Element:
    reply = await door.reply("GET", FEED + query, role="viewer")
    assert reply.status == 200, await reply.text()
    return etree.fromstring(await reply.read())


def alerts_of(door: Door, root: etree._Element) -> list[Alert]:
    """Each entry's alert, as the next platform would read it: valid, and without a doubt."""
    found = []
    for content in root.iterfind(f"{ATOM}entry/{ATOM}content"):
        assert content.get("type") == "application/cap+xml"
        [message] = content
        SCHEMA.assertValid(etree.ElementTree(etree.fromstring(etree.tostring(message))))
        parsed = read(etree.tostring(message), None, door.app.surroundings.catalogue)
        assert parsed.doubts == ()
        found.append(parsed.alert)
    return found


async def shown(door: Door, query: str = "") -> list[str]:
    return [alert.identifier for alert in alerts_of(door, await feed(door, query))]


def refers() -> list[dict[str, Any]]:
    return [{"sender": RED["sender"], "identifier": RED["identifier"], "sent": RED["sent"]}]


async def test_what_is_not_public_stays_out_when_it_was_released(door: Door) -> None:
    """By whomever: in the feed, and under its own address."""
    shared, restricted = RED | {"identifier": "PUBLIC"}, RED | {"identifier": "HUSH", "scope": "Restricted"}
    ids = {}
    for body in (shared, restricted):
        alert = read(json.dumps(body).encode(), None, door.app.surroundings.catalogue).alert
        ids[alert.identifier] = await door.app.store.write(keep_alert, alert)
    assert await shown(door) == ["PUBLIC"]
    statuses = [(await door.reply("GET", f"/feeds/cap/{id_}", role="viewer")).status for id_ in ids.values()]
    assert statuses == [200, 404]


def at(door: Door, when: datetime) -> None:
    door.app.now = lambda: when


async def test_an_entry_is_the_alert_with_its_links_and_a_name_that_stays(door: Door) -> None:
    """As RFC 4287 wants it; the entry's id is made of the alert's identity."""
    id_ = await push(door)
    root = await feed(door)
    [alert] = alerts_of(door, root)
    assert alert.texts["zh"].headline == RED["headline"]
    assert alert.sent.isoformat() == RED["sent"]
    [entry] = root.iterfind(f"{ATOM}entry")
    values = {name: entry.findtext(f"{ATOM}{name}") for name in ("id", "title", "updated", "published")}
    assert values == {
        "id": entry_id(alert),
        "title": RED["headline"],
        "updated": "2026-07-14T00:10:00.000000Z",
        "published": "2026-07-14T00:00:00.000000Z",
    }
    assert entry.findtext(f"{ATOM}author/{ATOM}name") == RED["sender_name"]
    link = entry.find(f"{ATOM}link")
    assert link is not None
    assert (link.get("rel"), link.get("type")) == ("alternate", "application/cap+xml")
    href = URL(str(link.get("href")))
    alone = await door.reply("GET", href.path)
    assert alone.status == 200
    assert read(await alone.read(), None, door.app.surroundings.catalogue).alert == alert
    assert href.path == f"/feeds/cap/{id_}"


async def test_the_feed_itself_is_whole_even_when_it_is_empty(door: Door) -> None:
    """Id, title, time of its last change, author and its own address."""
    root = await feed(door, "?color=red")
    assert root.tag == f"{ATOM}feed"
    assert str(root.findtext(f"{ATOM}id")).startswith("urn:uuid:")
    assert root.findtext(f"{ATOM}updated") == "2026-07-14T00:10:00.000000Z"
    assert root.findtext(f"{ATOM}author/{ATOM}name")
    own = root.find(f"{ATOM}link[@rel='self']")
    assert own is not None
    assert str(own.get("href")).endswith(f"{FEED}?color=red")
    assert root.find(f"{ATOM}entry") is None


async def test_an_end_takes_the_place_of_what_it_ends_for_a_day(door: Door) -> None:
    """Longer than it is told to people: a neighbour may have been away."""
    await push(door)
    lift = await push(door, type="cancel", identifier="LIFT", references=refers())
    assert await shown(door) == ["LIFT"]
    at(door, NOW + timedelta(hours=7))
    await door.app.store.record(expire_due, door.app.now())
    assert await shown(door) == ["LIFT"]
    at(door, NOW + timedelta(hours=24, seconds=1))
    assert await shown(door) == []
    assert (await door.reply("GET", f"/feeds/cap/{lift}")).status == 200


async def test_what_is_over_is_shown_no_more(door: Door) -> None:
    """By the clock, whether or not anybody has swept since."""
    await push(door)
    at(door, datetime.fromisoformat(RED["expires"]))
    assert await shown(door) == []


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"status": "exercise"}, id="an exercise"),
        pytest.param({"status": "test"}, id="a test"),
        pytest.param({"status": "draft"}, id="a draft"),
        pytest.param({"areas": [{"regions": ["65"]}]}, id="a quarantined one"),
    ],
)
async def test_what_is_not_for_everybody_is_in_no_feed(door: Door, changes: dict[str, Any]) -> None:
    """Nor at an address of its own."""
    id_ = await push(door, **changes)
    assert await shown(door) == []
    assert (await door.ask("GET", f"/feeds/cap/{id_}"))[0] == 404


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param("?region=621202", True, id="the warned county"),
        pytest.param("?region=62", True, id="a province with it in"),
        pytest.param("?region=621202101201", True, id="a village of it"),
        pytest.param("?region=621221", False, id="the next county"),
        pytest.param("?color=yellow", True, id="a lower color"),
        pytest.param("?color=orange", True, id="its own"),
        pytest.param("?color=red", False, id="a higher one"),
        pytest.param("?region=621202&color=red", False, id="both must hold"),
    ],
)
async def test_a_neighbour_asks_for_what_concerns_it(door: Door, query: str, found: bool) -> None:
    """By division, with all below and above it, and from a color up."""
    await push(door, color="orange", headline="武都区气象台发布暴雨橙色预警信号")
    assert bool(await shown(door, query)) is found


async def test_who_reads_reds_alone_hears_of_what_becomes_of_them(door: Door) -> None:
    """A red that is lowered does not just vanish; its end is shown too."""
    await push(door)
    went_out = update(tables.alerts).values(plan_cursor="told")
    await door.app.store.write(lambda connection: connection.execute(went_out))
    lower = {"type": "update", "references": refers(), "color": "yellow", "identifier": "LOWER"}
    await push(door, **lower, headline="武都区气象台变更发布暴雨黄色预警信号")
    assert await shown(door, "?color=red") == ["LOWER"]


@pytest.mark.parametrize(("query", "path"), [("?region=x", "region"), ("?colour=red", "colour")])
async def test_a_bad_question_is_a_problem(door: Door, query: str, path: str) -> None:
    status, body = await door.ask("GET", FEED + query)
    assert (status, [one["path"] for one in body["errors"]]) == (422, [path])


# --- asked for again and again ---------------------------------------------------------------------------------


async def again(door: Door, **headers: str) -> ClientResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await door.reply("GET", FEED, role="viewer", headers=named)


async def test_an_edition_that_is_known_is_not_sent_again(door: Door) -> None:
    """By its tag as long as the same alerts are in it, whatever the time."""
    await push(door)
    first = await again(door)
    at(door, NOW + timedelta(minutes=5))
    known = await again(door, If_None_Match=f'"other", W/{first.headers["ETag"]}')
    assert (known.status, await known.read(), known.headers["ETag"]) == (304, b"", first.headers["ETag"])
    at(door, NOW + timedelta(hours=24))
    over = await again(door, If_None_Match=first.headers["ETag"])
    assert over.status == 200
    assert etree.fromstring(await over.read()).findtext(f"{ATOM}updated") == "2026-07-15T00:10:00.000000Z"


async def test_a_change_within_the_second_is_not_missed(door: Door) -> None:
    """A date of HTTP cannot tell the two apart, so the first answer has none."""
    await push(door)
    assert "Last-Modified" not in (await again(door)).headers
    await push(door, identifier="ANOTHER")
    assert "Last-Modified" not in (await again(door)).headers
    at(door, NOW + timedelta(seconds=1))
    dated = await again(door)
    assert dated.headers["Last-Modified"] == format_datetime(NOW + timedelta(seconds=1), usegmt=True)
    assert (await again(door, If_Modified_Since=dated.headers["Last-Modified"])).status == 304
    before = format_datetime(NOW, usegmt=True)
    assert (await again(door, If_Modified_Since=before)).status == 200
    both = await again(door, If_Modified_Since=dated.headers["Last-Modified"], If_None_Match='"other"')
    assert both.status == 200


async def test_ten_thousand_alerts_are_no_burden(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest five hundred; asked for again, it costs a look at the index and no alert is read."""
    await push(door)

    def fill(connection: Connection) -> None:
        row = dict(connection.execute(tables.alerts.select()).mappings().one())
        rows = []
        for n in range(10_000):
            identifier = f"N{n:05}"
            body = {**row["body"], "identifier": identifier}
            rows.append({**row, "id": f"01ZZ{n:022}", "identifier": identifier, "body": body})
        connection.execute(insert(tables.alerts), rows)

    await door.app.store.write(fill)
    root = await feed(door)
    entries = root.findall(f"{ATOM}entry")
    assert len(entries) == MOST_ENTRIES
    assert alerts_of(door, root)[0].identifier == "N09999"
    monkeypatch.setattr("warnd.api.feed.published", None)
    monkeypatch.setattr(atom, "document", None)
    assert (await again(door)).status == 200


async def test_a_feed_asked_for_in_a_new_way_makes_no_entry_again(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody may ask for a public feed of any division; the latest entries are kept within a bound."""
    ids = [await push(door, identifier=f"N{n}") for n in range(3)]
    made: list[Alert] = []
    entry = atom.entry

    def count(alert: Alert, *given: Any) -> bytes:
        made.append(alert)
        return entry(alert, *given)

    monkeypatch.setattr(atom, "entry", count)
    monkeypatch.setattr("warnd.api.feed.ENTRIES_SIZE", 100_000)
    whole = await shown(door)
    for region in ("62", "6212", "621202", "621202101", "621202101201"):
        assert await shown(door, f"?region={region}") == whole == ["N2", "N1", "N0"]
        reply = await door.reply("GET", FEED + f"?region={region}", headers={"Host": "other.example"})
        assert [f"http://other.example/feeds/cap/{id_}" in await reply.text() for id_ in ids] == [True] * 3
    assert len(made) == 3
    await push(door, identifier="NEW")
    assert await shown(door, "?color=red") == ["NEW", *whole]
    assert [alert.identifier for alert in made[3:]] == ["NEW"]
    monkeypatch.setattr("warnd.api.feed.ENTRIES_SIZE", 1)
    await push(door, identifier="NEWER")
    assert await shown(door) == ["NEWER", "NEW", *whole]
    assert await shown(door, "?region=62") == ["NEWER", "NEW", *whole]
    assert len(made) == 10


# --- who may read it -------------------------------------------------------------------------------------------


@asynccontextmanager
async def public(door: Door) -> AsyncIterator[TestClient[Any, Any]]:
    """A door to the same application with ``server.public_feed`` on."""
    server = replace(door.app.settings.server, public_feed=True, public_url="https://warnd.example")
    door.app.settings = replace(door.app.settings, server=server)
    async with TestClient(TestServer(build(door.app))) as client:
        yield client


async def test_without_a_key_the_feed_is_closed_unless_a_setting_opens_it(door: Door) -> None:
    """It opens the feed and what it links to, and nothing else."""
    id_ = await push(door)
    assert (await door.reply("GET", FEED, role=None)).status == 401
    assert (await door.reply("GET", FEED, role="feed")).status == 403
    async with public(door) as client:
        reply = await client.get(FEED)
        root = etree.fromstring(await reply.read())
        link = root.find(f"{ATOM}entry/{ATOM}link")
        assert link is not None
        assert link.get("href") == f"https://warnd.example/feeds/cap/{id_}"
        assert (await client.get(f"/feeds/cap/{id_}")).status == 200
        assert (await client.head(FEED)).status == 200
        assert (await client.get(f"/api/v1/alerts/{id_}/cap")).status == 401


async def test_an_entry_has_one_name_however_its_time_is_written(door: Door) -> None:
    """The same second with a fraction or by another clock is the same alert; another second is not."""
    await push(door)
    [alert] = alerts_of(door, await feed(door))
    same = (alert.sent.astimezone(UTC), alert.sent.replace(microsecond=5))
    assert {entry_id(replace(alert, sent=when)) for when in same} == {entry_id(alert)}
    assert entry_id(replace(alert, sent=alert.sent + timedelta(seconds=1))) != entry_id(alert)


async def test_a_feed_that_many_ask_for_at_once_is_made_once(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All neighbours ask when a warning has just gone out: the machine has that to do, not five hundred CAPs each."""
    await push(door)
    made: list[object] = []
    looks = itertools.count(1)
    all_have_asked = threading.Event()
    document, of = atom.document, Kept.of

    def make(*given: Any, **more: Any) -> bytes:
        made.append(given)
        assert all_have_asked.wait(10)
        return document(*given, **more)

    def look(kept: Kept, address: str, ids: tuple[str, ...]) -> Edition | None:
        if next(looks) > NEIGHBOURS:  # each once, and the one whose turn it is again
            all_have_asked.set()
        return of(kept, address, ids)

    monkeypatch.setattr(atom, "document", make)
    monkeypatch.setattr(Kept, "of", look)
    replies = await asyncio.gather(*(door.reply("GET", FEED, role="viewer") for _ in range(NEIGHBOURS)))
    assert {reply.status for reply in replies} == {200}
    assert len(made) == 1
