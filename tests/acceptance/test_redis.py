"""Processes on one PostgreSQL with a Valkey beside it: whatever becomes of that, everybody is told, and once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.postgres import PostgresServer
from tests.acceptance.fleet import Fleet
from tests.acceptance.site import Gateway, Site, gateway, until
from tests.fakes.valkey import ValkeyServer

POSTS = 1_500
BATCH = 5
RATE = 500


@pytest.fixture(scope="module")
def prepared_database(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A database with the posts of one county, to be copied, and the directory with its feed's key."""
    home = tmp_path_factory.mktemp("prepared")
    name = postgres.database()
    with gateway() as sms:
        Site(home, sms, store=postgres.place(name).url).prepare(POSTS)
    return name, home


@contextmanager
def fleet_of(
    home: Path, postgres: PostgresServer, prepared: tuple[str, Path], valkey: ValkeyServer
) -> Iterator[tuple[Fleet, Gateway]]:
    """A site on a copy of the database, of which only workers send, with a rate; nothing of it is started."""
    database = postgres.database(prepared[0])
    with gateway("--latency", "20", slots=8, max_batch=BATCH, rate=f"{RATE}/s") as sms:
        tables = f'[workers]\nserve_sends = false\n[queue]\nurl = "{valkey.url}"'
        site = Site(home, sms, store=postgres.place(database).url, tables=tables)
        site.configure()
        (home / "key").write_text((prepared[1] / "key").read_text())
        yield Fleet(site), sms


def test_redis_is_away_at_the_start_killed_restarted_and_flushed_and_everybody_is_told_once(
    tmp_path: Path, postgres: PostgresServer, prepared_database: tuple[str, Path], valkey: ValkeyServer
) -> None:
    """Nothing that is needed is in it: an alarm sounds and ends, the broadcast goes on, and never faster than its rate."""
    with fleet_of(tmp_path, postgres, prepared_database, valkey) as (fleet, sms):
        site = fleet.site
        valkey.kill()
        fleet.start("serve", role="serve")
        fleet.start("worker 1", "worker 2")
        until(lambda: "redis_away" in site.alarms(), "the alarm sounds")
        valkey.start()
        until(lambda: "redis_away" not in site.alarms(), "every process is linked")
        began = time.monotonic()
        alert = site.push()["id"]
        sms.has_taken(POSTS // 5)
        valkey.kill()
        until(lambda: "redis_away" in site.alarms(), "the alarm sounds")
        taken = sms.counts()["taken"]
        sms.has_taken(min(taken + 2 * BATCH, POSTS))
        valkey.start()
        until(lambda: "redis_away" not in site.alarms(), "every process is linked again")
        valkey.flush()
        until(lambda: "redis_forgot" in site.alarms(), "it is found out")
        until(lambda: site.settled(alert), "the broadcast is finished")
        took = time.monotonic() - began
        assert sms.numbers() == dict.fromkeys(sms.numbers(), 1)
        assert site.states(alert) == {"accepted": POSTS}
        assert RATE * (took + 0.6) >= POSTS, "a fifth of a second's burst at the start, and at each change"
        assert set(fleet.sent()) == {"worker 1", "worker 2"}
        assert {one.stop() for one in fleet.members.values()} == {0}
