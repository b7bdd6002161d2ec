"""The pages: who may see them, what protects them, and what they say."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from html import escape
from pathlib import Path

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import Connection, insert

from tests.fakes.broadcast_rows import (
    NOW,
    a_warning,
    count,
    end_long_ago,
    keep_alert,
    keep_attempt,
    keep_delivery,
)
from tests.fakes.empty_store import empty_store
from tests.fakes.unwritable import unwritable
from warnd import api, console
from warnd.app import App
from warnd.app.phrases import phrases
from warnd.errors import StoreError
from warnd.model.alert import AlertType, Change
from warnd.schedule import apply_retention
from warnd.settings import load
from warnd.store import alarms, keys, tables
from warnd.store.journal import Entry
from warnd.store.keys import Purpose, Role
from warnd.store.tables import micros

Client = TestClient[web.Request, web.Application]
SignIn = Callable[[Role], Awaitable[ClientResponse]]


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    config = tmp_path / "warnd.toml"
    config.write_text(f'[store]\nurl = "sqlite:///{empty_store(tmp_path / "warnd.db")}"\n')
    app = App(load(config, {}), wall=lambda: NOW)
    await app.open()
    yield app
    await app.close()


@pytest.fixture
async def client(app: App) -> AsyncIterator[Client]:
    site = api.build(app)
    console.mount(site, app)
    async with TestClient(TestServer(site)) as client:
        yield client


@pytest.fixture
async def sign_in(app: App, client: Client) -> SignIn:
    async def enter(role: Role) -> ClientResponse:
        source = "weather" if role is Role.FEED else None
        text, _ = await app.store.record(
            keys.create_key, role.value, role, source=source, id=app.new_id(), now=NOW
        )
        return await post(client, "/signin", key=text)

    return enter


async def post(client: Client, path: str, **form: str) -> ClientResponse:
    """As a browser sends a form of our own page."""
    return await client.post(
        path, data=form, headers={"Origin": str(client.make_url("/"))[:-1]}, allow_redirects=False
    )


async def text_of(client: Client, path: str, **headers: str) -> str:
    async with client.get(path, headers=headers) as reply:
        assert reply.status == 200, path
        return await reply.text()


PAGES = ("/", "/deliveries")


@pytest.mark.parametrize("path", [*PAGES, "/alerts/X", "/deliveries/X?lang=en"])
async def test_a_page_sends_who_is_not_signed_in_to_the_door_and_back(client: Client, path: str) -> None:
    """The door knows where one wanted to go."""
    async with client.get(path, allow_redirects=False) as reply:
        assert reply.status == 303
        assert reply.headers["Location"].startswith("/signin?next=%2F")


@pytest.mark.parametrize("path", ["/events", "/alerts/X/events"])
async def test_a_stream_refuses_who_is_not_signed_in(client: Client, path: str) -> None:
    """A browser's EventSource must see a failure, not a page."""
    async with client.get(path, allow_redirects=False) as reply:
        assert reply.status == 401


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR, Role.ADMIN])
async def test_people_may_read(client: Client, sign_in: SignIn, role: Role) -> None:
    """Viewer, operator and admin see the same pages; the cookie is strict and out of reach of scripts."""
    reply = await sign_in(role)
    assert (reply.status, reply.headers["Location"]) == (303, "/")
    cookie = reply.headers["Set-Cookie"]
    assert all(mark in cookie for mark in ("HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"))
    for path in PAGES:
        await text_of(client, path)


async def test_a_feed_may_not_read(client: Client, sign_in: SignIn) -> None:
    """A feed's key sends alerts and opens no page, not even by a link made for it."""
    reply = await sign_in(Role.FEED)
    assert reply.status == 403
    assert "Set-Cookie" not in reply.headers
    async with client.get("/", allow_redirects=False) as page:
        assert page.status == 303


async def test_an_unknown_key_is_refused(client: Client) -> None:
    """It says so, and keeps nothing of what was typed."""
    reply = await post(client, "/signin", key="warnd_made-up")
    assert reply.status == 403
    assert "warnd_made-up" not in await reply.text()


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", ""])
@pytest.mark.parametrize("path", ["/signin", "/signout"])
async def test_a_form_from_elsewhere_is_refused(
    client: Client, sign_in: SignIn, path: str, origin: str
) -> None:
    """A POST counts only from our own origin; the session it rides on stays as it was."""
    await sign_in(Role.VIEWER)
    headers = {"Origin": origin} if origin else {}
    async with client.post(path, data={"key": "x"}, headers=headers, allow_redirects=False) as reply:
        assert reply.status == 403
    await text_of(client, "/")


@pytest.mark.parametrize("goal", ["//elsewhere.example", "https://elsewhere.example", "/\\elsewhere.example"])
async def test_the_door_leads_nowhere_else(app: App, client: Client, goal: str) -> None:
    """``next`` is a path of ours or nothing."""
    text, _ = await app.store.record(
        keys.create_key, "desk", Role.VIEWER, source=None, id=app.new_id(), now=NOW
    )
    reply = await post(client, "/signin", key=text, next=goal)
    assert reply.headers["Location"] == "/"


async def test_a_link_signs_in_once(app: App, client: Client) -> None:
    """The second time it leads to the door."""
    _, key = await app.store.record(
        keys.create_key, "desk", Role.VIEWER, source=None, id=app.new_id(), now=NOW
    )
    token = await app.store.write(
        keys.open_session, key.id, Purpose.LINK, until=NOW + timedelta(hours=1), now=NOW
    )
    async with client.head(f"/link/{token}") as reply:
        assert reply.status == 405, "a preview must not use it up"
    assert 'content="0; url=/"' in await text_of(client, f"/link/{token}")
    await text_of(client, "/")
    client.session.cookie_jar.clear()
    async with client.get(f"/link/{token}") as reply:
        assert reply.status == 403
        assert "Set-Cookie" not in reply.headers


async def test_signing_out_ends_the_session(client: Client, sign_in: SignIn) -> None:
    """The token opens nothing any more, even if somebody kept it."""
    cookie = (await sign_in(Role.VIEWER)).cookies["warnd"].value
    reply = await post(client, "/signout")
    assert (reply.status, reply.headers["Location"]) == (303, "/signin")
    async with client.get("/", cookies={"warnd": cookie}, allow_redirects=False) as page:
        assert page.status == 303


async def test_every_answer_carries_the_strict_policy(app: App, client: Client, sign_in: SignIn) -> None:
    """No inline script or style runs anywhere, nothing is framed, and no page has either."""
    alert = await app.store.write(keep_alert, a_warning())
    delivery = await app.store.write(keep_delivery, alert)
    await sign_in(Role.VIEWER)
    for path in (
        "/",
        "/deliveries",
        f"/alerts/{alert}",
        f"/deliveries/{delivery}",
        "/signin",
        "/alerts/none",
    ):
        async with client.get(path) as reply:
            policy, page = reply.headers["Content-Security-Policy"], await reply.text()
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page), path
        assert reply.headers["Cache-Control"] == "no-store"


async def test_assets_are_kept_for_ever_under_their_digest(client: Client) -> None:
    """A new release has a new address; an old digest finds nothing."""
    page = await text_of(client, "/signin")
    found = re.findall(r"/static/[0-9a-f]+/[\w.]+", page)
    assert {path.rpartition("/")[2] for path in found} == {"console.css", "console.js", "mark.svg"}
    for path in found:
        async with client.get(path) as reply:
            assert reply.status == 200
            assert "immutable" in reply.headers["Cache-Control"]
    async with client.get("/static/0000000000000000/console.css") as reply:
        assert reply.status == 404


async def test_hostile_names_are_only_text(app: App, client: Client, sign_in: SignIn) -> None:
    """Whatever a feed, a provider or a file put into a name is shown as it is and does nothing."""
    hostile = """<script>alert("x")</script>'{{7*7}}"""
    alert = await app.store.write(keep_alert, a_warning(hostile))
    delivery = await app.store.write(keep_delivery, alert, name=hostile, state="failed", reason="bad_address")
    await app.store.record(alarms.sound, "channel_down", "sms", hostile, {}, id=app.new_id(), now=NOW)
    await sign_in(Role.VIEWER)
    for path in (
        "/",
        f"/alerts/{alert}",
        "/deliveries",
        f"/deliveries/{delivery}",
        f"/deliveries?q={hostile}",
    ):
        page = await text_of(client, path)
        assert "<script>" not in page
        assert "&lt;script&gt;" in page
        assert "{{7*7}}" in page


async def test_language_follows_the_query_then_the_cookie_then_the_browser(client: Client) -> None:
    """Chinese where nothing is asked for; a choice once made is kept."""
    assert 'lang="zh-CN"' in await text_of(client, "/signin")
    assert 'lang="en"' in await text_of(client, "/signin", **{"Accept-Language": "fr, en-GB;q=0.8, zh;q=0.2"})
    assert phrases("en")("door.enter") in await text_of(client, "/signin?lang=en")
    assert 'lang="en"' in await text_of(client, "/signin", **{"Accept-Language": "zh-CN"})
    assert 'lang="zh-CN"' in await text_of(client, "/signin?lang=zh")


async def test_the_home_page_shows_what_is_in_force_and_what_needs_a_person(
    app: App, client: Client, sign_in: SignIn
) -> None:
    """A card for each alert in force, with its color in words; what is over stands below."""
    alert = await app.store.write(keep_alert, a_warning())
    await app.store.write(keep_alert, a_warning("昨天的预警"), state="expired")
    await app.store.write(keep_alert, a_warning("昨天的解除"), change=Change.LIFTED)
    await app.store.write(count, alert, {"delivered": 1234, "failed": 5, "suppressed": 6})
    await app.store.record(alarms.sound, "channel_down", "sms", "no answer", {}, id=app.new_id(), now=NOW)
    await sign_in(Role.VIEWER)
    page = await text_of(client, "/?lang=en")
    card = page[page.index("<article") : page.index("</article>")]
    assert all(
        text in card for text in ("Red", "Rainstorm", "武都区气象台", "1,234", "1,239", "14 Jul, 08:00")
    )
    assert "1 alert is in force" in page
    assert phrases("en")("alarms.channel_down") in page
    below = page[page.index("</article>") :]
    assert "昨天的预警" in below
    assert "昨天的解除" in below
    assert "End notice" in below
    assert "In force" not in below


async def test_the_log_offers_channels_that_are_configured_no_more(
    app: App, client: Client, sign_in: SignIn
) -> None:
    """And shows which one it is narrowed to: the log outlives the settings."""
    await app.store.write(keep_delivery, await app.store.write(keep_alert, a_warning()))
    await sign_in(Role.VIEWER)
    assert "sms" not in app.settings.channels
    assert '<option value="sms">sms</option>' in await text_of(client, "/deliveries")
    assert '<option value="sms" selected>sms</option>' in await text_of(client, "/deliveries?channel=sms")


async def test_figures_say_that_they_count_every_round(app: App, client: Client, sign_in: SignIn) -> None:
    """29 who are told again are 58 deliveries, and still 29; an alert that nobody resent has no such line."""
    alert = await app.store.write(keep_alert, a_warning())
    await app.store.write(count, alert, {"unknown": 29})
    await sign_in(Role.VIEWER)
    say = phrases("en")
    resent = say("count.resent")
    assert resent not in await text_of(client, "/?lang=en")
    await app.store.write(count, alert, {"accepted": 29})
    entry = Entry(micros(NOW), "deliveries.resent", alert, {"round": 1, "deliveries": 29})
    await app.store.record(lambda _: (None, [entry]))
    assert f"{resent}</span> <b>29</b>" in await text_of(client, "/?lang=en")
    page = await text_of(client, f"/alerts/{alert}?lang=en")
    assert say("count.rounds", first=29, again=29) in page
    assert '<dd data-count="targeted">58</dd>' in page


async def test_a_page_does_not_take_an_answer_for_a_change(app: App, client: Client, sign_in: SignIn) -> None:
    """CAP's Ack repeats a color and an area; nobody may read in it that the danger has become less."""
    answer = replace(a_warning("省平台的回执"), type=AlertType.ACK)
    id = await app.store.write(keep_alert, answer, state="kept", change=Change.LOWERED)
    await sign_in(Role.VIEWER)
    page = await text_of(client, f"/alerts/{id}?lang=en")
    assert phrases("en")("types.ack") in page
    assert phrases("en")("changes.lowered") not in page


async def test_the_log_pages_by_key_and_keeps_its_filters(app: App, client: Client, sign_in: SignIn) -> None:
    """Each page names where the next begins; every row is shown once."""
    alert = await app.store.write(keep_alert, a_warning())
    for n in range(60):
        await app.store.write(keep_delivery, alert, name=f"岗位{n:02}", address=f"+86154{n:08}")
    await sign_in(Role.VIEWER)
    first = await text_of(client, f"/deliveries?alert={alert}&region=621202")
    link = re.search(r'rel="next" href="([^"]+)"', first)
    assert link is not None
    assert f"alert={alert}" in link[1]
    assert "region=621202" in link[1]
    second = await text_of(client, link[1].replace("&amp;", "&"))
    assert 'rel="next"' not in second
    seen = re.findall(r">(岗位\d\d)<", first) + re.findall(r">(岗位\d\d)<", second)
    assert sorted(seen) == [f"岗位{n:02}" for n in range(60)]


async def test_a_filter_that_cannot_be_read_is_named(client: Client, sign_in: SignIn) -> None:
    """Nothing is shown rather than something else than was asked for."""
    await sign_in(Role.VIEWER)
    async with client.get("/deliveries?lang=en&region=62120&since=noon&state=lost") as reply:
        page = await reply.text()
        assert reply.status == 422
    say = phrases("en")
    assert all(escape(say(f"log.bad_{name}")) in page for name in ("region", "since", "state"))


async def test_a_filter_that_nothing_goes_by_is_named(client: Client, sign_in: SignIn) -> None:
    """A slip of the pen must not look as if nobody had been told."""
    await sign_in(Role.VIEWER)
    async with client.get("/deliveries?lang=zh&region=99&channel=pigeon&alert=NONE&group=NONE") as reply:
        page = await reply.text()
        assert reply.status == 422
    say = phrases("zh")
    assert all(say(f"log.unknown_{name}") in page for name in ("region", "channel", "alert", "group"))


@pytest.mark.parametrize("tongue", ["en", "zh"])
async def test_a_page_says_when_deliveries_were_forgotten(
    app: App, client: Client, sign_in: SignIn, tongue: str
) -> None:
    """Neither that nobody was told nor that nothing was left to be desired: nobody knows any more. The counts stay."""
    alert = await app.store.write(keep_alert, a_warning())
    await app.store.write(keep_delivery, alert, state="delivered")
    await app.store.write(end_long_ago, alert)
    await apply_retention(app, NOW)
    await sign_in(Role.VIEWER)
    say = phrases(tongue)
    day = {"en": "14 Jul 2026", "zh": "2026年7月14日"}[tongue]
    page = await text_of(client, f"/alerts/{alert}?lang={tongue}")
    assert say("alert.forgotten", when=day) in page
    assert not [key for key in ("gaps_none", "no_texts", "with_told") if say(f"alert.{key}") in page]
    assert '<dd data-count="delivered">1</dd>' in page
    log = await text_of(client, f"/deliveries?alert={alert}&lang={tongue}")
    assert say("log.forgotten", when=day) in log
    assert say("log.none") not in log


async def test_tries_of_one_second_are_told_apart(app: App, client: Client, sign_in: SignIn) -> None:
    """A gateway that throttles is asked again within it: a story to the second would show four times the same."""
    alert = await app.store.write(keep_alert, a_warning())
    id = await app.store.write(keep_delivery, alert, state="accepted")
    for moment in (timedelta(milliseconds=169), timedelta(microseconds=999_999)):
        await app.store.record(keep_attempt, id, NOW + moment, **{"try": 1, "accepted": 1, "others": {}})
    await sign_in(Role.VIEWER)
    page = await text_of(client, f"/deliveries/{id}?lang=zh")
    assert re.findall(r">7月14日 08:00:00\.(\d+)</time>", page)[1:3] == ["169", "999"]


async def test_a_delivery_tells_its_story(app: App, client: Client, sign_in: SignIn) -> None:
    """Why it was planned, each try with its outcome, a possible repeat, and what to do now."""
    alert = await app.store.write(keep_alert, a_warning())
    id = await app.store.write(keep_delivery, alert, state="unknown", reason="no_reply")
    later = NOW + timedelta(seconds=1)
    unclear = {
        "outcome": "deferred",
        "reason": "no_reply",
        "scope": "channel",
        "detail": "",
        "maybe_sent": True,
    }
    await app.store.record(keep_attempt, id, NOW, **{"try": 1, "all": unclear})
    await app.store.record(
        keep_attempt, id, later, **{"try": 2, "accepted": 1, "others": {}, "possible_repeat": True}
    )
    await sign_in(Role.VIEWER)
    page = await text_of(client, f"/deliveries/{id}?lang=en")
    say = phrases("en")
    sentences = (
        say("story.planned", channel="sms", name="两水镇值班室", region="两水镇"),
        say("story.because_within", group="两水镇责任人"),
        say("story.maybe_sent", n=1, reason=say("reasons.no_reply")),
        say("story.accepted", n=2, seconds=0.12, channel="sms"),
        say("story.possible_repeat"),
        say("story.stands_unknown"),
    )
    places = [page.index(escape(sentence, quote=False)) for sentence in sentences]
    assert places == sorted(places)


def keep_bundle(connection: Connection, deliveries: Sequence[str]) -> None:
    """One message that carried these, in this order."""
    connection.execute(
        insert(tables.bundles).values(
            id="B1", state="over", made=0, language="zh", subject="", body="…", segments=1, template="t@1"
        )
    )
    for place, delivery in enumerate(deliveries):
        connection.execute(
            insert(tables.bundle_parts).values(
                delivery_id=delivery, bundle_id="B1", place=place, batch_id=delivery
            )
        )


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_a_delivery_says_with_what_it_shared_a_message(
    app: App, client: Client, sign_in: SignIn, language: str
) -> None:
    """By the headlines of the others, in their order, and its own place among them."""
    headlines = ["大风蓝色预警", "雷电黄色预警", "道路结冰黄色预警"]
    ids = []
    for headline in headlines:
        alert = await app.store.write(keep_alert, a_warning(headline))
        ids.append(await app.store.write(keep_delivery, alert, state="accepted"))
    await app.store.write(keep_bundle, ids)
    accepted = {"try": 1, "accepted": 1, "others": {}, "bundle": "B1", "parts": 3}
    await app.store.record(keep_attempt, ids[1], NOW, **accepted)
    await sign_in(Role.VIEWER)
    say = phrases(language)
    others = say("story.comma").join([headlines[0], headlines[2]])
    page = await text_of(client, f"/deliveries/{ids[1]}?lang={language}")
    assert say("story.bundled", n=2, place=2, others=others) in page


async def test_who_is_not_told_is_told_why(app: App, client: Client, sign_in: SignIn) -> None:
    """A delivery that was suppressed says for what reason, and by way of which group."""
    alert = await app.store.write(keep_alert, a_warning())
    id = await app.store.write(
        keep_delivery, alert, state="suppressed", reason="below_color", why="below_color"
    )
    await sign_in(Role.VIEWER)
    page = await text_of(client, f"/deliveries/{id}")
    say = phrases("zh")
    why = say("whys.below_color")
    assert say("story.not_told", name="两水镇值班室", region="两水镇", why=why) in page
    assert say("story.not_told_group", group="两水镇责任人", why=why) in page


async def test_progress_streams_whenever_it_changes(app: App, client: Client, sign_in: SignIn) -> None:
    """Server-sent events carry the live part as the page has it, and end when the session does."""
    alert = await app.store.write(keep_alert, a_warning())
    await app.store.write(count, alert, {"queued": 3})
    await sign_in(Role.VIEWER)
    async with asyncio.timeout(10), client.get(f"/alerts/{alert}/events") as stream:
        assert stream.headers["Content-Type"] == "text/event-stream"
        assert '<dd data-count="delivered">0</dd>' in await _event(stream)
        await app.store.write(count, alert, {"queued": -3, "delivered": 3})
        assert '<dd data-count="delivered">3</dd>' in await _event(stream)
        await post(client, "/signout")
        assert await stream.content.read() == b""


async def _event(stream: ClientResponse) -> str:
    while True:
        block = (await stream.content.readuntil(b"\n\n")).decode()
        if block.startswith("event: page"):
            return block


async def test_a_store_that_takes_nothing_is_seen_on_the_page(app: App, client: Client) -> None:
    """A full disk above all: its alarm is there, once. Signing in says why it cannot be done now."""
    key, _ = await app.store.record(
        keys.create_key, "desk", Role.OPERATOR, source=None, id=app.new_id(), now=NOW
    )
    await post(client, "/signin", key=key)
    with unwritable(app.store):
        app.alarms.sound("disk_low", "store", case="short", directory="/data", free_mb=21, total_mb=20_000)
        await app.alarms.settle()
        assert (await text_of(client, "/")).count("/data 所在磁盘仅剩 21 MB，共 20,000 MB") == 1
        reply = await post(client, "/signin?lang=en", key=key)
        assert reply.status == 503
        assert phrases("en")("fault.store") in await reply.text()


async def test_alarms_speak_the_language_of_the_page(app: App, client: Client, sign_in: SignIn) -> None:
    """Whether the store has them or not; what a provider said stays as it is, and so does what is older than its facts."""
    words = {
        "zh": ("sms 渠道：连不上网关（Connection refused）", "/data 所在磁盘仅剩 21 MB，共 20,000 MB"),
        "en": ("sms: the provider cannot be reached (Connection refused)", "21 MB of 20,000 MB are left under /data"),
    }  # fmt: skip
    await sign_in(Role.VIEWER)
    app.alarms.sound("channel_down", "sms", case="unreachable", detail="Connection refused")
    await app.alarms.settle()
    older = "duty-1 has gone away"
    await app.store.record(alarms.sound, "worker_silent", "duty-1", older, {}, id=app.new_id(), now=NOW)
    with unwritable(app.store):
        app.alarms.sound("disk_low", "store", case="short", directory="/data", free_mb=21, total_mb=20_000)
        await app.alarms.settle()
        for language, said in words.items():
            page = await text_of(client, f"/?lang={language}")
            assert [one for one in (*said, older) if one not in page] == []
            async with client.get(f"/events?lang={language}") as stream:
                live = await _event(stream)
            assert [one for one in (*said, older) if one not in live] == []


async def test_a_store_that_answers_nothing_is_said_on_every_page(
    app: App, client: Client, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who one is cannot be read either: no page is broken, and a stream fails, so that the browser comes back."""

    async def away(*_: object, **__: object) -> None:
        raise StoreError("its server is away")

    await sign_in(Role.VIEWER)
    monkeypatch.setattr(app.store, "read", away)
    for path in (*PAGES, "/events"):
        async with client.get(path) as reply:
            assert reply.status == 503, path
