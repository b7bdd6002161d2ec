"""A bad night at one robot: what piles up goes in few posts, whole, nothing stale, and after a kill the very same again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.site import Gateway, Site, gateway, until
from tests.acceptance.stage import divisions

WARNINGS = 60
MOST_BYTES = 4096

_WAITING = "SELECT count(*) FROM deliveries WHERE state IN ('waiting', 'queued')"
_DONE = "SELECT count(*) FROM deliveries WHERE state = 'accepted'"


@pytest.fixture
def robots() -> Iterator[Gateway]:
    """A minute of theirs is a second long."""
    flags = ("--per-minute", "20", "--window", "1")
    with gateway(*flags, channel="wechat", target_rate="4/s", bundle_after="200ms") as one:
        yield one


@pytest.fixture(scope="module")
def with_one_robot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a store of one post in one county, and a feed's key."""
    home = tmp_path_factory.mktemp("with-one-robot")
    with gateway(channel="wechat") as robots:
        divisions(home)
        one = Site(home, robots)
        one.configure()
        one.enlist(1, ("wechat",))
    return home


@pytest.fixture
def site(tmp_path: Path, with_one_robot: Path, robots: Gateway) -> Site:
    made = Site(tmp_path, robots, retry='first = "100ms"\nceiling = "500ms"')
    made.settle_in(with_one_robot)
    return made


def pile_up(site: Site, count: int, **changes: Any) -> list[dict[str, Any]]:
    """So many warnings wait while the robots' provider is down: all at rest, or certainly refused."""
    site.gateway.go_wrong(unavailable=1.0)
    bodies = [
        {"identifier": f"62120241600000_202607140{n:05}", "color": "blue", "hazard": "rainstorm",
         "headline": f"武都区气象台发布第{n}号暴雨蓝色预警信号", "description": f"第{n}号：预计有强降雨。",
         "areas": [{"name": f"武都区第{n}片", "regions": ["621202"]}], **changes}
        for n in range(count)
    ]  # fmt: skip
    for body in bodies:
        site.push(**body)
    until(lambda: site.rows(_WAITING) == [(count,)], "all of them wait")
    return bodies


def texts(site: Site) -> dict[str, int]:
    """What the robot said, and how often."""
    return dict(site.gateway.counts()["by_text"])


def test_sixty_warnings_for_one_robot_are_few_posts(site: Site) -> None:
    """Every mandatory part of each is in a post, which the robot takes; the log says with which others it went."""
    site.start()
    pile_up(site, WARNINGS)
    site.gateway.go_wrong(unavailable=0.0)
    until(lambda: site.rows(_DONE) == [(WARNINGS,)], "the robot has said them all")
    said = texts(site)
    assert set(said.values()) == {1}
    assert len(said) <= WARNINGS // 3
    for n in range(WARNINGS):
        (text,) = (one for one in said if f"第{n}号：" in one)
        part = next(each for each in text.split("### ") if f"第{n}号：" in each)
        for mandatory in ("武都区气象台", "暴雨", "蓝色", "发布"):
            assert mandatory in part, f"{mandatory} of number {n}"
        assert f"62120241600000_202607140{n:05}" in part
    assert max(len(text.encode()) for text in said) <= MOST_BYTES
    assert site.gateway.counts()["throttled"] == 0
    bundled = site.rows(
        "SELECT p.delivery_id, (SELECT count(*) FROM bundle_parts o WHERE o.bundle_id = p.bundle_id) FROM bundle_parts p"
    )
    delivery, size = max(bundled, key=lambda row: row[1])
    assert f"shared one message with {size - 1} more" in site.run("deliveries", "show", delivery)
    assert site.stop() == 0
    made = [
        json.loads(line)
        for line in (site.home / "daemon.log").read_bytes().splitlines()
        if b"bundle.made" in line
    ]
    assert {line["channel"] for line in made} == {"wechat"}


def test_what_is_lifted_while_it_waits_is_in_no_post(site: Site) -> None:
    """Nobody had heard of it, so nobody hears of its end; the others are told without it."""
    site.start()
    bodies = pile_up(site, 8)
    third = bodies[3]
    site.push(
        **{**third, "identifier": "62120241600000_20260714100000", "type": "cancel", "headline": "解除第3号",
           "references": [{"sender": "62120241600000", "identifier": third["identifier"], "sent": None}]}
    )  # fmt: skip
    site.gateway.go_wrong(unavailable=0.0)
    until(lambda: site.rows(_DONE) == [(7,)], "the robot has said the others")
    said = "".join(texts(site))
    assert [n for n in range(8) if f"第{n}号：" in said] == [0, 1, 2, 4, 5, 6, 7]
    assert site.stop() == 0


def test_red_is_not_kept_waiting_by_the_pile_nor_hidden_in_it(site: Site) -> None:
    """It comes before all that waited, in a post of its own."""
    site.start()
    pile_up(site, 10)
    site.push(
        identifier="62120241600000_20260714100000",
        headline="武都区气象台发布暴雨红色预警信号",
        description="红：快走。",
    )
    until(lambda: site.rows(_WAITING) == [(11,)], "red waits too")
    site.gateway.go_wrong(unavailable=0.0)
    until(lambda: site.rows(_DONE) == [(11,)], "the robot has said them all")
    (red,) = (text for text in texts(site) if "红：快走。" in text)
    assert "号：" not in red
    assert site.stop() == 0


def test_a_bundle_that_was_out_at_a_kill_goes_again_as_it_was(site: Site) -> None:
    """To the byte, though a further warning came meanwhile; every part is marked as a possible repeat, none is lost."""
    site.start()
    pile_up(site, 6)
    site.gateway.go_wrong(unavailable=0.0, hang_after=1.0)
    site.gateway.has_taken(1)
    site.kill()
    out = site.rows("SELECT id FROM batches WHERE state = 'sending'")
    before = texts(site)
    assert any("条预警信息" in text for text in before)
    site.gateway.go_wrong(hang_after=0.0)
    site.start()
    site.push(identifier="62120241600000_20260714100000", color="blue", description="第6号：又来一条。")
    until(lambda: site.rows(_DONE) == [(7,)], "all are told")
    after = texts(site)
    assert {text: after[text] for text in before} == dict.fromkeys(before, 2)
    marked = site.rows(
        "SELECT DISTINCT subject FROM journal WHERE kind = 'attempt.ended' AND instr(body, '\"possible_repeat\":true') > 0"
    )
    assert sorted(marked) == sorted(out)
    for n in range(7):
        assert sum(f"第{n}号：" in text for text in after) == 1, f"number {n} is in one text"
    assert site.stop() == 0
