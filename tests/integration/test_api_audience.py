"""Groups, subscribers, endpoints and subscriptions over REST, files of them, and divisions."""

from __future__ import annotations

import pytest

from tests.integration.door import HEADER, Door

ROW = "A-1,post,值班室,{region},621202101/责任人,responsible,sms,{address},1,zh,false\n"


async def test_a_group_with_its_people_is_built_over_rest(door: Door) -> None:
    """Made, read, changed, listed, ended; addresses and codes come back normalised."""
    status, group = await door.ask("POST", "groups", json={"name": "山洪责任人", "region": "621202101000"})
    assert (status, group["region"]) == (201, "621202101")
    rule = {"group": group["id"], "hazards": ["rainstorm"], "min_color": "orange"}
    status, subscription = await door.ask("POST", "subscriptions", json=rule)
    assert (status, subscription["relation"]) == (201, "both")
    person = {"kind": "post", "name": "值班室", "region": "621202101", "groups": [group["id"]]}
    status, subscriber = await door.ask("POST", "subscribers", json=person)
    assert status == 201
    number = {"subscriber": subscriber["id"], "channel": "sms", "address": "154 0000 0001"}
    status, endpoint = await door.ask("POST", "endpoints", json=number)
    assert (status, endpoint["address"]) == (201, "+8615400000001")
    status, changed = await door.ask("PATCH", f"groups/{group['id']}", json={"labels": ["flood"]})
    assert (status, changed["labels"], changed["name"]) == (200, ["flood"], "山洪责任人")
    _, found = await door.ask("GET", f"subscribers?group={group['id']}&q=值班")
    assert [one["id"] for one in found["items"]] == [subscriber["id"]]
    assert (await door.ask("DELETE", f"endpoints/{endpoint['id']}"))[0] == 204
    assert (await door.ask("DELETE", f"groups/{group['id']}"))[0] == 204
    assert (await door.ask("DELETE", f"groups/{group['id']}"))[0] == 404


@pytest.mark.parametrize(
    ("path", "body", "faults"),
    [
        pytest.param("groups", {"name": "x", "region": "99"}, ["region"], id="no such division"),
        pytest.param("groups", {"nom": "x"}, ["name", "region", "nom"], id="a misspelt key"),
        pytest.param("groups", [], ["body"], id="a list"),
        pytest.param(
            "subscriptions",
            {"group": "0" * 26, "hazards": ["rain", "*"]},
            ["hazards[0]"],
            id="no such hazard",
        ),
        pytest.param(
            "subscriptions", {"group": "0" * 26, "channels": ["nope"]}, ["channels[0]"], id="no such channel"
        ),
        pytest.param(
            "endpoints",
            {"subscriber": "0" * 26, "channel": "fax", "address": "1"},
            ["channel"],
            id="no such kind of channel",
        ),
    ],
)
async def test_a_body_with_faults_is_refused_by_path(
    door: Door, path: str, body: object, faults: list[str]
) -> None:
    """All of them at once."""
    status, answer = await door.ask("POST", path, json=body)
    assert (status, sorted(one["path"] for one in answer["errors"])) == (422, sorted(faults))


@pytest.mark.parametrize("body", [b"{", b"\xff", b"null", b"1", b'{"name": "\\ud800"}'])
async def test_hostile_bytes_are_faults_of_the_body(door: Door, body: bytes) -> None:
    """Never a 500."""
    reply = await door.reply("POST", "groups", data=body, headers={"Content-Type": "application/json"})
    assert reply.status == 422
    await reply.read()
    reply = await door.reply("POST", "groups", data=body, headers={"Content-Type": "text/html"})
    assert reply.status == 415


async def test_a_file_is_imported_whole_or_not_at_all(door: Door) -> None:
    """A dry run changes nothing, and a bad row is named by its number."""
    good = (HEADER + ROW.format(region="621202101", address="+8615400000001")).encode()
    bad = good + ROW.format(region="621202101", address="nobody").replace("A-1", "A-2").encode()
    _, body = await door.ask("POST", "import?dry_run=true", data=good)
    assert (body["dry_run"], body["subscribers_added"]) == (True, 1)
    assert (await door.ask("GET", "subscribers"))[1]["items"] == []
    status, body = await door.ask("POST", "import", data=bad)
    assert status == 422
    assert "3" in body["errors"][0]["path"]
    assert (await door.ask("GET", "subscribers"))[1]["items"] == []
    assert (await door.ask("POST", "import", data=good))[0] == 200
    assert [one["external_id"] for one in (await door.ask("GET", "subscribers"))[1]["items"]] == ["A-1"]


async def test_a_channel_that_nobody_knows_is_refused_by_its_code(door: Door) -> None:
    """A rule may name a configured channel or a kind."""
    fax = {"subscriber": "0" * 26, "channel": "fax", "address": "1"}
    _, answer = await door.ask("POST", "endpoints", json=fax)
    assert [one["code"] for one in answer["errors"]] == ["unknown_channel"]
    _, group = await door.ask("POST", "groups", json={"name": "山洪责任人", "region": "621202101"})
    rule = {"group": group["id"], "channels": ["sms", "voice"]}
    status, made = await door.ask("POST", "subscriptions", json=rule)
    assert (status, made["channels"]) == (201, ["sms", "voice"])
    status, answer = await door.ask(
        "PATCH", f"subscriptions/{made['id']}", json={"channels": ["sms", "nope"]}
    )
    assert (status, [one["path"] for one in answer["errors"]]) == (422, ["channels[1]"])


async def test_an_import_answers_with_its_warnings(door: Door) -> None:
    """They stop nothing."""
    line = ROW.format(region="621202101", address="+8615400000001")
    status, body = await door.ask("POST", "import", data=(HEADER + line + line).encode())
    assert (status, body["subscribers_added"]) == (200, 1)
    assert body["warnings"] == [
        {"line": 3, "field": "", "code": "repeated_row", "message": "says the same as line 2"}
    ]


async def test_divisions_are_found_by_name_code_and_parent(door: Door) -> None:
    """The provinces when nothing is asked."""
    for query, first in (("", "62"), ("?q=两水", "621202101"), ("?parent=621202&limit=1", "621202001")):
        _, body = await door.ask("GET", f"regions{query}", role="viewer")
        assert body["items"][0]["code"].startswith(first[:6]) or body["items"][0]["code"] == first, query
    _, body = await door.ask("GET", "regions?parent=621202&level=township&limit=3")
    seen = [one["code"] for one in body["items"]]
    _, more = await door.ask(
        "GET", f"regions?parent=621202&level=township&limit=3&cursor={body['next_cursor']}"
    )
    assert seen[-1] < more["items"][0]["code"]


async def test_sources_are_shown_as_configured(door: Door) -> None:
    """Read only: they live in the file."""
    _, body = await door.ask("GET", "sources", role="viewer")
    assert [(one["name"], one["official"]) for one in body["items"]] == [
        ("weather", True),
        ("village", False),
    ]
