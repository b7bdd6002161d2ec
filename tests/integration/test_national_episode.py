"""A chain of messages from the national platform: bare identifiers hold it together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.integration.door import RED, Door
from warnd.intake.read import read

FIXTURES = Path(__file__).parent.parent / "data" / "national"
WARNING = (FIXTURES / "flash-flood-red.xml").read_text("utf-8")
LIFT = (FIXTURES / "flash-flood-cancel.xml").read_text("utf-8").replace("20260714120500<", "20260714080500<")
FIRST = "62120233200000_20260714075412"
LOCAL = "flash-flood-7"


async def push(door: Door, text: str) -> dict[str, Any]:
    headers = {"Content-Type": "application/xml"}
    status, body = await door.ask("POST", "alerts", role="feed", data=text.encode(), headers=headers)
    assert status == 202, body
    return dict(body)


async def shown(door: Door, id: str) -> dict[str, Any]:
    _, body = await door.ask("GET", f"alerts/{id}", role="viewer")
    return dict(body)


async def test_a_cancel_ends_what_its_bare_identifier_names(door: Door) -> None:
    """Its sender is not said, and need not be."""
    await door.settle_in(2)
    warning = await push(door, WARNING)
    await door.app.broadcaster.broadcast(warning["id"])
    lift = await push(door, LIFT)
    assert (lift["state"], lift["warnings"]) == ("released", [])
    assert (await shown(door, warning["id"]))["state"] == "cancelled"
    ended = await shown(door, lift["id"])
    assert (ended["change"], ended["color"], ended["episode"]) == ("lifted", "red", warning["id"])


async def test_an_identifier_that_two_senders_used_means_the_message_of_the_same_sender(door: Door) -> None:
    """Another's may stand first in the store. The platform's own identifiers no two senders share."""
    theirs = {"identifier": LOCAL, "sender": "elsewhere.example", "sent": "2026-07-14T07:00:00+08:00"}
    _, other = await door.ask("POST", "alerts", role="feed", json=RED | theirs)
    warning = await push(door, WARNING.replace(FIRST, LOCAL))
    await push(door, LIFT.replace(FIRST, LOCAL))
    assert (await shown(door, warning["id"]))["state"] == "cancelled"
    assert (await shown(door, other["id"]))["state"] == "released"


async def test_a_message_that_refers_to_itself_begins_an_episode(door: Door) -> None:
    """Some producers write their own identifier on a first message."""
    body = await push(door, WARNING.replace("<references/>", f"<references>{FIRST}</references>"))
    assert body["state"] == "released"
    assert [one["code"] for one in body["warnings"]] == ["refers_to_itself"]


@pytest.mark.parametrize(("known", "count"), [(True, 1), (False, 0)])
async def test_given_out_as_cap_a_reference_has_the_sender_that_is_known(
    door: Door, *, known: bool, count: int
) -> None:
    """CAP wants all three; of a message that never came here nobody knows them."""
    if known:
        await push(door, WARNING)
    lift = await push(door, LIFT)
    reply = await door.reply("GET", f"alerts/{lift['id']}/cap", role="viewer")
    parsed = read(await reply.read(), "application/cap+xml", door.app.surroundings.catalogue)
    assert [(one.sender, one.identifier) for one in parsed.alert.references] == [
        ("62120233200000", FIRST)
    ] * count
