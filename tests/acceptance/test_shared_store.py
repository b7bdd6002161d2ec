"""A ``kill -9`` loses nobody where the store is a PostgreSQL database either."""

from __future__ import annotations

from pathlib import Path

from tests.acceptance.site import Site, gateway, until
from warnd.store.postgres_connection import Place

POSTS = 3_000
SLOTS, BATCH = 8, 100
IN_FLIGHT = SLOTS * 3 * BATCH
"""Twice as many leases as requests at once (ADR 0007)."""


def test_a_kill_in_the_middle_of_a_broadcast_on_postgresql_loses_nobody(
    tmp_path: Path, postgres_place: Place
) -> None:
    """The same promise: nobody is lost, and who hears it twice was in flight and is marked in the journal."""
    with gateway("--latency", "30", slots=SLOTS, max_batch=BATCH) as sms:
        site = Site(tmp_path, sms, store=postgres_place.url)
        site.prepare(POSTS)
        site.start()
        alert = site.push()["id"]
        sms.has_taken(POSTS // 3)
        site.kill()
        assert sms.counts()["taken"] < POSTS
        ((in_flight,),) = site.rows("SELECT coalesce(sum(size), 0) FROM batches WHERE state = 'sending'")
        assert in_flight <= IN_FLIGHT
        site.start()
        until(lambda: site.settled(alert), "the broadcast is finished after the restart")
        assert site.stop() == 0
        numbers = sms.numbers()
        repeated = {number for number, times in numbers.items() if times > 1}
        assert len(numbers) == POSTS
        assert site.states(alert) == {"accepted": POSTS}
        assert len(repeated) <= in_flight
        assert repeated <= site.marked_repeats()
        assert "whole" in site.run("audit", "verify")


def test_two_daemons_on_one_database_tell_everybody_once(tmp_path: Path, postgres_place: Place) -> None:
    """Whoever leases a batch sends it; stopping one of them in the middle leaves the rest to the other."""
    with gateway("--latency", "30", slots=SLOTS, max_batch=BATCH) as sms:
        one, other = (Site(tmp_path / name, sms, store=postgres_place.url) for name in ("one", "other"))
        for site in (one, other):
            site.home.mkdir()
            site.configure()
        one.prepare(POSTS)
        other.start()
        one.start()
        alert = one.push()["id"]
        sms.has_taken(POSTS // 3)
        assert one.stop() == 0
        until(lambda: other.settled(alert), "the other finishes the broadcast")
        assert other.stop() == 0
        assert sms.numbers() == dict.fromkeys(sms.numbers(), 1)
        assert other.states(alert) == {"accepted": POSTS}
        assert "whole" in other.run("audit", "verify")
