"""``warnd regions`` and ``warnd audience`` on a real store."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import create_engine, select
from typer.testing import CliRunner, Result

from warnd.cli import audience, regions
from warnd.model.ulid import UlidMaker
from warnd.store import tables
from warnd.store.sqlite import SqliteStore
from warnd.store.standing import audience_revision

NOW = datetime(2026, 7, 14, tzinfo=UTC)
HEADER = "external_id,kind,name,region,groups,audience,channel,address,priority,language,drills\n"
ROW = "A,post,值班室,621202,621202/防汛,,sms,15400000001,,,\n"

Call = Callable[..., Result]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "audience.csv"


@pytest.fixture
def warnd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Calls ``warnd audience …`` or ``warnd regions …`` on one store, with the clock standing."""

    @asynccontextmanager
    async def open_store(config: Path | None) -> AsyncIterator[SimpleNamespace]:
        store = SqliteStore(tmp_path / "warnd.db", confirm=lambda *_: None)
        await store.open()
        try:
            routes = {"sms": SimpleNamespace(kind="sms")}
            yield SimpleNamespace(store=store, routes=routes, ids=UlidMaker(), now=lambda: NOW)
        finally:
            await store.close()

    monkeypatch.setattr(audience, "open_store", open_store)
    monkeypatch.setattr(regions, "open_store", open_store)
    apps = {"audience": audience.audience_app, "regions": regions.regions_app}

    def call(app: str, *arguments: str) -> Result:
        return CliRunner().invoke(apps[app], [str(argument) for argument in arguments])

    assert call("regions", "import", "--under", "621202").exit_code == 0
    return call


def audience_version(tmp_path: Path) -> int:
    engine = create_engine(f"sqlite:///{tmp_path}/warnd.db")
    with engine.connect() as connection:
        revision = audience_revision(connection)
    engine.dispose()
    return revision


def journal_kinds(tmp_path: Path) -> list[str]:
    engine = create_engine(f"sqlite:///{tmp_path}/warnd.db")
    with engine.connect() as connection:
        kinds = list(connection.execute(select(tables.journal.c.kind)).scalars())
    engine.dispose()
    return kinds


def test_divisions_are_imported_and_found(warnd: Call) -> None:
    """Again changes nothing; a search that finds nothing exits 1."""
    again = warnd("regions", "import", "--under", "621202", "--json")
    assert json.loads(again.stdout)["changed"] == 0
    found = warnd("regions", "search", "武都", "--json")
    assert json.loads(found.stdout.splitlines()[0]) == {
        "code": "621202",
        "name": "武都区",
        "level": "county",
        "full_name": "甘肃省陇南市武都区",
    }
    assert "甘肃省陇南市武都区" in warnd("regions", "search", "621202", "--limit", "1").stdout
    assert warnd("regions", "search", "天涯海角").exit_code == 1


def test_a_dry_run_shows_and_changes_nothing(warnd: Call, file: Path, tmp_path: Path) -> None:
    """The same counts as the import itself, then none."""
    file.write_text(HEADER + ROW, encoding="utf-8")
    shown = warnd("audience", "import", str(file), "--dry-run")
    assert "subscribers to add: 1 (值班室)" in shown.stdout
    assert "audience.imported" not in journal_kinds(tmp_path)
    done = json.loads(warnd("audience", "import", str(file), "--json").stdout)
    assert (done["groups_added"], done["subscribers_added"], done["endpoints_added"]) == (1, 1, 1)
    assert "Nothing changes" in warnd("audience", "import", str(file), "--sync").stdout
    assert journal_kinds(tmp_path).count("audience.imported") == 1
    assert audience_version(tmp_path) == 1


def test_a_file_with_faults_exits_1_and_names_them(warnd: Call, file: Path) -> None:
    """By row and column; nothing of it is kept."""
    file.write_text(HEADER + ROW + "B,user,乙,99,,,sms,12,,,\n", encoding="utf-8")
    refused = warnd("audience", "import", str(file))
    assert refused.exit_code == 1
    assert [line.partition(":")[0] for line in refused.stderr.splitlines()] == [
        "line 3, kind",
        "line 3, address",
        "line 3, region",
        "3 faults; nothing was imported",
    ]
    listed = json.loads(warnd("audience", "import", str(file), "--json").stdout)
    assert [error["path"] for error in listed["errors"]] == [
        "rows[3].kind",
        "rows[3].address",
        "rows[3].region",
    ]
    file.write_text(HEADER.replace("drills", "drill") + ROW, encoding="utf-8")
    refused = warnd("audience", "import", str(file))
    assert refused.stderr.startswith("line 1, drill: there is no such column")
    assert refused.stderr.endswith("1 fault; nothing was imported\n")
    missing = warnd("audience", "import", str(file.with_name("missing.csv")))
    assert missing.exit_code == 1
    assert missing.stderr.startswith("file: ")
    assert warnd("audience", "export").stdout.splitlines() == [HEADER.strip()]


def test_what_is_odd_is_shown_and_stops_nothing(warnd: Call, file: Path) -> None:
    """Before and after, to a person and to a program."""
    file.write_text(HEADER + ROW + ROW.replace("sms", "voice"), encoding="utf-8")
    shown = warnd("audience", "import", str(file), "--dry-run")
    assert "warning: line 3, channel: no channel of the kind voice is configured" in shown.stdout
    done = json.loads(warnd("audience", "import", str(file), "--json").stdout)
    assert (done["valid"], done["endpoints_added"]) == (True, 2)
    (warning,) = done["warnings"]
    assert (warning["line"], warning["field"], warning["code"]) == (3, "channel", "unserved_channel")
    assert warning["message"]


def test_an_exported_file_is_imported_without_a_change(warnd: Call, file: Path) -> None:
    """Whole, and for nobody else to read."""
    file.write_text(HEADER + ROW, encoding="gb18030")
    assert warnd("audience", "import", str(file)).exit_code == 0
    out = file.with_name("out.csv")
    assert warnd("audience", "export", "--out", str(out)).exit_code == 0
    assert out.read_text(encoding="utf-8-sig") == warnd("audience", "export").stdout
    assert out.stat().st_mode & 0o077 == 0
    assert [path.name for path in file.parent.glob(".out*")] == []
    assert "Nothing changes" in warnd("audience", "import", str(out), "--sync").stdout
