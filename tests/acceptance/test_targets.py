"""One robot that takes twenty posts a minute: whichever process asks it, and whichever life of it, it is never asked for more."""

from __future__ import annotations

from pathlib import Path

import pytest

from servers.postgres import PostgresServer
from tests.acceptance.fleet import Prepared
from tests.acceptance.site import Gateway, Site, gateway, until
from tests.acceptance.stage import divisions

MINUTE = 20
BEFORE = 12
ROBOT = {"channel": "wechat", "target_rate": f"{MINUTE}/min", "bundle": False}


def warn(site: Site, count: int, since: int = 0) -> None:
    """So many red warnings, each of which is a post of its own."""
    for n in range(since, since + count):
        site.push(
            identifier=f"62120241600000_202607140{n:05}", headline=f"武都区气象台发布第{n}号暴雨红色预警信号"
        )


def robot_has(robots: Gateway, posts: int) -> None:
    until(lambda: robots.counts()["taken"] >= posts, f"the robot has {posts}")


def fills_its_minute(site: Site, robots: Gateway) -> None:
    """As many more as would be too many; it gets what is left of its minute, and is asked for nothing beyond it."""
    warn(site, BEFORE, since=BEFORE)
    robot_has(robots, MINUTE)


def nothing_more_was_asked(robots: Gateway) -> None:
    counts = robots.counts()
    assert (counts["taken"], counts["throttled"]) == (MINUTE, 0)


def test_after_a_kill_a_daemon_on_a_file_keeps_to_what_the_one_before_it_asked(tmp_path: Path) -> None:
    """Its windows are gone with its memory; the journal has every request."""
    with gateway(**ROBOT) as robots:
        divisions(tmp_path)
        site = Site(tmp_path, robots)
        site.configure()
        site.enlist(1, ("wechat",))
        site.start()
        warn(site, BEFORE)
        robot_has(robots, BEFORE)
        site.kill()
        site.start()
        fills_its_minute(site, robots)
        assert site.stop() == 0
        nothing_more_was_asked(robots)


@pytest.fixture(scope="module")
def with_one_robot(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return Prepared.of(postgres, tmp_path_factory.mktemp("prepared"), 1, ("wechat",))


def test_the_process_to_which_an_address_falls_keeps_to_what_another_asked(
    tmp_path: Path, with_one_robot: Prepared
) -> None:
    """Killed, it leaves its address to one that has never asked it."""
    with with_one_robot.fleet(tmp_path, tables="[workers]\nserve_sends = false", **ROBOT) as (fleet, robots):
        fleet.start("serve", role="serve")
        fleet.start("worker 1")
        warn(fleet.site, BEFORE)
        robot_has(robots, BEFORE)
        fleet.start("worker 2")
        fleet.members["worker 1"].kill()
        fills_its_minute(fleet.site, robots)
        assert {fleet.members[name].stop() for name in ("serve", "worker 2")} == {0}
        nothing_more_was_asked(robots)
