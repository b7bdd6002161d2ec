"""Processes on one PostgreSQL with a Valkey beside it: whatever becomes of that, everybody is told, and once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from servers.postgres import PostgresServer
from servers.valkey import ValkeyServer
from tests.acceptance.fleet import Prepared
from tests.acceptance.site import until

POSTS = 1_500
BATCH = 5
RATE = 500


@pytest.fixture(scope="module")
def prepared_database(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return Prepared.of(postgres, tmp_path_factory.mktemp("prepared"), POSTS)


def test_redis_is_away_at_the_start_killed_restarted_and_flushed_and_everybody_is_told_once(
    tmp_path: Path, prepared_database: Prepared, valkey: ValkeyServer
) -> None:
    """Nothing that is needed is in it: an alarm sounds and ends, the broadcast goes on, and never faster than its rate."""
    tables = f'[workers]\nserve_sends = false\n[queue]\nurl = "{valkey.url}"'
    pace = {"slots": 8, "max_batch": BATCH, "rate": f"{RATE}/s"}
    with prepared_database.fleet(tmp_path, "--latency", "20", tables=tables, **pace) as (fleet, sms):
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
        away = until(lambda: site.alarms().get("redis_away"), "the alarm sounds")
        assert ".;" not in away, "what the system says stands within a sentence"
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
