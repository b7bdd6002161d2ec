"""What ``deploy/`` starts is there to be started: commands, options and settings."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from warnd.cli.main import COMMANDS
from warnd.settings import load

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))
COMPOSE = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")


def started() -> dict[str, list[str]]:
    """What each unit and each service calls ``warnd`` with."""
    units = {
        unit.name: re.findall(r"^ExecStart=.*\bwarnd (.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE)
        for unit in UNITS
    }
    services = re.findall(
        r"^  ([a-z0-9-]+):\n    <<: \*warnd\n(?:    .*\n)*?    command: (\[.*\])$", COMPOSE, re.MULTILINE
    )
    return {name: line.split() for name, [line] in units.items()} | {
        name: json.loads(words) for name, words in services
    }


def test_there_is_a_daemon_and_there_are_workers() -> None:
    """In both ways."""
    roles = {name: words[0] for name, words in started().items()}
    assert roles == {
        "warnd.service": "serve", "warnd-worker@.service": "worker", "serve": "serve", "worker-1": "worker",
        "worker-2": "worker",
    }  # fmt: skip


@pytest.mark.parametrize("name", started())
def test_what_is_started_is_a_command_with_its_options(name: str) -> None:
    """Each is asked whether it knows them, by its own parser."""
    command, *options = started()[name]
    module, attribute = f"warnd.cli.{command}", COMMANDS[command][0]
    alone = typer.Typer()
    alone.command()(getattr(import_module(module), attribute))
    told = CliRunner().invoke(alone, [*options, "--help"])
    assert told.exit_code == 0, told.output
    for option in re.findall(r"--[a-z-]+", " ".join(options)):
        assert option in told.output


def test_the_settings_that_go_with_the_containers_load(tmp_path: Path) -> None:
    """Whoever copies them from the file's head gets processes that start."""
    head = COMPOSE.split("x-warnd:")[0]
    settings = "\n".join(re.findall(r"^#     (.*)$", head, re.MULTILINE))
    (tmp_path / "database").write_text("made-up\n")
    path = tmp_path / "warnd.toml"
    path.write_text(settings.replace("/run/secrets", str(tmp_path)), encoding="utf-8")
    loaded = load(path, {})
    assert loaded.store.path is None
    assert not loaded.workers.serve_sends
    assert loaded.queue.url == "redis://valkey:6379/0"


def test_the_containers_are_asked_where_they_answer() -> None:
    """A health check of another port would call every worker sick."""
    worker, daemon = re.findall(r"urlopen\('http://127\.0\.0\.1:(\d+)/readyz', timeout=5\)", COMPOSE)
    assert f':{daemon}"]' in COMPOSE
    assert f'#     metrics = "0.0.0.0:{worker}"' in COMPOSE
    assert COMPOSE.count("healthcheck: *working") == COMPOSE.count('command: ["worker"')


def test_the_valkey_of_the_containers_is_one_that_warnd_asks_for() -> None:
    """Else the first start would end with a sentence about it."""
    assert '"--appendonly", "yes"' in COMPOSE
    assert '"--maxmemory-policy", "noeviction"' in COMPOSE


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_starts_what_its_guide_installs(unit: Path) -> None:
    """A service has a PATH of its own, on which no virtual environment is."""
    guide = (DEPLOY.parent / "docs" / "operations.md").read_text(encoding="utf-8")
    [program] = re.findall(r"^ExecStart=(\S+)", unit.read_text(encoding="utf-8"), re.MULTILINE)
    assert f"    {program} config" in guide
    assert f"python3 -m venv {Path(program).parents[1]}\n" in guide


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_is_started_again_however_often_it_ends(unit: Path) -> None:
    """systemd gives up after five starts in ten seconds, and a database may take a minute to come back."""
    said = unit.read_text(encoding="utf-8")
    assert "\nStartLimitIntervalSec=0\n" in said.split("[Service]")[0]
    assert "\nRestart=always\n" in said
    assert "\nRestartPreventExitStatus=78\n" in said


def test_containers_show_the_daemon_to_their_own_machine_alone() -> None:
    """It speaks no TLS: keys would travel in the clear."""
    ports = re.findall(r"ports: (\[.*\])", COMPOSE)
    assert [json.loads(each) for each in ports] == [["127.0.0.1:8080:8080"]]


def test_containers_wait_for_who_can_answer_them() -> None:
    """A database in the making answers on its socket alone; the tables are there once the daemon is ready."""
    assert '"pg_isready", "--host"' in COMPOSE
    assert "/readyz" in COMPOSE
    waiting = COMPOSE.split("  worker-1:")[1].split("  worker-2:")[0]
    assert re.search(r"serve:\n +condition: service_healthy", waiting)


def test_a_stop_is_given_longer_than_the_daemon_takes() -> None:
    """Else the service manager kills what is under way."""
    grace = load(None, {}).server.grace.total_seconds()
    given = [
        int(seconds)
        for text in [COMPOSE, *(unit.read_text(encoding="utf-8") for unit in UNITS)]
        for seconds in re.findall(r"(?:stop_grace_period: |TimeoutStopSec=)(\d+)", text)
    ]
    assert len(given) == 1 + len(UNITS)
    assert min(given) > grace
