"""The board of alarms: what it must remember of them, and what it may not."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection
from structlog.testing import capture_logs

from tests.fakes.unwritable import unwritable
from tests.integration.conftest import NOW
from tests.integration.door import Door
from warnd.app import board
from warnd.app.board import AlarmBoard
from warnd.store import alarms
from warnd.store.journal import Entry


def over(connection: Connection, alert_id: str, now: datetime) -> tuple[None, list[Entry]]:
    return None, alarms.clear_about(connection, [alert_id], now)


async def test_what_the_store_ended_is_not_remembered_for_ever(door: Door) -> None:
    """Alarms about an alert end with it. What stands is known however long ago it was sounded, and can be cleared."""
    store, now = door.app.store, NOW
    signs = AlarmBoard(store, now=lambda: now, new_id=door.app.new_id)
    signs.sound("channel_down", "sms", case="no_reply")
    for n in range(3 * board.ROOM):
        now += timedelta(minutes=1)
        signs.sound("hold_released", f"A{n}", headline="wait")
        await signs.settle()
        await store.record(over, f"A{n}", now)
    assert signs.remembered <= board.ROOM + 1
    signs.clear("channel_down", "sms")
    await signs.settle()
    assert await store.read(alarms.open_alarms) == []


async def test_a_board_on_which_much_stands_forgets_none_of_it(door: Door) -> None:
    """However many; nor what was sounded a moment ago, which may not be on disk yet."""
    store, now = door.app.store, NOW
    signs = AlarmBoard(store, now=lambda: now, new_id=door.app.new_id)
    for n in range(2 * board.ROOM + 2):
        now += timedelta(seconds=1)
        signs.sound("feed_silent", f"feed {n}", case="unasked", seconds=3600)
    await signs.settle()
    for n in range(2 * board.ROOM + 2):
        signs.clear("feed_silent", f"feed {n}")
    await signs.settle()
    assert await store.read(alarms.open_alarms) == []


async def test_what_the_store_cannot_take_is_listed_all_the_same(door: Door) -> None:
    """Its own failure above all. It is written when it can be, as of when it was sounded first."""
    app = door.app
    with unwritable(app.store):
        app.alarms.sound("channel_down", "sms", case="no_reply")
        await app.alarms.settle()
        await app.alarms.settle()
        assert await app.store.read(alarms.open_alarms) == []
        _, listed = await door.ask("GET", "alarms")
        kinds = {one["kind"] for one in listed["items"]}
    assert kinds == {"channel_down", "store_failed"}
    before = {one.id: one.since for one in app.alarms.unwritten}
    await app.alarms.write_what_is_left()
    assert {one.id: one.since for one in await app.store.read(alarms.open_alarms)} == before
    assert app.alarms.unwritten == []


async def test_what_stands_already_is_listed_once(door: Door) -> None:
    """What the store has of it keeps its id, by which it is acknowledged; its words are the latest."""
    store, now = door.app.store, NOW
    signs = AlarmBoard(store, now=lambda: now, new_id=door.app.new_id)
    signs.sound("disk_low", "store", case="unseen", directory="/data", why="slow")
    await signs.settle()
    [stored] = await store.read(alarms.open_alarms)
    now += timedelta(minutes=1)
    with unwritable(store):
        signs.sound("disk_low", "store", case="unseen", directory="/data", why="gone")
        await signs.settle()
        [listed] = alarms.together(signs.unwritten, await store.read(alarms.open_alarms))
    assert (listed.id, listed.since) == (stored.id, stored.since)
    assert (listed.message, listed.facts["why"], listed.latest) == (
        "the disk under /data cannot be looked at: gone",
        "gone",
        now,
    )


async def test_what_ended_while_the_store_could_not_be_written_ends_later(door: Door) -> None:
    """Whoever saw that it is over sees it again."""
    app = door.app
    app.alarms.sound("channel_down", "sms", case="no_reply")
    await app.alarms.settle()
    with unwritable(app.store):
        app.alarms.clear("channel_down", "sms")
        await app.alarms.settle()
    app.alarms.clear("channel_down", "sms")
    await app.alarms.settle()
    assert "channel_down" not in {one.kind for one in await app.store.read(alarms.open_alarms)}


async def test_a_standing_alarm_is_logged_when_it_begins_and_when_it_says_something_else(door: Door) -> None:
    """Not each time it is sounded: what else there is in the log would be lost among it."""
    store, now = door.app.store, NOW
    signs = AlarmBoard(store, now=lambda: now, new_id=door.app.new_id)
    with capture_logs() as log:
        for words in ("no answer", "no answer", "HTTP 503", "HTTP 502", "no answer", "HTTP 503"):
            now += timedelta(minutes=1)
            signs.sound("feed_unreadable", "nmc", why=words)
            await signs.settle()
    assert [one["message"] for one in log] == ["feed nmc: no answer", "feed nmc: HTTP 503"]
    [alarm] = await store.read(alarms.open_alarms)
    assert (alarm.message, alarm.facts, alarm.times) == ("feed nmc: HTTP 503", {"why": "HTTP 503"}, 6)


async def test_what_ended_and_begins_again_is_logged_again(door: Door) -> None:
    """Whether it ended here, or by its acknowledgement."""
    kinds = ("feed_unreadable", {"why": "no"}), ("feed_refused", {"case": "replay", "warning": "W"})
    store, now = door.app.store, NOW
    signs = AlarmBoard(store, now=lambda: now, new_id=door.app.new_id)
    with capture_logs() as log:
        for kind, facts in kinds:
            signs.sound(kind, "north", **facts)
            await signs.settle()
            signs.clear("feed_unreadable", "north")
            await signs.settle()
        [alarm] = await store.read(alarms.open_alarms)
        await store.record(alarms.acknowledge, alarm.id, by="li", now=now)
        for kind, facts in kinds:
            now += timedelta(minutes=1)
            signs.sound(kind, "north", **facts)
            await signs.settle()
    sounded = [one["kind"] for one in log if one["event"] == "alarm.sounded"]
    assert sounded == ["feed_unreadable", "feed_refused"] * 2
