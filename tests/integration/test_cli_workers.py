"""``warnd worker`` and ``warnd workers list`` where the store is a file."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.integration.conftest import NOW
from warnd.app import App
from warnd.cli.main import app as cli
from warnd.errors import ConfigError
from warnd.settings import load


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "warnd.toml"
    file.write_text(
        f'[store]\nurl = "sqlite:///{tmp_path}/warnd.db"\n'
        '[channels.desk]\nadapter = "console.print"\nstream = "stderr"\nemulated = true\n'
    )
    return file


def test_a_worker_refuses_a_store_that_one_process_has_to_itself(config: Path) -> None:
    """It would find the file in use, or use it behind the daemon's back."""
    told = CliRunner().invoke(cli, ["worker", "--config", str(config)])
    assert isinstance(told.exception, ConfigError)
    assert told.exception.key == "store.url"
    assert "PostgreSQL" in str(told.exception)


def test_leaving_the_sending_to_nobody_is_refused(config: Path) -> None:
    """An SQLite file has no other process."""
    config.write_text(config.read_text() + "[workers]\nserve_sends = false\n")
    with pytest.raises(ConfigError) as refused:
        load(config, {})
    assert refused.value.key == "workers.serve_sends"


async def test_the_one_process_of_a_file_is_listed_while_it_works(config: Path) -> None:
    """With its channels, and as the one that keeps the timers."""

    async def listed() -> list[dict[str, object]]:
        told = await asyncio.to_thread(
            CliRunner().invoke, cli, ["workers", "list", "--json", "--config", str(config)]
        )
        assert told.exit_code == 0, told.output
        return [json.loads(line) for line in told.stdout.splitlines()]

    app = App(load(config, {}), wall=lambda: NOW)
    await app.open()
    async with asyncio.TaskGroup() as group:
        await app.start(group, name="desk 1")
        (one,) = await listed()
        await app.stop()
    assert await listed() == []
    await app.close()
    assert one | {"host": ""} == {
        "name": "desk 1", "host": "", "role": "serve", "since": NOW.isoformat(), "seen": NOW.isoformat(),
        "channels": ["desk"], "in_flight": 0, "timers": True,
    }  # fmt: skip
