"""A stop loses nothing and repeats nothing; and there is one daemon to a database."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from tests.acceptance.conftest import CHANNELS, POSTS
from tests.acceptance.site import Site, gateway, until


def test_a_stop_in_the_middle_repeats_nothing(tmp_path: Path, on_three_channels: Path) -> None:
    """What is under way is answered within the grace; the next start goes on from there, on every channel."""
    with ExitStack() as running:
        gateways = [
            running.enter_context(gateway("--latency", "50", channel=channel, slots=8))
            for channel in CHANNELS
        ]
        site = Site(tmp_path, gateways[0], gateways[1:])
        site.settle_in(on_three_channels)
        site.start()
        alert = site.push()["id"]
        gateways[-1].has_taken(POSTS // 10)
        assert site.stop() == 0

        taken = {one.channel: one.counts()["taken"] for one in gateways}
        assert taken["email"] < POSTS
        assert site.rows("SELECT count(*) FROM batches WHERE state IN ('sending', 'unknown')") == [(0,)]
        assert taken == {one: site.states(alert, one).get("accepted", 0) for one in CHANNELS}
        for one in gateways:
            one.go_wrong(latency=0.002)
        site.start()
        until(lambda: site.settled(alert), "the broadcast is finished after the restart")
        assert site.stop() == 0
        for one in gateways:
            assert list(one.numbers().values()) == [1] * POSTS
            assert site.states(alert, one.channel) == {"accepted": POSTS}
        assert site.marked_repeats() == set()


def test_a_second_daemon_on_one_database_says_who_has_it(tmp_path: Path, on_three_channels: Path) -> None:
    """It leaves with 1 and touches nothing; the first goes on, and once that is killed there is room for another."""
    with gateway() as sms:
        site = Site(tmp_path, sms)
        site.settle_in(on_three_channels)
        site.start()
        assert site.process is not None
        second = subprocess.run(
            [sys.executable, "-m", "warnd", "serve", "--config", str(site.config)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert second.returncode == 1
        assert f"a daemon is running on it (process {site.process.pid})" in second.stderr
        alert = site.push()["id"]
        site.kill()
        site.start()
        until(lambda: site.settled(alert), "the one that took its place tells everybody")
        assert site.stop() == 0
        assert len(sms.numbers()) == POSTS
