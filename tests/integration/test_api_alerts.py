"""Alerts over REST: what is answered, what is kept, and what an operator may decide."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from tests.fakes.broadcast_rows import end_long_ago
from tests.integration.conftest import on_both_stores
from tests.integration.door import RED, Door
from warnd.intake.read import read
from warnd.model.alert import Text
from warnd.model.color import Color
from warnd.schedule import apply_retention
from warnd.store import alarms, keys
from warnd.store.alerts import expire_due
from warnd.store.journal import verify
from warnd.store.keys import Role

pytestmark = on_both_stores


async def test_a_good_message_is_answered_202_with_what_became_of_it(door: Door) -> None:
    """And the same one again is a repeat, answered 200."""
    status, body = await door.ask("POST", "alerts", role="feed", json=RED)
    assert status == 202
    assert body | {"id": ""} == {
        "id": "", "identifier": RED["identifier"], "state": "released", "verdict": "accept", "color": "red",
        "hazard": "rainstorm", "warnings": [],
    }  # fmt: skip
    again, repeated = await door.ask("POST", "alerts", role="feed", json=RED)
    assert again == 200
    assert repeated == body | {"repeat": True}


async def test_other_content_under_the_same_identity_is_a_conflict(door: Door) -> None:
    """Whatever came first stands."""
    await door.ask("POST", "alerts", role="feed", json=RED)
    status, body = await door.ask("POST", "alerts", role="feed", json=RED | {"description": "别的"})
    assert (status, body["title"]) == (409, "Conflict")


async def test_a_key_that_is_not_known_is_warned_of_and_kept(door: Door) -> None:
    """A feed that grows a field must not lose a red."""
    status, body = await door.ask("POST", "alerts", role="feed", json=RED | {"novelty": 1})
    assert (status, body["verdict"]) == (202, "accept_with_warnings")
    assert [one["path"] for one in body["warnings"]] == ["novelty"]


async def test_a_message_that_is_none_is_refused_with_every_fault_by_path(door: Door) -> None:
    """The body is kept all the same."""
    status, body = await door.ask(
        "POST", "alerts", role="feed", json=RED | {"color": "purple", "sent": "soon"}
    )
    assert (status, body["verdict"]) == (422, "refuse")
    assert {"color", "sent"} <= {one["path"] for one in body["errors"]}


@pytest.mark.parametrize(
    ("body", "media", "expected"),
    [
        pytest.param(b"", "application/json", 422, id="nothing at all"),
        pytest.param(b"\xff\xfe\x00", "application/json", 422, id="bytes of no encoding"),
        pytest.param(b"[" * 50_000, "application/json", 422, id="brackets without end"),
        pytest.param(b'<!DOCTYPE a [<!ENTITY b "c">]><a/>', "application/cap+xml", 422, id="a doctype"),
        pytest.param(b"{}", "image/png", 415, id="a picture, it says"),
        pytest.param(b" " * 70_000, "application/json", 413, id="more than may come"),
    ],
)
async def test_hostile_bodies_are_refused_as_problems(
    door: Door, body: bytes, media: str, expected: int
) -> None:
    """Never a 500, never a page of HTML."""
    reply = await door.reply("POST", "alerts", role="feed", data=body, headers={"Content-Type": media})
    assert reply.status == expected
    assert reply.content_type == "application/problem+json"
    assert (await reply.json(content_type=None))["status"] == expected


async def test_a_key_of_a_source_that_is_not_configured_may_not_speak(door: Door) -> None:
    """Taking a source out of the file silences its keys."""
    text, _ = await door.app.store.record(
        keys.create_key, "old", Role.FEED, source="gone", id=door.app.new_id(), now=door.app.now()
    )
    door.texts["gone"] = text
    status, body = await door.ask("POST", "alerts", role="gone", json=RED)
    assert (status, "gone" in body["detail"]) == (403, True)


async def test_a_dry_run_says_whom_it_would_reach_and_keeps_nothing(door: Door) -> None:
    """Not even the raw message or a journal entry."""
    await door.settle_in(7)

    def rows(connection: Any) -> list[int]:
        tables = ("raw_messages", "alerts", "deliveries", "contents", "journal")
        return [connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar() for name in tables]

    before = await door.app.store.read(rows)
    status, body = await door.ask("POST", "alerts?dry_run=true", role="feed", json=RED)
    assert (status, body["targeted"], body["by_channel"]) == (200, 7, {"sms": 7})
    assert await door.app.store.read(rows) == before


async def test_a_dry_run_counts_whom_no_address_could_reach(door: Door) -> None:
    """They are no deliveries, and somebody must telephone."""
    await door.settle_in(2)
    _, groups = await door.ask("GET", "groups")
    post = {"kind": "post", "name": "无号值班室", "region": "621202101", "groups": [groups["items"][0]["id"]]}
    assert (await door.ask("POST", "subscribers", json=post))[0] == 201
    _, body = await door.ask("POST", "alerts?dry_run=true", role="feed", json=RED)
    assert (body["targeted"], body["suppressed"], body["by_reason"]) == (2, 0, {"no_endpoint": 1})
    assert (body["state"], body["verdict"], body["warnings"]) == ("released", "accept", [])
    elsewhere = RED | {"areas": [{"name": "黄渚镇", "regions": ["621202999"]}]}
    _, body = await door.ask("POST", "alerts?dry_run=true", role="feed", json=elsewhere)
    assert (body["targeted"], body["state"]) == (0, "quarantined")
    assert {one["code"] for one in body["warnings"]} == {"unknown_region", "area_unresolved", "source_region"}


async def test_an_alert_is_shown_with_its_deliveries_and_progress(door: Door) -> None:
    """Counts come from the tallies; coverage by level, with who was left out."""
    alert = await door.broadcast(5)
    status, body = await door.ask("GET", f"alerts/{alert}", role="viewer")
    assert (status, body["deliveries"], body["by_channel"]) == (200, {"queued": 5}, {"sms": {"queued": 5}})
    assert body["progress"] == {"planned": 5, "of": 5, "done": True}
    assert body["regions"] == [{"code": "621202", "name": "武都区"}]
    assert body["message"]["headline"] == RED["headline"]
    _, coverage = await door.ask("GET", f"alerts/{alert}/coverage")
    levels = {one["level"]: one for one in coverage["levels"]}
    assert levels["county"]["divisions"] == 1
    assert levels["township"]["deliveries"] == {"queued": 5}
    assert levels["township"]["divisions"] - levels["township"]["without_anybody"] == 1


async def test_forgotten_coverage_is_unknown_and_not_nought(door: Door) -> None:
    """The levels and their counts stay; in how many divisions somebody was told is null, and since when."""
    alert = await door.broadcast(5)
    await door.app.store.write(end_long_ago, alert)
    await apply_retention(door.app, door.app.now())
    _, body = await door.ask("GET", f"alerts/{alert}")
    _, coverage = await door.ask("GET", f"alerts/{alert}/coverage")
    assert (body["deliveries"], body["forgotten"]) == ({"queued": 5}, coverage["forgotten"])
    assert datetime.fromisoformat(coverage["forgotten"]) <= door.app.now()
    township = next(one for one in coverage["levels"] if one["level"] == "township")
    assert (township["deliveries"], township["divisions"] > 0) == ({"queued": 5}, True)
    assert (township["with_told"], township["without_anybody"]) == (None, None)


async def test_alerts_are_listed_by_state_and_color(door: Door) -> None:
    """The newest first; a parameter that is not known is refused by name."""
    alert = await door.broadcast(1)
    for query, expected in (("", [alert]), ("?state=released&color=red", [alert]), ("?color=blue", [])):
        _, body = await door.ask("GET", f"alerts{query}")
        assert [one["id"] for one in body["items"]] == expected, query
    status, body = await door.ask("GET", "alerts?colour=red&state=gone&cursor=%00")
    assert (status, {one["path"] for one in body["errors"]}) == (422, {"colour", "state", "cursor"})


async def test_an_alert_read_back_from_its_cap_is_the_same(door: Door) -> None:
    """Same identity, color, hazard, words, end and area, without a fault or a warning."""
    message = RED | {
        "event_code": "11B03",
        "texts": {
            "en": {
                "headline": "Red rainstorm warning",
                "description": "Heavy rain.\x0b",
                "instruction": "Go.",
            }
        },
    }
    _, body = await door.ask("POST", "alerts", role="feed", json=message)
    reply = await door.reply("GET", f"alerts/{body['id']}/cap", role="viewer")
    assert reply.content_type == "application/cap+xml"
    parsed = read(await reply.read(), "application/cap+xml", door.app.surroundings.catalogue)
    alert = parsed.alert
    assert (alert.identifier, alert.sender, alert.color, alert.hazard) == (
        RED["identifier"], RED["sender"], Color.RED, "rainstorm",
    )  # fmt: skip
    assert replace(alert.texts["zh"], event="") == Text(
        RED["headline"], RED["description"], RED["instruction"]
    )
    assert replace(alert.texts["en"], event="") == Text("Red rainstorm warning", "Heavy rain.", "Go.")
    assert alert.expires is not None
    assert alert.expires.isoformat() == RED["expires"]
    assert [area.regions for area in alert.areas] == [("621202",)]
    assert (parsed.warnings, parsed.doubts) == ((), ())


async def test_events_tell_of_progress_until_nothing_moves(door: Door) -> None:
    """The stream ends by itself, with the last event saying so."""
    alert = await door.broadcast(2)
    reply = await door.reply("GET", f"alerts/{alert}/events")
    assert reply.content_type == "text/event-stream"
    first = await reply.content.readuntil(b"\n\n")
    assert b'"queued":2' in first
    _, page = await door.ask("GET", "deliveries")
    await door.set_state("accepted", [one["id"] for one in page["items"]])
    rest = await reply.content.read()
    last = rest.decode().strip().split("\n\n")[-1].splitlines()
    assert last[0] == "event: progress"
    assert orjson.loads(last[1].removeprefix("data: "))["settled"] is True


async def test_cancelling_stops_what_is_unsent_and_only_once(door: Door) -> None:
    """A second cancel finds nothing in force; the journal says who did it, and why."""
    alert = await door.broadcast(2)
    status, body = await door.ask("POST", f"alerts/{alert}/cancel", role="operator", json={"reason": "试验"})
    assert (status, body["state"]) == (200, "cancelled")
    assert door.app.in_force.stopped(alert)
    assert (await door.ask("POST", f"alerts/{alert}/cancel", role="operator"))[0] == 409
    status, body = await door.ask("POST", f"alerts/{alert}/cancel", json={"why": 1})
    assert (status, body["errors"][0]["path"]) == (422, "why")


async def test_a_held_alert_goes_out_when_an_operator_approves_it(door: Door) -> None:
    """Until then nobody is told; once decided it is decided."""
    text, _ = await door.app.store.record(
        keys.create_key, "v", Role.FEED, source="village", id=door.app.new_id(), now=door.app.now()
    )
    door.texts["village"] = text
    _, held = await door.ask("POST", "alerts", role="village", json=RED)
    _, other = await door.ask("POST", "alerts", role="village", json=RED | {"identifier": "another"})
    assert (held["state"], other["state"]) == ("held", "held")
    status, body = await door.ask("POST", f"alerts/{held['id']}/approve", role="operator")
    assert (status, body["state"]) == (200, "released")
    assert (await door.ask("POST", f"alerts/{held['id']}/approve", role="operator"))[0] == 409
    status, body = await door.ask(
        "POST", f"alerts/{other['id']}/reject", role="operator", json={"reason": "误报"}
    )
    assert (status, body["state"]) == (200, "rejected")
    found = await door.app.store.read(verify)
    assert found.broken is None


async def test_a_quarantined_alert_can_be_rejected_and_not_approved(door: Door) -> None:
    """Whoever looked at it closes it; its alarms go with it."""
    _, body = await door.ask("POST", "alerts", role="feed", json=RED | {"areas": []})
    assert (body["state"], body["verdict"]) == ("quarantined", "quarantine")
    await door.app.alarms.settle()
    assert [one["kind"] for one in await alarms_of(door)] == ["alert_quarantined"]
    status, refusal = await door.ask("POST", f"alerts/{body['id']}/approve", role="operator")
    assert (status, "only one that is held" in refusal["detail"]) == (409, True)
    status, decided = await door.ask("POST", f"alerts/{body['id']}/reject", role="operator")
    assert (status, decided["state"]) == (200, "rejected")
    assert await alarms_of(door) == []
    assert (await door.ask("POST", f"alerts/{body['id']}/reject", role="operator"))[0] == 409


@pytest.mark.parametrize("end", ["cancelled", "superseded", "lifted", "expired"])
async def test_alarms_about_an_alert_end_with_it(door: Door, end: str) -> None:
    """Nothing is left to be done; those of others stay."""
    alert = await door.broadcast(1)
    now = door.app.now()
    sounded = {"disk_low": "store", "unknown_outcome": alert, "content_refused": f"sms/{alert}"}
    for kind, subject in sounded.items():
        await door.app.store.record(alarms.sound, kind, subject, "…", {}, id=door.app.new_id(), now=now)
    assert {one["subject"] for one in await alarms_of(door)} == {alert, f"sms/{alert}", "store"}
    follow = RED | {"identifier": "next", "references": [
        {"sender": RED["sender"], "identifier": RED["identifier"], "sent": None}]}  # fmt: skip
    match end:
        case "cancelled":
            await door.ask("POST", f"alerts/{alert}/cancel", role="operator")
        case "superseded":
            await door.ask("POST", "alerts", role="feed", json=follow | {"type": "update"})
        case "lifted":
            await door.ask("POST", "alerts", role="feed", json=follow | {"type": "cancel"})
        case _:
            await door.app.store.record(expire_due, now + timedelta(days=1))
    assert {one["subject"] for one in await alarms_of(door)} == {"store"}


async def test_that_an_alert_came_too_late_ends_with_its_acknowledgement(door: Door) -> None:
    """Time will not turn back: there is nothing to wait for."""
    late = RED | {"expires": "2026-07-14T08:05:00+08:00"}
    assert (await door.ask("POST", "alerts", role="feed", json=late))[1]["state"] == "expired"
    await door.app.alarms.settle()
    (alarm,) = await alarms_of(door)
    status, body = await door.ask("POST", f"alarms/{alarm['id']}/acknowledge", role="operator")
    assert (status, body["kind"], body["acknowledged_by"]) == (200, "alert_stale", "operator")
    assert body["cleared_at"] is not None
    assert await alarms_of(door) == []


async def test_alarms_come_in_pages(door: Door) -> None:
    """The newest first, like every listing."""
    for n in range(5):
        await door.app.store.record(
            alarms.sound, "channel_down", f"c{n}", "no answer", {}, id=door.app.new_id(), now=door.app.now()
        )
    seen: list[str] = []
    cursor = ""
    while True:
        _, page = await door.ask("GET", f"alarms?limit=2{cursor}")
        seen += [one["subject"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == ["c4", "c3", "c2", "c1", "c0"]


async def alarms_of(door: Door) -> list[dict[str, Any]]:
    _, listed = await door.ask("GET", "alarms", role="viewer")
    return list(listed["items"])


async def test_an_alarm_is_acknowledged_by_name(door: Door) -> None:
    """It stays open: the condition lasts, but somebody has it."""
    now = door.app.now()
    await door.app.store.record(
        alarms.sound, "channel_down", "sms", "sms: no answer", {}, id=door.app.new_id(), now=now
    )
    _, listed = await door.ask("GET", "alarms", role="viewer")
    (alarm,) = listed["items"]
    status, body = await door.ask("POST", f"alarms/{alarm['id']}/acknowledge", role="operator")
    assert (status, body["acknowledged_by"]) == (200, "operator")
    assert (await door.ask("POST", "alarms/NOBODY/acknowledge", role="operator"))[0] == 404


async def test_what_is_not_there_is_a_problem_too(door: Door) -> None:
    """Addresses that do not exist, methods that are not taken, ids that nobody has."""
    for method, path, expected in (
        ("GET", "/api/v1/nothing", 404), ("GET", "/api/v2/alerts", 404), ("GET", "/api", 404), ("POST", "/healthz", 405),
        ("PUT", "/api/v1/alerts", 405), ("GET", "alerts/NOBODY", 404),
        ("GET", "alerts/%ff%00", 404),
    ):  # fmt: skip
        status, body = await door.ask(method, path)
        assert (status, body["status"]) == (expected, expected), path


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_health_can_be_asked_without_a_body(door: Door, path: str) -> None:
    """As many balancers do; the status is the same."""
    full = await door.reply("GET", path, role=None)
    head = await door.reply("HEAD", path, role=None)
    assert (head.status, await head.read()) == (full.status, b"")


async def test_progress_ends_where_it_said_it_would(door: Door) -> None:
    """Somebody in two groups is one person to look at."""
    await door.settle_in(3)
    _, people = await door.ask("GET", "subscribers")
    _, first = await door.ask("GET", "groups")
    _, second = await door.ask("POST", "groups", json={"name": "另一组", "region": "621202101"})
    await door.ask("POST", "subscriptions", json={"group": second["id"]})
    both = {"groups": [first["items"][0]["id"], second["id"]]}
    for person in people["items"]:
        assert (await door.ask("PATCH", f"subscribers/{person['id']}", json=both))[0] == 200
    _, body = await door.ask("POST", "alerts", role="feed", json=RED)
    await door.app.broadcaster.broadcast(body["id"])
    _, shown = await door.ask("GET", f"alerts/{body['id']}")
    assert shown["progress"] == {"planned": 3, "of": 3, "done": True}
