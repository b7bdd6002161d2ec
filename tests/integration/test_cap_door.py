"""An alert as CAP over the API: rebuilt or as it came, and known for itself when it comes back."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.integration.conftest import NOW
from tests.integration.door import RED, Door
from warnd.model.ulid import floor
from warnd.store import keys
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


async def cap_of(door: Door, id_: str) -> bytes:
    reply = await door.reply("GET", f"alerts/{id_}/cap", role="viewer")
    assert reply.status == 200
    return await reply.read()


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
