"""Several processes on one PostgreSQL: they share a broadcast, and whichever of them dies, nobody is lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from servers.postgres import PostgresServer
from tests.acceptance.fleet import Prepared
from tests.acceptance.site import until

POSTS = 2_000
BATCH = 5
SENDING = {"tables": "[workers]\nserve_sends = false", "slots": 8, "max_batch": BATCH}
"""Only workers send."""


@pytest.fixture(scope="module")
def prepared_database(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return Prepared.of(postgres, tmp_path_factory.mktemp("prepared"), POSTS)


def test_whatever_dies_in_the_middle_nobody_is_lost_and_whoever_hears_it_twice_is_marked(
    tmp_path: Path, postgres: PostgresServer, prepared_database: Prepared
) -> None:
    """A worker, the daemon that plans and keeps the timers, and PostgreSQL itself, one after the other."""
    with prepared_database.fleet(tmp_path, "--latency", "50", **SENDING) as (fleet, sms):
        site = fleet.site
        fleet.start("serve 1", "serve 2", role="serve")
        fleet.start("worker 1", "worker 2", "worker 3")
        keeper = fleet.keeper()
        site.url = fleet.members[keeper].url
        alert = site.push()["id"]
        sms.has_taken(POSTS // 8)
        fleet.members["worker 1"].kill()
        sms.has_taken(POSTS // 4)
        fleet.members[keeper].kill()
        until(lambda: fleet.keeper() not in ("", keeper), "another process takes the timers")
        sms.has_taken(POSTS // 2)
        postgres.kill()
        postgres.start()
        until(lambda: site.settled(alert), "the broadcast is finished by those that are left")
        numbers = sms.numbers()
        repeated = {number for number, times in numbers.items() if times > 1}
        assert len(numbers) == POSTS
        assert site.states(alert) == {"accepted": POSTS}
        assert repeated <= site.marked_repeats()
        assert set(fleet.sent()) >= {"worker 2", "worker 3"}
        assert "whole" in site.run("audit", "verify")
        left = fleet.members.keys() - {"worker 1", keeper}
        listed = [json.loads(line)["name"] for line in site.run("workers", "list", "--json").splitlines()]
        assert set(listed) >= left
        assert {fleet.members[name].stop() for name in left} == {0}
        assert site.rows("SELECT count(*) FROM batches WHERE state = 'sending'") == [(0,)]


def test_nothing_of_a_warning_leaves_any_worker_once_another_took_its_place(
    tmp_path: Path, postgres: PostgresServer, prepared_database: Prepared
) -> None:
    """The daemon admits, the workers hear of it with the commit: what they had leased and not begun stays."""
    with prepared_database.fleet(tmp_path, "--latency", "100", **SENDING) as (fleet, sms):
        site = fleet.site
        fleet.start("serve", role="serve")
        fleet.start("worker 1", "worker 2")
        first = site.push()
        sms.has_taken(POSTS // 8)
        reference = {"sender": "62120241600000", "identifier": first["identifier"], "sent": None}
        then = site.push(
            identifier="62120241600000_20991231235959", references=[reference], color="orange", type="update"
        )
        sms.go_wrong(latency=0.002)
        until(lambda: site.settled(first["id"]) and site.settled(then["id"]), "both are settled")
        ((stopped,),) = site.rows("SELECT stopped_at FROM alerts WHERE id = ?", first["id"])
        late = [
            begun - stopped
            for (body,) in site.rows(
                "SELECT body FROM journal WHERE kind = 'attempt.ended' AND instr(body, ?) > 0", first["id"]
            )
            if "not_sent" not in (facts := json.loads(body)) and (begun := facts["started"]) > stopped
        ]
        assert max(late, default=0) < 1_000_000
        assert len(sms.numbers()) <= POSTS
        assert sum(site.states(first["id"]).values()) > site.states(first["id"])["accepted"] > 0
