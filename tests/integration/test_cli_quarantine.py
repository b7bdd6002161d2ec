"""The commands of the quarantine: what they show, what they change, and what they leave with."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from warnd.app import App
from warnd.cli import main
from warnd.errors import InvalidAlert
from warnd.settings import load

Call = Callable[..., tuple[int, str, str]]

ESCAPE = "\u001b[2J"


@pytest.fixture
def site(tmp_path: Path, county: Path) -> Path:
    """A configuration on a store with the divisions of one county."""
    shutil.copy(county, tmp_path / "warnd.db")
    config = tmp_path / "warnd.toml"
    config.write_text(
        f'[store]\nurl = "sqlite:///{tmp_path}/warnd.db"\n[sources.weather]\nregions = ["6212"]\nofficial = true\n'
    )
    return config


@pytest.fixture
def call(site: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Call:
    """Run a command; its exit code, output and errors."""
    monkeypatch.setenv("WARND_CONFIG", str(site))

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["warnd", *arguments])
        with pytest.raises(SystemExit) as left:
            main.run()
        out, err = capfd.readouterr()
        return int(left.value.code or 0), out, err

    return run


def message(**changes: Any) -> bytes:
    now = datetime.now(UTC)
    whole = {
        "identifier": "a", "sender": "weather.example", "sent": now.isoformat(), "status": "actual", "type": "alert",
        "hazard": "rainstorm", "headline": "某区气象台发布暴雨预警信号", "description": "有大暴雨。",
        "expires": (now + timedelta(hours=6)).isoformat(), "areas": [{"name": "某区", "regions": ["621202"]}],
    }  # fmt: skip
    return orjson.dumps(whole | changes)


def sent(config: Path, body: bytes) -> str:
    """The body as its source sent it; the alert's id, empty when it was refused."""

    async def send() -> str:
        app = App(load(config, {}))
        await app.open()
        try:
            return (await app.intake.receive(body, "application/json", app.speakers["weather"])).id
        except InvalidAlert:
            return ""
        finally:
            await app.close()

    return asyncio.run(send())


def test_what_is_doubtful_is_shown_with_the_command_that_answers_it(site: Path, call: Call) -> None:
    """Whoever is woken types what is there, with the value the issuer tells."""
    id = sent(site, message())
    code, out, _ = call("alerts", "show", id, "--language", "en")
    assert code == 0
    assert "Why it is quarantined" in out
    assert f"alerts mend {id} --color …" in out


def test_a_mend_that_leaves_doubts_says_so_and_exits_1(site: Path, call: Call) -> None:
    """A script must not take it for done."""
    id = sent(site, message(areas=[]))
    code, out, _ = call("alerts", "mend", id, "--color", "red")
    assert (code, f"{id} is quarantined" in out, "source_region (areas)" in out) == (1, True, True)
    code, out, _ = call("alerts", "mend", id, "--region", "621202", "--reason", "电话", "--json")
    assert (code, json.loads(out)["state"]) == (0, "released")
    code, _, err = call("alerts", "mend", id)
    assert (code, "only one that is quarantined" in err) == (1, True)


def test_a_reference_and_times_are_typed_as_people_write_them(site: Path, call: Call) -> None:
    """A sender's name before a comma, or none; a time with its offset. The color that its episode fills in shows too."""
    sent(site, message(color="red"))
    id = sent(site, message(identifier="b", type="cancel"))
    code, out, err = call(
        "alerts",
        "mend",
        id,
        "--reference",
        "weather.example,a",
        "--expires",
        "2099-01-01T00:00+08:00",
        "--json",
    )
    assert code == 0, err
    shown = json.loads(out)
    assert (shown["state"], shown["change"]) == ("released", "lifted")
    assert shown["mends"][0]["changes"].keys() == {"references", "expires", "color"}


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--color", "purple", "purple"),
        ("--region", "62120", "digits"),
        ("--hazard", "rain", "rain"),
        ("--expires", "soon", "2026-07-14T08:00+08:00"),
        ("--reference", "a,", "IDENTIFIER"),
        ("--override", "typo", "override[0]"),
    ],
)
def test_a_value_that_is_none_is_named(site: Path, call: Call, option: str, value: str, said: str) -> None:
    """And nothing is changed by it."""
    id = sent(site, message())
    code, _, err = call("alerts", "mend", id, option, value)
    assert code in (1, 2)
    assert said in err
    assert '"state":"quarantined"' in call("alerts", "show", id, "--json")[1]


def test_refused_messages_are_found_and_read_again(site: Path, call: Call) -> None:
    """With every fault; the bytes go out as they came, and none of a stranger's signs command the terminal."""
    body = orjson.dumps({"identifier": "x", f"k{ESCAPE}": 1, "color": f"{ESCAPE}"})
    assert sent(site, body) == ""
    sent(site, message())
    code, out, _ = call("messages", "list", "--verdict", "refuse", "--json")
    (row,) = [json.loads(line) for line in out.splitlines()]
    assert (code, row["verdict"], row["alert"]) == (0, "refuse", None)
    assert "sender" in {one["path"] for one in row["findings"]}
    for command in (("messages", "list"), ("messages", "show", row["id"])):
        code, out, _ = call(*command, "--language", "en")
        assert (code, "Refused" in out, "\u001b" in out) == (0, True, False)
    assert call("messages", "show", row["id"], "--raw")[1].encode() == body
    code, _, err = call("messages", "list", "--source", "wether")
    assert (code, "there is no source wether" in err) == (1, True)


def test_no_word_of_an_alert_commands_the_terminal(site: Path, call: Call) -> None:
    """A headline is a stranger's text, also where it stands alone on its line."""
    id = sent(site, message(color="red", headline=f"暴雨{ESCAPE}预警"))
    for command in (("alerts", "list"), ("alerts", "show", id)):
        code, out, _ = call(*command)
        assert (code, "预警" in out, "\u001b" in out) == (0, True, False)


def test_the_message_behind_an_alert_is_written_as_it_came(site: Path, call: Call) -> None:
    """Blank or not, byte for byte."""
    body = message() + b"  \n"
    id = sent(site, body)
    assert call("alerts", "raw", id)[1].encode() == body
    assert call("alerts", "raw", "NOBODY")[0] == 1
