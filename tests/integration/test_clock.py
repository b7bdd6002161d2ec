"""The machine's clock is set while warnings are under way: nobody waits for it, nobody is told twice for it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import Connection
from structlog.testing import capture_logs

from tests.integration.conftest import NOW
from tests.integration.door import Door
from tests.integration.running import Clocks, Running, running, started, until
from warnd.app import App
from warnd.app.board import AlarmBoard
from warnd.app.clock import Jump, Look, jump_between, set_back_since
from warnd.app.machine import Machine
from warnd.model.policy import RetryPolicy
from warnd.schedule import scheduled
from warnd.settings import load
from warnd.store import alarms, setting
from warnd.store.tables import micros
from warnd.store.threads import ThreadedStore

PEOPLE = 60
S = 1_000_000


@pytest.mark.parametrize(
    ("last", "this", "by"),
    [
        pytest.param(Look(100 * S, 5.0), Look(101 * S, 6.0), None, id="both went on"),
        pytest.param(Look(100 * S, 5.0), Look(161 * S, 65.0), None, id="put right by and by"),
        pytest.param(Look(100 * S, 5.0), Look(111 * S, 6.0), 10 * S, id="set forward"),
        pytest.param(Look(100 * S, 5.0), Look(91 * S, 6.0), -10 * S, id="set back"),
        pytest.param(Look(100 * S, 5.0), Look(160 * S, 5.0), 60 * S, id="the machine slept"),
    ],
)
def test_a_jump_is_where_two_clocks_part(last: Look, this: Look, by: int | None) -> None:
    """More than two seconds between two looks; less is a time service at work."""
    found = jump_between(last, this)
    assert (found and found.by) == by


def test_what_lies_ahead_was_written_by_another_clock() -> None:
    """A process that starts knows the last fact only."""
    assert set_back_since(100 * S, 101 * S) is None
    assert set_back_since(100 * S, 99 * S) is None
    assert set_back_since(100 * S, 40 * S) == Jump(100 * S, 100 * S, 40 * S)


async def jumped(site: Running, words: str) -> None:
    """Wait for the word that it was, of how far."""

    async def sounds() -> bool:
        return words in (await site.alarms()).get("clock_jumped", "")

    await until(sounds)


async def test_set_forward_while_requests_are_out_repeats_nothing(tmp_path: Path, county: Path) -> None:
    """Every lease seems to have run out at once; what this process has out, it knows to be out."""
    async with running(tmp_path, county, people=PEOPLE) as site:
        site.gateway.faults.latency = timedelta(seconds=1)
        alert = await site.push()
        await until(lambda: site.gateway.counts.requests >= 2)
        site.clocks.set(hours=5)
        await jumped(site, "set forward by 5 hours")
        assert site.gateway.counts.taken == 0, "the first are still out"
        site.gateway.faults.latency = timedelta(0)
        await site.told(alert, PEOPLE)
        assert set(site.gateway.numbers.values()) == {1}
        assert not await site.rows("SELECT 1 FROM journal WHERE kind = 'attempt.interrupted'")


async def test_set_back_while_a_red_waits_for_its_next_try_it_goes_on_at_once(
    tmp_path: Path, county: Path
) -> None:
    """The time of its next try is hours away by the new clock."""
    async with running(tmp_path, county, people=PEOPLE) as site:
        site.gateway.faults.unavailable = 1.0
        alert = await site.push()
        await until(lambda: site.gateway.counts.requests >= 6)
        site.clocks.set(hours=-5)
        await jumped(site, "set back by 5 hours")
        site.gateway.faults.unavailable = 0.0
        await site.told(alert, PEOPLE)
        assert set(site.gateway.numbers.values()) == {1}


async def test_set_back_while_nobody_looked_is_found_at_the_start(tmp_path: Path, county: Path) -> None:
    """What was written last lies ahead: what waits by that clock goes on at once."""
    async with running(tmp_path, county, people=PEOPLE) as site:
        site.gateway.faults.unavailable = 1.0
        alert = await site.push()
        await until(lambda: site.gateway.counts.requests >= 6)
        await site.app.stop()
        ahead = Clocks(site.clocks.now() - timedelta(hours=3))
        site.gateway.faults.unavailable = 0.0
        async with started(tmp_path, site.gateway, ahead) as again:
            await again.told(alert, PEOPLE)
            assert "set back by" in (await again.alarms())["clock_jumped"]
        assert set(site.gateway.numbers.values()) == {1}


@pytest.mark.parametrize("hours", [3, -3], ids=["forward", "back"])
async def test_a_hold_lasts_as_long_as_it_was_to_last(tmp_path: Path, county: Path, hours: int) -> None:
    """Nobody's time to decide is cut short, and no red waits for hours; one that comes afterwards has its own."""
    async with running(tmp_path, county, people=1) as site:
        before = await site.push("village")
        site.clocks.set(hours=hours)
        await jumped(site, "was set")
        after = await site.push("village", identifier="62120241600000_20260714080001")
        left = {
            id_: (due - micros(site.clocks.now())) / S
            for id_, due in await site.rows("SELECT id, hold_due FROM alerts WHERE state = 'held'")
        }
        assert left.keys() == {before, after}
        assert all(280 < seconds <= 300 for seconds in left.values())


async def test_what_waits_for_a_time_of_day_stays_where_it_is(door: Door) -> None:
    """Retries come at once after the clock was set back; what was put off till the morning does not."""
    alert = await door.broadcast(3)
    now, longest = micros(NOW), 60 * S
    retry, morning = now + 30 * S, now + 8 * 3600 * S

    def keep(connection: Connection) -> None:
        ids = [row[0] for row in connection.exec_driver_sql("SELECT id FROM deliveries ORDER BY id")]
        for id_, due in zip(ids, (retry, morning, retry - 5 * 3600 * S), strict=True):
            connection.exec_driver_sql(
                "UPDATE deliveries SET state = 'waiting', batch_id = NULL, due = ? WHERE id = ?", (due, id_)
            )

    await door.app.store.write(keep)
    back = now - 3 * 3600 * S
    await door.app.store.write(setting.make_up_for, seen=now, expected=now, now=back, longest=longest)

    def dues(connection: Connection) -> list[int]:
        rows = connection.exec_driver_sql(
            "SELECT due FROM deliveries WHERE alert_id = ? ORDER BY id", (alert,)
        )
        return [row[0] for row in rows]

    assert await door.app.store.read(dues) == [back, morning, retry - 5 * 3600 * S]


async def test_a_feed_is_asked_again_at_once(tmp_path: Path) -> None:
    """The scheduler has the time of the next poll by the clock as it was."""
    config = tmp_path / "warnd.toml"
    config.write_text(
        f'[store]\nurl = "sqlite:///{tmp_path}/warnd.db"\n'
        '[sources.nmc]\nregions = ["62"]\n'
        '[feeds.nmc]\nkind = "cap.rss"\nurl = "http://127.0.0.1:9/feed"\nsource = "nmc"\nevery = "10m"\n'
    )
    app = App(load(config, {}))
    with scheduled(app) as scheduler:
        job = scheduler.get_job("feed:nmc")
        job.modify(next_run_time=datetime.now(UTC) + timedelta(hours=4))
        for tell in app.machine.on_jump:
            tell()
        assert scheduler.get_job("feed:nmc").next_run_time <= datetime.now(UTC)
        await asyncio.sleep(0)


async def test_nothing_is_forgotten_by_a_clock_that_nobody_has_looked_at(door: Door) -> None:
    """Set ten years forward by mistake, it would take the whole delivery log away in one night."""
    app = door.app
    app.alarms.sound("clock_jumped", "clock", case="forward", seconds=315_360_000)
    await app.alarms.settle()
    with scheduled(app) as scheduler:
        nightly = scheduler.get_job("retention").func
        with capture_logs() as log:
            await nightly()
            (alarm,) = await app.store.read(alarms.open_alarms)
            await app.store.record(alarms.acknowledge, alarm.id, by="zhang", now=NOW)
            await nightly()
    assert [one["event"] for one in log] == ["retention.rested", "retention.applied"]


async def test_an_alarm_is_heard_also_after_the_clock_was_set_back(door: Door) -> None:
    """It is written at most every ten seconds; seconds by a clock that was hours ahead are none."""
    now = NOW
    board = AlarmBoard(door.app.store, now=lambda: now, new_id=door.app.new_id)
    board.sound("channel_down", "sms", case="no_reply")
    await board.settle()
    now -= timedelta(hours=3)
    board.sound("channel_down", "sms", case="unreachable")
    await board.settle()
    (alarm,) = await door.app.store.read(alarms.open_alarms)
    assert alarm.times == 2


class _Shared:
    """A store to which other machines write as well."""

    shared = True
    directory = None

    async def write(self, *_: object, **__: object) -> None:
        raise AssertionError("what is on disk goes by the others' clocks too")


class _Heard:
    def __init__(self) -> None:
        self.sounded: list[str] = []

    def sound(self, kind: str, *_: str, **__: object) -> None:
        self.sounded.append(kind)

    def clear(self, *_: str) -> None: ...

    async def write_what_is_left(self) -> None: ...


async def test_one_machine_whose_clock_is_set_moves_nothing_that_the_others_wait_for() -> None:
    """It says so, and looks again at what it has in memory."""
    wall, heard, offered = [1_000_000], _Heard(), []
    machine = Machine(
        cast(ThreadedStore, _Shared()), alarms=cast(AlarmBoard, heard), retry=RetryPolicy(), clock=lambda: wall[0],
        steady=lambda: 1.0,
    )  # fmt: skip
    machine.on_jump.append(lambda: offered.append(True))
    wall[0] += 5 * 3600 * 1_000_000
    await machine.look()
    assert (heard.sounded, offered) == (["clock_jumped"], [True])
