"""An alert as CAP over the API: rebuilt or as it came, and known for itself when it comes back."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.integration.conftest import NOW
from tests.integration.door import RED, Door
from warnd.model.ulid import floor
from warnd.store import keys, retention
from warnd.store.keys import Role

CAP = "application/cap+xml"


async def post(door: Door, body: bytes, media: str, *, role: str = "feed") -> tuple[int, dict[str, Any]]:
    return await door.ask("POST", "alerts", role=role, data=body, headers={"Content-Type": media})


async def as_neighbour(door: Door) -> str:
    """A key of another source; the role by which the door knows it."""
    text, _ = await door.app.store.record(
        keys.create_key, "neighbour", Role.FEED, source="village", id=floor(NOW)[:25] + "1", now=NOW
    )
    door.texts["neighbour"] = text
    return "neighbour"


async def cap_of(door: Door, id_: str, query: str = "") -> bytes:
    reply = await door.reply("GET", f"alerts/{id_}/cap{query}", role="viewer")
    assert reply.status == 200
    return await reply.read()


@pytest.mark.parametrize(
    ("media", "given"),
    [
        pytest.param("application/json; charset=utf-8", None, id="the type it came with"),
        pytest.param("application/octet-stream", "application/octet-stream", id="no type to speak of"),
    ],
)
async def test_the_original_is_given_back_byte_for_byte(door: Door, media: str, given: str | None) -> None:
    """Whatever format it was in; as a download, which no browser runs."""
    body = orjson.dumps(RED, option=orjson.OPT_INDENT_2)
    _, admitted = await post(door, body, media)
    reply = await door.reply("GET", f"alerts/{admitted['id']}/cap?original=true", role="viewer")
    assert await reply.read() == body
    assert reply.headers["Content-Type"] == (given or media)
    assert reply.headers["Content-Disposition"] == "attachment"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"


async def test_an_original_that_retention_has_taken_is_not_there(door: Door) -> None:
    """The alert is, and can be written anew."""
    _, admitted = await post(door, orjson.dumps(RED), "application/json")
    await door.app.store.write(retention.erase_bodies, NOW.replace(year=2027), 10)
    status, problem = await door.ask("GET", f"alerts/{admitted['id']}/cap?original=true")
    assert (status, problem["title"]) == (404, "Not Found")
    assert await cap_of(door, admitted["id"])


@pytest.mark.parametrize("sent", [RED["sent"], "2026-07-14T08:00:00.250+08:00"], ids=["whole", "fraction"])
async def test_an_alert_that_comes_back_as_cap_is_a_repeat(door: Door, sent: str) -> None:
    """From a neighbour, whatever was lost of the second: so ends a loop."""
    neighbour = await as_neighbour(door)
    _, admitted = await post(door, orjson.dumps(RED | {"sent": sent}), "application/json")
    status, again = await post(door, await cap_of(door, admitted["id"]), CAP, role=neighbour)
    assert (status, again["repeat"], again["id"]) == (200, True, admitted["id"])


async def test_a_national_alert_is_known_by_whatever_sender_it_comes(door: Door) -> None:
    """Its identifier says it all, fraction or not."""
    neighbour = await as_neighbour(door)
    _, first = await post(
        door, orjson.dumps(RED | {"sent": "2026-07-14T08:00:00.250+08:00"}), "application/json"
    )
    other = RED | {"sender": "62120041600000"}
    status, again = await post(door, orjson.dumps(other), "application/json", role=neighbour)
    assert (status, again["id"]) == (200, first["id"])
