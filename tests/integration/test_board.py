"""The board of alarms: what it must remember of them, and what it may not."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

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
    signs.sound("channel_down", "sms", "no answer")
    for n in range(3 * board.ROOM):
        now += timedelta(minutes=1)
        signs.sound("alert_held", f"A{n}", "wait")
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
        signs.sound("feed_silent", f"feed {n}", "nothing")
    await signs.settle()
    for n in range(2 * board.ROOM + 2):
        signs.clear("feed_silent", f"feed {n}")
    await signs.settle()
    assert await store.read(alarms.open_alarms) == []
