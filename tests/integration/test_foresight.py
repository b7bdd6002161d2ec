"""Whom a message would tell, against what its admission or its release then does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration import county as counties
from tests.integration.county import Clock, County
from tests.integration.door import RED

OTHERS = RED | {"identifier": "O", "sender": "water.wudu.example"}


@pytest.fixture
async def here(tmp_path: Path, county: Path) -> AsyncIterator[County]:
    counties.settle(tmp_path, county)
    clock = Clock()
    async with counties.opened(tmp_path, clock) as door:
        await counties.hand_out_keys(door)
        await door.settle_in(4)
        yield County(door, clock)


async def sent(here: County, role: str, **message: Any) -> dict[str, Any]:
    status, answer = await here.door.ask("POST", "alerts", role=role, json=message)
    assert status == 202, answer
    found: dict[str, Any] = answer
    return found


async def told(here: County, role: str, *people: int, **message: Any) -> dict[str, Any]:
    """Sent, released, and told to these of the four."""
    answer = await sent(here, role, **message)
    assert answer["state"] == "released", answer
    await here.door.app.broadcaster.broadcast(answer["id"])

    def tell(connection: Any) -> None:
        for n in people:
            changed = connection.exec_driver_sql(
                "UPDATE deliveries SET told = 1 WHERE alert_id = ? AND address = ?",
                (answer["id"], f"+86154{n:08}"),
            )
            assert changed.rowcount == 1

    await here.door.app.store.write(tell)
    return answer


async def would_tell(here: County, alert_id: str) -> tuple[int, int]:
    status, found = await here.door.ask("GET", f"alerts/{alert_id}/forecast", role="li")
    assert status == 200, found
    return found["targeted"], found["told_before"]


def following(*messages: dict[str, Any], minute: int = 1, **changes: Any) -> dict[str, Any]:
    refers = [{"sender": one["sender"], "identifier": one["identifier"]} for one in messages]
    return RED | {
        "identifier": f"F{minute}", "type": "update", "references": refers,
        "sent": f"2026-07-14T08:{minute:02}:00+08:00", **changes,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("other", "source"),
    [
        pytest.param(
            RED | {"identifier": "D", "status": "exercise"}, "weather", id="a drill is no part of it"
        ),
        pytest.param(OTHERS, "water", id="nor is what another says"),
    ],
)
async def test_only_its_own_episode_was_told_before(here: County, other: dict[str, Any], source: str) -> None:
    """A message may name more than it may speak for; the dry run counts as the admission ties."""
    await told(here, "weather", 0, **RED)
    await told(here, source, 1, 2, **other)
    message = following(RED, other)
    status, dry = await here.door.ask("POST", "alerts?dry_run=true", role="weather", json=message)
    assert (status, dry["told_before"]) == (200, 1), dry


async def test_a_held_end_reaches_all_the_episodes_that_its_release_joins(here: County) -> None:
    """They become one when it is released: whoever was told of either hears of the end."""
    second = RED | {"identifier": "S", "headline": "武都区气象台发布暴雨红色预警信号（二）"}
    await told(here, "weather", 0, **RED)
    await told(here, "weather", 1, 2, **second)
    end = await sent(here, "village", **following(RED, second, type="cancel"))
    assert await would_tell(here, end["id"]) == (3, 3)


async def test_what_can_be_released_no_more_would_tell_nobody(here: County) -> None:
    """The end came another way while this one waited."""
    await told(here, "weather", 0, 1, **RED)
    waiting = await sent(here, "village", **following(RED, type="cancel"))
    assert await would_tell(here, waiting["id"]) == (2, 2)
    await sent(here, "weather", **following(RED, minute=2, type="cancel"))
    assert await would_tell(here, waiting["id"]) == (0, 0)
    status, _ = await here.door.ask("POST", f"alerts/{waiting['id']}/approve", role="li")
    assert status == 409


@pytest.mark.parametrize(
    ("changes", "targeted"),
    [
        pytest.param({}, 0, id="by now it says nothing new"),
        pytest.param({"description": "雨势加大。"}, 4, id="it says something new"),
    ],
)
async def test_what_came_while_it_waited_counts(here: County, changes: dict[str, Any], targeted: int) -> None:
    """A held update was the first of its episode; the release finds what it changes, and tells as was foretold."""
    waiting = await sent(here, "village", **following(RED, **changes))
    assert await would_tell(here, waiting["id"]) == (4, 0)
    await told(here, "weather", 0, 1, 2, 3, **RED)
    assert await would_tell(here, waiting["id"]) == (targeted, 4)
    await here.door.ask("POST", f"alerts/{waiting['id']}/approve", role="li")
    await here.door.app.broadcaster.broadcast(waiting["id"])
    _, shown = await here.door.ask("GET", f"alerts/{waiting['id']}")
    assert shown["deliveries"].get("queued", 0) == targeted, shown


@pytest.mark.parametrize(
    ("changes", "targeted"),
    [
        pytest.param({"description": "雨势加大。"}, 4, id="an update: whoever it means"),
        pytest.param({"type": "cancel"}, 2, id="an end: whoever was told"),
    ],
)
async def test_a_mend_tried_counts_who_was_told_before(
    here: County, changes: dict[str, Any], targeted: int
) -> None:
    """What comes out of quarantine is of its episode like any other."""
    await told(here, "weather", 0, 1, **RED)
    kept = await sent(here, "weather", **following(RED, scope="Restricted", **changes))
    assert kept["state"] == "quarantined", kept
    given = {"override": ["not_public"]}
    _, dry = await here.door.ask("POST", f"alerts/{kept['id']}/mend?dry_run=true", role="li", json=given)
    assert (dry["state"], dry["targeted"], dry["told_before"]) == ("released", targeted, 2), dry


async def test_what_is_out_of_time_would_tell_nobody(here: County) -> None:
    waiting = await sent(here, "village", **RED)
    here.clock.pass_(hours=7)
    assert await would_tell(here, waiting["id"]) == (0, 0)
