"""The delivery log over REST: slices, stories, files, receipts, and telling again."""

from __future__ import annotations

import csv
import io

import orjson
import pytest

from tests.integration.conftest import on_both_stores
from tests.integration.door import Door
from warnd.contract.outcome import Accepted, Reason, Rejected, Scope
from warnd.model.color import Lane
from warnd.model.delivery import BatchState
from warnd.model.policy import RetryPolicy
from warnd.pipeline.settle import Try, settle
from warnd.ports import Lease
from warnd.store import backlog, deliveries, sweeping
from warnd.store.receipt_secrets import receipt_secret

pytestmark = on_both_stores


async def attempt(door: Door, *, refused: int = 0) -> list[str]:
    """One try of the first batch: the first so many are refused, the rest accepted with a key; their ids."""
    (batch,) = await door.app.store.read(backlog.open_batches, "sms", Lane.RED, "", 10)
    now = door.app.clock()
    leased = (await door.app.store.turn(None, Lease(batch, now, now + 60_000_000))).batch
    assert leased is not None
    outcomes = [
        Rejected(Reason.BAD_ADDRESS, Scope.ADDRESS, "bad number")
        if place < refused
        else Accepted(f"R{place}")
        for place in range(len(leased))
    ]
    _, listed = await door.ask("GET", "deliveries?state=sending")
    assert len(listed["items"]) == len(leased)
    done = settle(leased, outcomes, RetryPolicy(), Try(now, now, 0.5, tuple(door.app.new_ids(2))))
    await door.app.store.turn(done, None)
    return list(leased.deliveries)


async def cut_short(door: Door) -> None:
    """A try that ended without an outcome."""
    (batch,) = await door.app.store.read(backlog.open_batches, "sms", Lane.RED, "", 10)
    now = door.app.clock()
    leased = (await door.app.store.turn(None, Lease(batch, now, now + 1))).batch
    assert leased is not None
    await door.app.store.move(sweeping.run_out, [leased], now, BatchState.UNKNOWN)


async def test_paging_shows_every_row_exactly_once(door: Door) -> None:
    """The newest first, whatever the size of the pages, without overlap or gap."""
    await door.broadcast(23)
    _, whole = await door.ask("GET", "deliveries?limit=1000")
    ids = [one["id"] for one in whole["items"]]
    assert (len(ids), whole["next_cursor"]) == (23, None)
    assert ids == sorted(ids, reverse=True)
    for limit in (1, 7, 22, 23):
        seen: list[str] = []
        cursor = ""
        while True:
            _, page = await door.ask("GET", f"deliveries?limit={limit}{cursor}")
            seen += [one["id"] for one in page["items"]]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
        assert seen == ids, limit


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("state=failed", 2, id="by state"),
        pytest.param("state=accepted", 10, id="by a state without an index"),
        pytest.param("state=sending", 0, id="what is out now"),
        pytest.param("state=cancelled", 0, id="by a state that nothing is in"),
        pytest.param("channel=sms", 12, id="by channel"),
        pytest.param("channel=quiet", 0, id="by a channel that sent nothing"),
        pytest.param("region=62", 12, id="by province"),
        pytest.param("region=621202101", 12, id="by township"),
        pytest.param("region=621202101000", 12, id="by township, padded"),
        pytest.param("region=621202102", 0, id="by another township"),
        pytest.param("q=%2B8615400000003", 1, id="by address"),
        pytest.param("q=%2B861540000000", 10, id="by the beginning of an address"),
        pytest.param("q=11号值班", 1, id="by part of a name"),
        pytest.param("q=没有这个人", 0, id="by a name that nobody has"),
        pytest.param("q=11号值班&region=621202&channel=sms&state=accepted", 1, id="by many at once"),
        pytest.param("since=2026-07-14T08:10:00%2B08:00", 12, id="since then"),
        pytest.param("until=2026-07-14T08:10:00+08:00", 0, id="until then, a plus left bare"),
    ],
)
async def test_each_filter_narrows_the_log(door: Door, query: str, expected: int) -> None:
    """Alone, with the alert, and in the export alike."""
    alert = await door.broadcast(12)
    await attempt(door, refused=2)
    _, body = await door.ask("GET", f"deliveries?{query}")
    assert len(body["items"]) == expected
    _, body = await door.ask("GET", f"deliveries?{query}&alert={alert}")
    assert len(body["items"]) == expected
    reply = await door.reply("GET", f"deliveries/export?format=jsonl&{query}")
    assert len((await reply.read()).splitlines()) == expected


@pytest.mark.parametrize(
    "query", ["q=11号值班", "state=accepted", "region=621202101", "q=%2B861540000000", ""]
)
async def test_short_windows_change_where_pages_end_and_nothing_else(
    door: Door, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    """At a million rows a page may come short; going on from its cursor still shows every row once."""
    await door.broadcast(12)
    await attempt(door, refused=2)
    _, whole = await door.ask("GET", f"deliveries?{query}")
    monkeypatch.setattr(deliveries, "_WINDOWS", (1, 2))
    monkeypatch.setattr(deliveries, "_FEW", 3)
    seen: list[str] = []
    cursor = ""
    while True:
        _, page = await door.ask("GET", f"deliveries?limit=2&{query}{cursor}")
        seen += [one["id"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == [one["id"] for one in whole["items"]]


@pytest.mark.parametrize("path", ["deliveries", "deliveries/export"])
async def test_a_filter_that_names_nothing_is_a_fault(door: Door, path: str) -> None:
    """A typing error must not look as if nobody had been told."""
    query = "alert=NOBODY&channel=nope&group=NOBODY&region=6212029"
    status, body = await door.ask("GET", f"{path}?{query}")
    assert status == 422
    assert {one["path"]: one["code"] for one in body["errors"]} == {
        name: f"unknown_{name}" for name in ("alert", "channel", "group", "region")
    }


@pytest.mark.parametrize("path", ["deliveries", "deliveries/export"])
async def test_a_parameter_that_is_given_twice_is_a_fault(door: Door, path: str) -> None:
    """Whoever asks for two states and is shown one believes that there is nothing in the other."""
    status, body = await door.ask("GET", f"{path}?state=failed&state=unknown")
    assert (status, body["errors"]) == (
        422,
        [{"path": "state", "code": "repeated", "message": "is given more than once"}],
    )


async def test_a_group_finds_those_it_was_a_reason_to_tell(door: Door) -> None:
    """As the snapshot on the delivery says, whoever is in the group today."""
    await door.broadcast(3)
    _, found = await door.ask("GET", "groups")
    (group,) = found["items"]
    assert len((await door.ask("GET", f"deliveries?group={group['id']}"))[1]["items"]) == 3
    await door.ask("DELETE", f"groups/{group['id']}")
    assert len((await door.ask("GET", f"deliveries?group={group['id']}"))[1]["items"]) == 3


async def test_a_story_tells_all_that_happened_in_order(door: Door) -> None:
    """Planned, tried, and what the provider said later; with who stood behind it and the words."""
    await door.broadcast(3)
    ids = await attempt(door, refused=1)
    secret = await door.app.store.read(receipt_secret, "sms")
    receipts = {"receipts": [{"id": "R1", "to": "+8615400000001", "status": "delivered"}]}
    assert (await door.ask("POST", f"receipts/sms/{secret}", role=None, json=receipts))[0] == 200
    _, told = await door.ask("GET", f"deliveries/{ids[1]}")
    assert told["state"] == "delivered"
    assert [event["kind"] for event in told["timeline"]] == [
        "delivery.planned", "attempt.ended", "receipt.received",
    ]  # fmt: skip
    assert told["timeline"][1]["facts"]["outcome"] == {"outcome": "accepted"}
    assert "暴雨红色预警" in told["content"]["body"]
    (person,) = told["recipients"]
    assert (person["name"], person["reasons"][0]["group_name"]) == ("两水镇1号值班室", "山洪责任人")
    _, refused = await door.ask("GET", f"deliveries/{ids[0]}")
    outcome = refused["timeline"][1]["facts"]["outcome"]
    assert (refused["state"], outcome["reason"], refused["possible_repeat"]) == (
        "failed",
        "bad_address",
        False,
    )
    assert (await door.ask("GET", "deliveries/NOBODY"))[0] == 404


async def test_a_repeat_that_nobody_can_rule_out_is_marked(door: Door) -> None:
    """The first try was cut short, so that the second may have been one too many."""
    await door.broadcast(1)
    await cut_short(door)
    (delivery,) = await attempt(door)
    _, told = await door.ask("GET", f"deliveries/{delivery}")
    assert (told["state"], told["attempts"], told["possible_repeat"]) == ("accepted", 2, True)
    interrupted, ended = told["timeline"][1:]
    assert (interrupted["kind"], interrupted["facts"]["outcome"]["outcome"]) == (
        "attempt.interrupted",
        "unknown",
    )
    assert (ended["kind"], ended["facts"]["possible_repeat"]) == ("attempt.ended", True)


async def test_the_log_and_every_export_mark_what_may_be_a_repeat(door: Door) -> None:
    """What was tried again, that is: a first try of which nobody knows is none yet."""
    await door.broadcast(1)
    await cut_short(door)
    assert await marked(door) == (False, "false", False)
    await attempt(door)
    assert await marked(door) == (True, "true", True)


async def marked(door: Door) -> tuple[bool, str, bool]:
    """What the list, the table and the lines say of the only delivery."""
    _, listed = await door.ask("GET", "deliveries")
    table = await (await door.reply("GET", "deliveries/export")).read()
    header, row = csv.reader(io.StringIO(table.decode("utf-8-sig")))
    assert header[-1] == "possible_repeat"
    line = await (await door.reply("GET", "deliveries/export?format=jsonl")).read()
    return listed["items"][0]["possible_repeat"], row[-1], orjson.loads(line)["possible_repeat"]


async def test_the_export_is_safe_to_open_in_a_spreadsheet(door: Door) -> None:
    """A name that looks like a formula is guarded; numbers stay numbers."""
    await door.broadcast(2)

    def rename(connection: object) -> None:
        connection.exec_driver_sql("UPDATE deliveries SET name = '=1+1'")  # type: ignore[attr-defined]

    await door.app.store.write(rename)
    reply = await door.reply("GET", "deliveries/export")
    assert reply.headers["Content-Disposition"].startswith("attachment")
    rows = list(csv.DictReader(io.StringIO((await reply.read()).decode("utf-8-sig"))))
    assert [row["name"] for row in rows] == ["'=1+1", "'=1+1"]
    assert rows[0]["address"].startswith("+86154")
    assert rows[0]["state"] == "queued"


async def test_the_failed_are_told_again_in_a_new_round(door: Door) -> None:
    """Same text and people, due at once; a second resend does not repeat the first one's rows."""
    alert = await door.broadcast(4)
    ids = await attempt(door, refused=2)
    wanted = {"alert": alert, "state": ["failed"]}
    status, body = await door.ask("POST", "deliveries/resend", role="operator", json=wanted)
    assert (status, body) == (202, {"alert": alert, "round": 1, "deliveries": 2})
    _, waiting = await door.ask("GET", "deliveries?state=waiting")
    assert [one["round"] for one in waiting["items"]] == [1, 1]
    _, story = await door.ask("GET", f"deliveries/{waiting['items'][0]['id']}")
    assert (len(story["rounds"]), len(story["recipients"]), story["content"] is None) == (2, 1, False)
    _, shown = await door.ask("GET", f"alerts/{alert}")
    assert (shown["deliveries"], shown["resent"]) == ({"accepted": 2, "failed": 2, "waiting": 2}, 2)
    again = await door.ask("POST", "deliveries/resend", role="operator", json=wanted | {"ids": ids})
    assert again[1]["deliveries"] == 0


async def test_only_what_failed_of_an_alert_in_force_is_told_again(door: Door) -> None:
    """Refused with the path at fault, or as a conflict; unknown keys by name."""
    alert = await door.broadcast(1)
    for body, status, path in (
        ({"alert": alert, "state": ["accepted"]}, 422, "state"),
        ({"alert": alert, "state": []}, 422, "state"),
        ({"alert": alert, "state": ["failed"], "round": 2}, 422, "round"),
        ({"alert": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "state": ["failed"]}, 404, None),
    ):
        found, answer = await door.ask("POST", "deliveries/resend", json=body)
        assert found == status, body
        assert path is None or [one["path"] for one in answer["errors"]] == [path]
    await door.ask("POST", f"alerts/{alert}/cancel")
    assert (await door.ask("POST", "deliveries/resend", json={"alert": alert, "state": ["failed"]}))[0] == 409


async def test_receipts_need_the_channels_own_secret(door: Door) -> None:
    """Another one, another channel's, and an unknown channel look alike; a query is the provider's affair."""
    secret = await door.app.store.read(receipt_secret, "sms")
    other = await door.app.store.read(receipt_secret, "email")
    assert secret != other
    for path in (f"sms/{other}", "sms/00", f"email/{secret}", f"nothing/{secret}"):
        assert (await door.ask("POST", f"receipts/{path}", role=None, json={"receipts": []}))[0] == 404, path
    assert (await door.ask("POST", f"receipts/email/{other}", role=None, json={}))[0] == 404
    status, body = await door.ask("POST", f"receipts/sms/{secret}?sign=x", role=None, json={"receipts": []})
    assert (status, body) == (200, {"received": 0})
    reply = await door.reply("POST", f"receipts/sms/{secret}", role=None, data=b"\xff{")
    assert reply.status == 422
    assert orjson.loads(await reply.read())["errors"][0]["code"] == "unreadable_receipts"
