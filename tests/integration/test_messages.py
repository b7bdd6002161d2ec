"""Every body that an authenticated source sends is kept with what came of it, and can be found and read again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest

from tests.integration.door import RED, Door
from warnd.store import retention

HOSTILE = b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></html>'


async def send(door: Door, body: bytes, media: str = "application/json") -> int:
    return (
        await door.reply("POST", "alerts", role="feed", data=body, headers={"Content-Type": media})
    ).status


async def listed(door: Door, query: str = "", role: str = "viewer") -> list[dict[str, Any]]:
    status, body = await door.ask("GET", f"messages{query}", role=role)
    assert status == 200, body
    return list(body["items"])


async def test_every_body_is_kept_with_its_verdict(door: Door) -> None:
    """Accepted, said again, in conflict, quarantined, refused, and what was not even read."""
    red = orjson.dumps(RED)
    sent = [
        (red, "application/json", 202, "accept", None),
        (red, "application/json", 200, "accept", "repeat"),
        (orjson.dumps(RED | {"description": "别的"}), "application/json", 409, "refuse", "conflict"),
        (orjson.dumps(RED | {"identifier": "b", "areas": []}), "application/json", 202, "quarantine", "source_region"),
        (b'{"identifier": "c"}', "application/json", 422, "refuse", "missing"),
        (b"", "application/json", 422, "refuse", "empty"),
        (HOSTILE, "text/html", 415, "refuse", "content_type"),
    ]  # fmt: skip
    for body, media, status, _, _ in sent:
        assert await send(door, body, media) == status, body
    found = (await listed(door))[::-1]
    assert [one["verdict"] for one in found] == [verdict for *_, verdict, _ in sent]
    assert [one["size"] for one in found] == [len(body) for body, *_ in sent]
    for one, (*_, code) in zip(found, sent, strict=True):
        assert code is None or code in {finding["code"] for finding in one["findings"]}
    assert found[0]["alert"] == found[1]["alert"] is not None
    assert found[2]["alert"] is None


async def test_bytes_come_back_as_they_came(door: Door) -> None:
    """Those of a repeat too, although they are kept once."""
    body = orjson.dumps(RED) + b"\n\n "
    await send(door, body)
    await send(door, body)
    again, first = await listed(door)
    for one in (first, again):
        reply = await door.reply("GET", f"messages/{one['id']}", role="operator")
        assert await reply.read() == body
    reply = await door.reply("GET", f"alerts/{first['alert']}/raw", role="operator")
    assert await reply.read() == body

    def bytes_kept(connection: Any) -> int:
        return int(connection.exec_driver_sql("SELECT sum(length(body)) FROM raw_messages").scalar())

    assert await door.app.store.read(bytes_kept) == len(body)


@pytest.mark.parametrize(
    ("media", "status", "handed_out_as"),
    [
        pytest.param("application/xml; charset=gb18030", 422, "application/xml", id="xml stays xml"),
        pytest.param("text/html", 415, "application/octet-stream", id="a page becomes bytes"),
        pytest.param("image/svg+xml", 415, "application/octet-stream", id="a picture with scripts too"),
    ],
)
async def test_a_hostile_body_is_handed_out_as_a_file_and_never_as_a_page(
    door: Door, media: str, status: int, handed_out_as: str
) -> None:
    """An operator who looks at it in a browser must not run it."""
    assert await send(door, HOSTILE, media) == status
    (one,) = await listed(door, "?verdict=refuse")
    assert one["content_type"] == media
    reply = await door.reply("GET", f"messages/{one['id']}", role="operator")
    assert await reply.read() == HOSTILE
    assert reply.headers["Content-Type"] == handed_out_as
    assert reply.headers["Content-Disposition"].startswith("attachment; filename=")
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in reply.headers["Content-Security-Policy"]


async def test_viewers_list_and_operators_read(door: Door) -> None:
    """A body may name people; what came of it names none."""
    await send(door, orjson.dumps(RED))
    (one,) = await listed(door, role="viewer")
    assert (await door.ask("GET", f"messages/{one['id']}", role="viewer"))[0] == 403
    assert (await door.ask("GET", f"alerts/{one['alert']}/raw", role="viewer"))[0] == 403
    assert (await door.ask("GET", "messages", role="feed"))[0] == 403
    assert (await door.ask("GET", "messages/NOBODY", role="operator"))[0] == 404
    assert (await door.ask("GET", "alerts/NOBODY/raw", role="operator"))[0] == 404


async def test_messages_are_found_by_verdict_source_and_time_in_pages(door: Door) -> None:
    """Whoever asks why a feed is silent finds what it sent."""
    for n in range(3):
        await send(door, orjson.dumps(RED | {"identifier": str(n)}))
    await send(door, b"{")
    assert len(await listed(door, "?verdict=refuse")) == 1
    assert len(await listed(door, "?source=weather&verdict=accept")) == 3
    assert await listed(door, "?source=village") == []
    assert await listed(door, "?until=2026-07-14T00:00:00Z") == []
    assert len(await listed(door, "?since=2026-07-14T00:00:00Z")) == 4
    _, page = await door.ask("GET", "messages?limit=3")
    _, rest = await door.ask("GET", f"messages?limit=3&cursor={page['next_cursor']}")
    assert len({one["id"] for one in (*page["items"], *rest["items"])}) == 4
    assert rest["next_cursor"] is None
    for query in ("verdict=good", "source=wether"):
        status, body = await door.ask("GET", f"messages?{query}")
        assert (status, [one["path"] for one in body["errors"]]) == (422, [query.partition("=")[0]])


async def test_what_waits_for_a_person_keeps_its_bytes_and_the_rest_is_forgotten_in_time(door: Door) -> None:
    """Of the rest the verdict stays, exact repeats do not; asking for the bytes says that they are gone."""
    await send(door, orjson.dumps(RED))
    await send(door, orjson.dumps(RED))
    await send(door, orjson.dumps(RED | {"identifier": "b", "areas": []}))
    waits, _, done = await listed(door)
    erased = await door.app.store.write(retention.erase_bodies, door.app.now() + timedelta(days=1), 10)
    assert erased == 2
    assert (await door.reply("GET", f"messages/{waits['id']}", role="operator")).status == 200
    status, body = await door.ask("GET", f"messages/{done['id']}", role="operator")
    assert (status, "no longer kept" in body["detail"]) == (410, True)
    assert [one["size"] > 0 for one in await listed(door)] == [True, False]


async def test_a_dry_run_keeps_nothing_even_of_what_is_not_read(door: Door) -> None:
    """Whoever tries something out leaves no trace."""
    await door.reply(
        "POST", "alerts?dry_run=true", role="feed", data=b"x", headers={"Content-Type": "text/css"}
    )
    assert await listed(door) == []
