"""The hazard catalogue as an operator reads it: over REST and on the command line."""

from __future__ import annotations

import json
import sys

import pytest

from tests.integration.door import Door
from warnd.cli import main


async def test_hazards_are_listed_page_by_page(door: Door) -> None:
    """Every slug once, in the order of slugs, whatever the size of a page."""
    slugs: list[str] = []
    cursor = ""
    while True:
        status, body = await door.ask("GET", f"hazards?limit=30{cursor}", role="viewer")
        assert status == 200
        slugs.extend(one["slug"] for one in body["items"])
        if body["next_cursor"] is None:
            break
        cursor = f"&cursor={body['next_cursor']}"
    assert slugs == sorted(door.app.surroundings.catalogue.hazards)


async def test_a_hazard_is_found_by_its_name(door: Door) -> None:
    """With all that the catalogue says of it."""
    _, body = await door.ask("GET", "hazards", role="operator", params={"q": "尾矿"})
    [tailings] = body["items"]
    assert (tailings["slug"], tailings["sudden"], tailings["category"]) == ("tailings", True, "Infra")
    assert tailings["names"]["en"] == "Tailings dam in danger"
    assert set(tailings["guidance"]["blue"]) == {"zh", "en"}


def leave(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["warnd", *arguments])
    with pytest.raises(SystemExit) as left:
        main.run()
    return int(left.value.code or 0)


def test_the_command_lists_hazards_in_the_language_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One a line, with its codes and usual colors; it needs no database."""
    assert leave(monkeypatch, "hazards", "list", "--language", "zh") == 0
    lines = capsys.readouterr().out.splitlines()
    assert ["hail", "冰雹", "11B15", "orange", "red"] in [line.split() for line in lines]


def test_the_command_finds_hazards_for_programs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One object a line; nothing found is a failure."""
    assert leave(monkeypatch, "hazards", "search", "11b06", "--json") == 0
    [found] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (found["slug"], found["feeds"]["nmc"]) == ("gale", ["0007"])
    assert leave(monkeypatch, "hazards", "search", "aurora") == 1
    assert capsys.readouterr().out == ""
