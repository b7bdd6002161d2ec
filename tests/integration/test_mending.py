"""The quarantine: a message that a person can still use is kept, shown, mended and released, or rejected."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from tests.integration.door import RED, Door
from warnd.errors import Conflict
from warnd.model.mend import Mend
from warnd.store import keys, mending
from warnd.store.journal import verify
from warnd.store.keys import Role

COLORLESS = RED | {"color": None, "headline": "武都区气象台发布暴雨预警信号", "status": "actual"}
NOWHERE = RED | {"areas": [{"name": "武都区"}]}
ELSEWHERE = RED | {"areas": [{"name": "秦州区", "regions": ["620502"]}]}


async def quarantine(door: Door, role: str = "feed", **changes: Any) -> str:
    """A message that cannot go out as it is, from the feed; its id."""
    status, body = await door.ask("POST", "alerts", role=role, json=COLORLESS | changes)
    assert (status, body["state"]) == (202, "quarantined"), body
    await door.app.alarms.settle()
    return str(body["id"])


async def mend(
    door: Door, id: str, *, role: str = "operator", query: str = "", **body: Any
) -> tuple[int, Any]:
    return await door.ask("POST", f"alerts/{id}/mend{query}", role=role, json=body)


async def village(door: Door) -> None:
    """A key of a source that is not official."""
    text, _ = await door.app.store.record(
        keys.create_key, "v", Role.FEED, source="village", id=door.app.new_id(), now=door.app.now()
    )
    door.texts["village"] = text


async def open_alarms(door: Door) -> set[str]:
    _, listed = await door.ask("GET", "alarms", role="viewer")
    return {one["kind"] for one in listed["items"]}


async def journal(door: Door, kind: str) -> list[dict[str, Any]]:
    def read(connection: Any) -> list[Any]:
        sql = "SELECT json(body), actor FROM journal WHERE kind = ? ORDER BY seq"
        return list(connection.exec_driver_sql(sql, (kind,)))

    return [orjson.loads(body) | {"actor": actor} for body, actor in await door.app.store.read(read)]


async def test_a_quarantined_alert_says_what_is_doubtful_and_what_answers_it(door: Door) -> None:
    """Every doubt by its path, in a plain sentence, with the key that mends it; nothing has left."""
    await door.settle_in(3)
    id = await quarantine(door)
    _, shown = await door.ask("GET", f"alerts/{id}", role="viewer")
    (doubt,) = shown["doubts"]
    assert (doubt["path"], doubt["code"], doubt["remedy"]) == ("color", "color_unknown", "color")
    assert (shown["deliveries"], shown["mends"]) == ({}, [])


async def test_mending_an_official_alert_releases_it_in_one_act(door: Door) -> None:
    """Its words are as the authority wrote them; the alarm ends; both values and who did it are kept."""
    await door.settle_in(4)
    id = await quarantine(door)
    assert await open_alarms(door) == {"alert_quarantined"}
    status, body = await mend(door, id, color="red", reason="气象台电话确认")
    assert (status, body["state"], body["verdict"], body["color"]) == (200, "released", "accept", "red")
    assert body["doubts"] == []
    assert body["message"]["headline"] == COLORLESS["headline"]
    (kept,) = body["mends"]
    assert kept["changes"] == {"color": {"from": None, "to": "red"}}
    assert (kept["by"], kept["reason"], kept["state"]) == ("operator", "气象台电话确认", "released")
    assert await open_alarms(door) == set()
    (entry,) = await journal(door, "alert.mended")
    assert (entry["changes"], entry["actor"]) == ({"color": [None, "red"]}, "operator")
    await door.app.broadcaster.broadcast(id)
    _, shown = await door.ask("GET", f"alerts/{id}")
    assert shown["deliveries"] == {"queued": 4}
    assert (await door.app.store.read(verify)).broken is None


async def test_a_dry_run_says_whom_it_would_reach_and_keeps_nothing(door: Door) -> None:
    """The alert waits on as it was."""
    await door.settle_in(5)
    id = await quarantine(door)
    status, body = await mend(door, id, query="?dry_run=true", color="red")
    assert (status, body["state"], body["targeted"]) == (200, "released", 5)
    _, shown = await door.ask("GET", f"alerts/{id}")
    assert (shown["state"], shown["color"], shown["mends"]) == ("quarantined", None, [])
    assert await journal(door, "alert.mended") == []


async def test_what_an_unofficial_source_sent_waits_for_the_second_person_once_mended(door: Door) -> None:
    """As any message of it would, and whoever mended it is not the second one; the alarm says what it waits for."""
    await village(door)
    id = await quarantine(door, "village")
    _, body = await mend(door, id, color="red")
    assert body["state"] == "held"
    assert await open_alarms(door) == {"alert_held"}
    _, listed = await door.ask("GET", "alarms", role="viewer")
    said, facts = listed["items"][0]["message"], listed["items"][0]["facts"]
    due = datetime.fromisoformat(facts["due"])
    assert (facts["case"], f"released by itself at {due:%F %T}" in said) == ("release", True)
    status, refusal = await door.ask("POST", f"alerts/{id}/approve", role="operator")
    assert (status, "a second person" in refusal["detail"]) == (409, True)
    status, body = await door.ask("POST", f"alerts/{id}/approve", role="admin")
    assert (status, body["state"]) == (200, "released")
    assert await open_alarms(door) == set()


async def test_doubts_that_are_left_keep_it_quarantined_and_are_named(door: Door) -> None:
    """What was mended stays mended: the next act needs only the rest."""
    id = await quarantine(door, areas=[])
    _, body = await mend(door, id, color="red")
    assert (body["state"], [one["code"] for one in body["doubts"]]) == ("quarantined", ["source_region"])
    assert body["doubts"][0]["remedy"] == "regions"
    assert await open_alarms(door) == {"alert_quarantined"}
    _, body = await mend(door, id, regions=["621202"])
    assert (body["state"], body["color"]) == ("released", "red")
    assert body["regions"] == [{"code": "621202", "name": "武都区"}]
    assert [one["changes"].keys() for one in body["mends"]] == [{"color"}, {"areas"}]


async def test_a_place_beyond_the_source_needs_a_word_of_its_own(door: Door) -> None:
    """A slip of the hand must not take a county's feed next door; whoever says so is in the journal."""
    far = {"areas": [{"name": "武都区", "regions": ["621202"]}], "identifier": "far"}
    id = await quarantine(door, **far)
    await door.app.store.write(
        lambda connection: connection.exec_driver_sql(
            "INSERT INTO regions (code, name) VALUES ('620502', '秦州区')"
        )
    )
    _, body = await mend(door, id, color="red", regions=["620502"])
    assert (body["state"], [one["remedy"] for one in body["doubts"]]) == ("quarantined", ["override"])
    _, body = await mend(door, id, override=["source_region"])
    assert (body["state"], body["verdict"]) == ("released", "accept_with_warnings")
    assert [one["code"] for one in body["warnings"]] == ["source_region"]
    assert body["mends"][-1]["overridden"] == ["source_region"]
    assert (await journal(door, "alert.mended"))[-1]["overridden"] == ["source_region"]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        pytest.param({"issuer": "x"}, "issuer", id="who issued it"),
        pytest.param({"headline": "x"}, "headline", id="its words"),
        pytest.param({"sent": "2026-07-14T09:00:00+08:00"}, "sent", id="when it was sent"),
        pytest.param({"color": "purple"}, "color", id="a color that is none"),
        pytest.param({"color": None, "hazard": "rain storm"}, "hazard", id="a hazard that is none"),
        pytest.param({"regions": ["62120"]}, "regions[0]", id="a code of no level"),
        pytest.param({"color": "red", "regions": ["629999"]}, "regions", id="a division not known"),
        pytest.param({"regions": []}, "regions", id="no division at all"),
        pytest.param({"references": [{"identifier": "nobody"}]}, "references", id="a warning not here"),
        pytest.param({"expires": "2026-07-14T15:00"}, "expires", id="a time without offset"),
        pytest.param(
            {"color": "red", "expires": "2026-07-14T08:05:00+08:00"}, "expires", id="an end that is past"
        ),
        pytest.param({"override": ["color_unknown"]}, "override[0]", id="a doubt that must be mended"),
        pytest.param({"color": "red", "override": ["sorce_region"]}, "override[0]", id="a doubt misspelt"),
    ],
)
async def test_a_mend_with_a_fault_is_refused_by_its_path_and_changes_nothing(
    door: Door, body: dict[str, Any], path: str
) -> None:
    """Neither words nor identity are anybody's to mend; a typing error decides nothing."""
    id = await quarantine(door)
    status, answer = await mend(door, id, **body)
    assert (status, {one["path"] for one in answer["errors"]}) == (422, {path})
    _, shown = await door.ask("GET", f"alerts/{id}")
    assert (shown["state"], shown["mends"]) == ("quarantined", [])


async def test_fit_as_it_is_is_an_empty_mend(door: Door) -> None:
    """Decided anew: the division that was not known has been imported meanwhile."""
    id = await quarantine(door, color="red", areas=[{"name": "新镇", "regions": ["621202999"]}])
    _, body = await mend(door, id)
    assert body["state"] == "quarantined"
    await door.app.store.write(
        lambda connection: connection.exec_driver_sql(
            "INSERT INTO regions (code, name) VALUES ('621202999', '新镇')"
        )
    )
    _, body = await mend(door, id)
    assert (body["state"], body["regions"]) == ("released", [{"code": "621202999", "name": "新镇"}])


async def test_a_mended_alert_never_overtakes_what_was_said_since(door: Door) -> None:
    """The update came and went out while it waited: it is superseded by it, and nobody is told the old."""
    id = await quarantine(door)
    later = RED | {"identifier": "later", "type": "update", "color": "orange", "sent": "2026-07-14T08:05:00+08:00",
                   "references": [{"sender": RED["sender"], "identifier": RED["identifier"]}]}  # fmt: skip
    _, update = await door.ask("POST", "alerts", role="feed", json=later)
    assert update["state"] == "released"
    _, forecast = await mend(door, id, query="?dry_run=true", color="red")
    assert (forecast["state"], forecast["targeted"]) == ("superseded", 0)
    _, body = await mend(door, id, color="red")
    assert (body["state"], body["successor"]) == ("superseded", update["id"])
    assert "overtaken" in {one["code"] for one in body["warnings"]}
    assert "alert_quarantined" not in await open_alarms(door)
    _, stands = await door.ask("GET", f"alerts/{update['id']}")
    assert stands["state"] == "released"


async def test_a_mended_update_takes_the_place_of_what_is_in_force(door: Door) -> None:
    """It refers to the right warning now, and stops it like any update."""
    first = await door.broadcast(2, color="orange", headline="武都区气象台发布暴雨橙色预警信号")
    id = await quarantine(
        door,
        identifier="up",
        type="cancel",
        sent="2026-07-14T08:05:00+08:00",
        headline="武都区气象台解除暴雨预警",
    )
    _, shown = await door.ask("GET", f"alerts/{id}")
    assert [one["remedy"] for one in shown["doubts"]] == ["references"]
    _, body = await mend(door, id, references=[{"identifier": RED["identifier"], "sender": RED["sender"]}])
    assert (body["state"], body["change"], body["episode"]) == ("released", "lifted", first)
    _, over = await door.ask("GET", f"alerts/{first}")
    assert (over["state"], over["successor"]) == ("cancelled", id)
    assert door.app.in_force.stopped(first)


async def test_an_alert_whose_time_is_over_expires_and_tells_nobody(door: Door) -> None:
    """Late word misleads; the alarm ends, for it is decided."""
    id = await quarantine(door)
    now = door.app.now()
    door.app.now = lambda: now + timedelta(days=1)
    _, body = await mend(door, id, color="red")
    assert (body["state"], body["deliveries"]) == ("expired", {})
    assert await open_alarms(door) == set()


async def test_of_two_operators_the_second_gets_a_conflict(door: Door) -> None:
    """Whoever was quicker decided; nothing is decided twice."""
    id = await quarantine(door)
    answers = await asyncio.gather(mend(door, id, color="red"), mend(door, id, color="orange"))
    assert sorted(status for status, _ in answers) == [200, 409]
    assert (await mend(door, id, color="red"))[0] == 409
    assert len(await journal(door, "alert.mended")) == 1


async def test_who_mends_what_somebody_mended_meanwhile_gets_a_conflict(door: Door) -> None:
    """It is still quarantined, but not what the second one looked at; nothing of the second mend is kept."""
    id = await quarantine(door, areas=[])
    seen = await door.app.store.read(mending.quarantined, id)
    assert (await mend(door, id, color="red"))[0] == 200
    with pytest.raises(Conflict, match="meanwhile"):
        await door.app.store.record(
            mending.mend, seen, seen.parsed, lambda known: pytest.fail("it decides"), Mend(), by="second",
            mend_id=door.app.new_id(), policy_revision="", now=door.app.now(),
        )  # fmt: skip
    _, shown = await door.ask("GET", f"alerts/{id}")
    assert ([one["by"] for one in shown["mends"]], shown["color"]) == (["operator"], "red")


async def test_the_source_may_repeat_what_was_mended(door: Door) -> None:
    """It is a repeat as before, and tells nobody twice."""
    id = await quarantine(door)
    await mend(door, id, color="red")
    status, body = await door.ask("POST", "alerts", role="feed", json=COLORLESS)
    assert (status, body["repeat"], body["id"], body["state"]) == (200, True, id, "released")


async def test_only_what_is_quarantined_is_mended_and_only_by_who_acts(door: Door) -> None:
    """A viewer looks on; what is released is past mending."""
    id = await quarantine(door)
    assert (await mend(door, id, role="viewer", color="red"))[0] == 403
    assert (await mend(door, "NOBODY", color="red"))[0] == 404
    released = await door.broadcast(1, identifier="other")
    status, body = await mend(door, released, color="blue")
    assert (status, "only one that is quarantined" in body["detail"]) == (409, True)
