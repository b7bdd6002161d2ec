"""The pages in a real browser: what only a browser knows, such as scripts that live and policies that bite."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.fakes.broadcast_rows import NOW, a_warning, count, keep_alert, keep_delivery
from tests.fakes.empty_store import empty_store
from warnd import console
from warnd.app import App
from warnd.settings import load
from warnd.store import keys
from warnd.store.keys import Role

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    config = tmp_path / "warnd.toml"
    config.write_text(f'[store]\nurl = "sqlite:///{empty_store(tmp_path / "warnd.db")}"\n')
    app = App(load(config, {}), wall=lambda: NOW)
    await app.open()
    yield app
    await app.close()


@pytest.fixture
async def url(app: App) -> AsyncIterator[str]:
    site = web.Application()
    console.mount(site, app)
    async with TestServer(site) as server:
        yield str(server.make_url(""))


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with asyncio.timeout(60), async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        await browser.close()


@pytest.fixture
async def complaints() -> list[str]:
    """What the browser objects to: errors, and whatever the content policy stopped."""
    return []


@pytest.fixture
async def page(app: App, url: str, browser: Browser, complaints: list[str]) -> Page:
    """Signed in by typing a key."""
    key, _ = await app.store.record(
        keys.create_key, "desk", Role.VIEWER, source=None, id=app.new_id(), now=NOW
    )
    page = await browser.new_page(base_url=url, locale="en-GB")
    page.on(
        "console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto("/")
    await page.get_by_label("Access key").fill(key)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(f"{url}/" if not url.endswith("/") else url)
    return page


async def test_a_new_alert_appears_by_itself(app: App, page: Page, complaints: list[str]) -> None:
    """Somebody who leaves the page open sees the card without touching anything."""
    await expect(page.get_by_role("heading", level=1)).to_have_text("No alert is in force")
    await expect(page.locator(".live")).to_have_text("Live")
    await app.store.write(keep_alert, a_warning())
    card = page.get_by_role("article")
    await expect(card).to_contain_text("武都区气象台发布暴雨红色预警信号")
    await expect(card).to_contain_text("Red")
    assert complaints == []


async def test_progress_moves_without_a_reload(app: App, page: Page, complaints: list[str]) -> None:
    """The counts follow the store; the page stays the same document."""
    alert = await app.store.write(keep_alert, a_warning())
    await app.store.write(count, alert, {"queued": 5})
    await page.goto(f"/alerts/{alert}")
    await page.evaluate("window.sameDocument = true")
    delivered = page.locator("[data-count=delivered]")
    await expect(delivered).to_have_text("0")
    await app.store.write(count, alert, {"queued": -4, "delivered": 4})
    await expect(delivered).to_have_text("4")
    await app.store.write(count, alert, {"queued": -1, "failed": 1})
    await expect(page.locator("[data-count=failed]")).to_have_text("1")
    assert await page.evaluate("window.sameDocument")
    assert complaints == []


@pytest.mark.parametrize("width", [390, 1280])
async def test_no_page_is_wider_than_its_window(
    app: App, page: Page, complaints: list[str], width: int
) -> None:
    """On a telephone, too, one scrolls down and never sideways; nothing is styled or scripted against the policy."""
    alert = await app.store.write(keep_alert, a_warning("武都区气象台继续发布" * 6))
    delivery = await app.store.write(
        keep_delivery, alert, name="两水镇值班室" * 5, address=f"{'a' * 60}@example.org"
    )
    await page.set_viewport_size({"width": width, "height": 800})
    for path in ("/", f"/alerts/{alert}", "/deliveries", f"/deliveries/{delivery}"):
        await page.goto(path)
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
    assert complaints == []


async def test_pages_work_without_a_script(app: App, url: str, page: Page, browser: Browser) -> None:
    """Scripts make pages live, nothing more: one reads, filters and follows links without."""
    alert = await app.store.write(keep_alert, a_warning())
    await app.store.write(keep_delivery, alert, state="failed", reason="bad_address")
    state = await page.context.storage_state()
    context = await browser.new_context(
        base_url=url, java_script_enabled=False, storage_state=state, locale="en-GB"
    )
    plain = await context.new_page()
    await plain.goto("/deliveries")
    await plain.get_by_label("State").select_option("failed")
    await plain.get_by_role("button", name="Filter").click()
    await plain.get_by_role("link", name="两水镇值班室").click()
    await expect(plain.get_by_role("heading", level=1)).to_have_text(re.compile("两水镇值班室"))
    await expect(plain.get_by_text("Reach them another way")).to_be_visible()
