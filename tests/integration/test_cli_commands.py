"""The commands that look and act, on the store of a broadcast that really happened."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson
import pytest
from sqlalchemy import Connection, insert, select, update

from tests.fakes.broadcast_rows import end_long_ago
from warnd import resources
from warnd.app import App
from warnd.audience.csv_rows import read_sheet
from warnd.audience.kinds import ChannelKinds
from warnd.audience.plan import plan_import
from warnd.cli import main
from warnd.schedule import apply_retention
from warnd.settings import load
from warnd.store import alarms, alert_views, regions
from warnd.store.audience_import import apply_import, existing_audience
from warnd.store.standing import audience_changed
from warnd.store.tables import deliveries, tallies

AUDIENCE = """external_id,kind,name,region,groups,audience,channel,address,priority,language,drills
A,post,两水镇值班室,621202101,621202101/防汛,responsible,console,desk-a,,,
B,post,=城关镇值班室,621202100,621202100/防汛,responsible,console,desk-b,,,
"""

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a configuration and a database in which one alert has been broadcast."""
    place = tmp_path_factory.mktemp("cli")
    (place / "warnd.toml").write_text(
        f'[store]\nurl = "sqlite:///{place}/warnd.db"\n'
        '[channels.desk]\nadapter = "console.print"\nstream = "stderr"\nemulated = true\n'
        '[channels.sms]\nadapter = "sms.http"\nurl = "http://127.0.0.1:9/send"\ntoken = "made-up"\nrate = "50/s"\n'
        'target_rate = "20/min"\n'
        '[sources.weather]\nregions = ["6212"]\nofficial = true\n'
    )
    asyncio.run(broadcast(place / "warnd.toml"))
    return place


async def broadcast(config: Path) -> None:
    """One red warning to two posts; then one delivery is said to have failed."""
    app = App(load(config, {}))
    await app.open()
    try:
        await app.store.write(fill, app)
        async with asyncio.TaskGroup() as group:
            await app.start(group)
            speaker = app.speakers["weather"]
            admitted = await app.intake.receive(message(app.now()), "application/json", speaker)
            async with asyncio.timeout(20):
                while not (await app.store.read(alert_views.progress, admitted.id)).settled:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            await app.stop()
        await app.store.write(fail_one)
    finally:
        await app.close()


def fill(connection: Connection, app: App) -> None:
    divisions = resources.path("config", "cn-divisions-2023.csv.xz")
    regions.import_regions(connection, divisions, under="621202", progress=lambda *_: None)
    rows = read_sheet(AUDIENCE.encode(), ChannelKinds.beside(["console"])).rows
    plan = plan_import(rows, existing_audience(connection, rows, sync=False), sync=False)
    apply_import(connection, plan, ids=app.ids, now=app.now())
    audience_changed(connection)


def message(now: datetime) -> bytes:
    return orjson.dumps(
        {
            "identifier": "62120241600000_20260714080000",
            "sender": "62120241600000",
            "sender_name": "某区气象台",
            "sent": now.isoformat(),
            "status": "actual",
            "type": "alert",
            "hazard": "rainstorm",
            "color": "red",
            "headline": "某区气象台发布暴雨红色预警信号",
            "description": "预计未来3小时有大暴雨。",
            "expires": (now + timedelta(hours=6)).isoformat(),
            "areas": [{"name": "武都区", "regions": ["621202"]}],
        }
    )


def fail_one(connection: Connection) -> None:
    """As a refusal would have left it, tallies and all."""
    failed = deliveries.c.address == "desk-b"
    connection.execute(update(deliveries).where(failed).values(state="failed", reason="blocked"))
    accepted = tallies.c.state == "accepted"
    connection.execute(update(tallies).where(accepted).values(n=1))
    (counted,) = connection.execute(select(tallies).where(accepted)).mappings().all()
    connection.execute(insert(tallies).values({**counted, "state": "failed"}))


@pytest.fixture
def warnd(place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Call:
    """Calls a command as a shell would; its exit code, output and errors."""
    monkeypatch.setenv("WARND_CONFIG", str(place / "warnd.toml"))
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["warnd", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main.run()
        said = capfd.readouterr()
        assert isinstance(left.value.code, int)
        return left.value.code, said.out, said.err

    return call


def lines(output: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in output.splitlines()]


def read(place: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(place / "warnd.db")) as connection:
        return connection.execute(statement).fetchall()


# Alerts and deliveries


def test_alerts_are_listed_and_shown(warnd: Call) -> None:
    """By their filters; shown with counts and progress, in either language."""
    (alert,) = lines(warnd("alerts", "list", "--json")[1])
    assert (alert["state"], alert["color"], alert["hazard"]) == ("released", "red", "rainstorm")
    assert "某区气象台发布暴雨红色预警信号" in warnd("alerts", "list", "--language", "zh")[1]
    assert lines(warnd("alerts", "list", "--color", "blue", "--json")[1]) == []
    (shown,) = lines(warnd("alerts", "show", alert["id"], "--json")[1])
    assert shown.items() >= alert.items()
    assert shown["deliveries"] == {"accepted": 1, "failed": 1}
    assert "武都区 (621202)" in warnd("alerts", "show", alert["id"])[1]
    assert "红色" in warnd("alerts", "show", alert["id"], "--language", "zh")[1]
    assert "first issue" in warnd("alerts", "list")[1]
    assert "first issue" in warnd("alerts", "show", alert["id"])[1]
    assert warnd("alerts", "show", "NONE")[0] == 1


def test_deliveries_are_found_by_their_filters(warnd: Call) -> None:
    """State, address, name and region narrow the log."""

    def addresses(*filters: str) -> set[object]:
        return {one["address"] for one in lines(warnd("deliveries", "list", "--json", *filters)[1])}

    assert addresses() == {"desk-a", "desk-b"}
    assert addresses("--region", "621202101") == {"desk-a"}
    assert addresses("--q", "两水") == {"desk-a"}
    assert addresses("--state", "accepted") == {"desk-a"}
    assert addresses("--channel", "sms") == set()
    assert addresses("--until", "2020-01-01") == set()
    assert len(addresses("--limit", "1")) == 1
    assert warnd("deliveries", "list", "--state", "gone")[0] == 2
    for filter_, key in (
        ("--channel", "pigeon"),
        ("--region", "99"),
        ("--alert", "NONE"),
        ("--group", "NONE"),
    ):
        for command in ("list", "export"):
            code, _, said = warnd("deliveries", command, filter_, key)
            assert (code, key in said) == (1, True), (
                f"a slip in {filter_} must not look as if nobody was told"
            )


def test_a_delivery_tells_its_story(warnd: Call) -> None:
    """In plain sentences and the order of time, in the language of the locale or another."""
    (row,) = lines(warnd("deliveries", "list", "--q", "desk-a", "--json")[1])
    _, english, _ = warnd("deliveries", "show", row["id"])
    _, chinese, _ = warnd("deliveries", "show", row["id"], "--language", "zh")
    assert english.splitlines()[0] == chinese.splitlines()[0] == "某区气象台发布暴雨红色预警信号"
    assert "Planned" in english
    assert "Planned" not in chinese
    assert "防汛" in chinese
    (story,) = lines(warnd("deliveries", "show", row["id"], "--json")[1])
    timeline: list[dict[str, str]] = story["timeline"]  # type: ignore[assignment]
    assert [event["kind"] for event in timeline][:2] == ["delivery.planned", "attempt.ended"]
    times = [re.findall(r"^[^:]*:\d\d:\d\d\.(\d{3})  ", line) for line in english.splitlines()[2:]]
    when = [datetime.fromisoformat(event["at"]).microsecond // 1000 for event in timeline[:2]]
    assert times[:2] == [[f"{milliseconds:03}"] for milliseconds in when], "tries may come within one second"
    assert warnd("deliveries", "show", "NONE")[0] == 1


def test_deliveries_are_exported_for_spreadsheets_and_programs(warnd: Call, tmp_path: Path) -> None:
    """A name that a spreadsheet would compute is made harmless in CSV, and left as it is in JSON."""
    out = tmp_path / "log.csv"
    assert warnd("deliveries", "export", "--out", out)[0] == 0
    rows = list(csv.DictReader(io.StringIO(out.read_text("utf-8-sig"))))
    assert {row["name"] for row in rows} == {"两水镇值班室", "'=城关镇值班室"}
    _, exported, _ = warnd("deliveries", "export", "--format", "jsonl", "--state", "failed")
    assert [row["name"] for row in lines(exported)] == ["=城关镇值班室"]


@pytest.fixture
def apart(warnd: Call, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the place, which the commands use from now on: what is done there the other tests do not see."""
    config = tmp_path / "warnd.toml"
    config.write_text((place / "warnd.toml").read_text().replace(f"{place}/", f"{tmp_path}/"))
    assert warnd("db", "backup", tmp_path / "warnd.db")[0] == 0
    monkeypatch.setenv("WARND_CONFIG", str(config))
    return tmp_path


def test_a_resend_says_how_many_it_tells_again(warnd: Call, apart: Path) -> None:
    """One is one delivery and no more."""
    ((alert,),) = read(apart, "SELECT id FROM alerts")
    code, said, _ = warnd("deliveries", "resend", "--alert", alert)
    assert (code, said) == (0, "1 delivery in round 1\n")


def test_an_empty_log_says_that_it_was_forgotten(warnd: Call, apart: Path) -> None:
    """Beside the rows, so that neither a person nor a program takes it for an alert that told nobody."""
    ((alert,),) = read(apart, "SELECT id FROM alerts")
    asyncio.run(forget(apart / "warnd.toml", str(alert)))
    for arguments in (("list",), ("list", "--json"), ("export",)):
        code, _, said = warnd("deliveries", *arguments, "--alert", alert)
        assert (code, "The deliveries of this alert were forgotten on" in said) == (0, True), arguments
    assert "the coverage were forgotten on" in warnd("alerts", "show", alert)[1]
    assert warnd("deliveries", "list")[2] == ""


async def forget(config: Path, alert: str) -> None:
    app = App(load(config, {}))
    await app.open()
    try:
        await app.store.write(end_long_ago, alert)
        await apply_retention(app, app.now())
    finally:
        await app.close()


def test_what_failed_is_sent_again_as_a_new_round(warnd: Call, place: Path) -> None:
    """Once: the second time nothing has failed since. Who asked is in the journal."""
    (alert,) = lines(warnd("alerts", "list", "--json")[1])
    code, said, _ = warnd("deliveries", "resend", "--alert", alert["id"], "--json")
    (resent,) = lines(said)
    assert (code, resent["deliveries"]) == (0, 1)
    nothing = warnd("deliveries", "resend", "--alert", alert["id"])
    assert (nothing[0], "nothing" in nothing[2]) == (1, True)
    assert read(place, "SELECT actor FROM journal WHERE kind = 'deliveries.resent'") == [("cli",)]
    assert read(place, "SELECT address, state FROM deliveries WHERE round = 1") == [("desk-b", "waiting")]
    assert "2 of the first, 1 sent again" in warnd("alerts", "show", alert["id"])[1]
    refused = warnd("deliveries", "resend", "--alert", alert["id"], "--state", "accepted")
    assert refused[0] == 1
    assert "not sent again" in refused[2]


# Keys, sources, channels


def test_a_key_is_printed_alone_listed_without_its_text_and_revoked(warnd: Call) -> None:
    """So that `KEY=$(warnd keys create …)` works."""
    code, key, _ = warnd("keys", "create", "weather station", "--role", "feed", "--source", "weather")
    assert (code, len(key.split())) == (0, 1)
    listed = warnd("keys", "list", "--json")[1]
    assert key.strip() not in listed
    (kept,) = lines(listed)
    assert (kept["name"], kept["role"], kept["source"]) == ("weather station", "feed", "weather")
    assert "weather station" in warnd("keys", "list")[1]
    assert warnd("keys", "revoke", kept["id"])[0] == 0
    (revoked,) = lines(warnd("keys", "list", "--json")[1])
    assert revoked["revoked_at"] is not None
    assert warnd("keys", "revoke", "NONE")[0] == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param(["--role", "feed"], 1, id="a feed without a source"),
        pytest.param(["--role", "feed", "--source", "nowhere"], 1, id="a source that is not configured"),
        pytest.param(["--role", "viewer", "--source", "weather"], 1, id="a viewer with a source"),
        pytest.param(["--role", "king"], 2, id="a role there is not"),
    ],
)
def test_a_key_that_makes_no_sense_is_not_made(warnd: Call, arguments: list[str], code: int) -> None:
    """Nothing is printed that a script could take for one."""
    left, said, _ = warnd("keys", "create", "x", *arguments)
    assert (left, said) == (code, "")


def test_sources_and_channels_are_listed(warnd: Call) -> None:
    """A channel that takes receipts shows where to, with the secret; the others show none."""
    (source,) = lines(warnd("sources", "--json")[1])
    assert (source["name"], source["official"]) == ("weather", True)
    assert "6212" in warnd("sources")[1]
    found = {one["name"]: one for one in lines(warnd("channels", "list", "--json")[1])}
    assert (found["desk"]["kind"], found["desk"]["receipts"]) == ("console", None)
    assert found["sms"]["rate"] == 50
    path = str(found["sms"]["receipts"])
    assert path.startswith("/api/v1/receipts/sms/")
    table = warnd("channels", "list")[1]
    assert path in table
    assert "50/s" in table
    assert "20/min" in table


async def change_alarms(config: Path, change: Callable[..., object], *args: object, **kwargs: object) -> None:
    app = App(load(config, {}))
    await app.open()
    try:
        await app.store.record(change, *args, **kwargs, now=app.now())
    finally:
        await app.close()


def test_channels_are_listed_with_how_they_are(warnd: Call, place: Path) -> None:
    """Since when and why, as the alarms say that stand: a refused account before a provider that does not answer."""
    config, messages = (
        place / "warnd.toml",
        {"channel_down": "sms: HTTP 503", "channel_paused": "sms: HTTP 401"},
    )

    def sms() -> dict[str, object]:
        found = {one["name"]: one for one in lines(warnd("channels", "list", "--json")[1])}
        assert (found["desk"]["health"], found["desk"]["since"], found["desk"]["why"]) == (
            "working",
            None,
            None,
        )
        return found["sms"]

    for n, (kind, message) in enumerate(messages.items()):
        asyncio.run(change_alarms(config, alarms.sound, kind, "sms", message, {}, id=f"{n}"))
        assert (sms()["health"], sms()["why"]) == (
            kind.removeprefix("channel_"),
            message.removeprefix("sms: "),
        )
        said = warnd("channels", "list")[1].splitlines()[-1]
        since = datetime.fromisoformat(str(sms()["since"])).astimezone(ZoneInfo("Asia/Shanghai"))
        assert said == f"sms is {sms()['health']} since {since:%F %R}: {sms()['why']}"
    for kind in messages:
        asyncio.run(change_alarms(config, alarms.clear, kind, "sms"))
    assert (sms()["health"], sms()["since"]) == ("working", None)


def test_a_test_message_is_marked_and_leaves_no_delivery(warnd: Call, place: Path) -> None:
    """One request to one address; the journal keeps what came of it."""
    before = read(place, "SELECT count(*) FROM deliveries")
    code, said, printed = warnd("channels", "test", "desk", "somebody")
    assert code == 0
    assert "accepted" in said
    assert "[TEST]" in printed
    assert "somebody" in printed
    assert read(place, "SELECT count(*) FROM deliveries") == before
    assert ("desk",) in read(place, "SELECT subject FROM journal WHERE kind = 'channel.tested'")


@pytest.mark.parametrize(
    ("channel", "address", "said"),
    [
        pytest.param("sms", "12", "address", id="an address that cannot exist"),
        pytest.param("pager", "12", "no channel pager", id="a channel that is not configured"),
    ],
)
def test_a_test_message_that_cannot_leave_exits_1(warnd: Call, channel: str, address: str, said: str) -> None:
    """And says why."""
    code, _, errors = warnd("channels", "test", channel, address)
    assert code == 1
    assert said in errors


# The journal and the database


def test_the_journal_is_verified_and_exported(warnd: Call, tmp_path: Path) -> None:
    """One line a fact, in order."""
    assert warnd("audit", "verify")[0] == 0
    (found,) = lines(warnd("audit", "verify", "--json")[1])
    assert found["valid"] is True
    _, exported, _ = warnd("audit", "export")
    facts = lines(exported)
    assert [fact["seq"] for fact in facts] == list(range(1, len(facts) + 1))
    assert "attempt.ended" in {fact["kind"] for fact in facts}
    assert warnd("audit", "export", "--until", "2020-01-01")[1] == ""


def test_a_backup_is_one_file_and_comes_back(warnd: Call, place: Path, tmp_path: Path) -> None:
    """Over nothing that is there, unless forced."""
    copy = tmp_path / "copy.db"
    assert warnd("db", "backup", copy)[0] == 0
    assert copy.stat().st_mode & 0o077 == 0
    assert [file.name for file in tmp_path.iterdir()] == ["copy.db"]
    assert warnd("db", "backup", copy)[0] == 1
    assert warnd("db", "backup", copy, "--force")[0] == 0
    nowhere = tmp_path / "none" / "copy.db"
    assert warnd("db", "backup", nowhere)[::2] == (1, f"warnd: {nowhere}: No such file or directory\n")
    refused = warnd("db", "restore", copy)
    assert (refused[0], "there is a database already" in refused[2]) == (1, True)
    facts = read(place, "SELECT count(*) FROM journal")
    warnd("keys", "create", "later", "--role", "viewer")
    assert read(place, "SELECT count(*) FROM journal") != facts
    assert warnd("db", "restore", copy, "--force")[0] == 0
    assert read(place, "SELECT count(*) FROM journal") == facts
    assert warnd("audit", "verify")[0] == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"", "not a database of warnd", id="an empty file"),
        pytest.param(b"anything" * 1000, "not a database", id="a file of another kind"),
        pytest.param(None, "no such file", id="a file that is missing"),
    ],
)
def test_what_is_no_backup_is_not_restored(
    warnd: Call, place: Path, tmp_path: Path, content: bytes | None, said: str
) -> None:
    """The database stays as it was."""
    if content is not None:
        (tmp_path / "copy.db").write_bytes(content)
    facts = read(place, "SELECT count(*) FROM journal")
    code, _, errors = warnd("db", "restore", tmp_path / "copy.db", "--force")
    assert (code, said in errors) == (1, True)
    assert read(place, "SELECT count(*) FROM journal") == facts


def test_an_upgrade_again_changes_nothing(warnd: Call) -> None:
    """And says which schema there is."""
    code, said, _ = warnd("db", "upgrade")
    assert code == 0
    assert "schema 0001 (settings from " in said


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("keys", "create", "stray", "--role", "admin"), id="one that writes"),
        pytest.param(("alerts", "list"), id="one that reads"),
        pytest.param(("regions", "import"), id="an import"),
        pytest.param(("db", "backup", "copy.db"), id="a backup"),
    ],
)
def test_a_command_in_the_wrong_place_makes_no_database(
    warnd: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    """It says which settings led there and how to make one; a key in a stray database would open nothing."""
    monkeypatch.delenv("WARND_CONFIG")
    monkeypatch.chdir(tmp_path)
    code, _, errors = warnd(*command)
    assert code == 1
    assert "no database at var/warnd.db (settings from " in errors
    assert "warnd db upgrade" in errors
    assert list(tmp_path.iterdir()) == []
    assert warnd("db", "upgrade")[0] == 0
    assert warnd("keys", "list")[0] == 0


def test_the_shipped_settings_are_printed_to_begin_with(warnd: Call, tmp_path: Path) -> None:
    """With every comment, and such as can be loaded."""
    code, said, _ = warnd("config")
    (tmp_path / "own.toml").write_text(said, encoding="utf-8")
    assert code == 0
    assert said.startswith("# warnd's settings")
    assert list(load(tmp_path / "own.toml", {}).channels) == ["console"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param(["武都区", "--sender", "62120241600000"], 0, ["621202"], id="a name"),
        pytest.param(["城关镇"], 1, [], id="nobody knows which"),
        pytest.param(["621202000000", "--json"], 0, ["621202"], id="a code"),
        pytest.param(["--circle", "33,104 5"], 1, ["no_boundaries"], id="a circle without a layer"),
    ],
)
def test_an_operator_asks_where_an_area_would_be(
    warnd: Call, arguments: list[str], code: int, said: list[str]
) -> None:
    """And is told why; a script sees by the exit code whether there is anything."""
    left, output, _ = warnd("regions", "resolve", *arguments)
    assert left == code
    assert all(word in output for word in said)


@pytest.mark.parametrize("arguments", [[], ["--polygon", "33,104"]])
def test_a_place_must_be_one(warnd: Call, arguments: list[str]) -> None:
    """Called wrongly."""
    assert warnd("regions", "resolve", *arguments)[0] == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(
            ("alerts", "list", "--color", "king"), "'--color': 'king' is not one of 'blue'", id="a color"
        ),
        pytest.param(("deliveries", "list", "--state", "foo"), "'foo' is none of queued", id="a state"),
    ],
)
def test_a_wrong_word_is_repeated_in_plain_words(warnd: Call, arguments: tuple[str, ...], said: str) -> None:
    """With what it may be instead."""
    code, _, errors = warnd(*arguments)
    plain = " ".join(errors.replace("│", " ").split())
    assert (code, said in plain) == (2, True), errors


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        pytest.param(("deliveries", "list", "--state", "failed", "--state", "unknown"), "--state", id="a state"),
        pytest.param(("deliveries", "export", "--q=1", "--q", "2"), "--q", id="what is looked for, written two ways"),
        pytest.param(("alerts", "list", "--color", "red", "--color", "red"), "--color", id="the same twice"),
        pytest.param(("sources", "--json", "--json"), "--json", id="a command without others"),
    ],
)  # fmt: skip
def test_an_option_that_takes_one_value_is_not_given_two(
    warnd: Call, arguments: tuple[str, ...], option: str
) -> None:
    """Whoever asks for two states and is shown one believes that there is nothing in the other."""
    code, _, errors = warnd(*arguments)
    plain = " ".join(errors.replace("│", " ").split())
    said = f"Invalid value for '{option}': is given more than once and takes one value"
    assert (code, said in plain) == (2, True), errors


@pytest.mark.parametrize("what", ["hazards", "regions"])
def test_a_search_that_finds_nothing_says_so(warnd: Call, what: str) -> None:
    """Beside the exit code, and not among what was found."""
    assert warnd(what, "search", "zzz") == (1, "", f"warnd: no {what} match 'zzz'\n")
