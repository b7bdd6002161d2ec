"""The pages of the quarantine: why an alert waits, what to type, what was mended, what was refused."""

from __future__ import annotations

from collections.abc import AsyncIterator

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from tests.integration.door import RED
from warnd import api, console
from warnd.app import App, mending
from warnd.model.color import Color
from warnd.model.mend import Mend
from warnd.pipeline.admit import Speaker
from warnd.store import keys
from warnd.store.keys import Role

Pages = TestClient[web.Request, web.Application]
WEATHER = Speaker("weather", regions=("6212",))


@pytest.fixture
async def pages(app: App) -> AsyncIterator[Pages]:
    """The site, with a viewer signed in."""
    site = api.build(app)
    console.mount(site, app)
    async with TestClient(TestServer(site)) as client:
        text, _ = await app.store.record(
            keys.create_key, "v", Role.VIEWER, source=None, id=app.new_id(), now=app.now()
        )
        origin = {"Origin": str(client.make_url("/"))[:-1]}
        await client.post("/signin", data={"key": text}, headers=origin, allow_redirects=False)
        yield client


async def quarantined(app: App, **changes: object) -> str:
    message = RED | {"color": None, "headline": "武都区发布暴雨<b>预警"} | changes
    return (await app.intake.receive(orjson.dumps(message), "application/json", WEATHER)).id


async def page(pages: Pages, path: str) -> str:
    async with pages.get(path) as reply:
        assert reply.status == 200
        assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
        return await reply.text()


async def test_the_page_of_a_quarantined_alert_says_why_and_what_to_type(app: App, pages: Pages) -> None:
    """In the reader's language, with the doubt's path and the whole command."""
    id = await quarantined(app)
    english = await page(pages, f"/alerts/{id}?lang=en")
    assert "neither parameter, headline nor severity tells the color" in english
    assert "color · color_unknown" in english
    assert f"warnd alerts mend {id} --color …" in english
    assert "&lt;b&gt;" in english
    chinese = await page(pages, f"/alerts/{id}?lang=zh")
    assert "无法确定级别" in chinese
    assert "补上级别" in chinese


async def test_what_cannot_be_mended_says_so(app: App, pages: Pages) -> None:
    """An empty warning has nothing that anybody could add: its words are its issuer's."""
    id = await quarantined(app, color="red", headline="", description="")
    shown = await page(pages, f"/alerts/{id}?lang=en")
    assert "Nothing here can be mended" in shown
    assert "warnd alerts mend" not in shown


async def test_what_was_mended_is_shown_with_both_values_and_who_did_it(app: App, pages: Pages) -> None:
    """Afterwards everything can be read; a reason is only text."""
    id = await quarantined(app)
    await mending.mend(app, id, Mend(color=Color.RED, reason="<script>"), by="李四")
    shown = await page(pages, f"/alerts/{id}?lang=en")
    assert "李四 mended it" in shown
    assert "&lt;script&gt;" in shown
    assert '<s class="soft">nothing</s> → <b>Red</b>' in shown
    assert "warnd alerts mend" not in shown


async def test_the_messages_page_shows_what_was_refused_and_why(app: App, pages: Pages) -> None:
    """Narrowed by verdict; findings quote strangers and are only text."""
    await quarantined(app)
    hostile = b'{"identifier": "<img src=x>", "color": "<i>"}'
    with pytest.raises(Exception, match="missing"):
        await app.intake.receive(hostile, "application/json", WEATHER)
    refused = await page(pages, "/messages?verdict=refuse&lang=en")
    assert "sender</span> is missing" in refused
    assert "Quarantined</td>" not in refused
    assert "<i>" not in refused
    assert "Quarantined</td>" in await page(pages, "/messages?lang=en")
    assert "没有这样的报文" in await page(pages, "/messages?verdict=accept&lang=zh")
