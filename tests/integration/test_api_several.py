"""A body of several messages over REST: one answer each, every one kept with its own bytes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from tests.integration.door import RED, Door
from warnd.store.tables import alerts, raw_messages

ALERT = """<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>{identifier}</identifier>
<sender>62120241600000</sender><sent>2026-07-14T08:00:00+08:00</sent><status>Actual</status><msgType>Alert</msgType>
<scope>{scope}</scope><info><language>zh-CN</language><category>Met</category><event>暴雨</event>
<urgency>Immediate</urgency><severity>Extreme</severity><certainty>Observed</certainty>
<expires>2026-07-14T14:00:00+08:00</expires><headline>武都区气象台发布暴雨红色预警信号</headline>
<area><areaDesc>武都区</areaDesc><geocode><valueName>adcode</valueName><value>621202</value></geocode></area>
</info></alert>"""


def alert(identifier: str, scope: str = "Public") -> str:
    return ALERT.format(identifier=identifier, scope=scope)


def wrapped(*messages: str) -> bytes:
    return f"<alerts>{''.join(messages)}</alerts>".encode()


async def post(door: Door, body: bytes, path: str = "alerts") -> tuple[int, Any]:
    headers = {"Content-Type": "application/xml"}
    return await door.ask("POST", path, role="feed", data=body, headers=headers)


async def rows(door: Door) -> list[Any]:
    def read(connection: Any) -> list[Any]:
        return list(connection.execute(select(raw_messages).order_by(raw_messages.c.id)))

    return await door.app.store.read(read)


async def test_each_message_is_answered_as_it_would_be_alone(door: Door) -> None:
    """In its order, with its place; a bad one is refused beside the others."""
    status, body = await post(
        door, wrapped(alert("a"), alert("b", "Private"), "<alert><identifier/></alert>")
    )
    assert status == 202
    assert [(one["path"], one["status"], one["verdict"]) for one in body["items"]] == [
        ("alerts/alert[1]", 202, "accept"),
        ("alerts/alert[2]", 202, "quarantine"),
        ("alerts/alert[3]", 422, "refuse"),
    ]
    assert [one.get("identifier") for one in body["items"]] == ["a", "b", None]
    assert body["items"][2]["errors"][0]["path"] == "alert"
    assert body["warnings"] == []


async def test_the_body_is_kept_once_and_every_message_beside_its_verdict(door: Door) -> None:
    """A refused one too; each alert leads to its own bytes."""
    sent = wrapped(alert("a"), "<alert><identifier/></alert>")
    _, body = await post(door, sent)
    whole, first, second = await rows(door)
    assert (whole.body, whole.alert_id) == (sent, None)
    assert (first.verdict, first.alert_id) == ("accept", body["items"][0]["id"])
    assert second.verdict == "refuse"

    def raw_of(connection: Any) -> list[str]:
        return list(connection.execute(select(alerts.c.raw_id)).scalars())

    assert await door.app.store.read(raw_of) == [first.id]
    status, again = await post(door, first.body)
    assert (status, again["repeat"]) == (200, True)


async def test_a_body_of_repeats_is_answered_200(door: Door) -> None:
    """Nobody is told twice."""
    await post(door, wrapped(alert("a"), alert("b")))
    status, body = await post(door, wrapped(alert("a"), alert("b")))
    assert (status, [one["repeat"] for one in body["items"]]) == (200, [True, True])


async def test_a_conflict_among_several_is_its_own(door: Door) -> None:
    """The rest is taken in."""
    await post(door, alert("a").encode())
    status, body = await post(door, wrapped(alert("a").replace("暴雨红色", "大风红色"), alert("b")))
    assert (status, [one["status"] for one in body["items"]]) == (202, [409, 202])
    assert body["items"][0]["errors"][0]["code"] == "conflict"


async def test_a_body_of_nothing_but_bad_messages_is_refused(door: Door) -> None:
    """With the faults of all of them, each by its way from the root."""
    status, body = await post(door, wrapped("<alert><identifier/></alert>", "<alert><identifier/></alert>"))
    assert (status, body["verdict"]) == (422, "refuse")
    assert {one["path"].split("/")[1] for one in body["errors"]} == {"alert[1]", "alert[2]"}


async def test_one_message_in_an_envelope_is_answered_as_one(door: Door) -> None:
    """No list; what was kept is the body as it came."""
    status, body = await post(door, wrapped(alert("a")))
    assert (status, body["identifier"]) == (202, "a")
    assert [one.body for one in await rows(door)] == [wrapped(alert("a"))]


async def test_a_feed_that_is_only_an_index_is_refused_and_said_so(door: Door) -> None:
    """It links to alerts, and holds none."""
    status, body = await post(door, b"<feed><entry><link href='x'/></entry></feed>")
    assert (status, [one["code"] for one in body["errors"]]) == (422, ["feed_without_alerts"])


async def test_a_dry_run_takes_one_message(door: Door) -> None:
    """Whom several would reach together is no sum."""
    status, body = await post(door, wrapped(alert("a"), alert("b")), "alerts?dry_run=true")
    assert (status, [one["code"] for one in body["errors"]]) == (422, ["several_messages"])


async def test_json_with_the_words_of_cap_gives_them_back(door: Door) -> None:
    """What a feed adds to its warning is there when the alert is read."""
    words = {
        "urgency": "Immediate",
        "categories": ["Met"],
        "note": "n",
        "resources": [{"uri": "https://example.org"}],
    }
    status, body = await door.ask("POST", "alerts", role="feed", json=RED | words)
    assert (status, body["verdict"]) == (202, "accept")
    _, shown = await door.ask("GET", f"alerts/{body['id']}")
    assert {key: shown["message"][key] for key in ("urgency", "categories", "note")} == {
        key: words[key] for key in ("urgency", "categories", "note")
    }
    assert shown["message"]["resources"][0]["uri"] == "https://example.org"
