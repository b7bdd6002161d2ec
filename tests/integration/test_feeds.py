"""Polling a feed: what is asked, what is admitted once, and which condition a person hears of."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import Connection, select

from tests.fakes.feed_server import FeedServer, atom, cap, embedding, linking
from tests.fakes.signing import public_pem, rsa_key, signed
from tests.integration.conftest import CONFIG, NOW
from tests.integration.door import RED
from warnd.api import build
from warnd.app import App
from warnd.app.feeds import Polled
from warnd.app.feeds.fetch import FeedUnreachable, Fetcher, Gate
from warnd.intake.feeds import Entry
from warnd.intake.feeds.envelope import EnvelopeReader
from warnd.model.alert import Verdict
from warnd.settings import load
from warnd.store import alarms, keys
from warnd.store.keys import Role
from warnd.store.tables import alerts, feed_calls, journal, raw_messages


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class County:
    """An application with one feed, its clock and the feed's server."""

    directory: Path
    server: FeedServer
    clock: Clock = field(default_factory=Clock)
    keys: str = ""
    kind: str = "cap.atom"
    path: str = "/alerts.atom"
    source: str = "weather"
    app: App | None = None

    async def open(self) -> App:
        config = self.directory / "warnd.toml"
        config.write_text(
            CONFIG.format(store=f"sqlite:///{self.directory}/warnd.db")
            + f'[feeds.national]\nkind = "{self.kind}"\nurl = "{self.server.url}{self.path}"\n'
            + f'source = "{self.source}"\n{self.keys}\n'
        )
        self.app = App(load(config, {}), wall=self.clock)
        await self.app.open()
        return self.app

    async def poll(self) -> Polled:
        """A minute later."""
        app = self.app or await self.open()
        self.clock.forward(minutes=1)
        polled = await app.feeds.poller("national").poll()
        await app.alarms.settle()
        return polled

    async def restart(self) -> None:
        assert self.app is not None
        await self.app.close()
        await self.open()

    async def rows(self, *columns: Any) -> list[tuple[Any, ...]]:
        def look(connection: Connection) -> list[tuple[Any, ...]]:
            return [
                tuple(row) for row in connection.execute(select(*columns).order_by(columns[0].table.c.id))
            ]

        assert self.app is not None
        return await self.app.store.read(look)

    async def standing(self) -> list[str]:
        assert self.app is not None
        return sorted(one.kind for one in await self.app.store.read(alarms.open_alarms) if "feed" in one.kind)


@pytest.fixture
async def county_(tmp_path: Path, county: Path) -> AsyncIterator[County]:
    shutil.copy(county, tmp_path / "warnd.db")
    server = FeedServer()
    await server.start()
    site = County(tmp_path, server)
    yield site
    if site.app is not None:
        await site.app.close()
    await server.stop()


def taken(polled: Polled) -> list[str]:
    return [one.taken.value for one in polled.outcomes]


async def test_what_a_feed_shows_is_admitted_once(county_: County) -> None:
    """However often it is shown; a 304 costs nothing at all."""
    county_.server.answers["/alerts.atom"] = atom(embedding(1, cap(1)))
    assert taken(await county_.poll()) == ["admitted"]
    assert (await county_.poll()).unchanged
    assert county_.server.conditional == 1
    assert await county_.rows(alerts.c.identifier, alerts.c.state, alerts.c.source) == [
        ("62120241600000_20260714080001", "released", "weather")
    ]


async def test_a_window_that_slides_lifts_nothing(county_: County) -> None:
    """An entry that fell off was pushed out by newer ones; its warning stays in force until something says so."""
    county_.server.answers["/alerts.atom"] = atom(embedding(2, cap(2)), embedding(1, cap(1)))
    await county_.poll()
    county_.server.answers["/alerts.atom"] = atom(embedding(3, cap(3)), embedding(2, cap(2)))
    assert taken(await county_.poll()) == ["admitted"]
    assert await county_.rows(alerts.c.state) == [("released",)] * 3


async def test_a_restart_brings_nothing_twice(county_: County) -> None:
    """Validators are in memory, but what was dealt with is in the store: not a row more, nor a document."""
    county_.server.answers["/alerts.atom"] = atom(embedding(1, cap(1)))
    await county_.poll()
    await county_.restart()
    assert taken(await county_.poll()) == []
    county_.server.answers["/alerts.atom"] = atom(embedding(2, cap(2)), embedding(1, cap(1)))
    assert taken(await county_.poll()) == ["admitted"]
    assert len(await county_.rows(raw_messages.c.id)) == 2


async def test_an_end_in_the_same_answer_follows_its_warning(county_: County) -> None:
    """Feeds show the newest first."""
    end = cap(
        2, type="Cancel", references="62120241600000,62120241600000_20260714080001,2026-07-14T08:00:01+08:00"
    )
    county_.server.answers["/alerts.atom"] = atom(embedding(2, end), embedding(1, cap(1)))
    assert taken(await county_.poll()) == ["admitted", "admitted"]
    assert await county_.rows(alerts.c.state, alerts.c.change) == [
        ("cancelled", "issued"),
        ("released", "lifted"),
    ]


async def test_an_entry_may_link_to_its_alert(county_: County) -> None:
    """By an address relative to the feed's; it is fetched once."""
    county_.server.answers |= {"/alerts.atom": atom(linking(1, "cap/1.xml")), "/cap/1.xml": cap(1).encode()}
    assert taken(await county_.poll()) == ["admitted"]
    await county_.poll()
    assert county_.server.asked["/cap/1.xml"] == 1


async def test_one_bad_entry_stops_none_of_the_others(county_: County) -> None:
    """What is refused is kept raw, told and not tried again; what could not be fetched is."""
    county_.server.answers["/alerts.atom"] = atom(
        linking(3, "/cap/3.xml"), embedding(2, "<alert>nonsense</alert>"), embedding(1, cap(1))
    )
    county_.server.statuses = [200, 429]
    polled = await county_.poll()
    assert taken(polled) == ["admitted", "refused", "unfetched"]
    assert "1 of 3 new entries" in polled.trouble
    assert await county_.rows(raw_messages.c.verdict) == [("accept",), ("refuse",)]
    county_.server.answers["/cap/3.xml"] = cap(3).encode()
    assert taken(await county_.poll()) == ["admitted"]
    assert await county_.standing() == ["feed_refused"]


async def test_a_document_that_is_gone_is_not_asked_for_again(county_: County) -> None:
    """But a person hears that a warning could not be read."""
    county_.server.answers["/alerts.atom"] = atom(linking(1, "/gone.xml"))
    assert taken(await county_.poll()) == ["refused"]
    assert (await county_.poll()).unchanged
    assert await county_.standing() == ["feed_refused"]


async def test_a_link_that_may_not_be_followed_is_a_silence_at_last(county_: County) -> None:
    """A feed whose warnings cannot be had answers in vain; a host that the operator forgot is named."""
    county_.server.answers["/alerts.atom"] = atom(linking(1, "http://cap.example/1.xml"))
    await county_.poll()
    county_.clock.forward(minutes=30)
    assert "cap.example:80" in (await county_.poll()).trouble
    assert await county_.standing() == ["feed_silent"]


async def test_what_was_over_before_a_feed_was_first_asked_is_history(county_: County) -> None:
    """A new feed's window holds yesterday's warnings: no alarm about each of them, and no copy."""
    county_.clock.forward(days=2)
    county_.server.answers["/alerts.atom"] = atom(embedding(1, cap(1)))
    assert taken(await county_.poll()) == ["past"]
    assert await county_.rows(alerts.c.id) == []
    assert await county_.rows(raw_messages.c.id) == []
    assert (await county_.poll()).unchanged


async def test_a_stumble_is_tried_again_at_once(county_: County) -> None:
    """A 502 of a proxy is not worth a minute; waiting grows longer."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    county_.server.answers["/alerts.atom"] = atom()
    county_.server.statuses = [502, 502]
    url = f"{county_.server.url}/alerts.atom"
    fetcher = Fetcher(Gate(url), timeout=timedelta(seconds=5), max_body=4096, sleep=sleep)
    assert (await fetcher.get(url, headers={})).body == atom()
    assert len(waits) == 2
    assert 0 < waits[0] < waits[1]


async def test_a_feed_that_hangs_takes_no_longer_than_its_time(county_: County) -> None:
    """Three times; then it waits for the next poll."""

    async def at_once(_: float) -> None:
        return

    county_.server.hangs = True
    url = f"{county_.server.url}/alerts.atom"
    fetcher = Fetcher(Gate(url), timeout=timedelta(milliseconds=50), max_body=4096, sleep=at_once)
    with pytest.raises(FeedUnreachable, match="took too long"):
        await fetcher.get(url, headers={})
    assert county_.server.asked.total() == 3


async def test_a_host_that_answers_nothing_is_not_asked_for_every_entry(county_: County) -> None:
    """Or one poll would last for hours; what the feed holds itself is taken in all the same."""
    other = FeedServer()
    await other.start()
    await other.stop()
    county_.keys = f'hosts = ["{other.url.removeprefix("http://")}"]\ntimeout = "1s"'
    links = [linking(number, f"{other.url}/{number}.xml") for number in range(40, 20, -1)]
    county_.server.answers["/alerts.atom"] = atom(embedding(50, cap(50)), *links)
    polled = await county_.poll()
    assert taken(polled) == ["unfetched"] * 20 + ["admitted"]
    assert polled.trouble.startswith("20 of 21 new entries")


async def test_a_silent_feed_sounds_until_it_answers(county_: County) -> None:
    """Half an hour without an answer; the first one ends it."""
    polled = await county_.poll()
    assert polled.trouble == "it answers HTTP 404"
    assert await county_.standing() == []
    county_.clock.forward(minutes=30)
    await county_.poll()
    assert await county_.standing() == ["feed_silent"]
    county_.server.answers["/alerts.atom"] = atom()
    await county_.poll()
    assert await county_.standing() == []


async def test_a_stale_feed_sounds_until_it_shows_something_new(county_: County) -> None:
    """It answers, but whoever fills it has stopped."""
    county_.keys = 'stale_after = "6h"'
    county_.server.answers["/alerts.atom"] = atom(embedding(1, cap(1)))
    await county_.poll()
    assert await county_.standing() == []
    county_.clock.forward(hours=6)
    await county_.poll()
    assert await county_.standing() == ["feed_stale"]
    newer = embedding(2, cap(2)).replace("08:00:02+08:00</updated>", "14:05:00+08:00</updated>")
    county_.server.answers["/alerts.atom"] = atom(newer)
    await county_.poll()
    assert await county_.standing() == []


async def test_an_answer_that_cannot_be_read_sounds_and_is_kept_once(county_: County) -> None:
    """A login page instead of a feed is no feed without warnings."""
    county_.server.answers["/alerts.atom"] = b"<html><body>login</body></html>"
    await county_.poll()
    polled = await county_.poll()
    assert "neither an Atom nor an RSS feed" in polled.trouble
    assert await county_.standing() == ["feed_unreadable"]
    assert await county_.rows(raw_messages.c.verdict, raw_messages.c.body) == [
        ("refuse", b"<html><body>login</body></html>")
    ]
    county_.server.answers["/alerts.atom"] = atom()
    await county_.poll()
    assert await county_.standing() == []


async def test_a_fault_of_ours_is_a_silence_and_no_end_of_polling(
    county_: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is logged, counted and heard of; the next poll is made."""

    def broken(reader: EnvelopeReader, answer: bytes) -> Sequence[Entry]:
        raise KeyError("made up")

    county_.server.answers["/alerts.atom"] = atom(embedding(1, cap(1)))
    with monkeypatch.context() as patch:
        patch.setattr(EnvelopeReader, "entries", broken)
        await county_.poll()
        county_.clock.forward(minutes=30)
        assert "made up" in (await county_.poll()).trouble
        assert await county_.standing() == ["feed_silent"]
    assert taken(await county_.poll()) == ["admitted"]
    assert await county_.standing() == []


async def test_a_feed_that_asks_for_time_gets_it(county_: County) -> None:
    """``Retry-After`` of a 429: not asked before, and not three times either."""
    county_.server.answers["/alerts.atom"] = atom()
    county_.server.statuses = [429]
    assert (await county_.poll()).trouble == "it answers HTTP 429"
    assert (await county_.poll()).trouble == "it answers HTTP 429"
    assert county_.server.asked["/alerts.atom"] == 1
    assert not (await county_.poll()).trouble
    assert county_.server.asked["/alerts.atom"] == 2


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("http://127.0.0.1:1/cap.xml", id="another port of its own machine"),
        pytest.param("http://10.0.0.1/cap.xml", id="the machine's own network"),
        pytest.param("file:///etc/passwd", id="a file"),
        pytest.param("http://[bad/cap.xml", id="no address at all"),
    ],
)
@pytest.mark.parametrize("by", ["link", "redirect"])
async def test_a_feed_cannot_send_warnd_elsewhere(county_: County, address: str, by: str) -> None:
    """Neither by a link nor by a redirect: what a feed answers is not trusted to choose an address."""
    link = address if by == "link" else "/elsewhere"
    county_.server.redirects["/elsewhere"] = address
    county_.server.answers["/alerts.atom"] = atom(linking(1, link))
    assert taken(await county_.poll()) == ["unfetched"]


async def test_a_host_that_the_operator_named_may_be_asked(county_: County) -> None:
    """The credential stays with the feed's own origin."""
    other = FeedServer({"/cap/1.xml": cap(1).encode()})
    await other.start()
    county_.keys = f'hosts = ["{other.url.removeprefix("http://")}"]\nkey = "s3cret"\nkey_header = "X-Key"'
    county_.server.answers["/alerts.atom"] = atom(linking(1, f"{other.url}/cap/1.xml"))
    assert taken(await county_.poll()) == ["admitted"]
    assert county_.server.headers["X-Key"] == "s3cret"
    assert "X-Key" not in other.headers
    await other.stop()


async def test_a_bomb_is_not_unpacked(county_: County) -> None:
    """The limit counts what is read."""
    county_.keys = 'max_body = "2KiB"'
    county_.server.answers["/alerts.atom"] = atom(embedding(1, cap(1) + " " * 4096))
    assert (await county_.poll()).trouble == "its answer is larger than 2048 bytes"


async def test_a_preview_keeps_nothing(county_: County) -> None:
    """``warnd feeds poll --dry-run``."""
    county_.server.answers["/alerts.atom"] = atom(embedding(1, cap(1)))
    app = await county_.open()
    polled = await app.feeds.poller("national").preview()
    assert [(one.taken.value, one.alert and one.alert.hazard) for one in polled.outcomes] == [
        ("admitted", "rainstorm")
    ]
    assert await county_.rows(raw_messages.c.id) == []
    assert (await app.feeds.overview())[0].state is None


async def test_a_poll_and_its_preview_hold_to_the_signatures_that_the_source_requires(
    county_: County,
) -> None:
    """A feed is no way around them: what is forged is refused, what is unsigned waits for a person."""
    key = rsa_key("issuer")
    pem = county_.directory / "issuer.pem"
    pem.write_bytes(public_pem(key))
    county_.source = "strict"
    county_.keys = (
        f'[sources.strict]\nregions = ["6212"]\nsignature = "require"\nsignature_key_file = "{pem}"'
    )
    forged = signed(cap(3), key).replace("红色", "蓝色")
    county_.server.answers["/alerts.atom"] = atom(
        embedding(3, forged), embedding(2, cap(2)), embedding(1, signed(cap(1), key))
    )
    app = await county_.open()
    for polled in (await app.feeds.poller("national").preview(), await county_.poll()):
        assert [(one.taken.value, one.verdict) for one in polled.outcomes] == [
            ("admitted", Verdict.ACCEPT),
            ("admitted", Verdict.QUARANTINE),
            ("refused", None),
        ]


# --- one warning, several feeds -----------------------------------------------------------------------


def row(identifier: str, title: str, *, icon: str = "p0002001", minute: int = 0) -> dict[str, str]:
    """Of NMC's list."""
    return {
        "alertid": identifier,
        "title": title,
        "issuetime": f"2026/07/14 08:{minute:02}",
        "pic": f"/{icon}.png",
    }


def listed(*rows: dict[str, str]) -> bytes:
    """NMC's list, the newest first."""
    return json.dumps({"code": 0, "data": {"page": {"list": rows}}}).encode()


PUSHED = RED | {"identifier": "62120241600000_20260714080037", "sent": "2026-07-14T08:00:37+08:00"}
TITLE = "武都区气象台发布暴雨红色预警信号"


async def test_the_same_warning_pushed_and_polled_is_one_alert(county_: County) -> None:
    """Though NMC cuts its time to the minute; what differs is kept raw and stands in the journal."""
    county_.kind, county_.path = "nmc", "/alarms"
    app = await county_.open()
    await app.intake.receive(json.dumps(PUSHED).encode(), "application/json", app.speakers["weather"])
    county_.server.answers["/alarms"] = listed(row(PUSHED["identifier"], TITLE))
    assert taken(await county_.poll()) == ["repeat"]
    assert len(await county_.rows(alerts.c.id)) == 1
    assert await county_.rows(raw_messages.c.alert_id) == await county_.rows(alerts.c.id) * 2
    assert await app.store.read(journal_kinds) == ["alert.admitted", "alert.differed"]


async def test_an_official_feed_does_not_wait_for_who_must_be_approved(county_: County) -> None:
    """What a village pushed is held; the same from the observatory's feed goes out at once."""
    county_.kind, county_.path = "nmc", "/alarms"
    app = await county_.open()
    await app.intake.receive(json.dumps(PUSHED).encode(), "application/json", app.speakers["village"])
    county_.server.answers["/alarms"] = listed(row(PUSHED["identifier"], TITLE))
    assert taken(await county_.poll()) == ["admitted"]
    assert await county_.rows(alerts.c.source, alerts.c.state) == [
        ("village", "held"),
        ("weather", "released"),
    ]


def journal_kinds(connection: Connection) -> list[str]:
    return list(
        connection.execute(
            select(journal.c.kind).where(journal.c.kind.startswith("alert.")).order_by(journal.c.seq)
        ).scalars()
    )


async def test_an_end_that_names_no_warning_ends_its_issuers(county_: County) -> None:
    """NMC has only the title: 解除暴雨 ends what this issuer has in force for rainstorm, and nothing else."""
    county_.kind, county_.path = "nmc", "/alarms"
    app = await county_.open()
    gale = PUSHED | {
        "identifier": "62120241600000_20260714080050",
        "hazard": "gale",
        "headline": "大风红色预警",
    }
    for told in (PUSHED, gale):
        await app.intake.receive(json.dumps(told).encode(), "application/json", app.speakers["weather"])
    county_.server.answers["/alarms"] = listed(
        row("62120241600000_20260714080900", "武都区气象台解除暴雨红色预警信号", minute=9)
    )
    polled = await county_.poll()
    assert taken(polled) == ["admitted"]
    assert "references_inferred" in {fault.code for fault in polled.outcomes[0].findings}
    assert await county_.rows(alerts.c.hazard, alerts.c.state, alerts.c.change) == [
        ("rainstorm", "cancelled", "issued"),
        ("gale", "released", "issued"),
        ("rainstorm", "released", "lifted"),
    ]


async def test_an_end_spares_what_replaces_its_warning(county_: County) -> None:
    """解除暴雨橙色 and 发布暴雨红色 come in one minute, in whichever order."""
    county_.kind, county_.path = "nmc", "/alarms"
    app = await county_.open()
    orange = PUSHED | {"color": "orange", "headline": "武都区气象台发布暴雨橙色预警信号"}
    await app.intake.receive(json.dumps(orange).encode(), "application/json", app.speakers["weather"])
    end = row("62120241600000_20260714080900", "武都区气象台解除暴雨橙色预警信号", icon="p0002002", minute=9)
    raised = row("62120241600000_20260714080901", TITLE, minute=9)
    county_.server.answers["/alarms"] = listed(end, raised)
    assert taken(await county_.poll()) == ["admitted", "admitted"]
    assert await county_.rows(alerts.c.color, alerts.c.state, alerts.c.change) == [
        ("orange", "cancelled", "issued"),
        ("red", "released", "issued"),
        ("orange", "released", "lifted"),
    ]


async def test_a_row_of_weathercn_is_fetched_from_its_page(county_: County) -> None:
    """Which asks where its visitors come from."""
    county_.kind, county_.path = "weathercn", "/list"
    county_.keys = f'detail_url = "{county_.server.url}/pages/{{file}}"'
    file = "101161001-20260714080037-0204.html"
    county_.server.answers["/list"] = json.dumps({"result": {"data": [["武都区", file, "104.9"]]}}).encode()
    page = {"head": TITLE, "identifier": PUSHED["identifier"], "ISSUETIME": "2026-07-14 08:00:37",
            "PROVINCE": "甘肃省", "CITY": "陇南市", "STATIONNAME": "武都区", "SIGNALTYPE": "暴雨", "LEVELCODE": "04",
            "ISSUECONTENT": "未来三小时有大暴雨。", "msgType": "Alert"}  # fmt: skip
    county_.server.answers[f"/pages/{file}"] = f"var alarminfo={json.dumps(page)};".encode()
    assert taken(await county_.poll()) == ["admitted"]
    assert "Referer" in county_.server.headers
    assert await county_.rows(alerts.c.identifier, alerts.c.state) == [(PUSHED["identifier"], "released")]


# --- a feed that calls --------------------------------------------------------------------------------


def call(
    event: str, url: str, *, secret: str = "made-up", nonce: str = "", identifier: str = PUSHED["identifier"]
) -> bytes:
    nonce = nonce or f"of {event}"
    signature = hashlib.sha1(f"{secret}{identifier}{nonce}".encode()).hexdigest()
    told = {"event": event, "alert_id": identifier, "nonce": nonce, "url": url, "signature": signature}
    return json.dumps(told | {"time": "2026-07-14T08:10:00+08:00"}).encode()


@pytest.fixture
async def calls(county_: County) -> AsyncIterator[Callable[..., Awaitable[tuple[int, Any]]]]:
    """The county's API with a feed that calls, and what it leads to; answers a call's status and body."""
    county_.kind, county_.keys = "caiyun.webhook", 'key = "made-up"'
    told = {
        "alert_id": f"ac_{PUSHED['identifier']}",
        "title": TITLE,
        "published_time": "2026-07-14T08:00:37+08:00",
        "ad_code": "621202",
        "code": "0204",
    }
    county_.server.answers["/alert"] = json.dumps(told).encode()
    app = await county_.open()
    async with TestClient(TestServer(build(app))) as client:
        path = await app.feeds.path_of("national")

        async def post(body: bytes, address: str | None = None) -> tuple[int, Any]:
            reply = await client.post(address or path or "", data=body)
            return reply.status, await reply.json(content_type=None)

        yield post


Calls = Callable[..., Awaitable[tuple[int, Any]]]


async def test_a_call_brings_a_warning_and_its_end(county_: County, calls: Calls) -> None:
    """Each on disk when it is answered; the same call again changes nothing."""
    url = f"{county_.server.url}/alert"
    assert await calls(call("ALERT_ON", url)) == (200, {"taken": "admitted"})
    assert await calls(call("ALERT_ON", url)) == (200, {"taken": "repeat"})
    assert await calls(call("ALERT_OFF", url)) == (200, {"taken": "admitted"})
    assert await county_.rows(alerts.c.state, alerts.c.change) == [
        ("cancelled", "issued"),
        ("released", "lifted"),
    ]
    assert county_.app is not None
    (view,) = await county_.app.feeds.overview()
    assert view.state is not None
    assert (view.state.admitted, view.next) == (2, None)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"event": "ALERT_OFF"}, id="as its end"),
        pytest.param({"url": "/other"}, id="leading elsewhere"),
        pytest.param({"alert_id": PUSHED["identifier"] + "n", "nonce": "once"}, id="about another warning"),
        pytest.param({"event": "ALERT_OFF", "signature": str.upper}, id="as its end, in other letters"),
    ],
)
async def test_a_call_that_was_overheard_serves_for_nothing_else(
    county_: County, calls: Calls, changes: dict[str, Any]
) -> None:
    """Only identifier and nonce are signed, with nothing between them; the warning stands, also after a restart."""
    told = call("ALERT_ON", f"{county_.server.url}/alert", nonce="nonce")
    assert await calls(told) == (200, {"taken": "admitted"})
    overheard = json.loads(told)
    for name, value in changes.items():
        overheard[name] = value(overheard[name]) if callable(value) else value
    if overheard["url"] == "/other":
        overheard["url"] = f"{county_.server.url}/other"
    status, answered = await calls(json.dumps(overheard).encode())
    assert (status, [one["code"] for one in answered["errors"]]) == (422, ["nonce_used"])
    assert await calls(told) == (200, {"taken": "repeat"})
    assert await county_.rows(alerts.c.state, alerts.c.change) == [("released", "issued")]
    assert county_.app is not None
    await county_.app.alarms.settle()
    assert await county_.standing() == ["feed_refused"]


async def test_a_call_ends_only_what_its_own_feed_called_on(county_: County, calls: Calls) -> None:
    """What its source pushed stands; the call is kept for a person to see."""
    app, url = county_.app, f"{county_.server.url}/alert"
    assert app is not None
    await app.intake.receive(json.dumps(PUSHED).encode(), "application/json", app.speakers["weather"])
    assert await calls(call("ALERT_OFF", url)) == (200, {"taken": "refused"})
    await calls(call("ALERT_ON", url, identifier=f"{PUSHED['identifier']}1"))
    assert await calls(call("ALERT_OFF", url)) == (200, {"taken": "refused"})
    assert await county_.rows(alerts.c.state, alerts.c.change) == [("released", "issued")]
    await app.alarms.settle()
    assert await county_.standing() == ["feed_refused"]
    kept = await county_.rows(raw_messages.c.verdict, raw_messages.c.body)
    assert next(body for verdict, body in kept if verdict == "refuse") == call("ALERT_OFF", url)


async def remembered(county: County) -> Sequence[Any]:
    assert county.app is not None
    return await county.app.store.read(lambda connection: connection.execute(select(feed_calls)).all())


async def test_a_call_is_remembered_for_a_year(county_: County, calls: Calls) -> None:
    """Longer than any warning is in force; then the table forgets it."""
    url = f"{county_.server.url}/alert"
    await calls(call("ALERT_ON", url))
    county_.clock.forward(days=365)
    await calls(call("ALERT_ON", url, nonce="another"))
    assert len(await remembered(county_)) == 2
    county_.clock.forward(seconds=1)
    await calls(call("ALERT_ON", url, nonce="a third"))
    assert len(await remembered(county_)) == 2


async def test_a_call_that_is_not_signed_with_our_key_is_refused(county_: County, calls: Calls) -> None:
    """Nor is one at another address, and nobody learns which feeds there are."""
    url = f"{county_.server.url}/alert"
    status, told = await calls(call("ALERT_ON", url, secret="other"))
    assert (status, told["errors"][0]["path"]) == (422, "signature")
    assert (await calls(call("ALERT_ON", url), "/api/v1/feeds/national/abc"))[0] == 404
    assert (await calls(call("ALERT_ON", url), "/api/v1/feeds/nobody/abc"))[0] == 404
    assert county_.server.asked.total() == 0


async def test_a_call_whose_alert_cannot_be_had_is_to_come_again(county_: County, calls: Calls) -> None:
    """A signed call may not send warnd elsewhere either."""
    status, told = await calls(call("ALERT_ON", "http://10.0.0.1/alert"))
    assert status == 503
    assert "10.0.0.1:80" in told["detail"]
    assert (await calls(call("ALERT_ON", f"{county_.server.url}/gone")))[0] == 503


async def test_the_state_of_feeds_over_rest(county_: County, calls: Calls) -> None:
    """Without its address: what a viewer sees holds no credential."""
    app = county_.app
    assert app is not None
    key, _ = await app.store.record(keys.create_key, "v", Role.VIEWER, source=None, id=app.new_id(), now=NOW)
    async with TestClient(TestServer(build(app))) as client:
        reply = await client.get("/api/v1/feeds", headers={"Authorization": f"Bearer {key}"})
        (feed,) = (await reply.json())["items"]
    assert (feed["name"], feed["kind"], feed["polled"]) == ("national", "caiyun.webhook", None)
    assert "made-up" not in json.dumps(feed)
    assert county_.server.url not in json.dumps(feed)
