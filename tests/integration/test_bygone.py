"""Alarms about what is no more end when a process starts, and no others."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from tests.integration.conftest import CONFIG, NOW, on_both_stores
from tests.integration.door import RED, settle_in
from warnd.app import App
from warnd.settings import load
from warnd.store import alarms

BROKEN = "hello"


pytestmark = on_both_stores


def app_of(directory: Path, store_url: str) -> App:
    """With templates of its own; an SMS is a single segment."""
    config = directory / "warnd.toml"
    tables = CONFIG.format(store=store_url).replace("[channels.sms]", "[channels.sms]\nmax_units = 70")
    own = f'\n[templates]\ndirectory = "{directory}/templates"\n'
    config.write_text(tables + own)
    return App(load(config, {}), wall=lambda: NOW)


async def broadcast(app: App, **changes: Any) -> str:
    """A red alert to one post, planned; its id."""
    await settle_in(app, 1)
    body = json.dumps(RED | changes).encode()
    admitted = await app.intake.receive(body, "application/json", app.speakers["weather"])
    await app.broadcaster.broadcast(admitted.id)
    await app.alarms.settle()
    return admitted.id


async def standing_after_a_start(app: App, kind: str) -> set[str]:
    """What the alarms of that kind are about, once a process has started and ended."""
    await app.open()
    try:
        async with asyncio.TaskGroup() as tasks:
            await app.start(tasks)
            await app.stop()
        await app.alarms.settle()
        return await subjects(app, kind)
    finally:
        await app.close()


async def subjects(app: App, kind: str) -> set[str]:
    return {one.subject for one in await app.store.read(alarms.open_alarms) if one.kind == kind}


async def test_an_alarm_about_a_template_ends_when_that_is_mended(tmp_path: Path, store_url: str) -> None:
    """What extends it stands with it. Another file's change mends nothing, and says nothing before the next warning."""
    own = tmp_path / "templates/sms/default.zh.txt"
    own.parent.mkdir(parents=True)
    own.write_text(BROKEN)
    app = app_of(tmp_path, store_url)
    await app.open()
    await settle_in(app, 1)
    admitted = await app.intake.receive(json.dumps(RED).encode(), "application/json", app.speakers["weather"])
    await app.broadcaster.broadcast(admitted.id)
    await app.alarms.settle()
    failed = await subjects(app, "template_failed")
    assert {one.partition("@")[0] for one in failed} == {"sms/rainstorm.red.zh.txt", "sms/default.zh.txt"}
    await app.close()

    own.with_name("hail.zh.txt").write_text('{% extends "sms/default.zh.txt" %}')
    assert await standing_after_a_start(app_of(tmp_path, store_url), "template_failed") == failed
    own.unlink()
    assert await standing_after_a_start(app_of(tmp_path, store_url), "template_failed") == set()


async def test_that_an_alert_is_too_long_whatever_the_template_is_about_the_alert(
    tmp_path: Path, store_url: str
) -> None:
    """No file can be mended for it: it ends with the alert."""
    (tmp_path / "templates").mkdir()
    app = app_of(tmp_path, store_url)
    await app.open()
    alert = await broadcast(app, sender_name="武都区气象台" * 15)
    failed = await subjects(app, "template_failed")
    await app.close()
    assert {one for one in failed if "@" not in one} == {alert}


async def test_an_alarm_about_what_was_taken_out_of_the_settings_ends(tmp_path: Path, store_url: str) -> None:
    """Nothing would ever answer on it again. What is still there has to be well first."""
    (tmp_path / "templates").mkdir()
    app = app_of(tmp_path, store_url)
    await app.open()
    for kind, kept, case in (
        ("channel_down", "sms", "no_reply"), ("channel_paused", "sms", "account_refused"), ("source_over_rate", "village", ""),
    ):  # fmt: skip
        app.alarms.sound(kind, kept, case=case, detail="")
        app.alarms.sound(kind, "gone", case=case, detail="")
    app.alarms.sound("feed_silent", "gone", case="unasked", seconds=3600)
    app.alarms.sound("redis_away", "worker", why="made up")
    app.alarms.sound("template_failed", alert := app.new_id(), case="too_long")
    await app.close()
    for kind, kept in (
        ("channel_down", {"sms"}),
        ("channel_paused", {"sms"}),
        ("source_over_rate", {"village"}),
        ("feed_silent", set()),
        ("redis_away", set()),
        ("template_failed", {alert}),
    ):
        assert await standing_after_a_start(app_of(tmp_path, store_url), kind) == kept
