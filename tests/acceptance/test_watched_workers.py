"""Workers as those see them who watch over them: their figures, and the alarm of one that falls silent."""

from __future__ import annotations

import os
import signal
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from servers.postgres import PostgresServer
from tests.acceptance.fleet import Fleet, Prepared
from tests.acceptance.site import Site, until

POSTS = 40
TABLES = '[workers]\nserve_sends = false\nmetrics = "127.0.0.1:0"'
SHORT = {"timeout": "500ms", "connect_timeout": "500ms"}
"""Who is silent for so long and a lease's margin could not have kept a batch."""


@pytest.fixture(scope="module")
def prepared_database(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return Prepared.of(postgres, tmp_path_factory.mktemp("prepared"), POSTS)


def asked(fleet: Fleet, name: str, path: str) -> tuple[int, str]:
    """What a worker answers on the address that its log names."""
    url = fleet.members[name].events("worker.started")[0]["metrics"]
    try:
        with urllib.request.urlopen(f"{url}{path}", timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def test_a_worker_shows_its_figures_and_nothing_else(tmp_path: Path, prepared_database: Prepared) -> None:
    """For Prometheus and for whoever restarts what is not ready; the API is the daemon's."""
    with prepared_database.fleet(tmp_path, tables=TABLES) as (fleet, sms):
        fleet.start("serve", role="serve")
        fleet.start("worker 1")
        alert = fleet.site.push()["id"]
        until(lambda: fleet.site.settled(alert), "everybody is told")
        assert asked(fleet, "worker 1", "/healthz")[0] == 200
        status, ready = asked(fleet, "worker 1", "/readyz")
        assert (status, '"sending":true' in ready, '"timers":"serve"' in ready) == (200, True, True)
        _, figures = asked(fleet, "worker 1", "/metrics")
        assert f'warnd_outcomes_total{{channel="sms",outcome="accepted"}} {POSTS}.0' in figures
        assert [asked(fleet, "worker 1", path)[0] for path in ("/", "/api/v1/alerts", "/docs")] == [404] * 3
        assert fleet.members["worker 1"].stop() == 0
        assert sms.counts()["taken"] == POSTS


def missed(site: Site) -> set[str]:
    return {
        subject
        for (subject,) in site.rows(
            "SELECT subject FROM alarms WHERE kind = 'worker_silent' AND cleared_at IS NULL"
        )
    }


def test_a_worker_that_dies_or_hangs_is_missed_until_it_is_back(
    tmp_path: Path, prepared_database: Prepared
) -> None:
    """One is killed and started again, one is stopped by a signal and goes on; of the one that is well nothing is said."""
    with prepared_database.fleet(tmp_path, tables=TABLES, **SHORT) as (fleet, _):
        fleet.start("serve", role="serve")
        fleet.start("worker 1", "worker 2", "worker 3")
        fleet.members["worker 1"].kill()
        hanging = fleet.members["worker 2"].process.pid
        os.kill(hanging, signal.SIGSTOP)
        try:
            until(lambda: missed(fleet.site) == {"worker 1", "worker 2"}, "both are missed")
        finally:
            os.kill(hanging, signal.SIGCONT)
        until(lambda: missed(fleet.site) == {"worker 1"}, "the one that goes on is missed no more")
        fleet.start("worker 1")
        until(lambda: not missed(fleet.site), "a worker of its name is back")
        alert = fleet.site.push()["id"]
        until(lambda: fleet.site.settled(alert), "everybody is told")
        assert {fleet.members[f"worker {n}"].stop() for n in (1, 2, 3)} == {0}
        assert not missed(fleet.site)
