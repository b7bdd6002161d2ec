"""The real ``warnd serve`` as a process: it starts, answers, refuses company, and stops when told."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from warnd.daemon import COLLECT_AFTER, SWITCH_AFTER, running
from warnd.errors import ConfigError, StoreError, WarndError
from warnd.settings import Settings, load

SECONDS = 20
"""How long a process may take before the test gives up on it."""

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "warnd.toml"
    file.write_text(
        f'[server]\nport = 0\n[store]\nurl = "sqlite:///{tmp_path}/var/warnd.db"\n[logs]\nformat = "json"\n'
        '[channels.desk]\nadapter = "console.print"\nstream = "stderr"\nemulated = true\n'
    )
    return file


@pytest.fixture
def settings(config: Path) -> Settings:
    return load(config, {})


@pytest.fixture
def start(config: Path) -> Iterator[Start]:
    """Starts ``warnd serve``; what is left of it at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def call(**environment: str) -> subprocess.Popen[str]:
        command = [
            sys.executable,
            "-c",
            "from warnd.cli.main import run; run()",
            "serve",
            "--config",
            str(config),
        ]
        process = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}
        )
        started.append(process)
        return process

    yield call
    for process in started:
        process.kill()
        process.communicate(timeout=SECONDS)


def listening_at(process: subprocess.Popen[str]) -> str:
    """The address in the line that says it has started."""
    assert process.stderr is not None
    for line in process.stderr:
        event = json.loads(line)
        if event["event"] == "daemon.started":
            return str(event["url"])
    raise AssertionError(f"it ended with {process.wait(SECONDS)} before it had started")


def test_it_answers_and_stops_when_it_is_told(start: Start) -> None:
    """SIGTERM leaves with 0, and the log says that it drained."""
    process = start()
    url = listening_at(process)
    with urllib.request.urlopen(f"{url}/healthz", timeout=SECONDS) as reply:
        assert reply.status == 200
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 0
    assert [json.loads(line)["event"] for line in errors.splitlines()][-2:] == [
        "drain.began",
        "daemon.stopped",
    ]


def test_a_second_daemon_on_the_same_database_is_refused(start: Start) -> None:
    """It is told which process has it; the first goes on."""
    first = start()
    url = listening_at(first)
    second = start()
    _, errors = second.communicate(timeout=SECONDS)
    assert second.returncode == 1
    assert f"a daemon is running on it (process {first.pid})" in errors
    with urllib.request.urlopen(f"{url}/healthz", timeout=SECONDS) as reply:
        assert reply.status == 200


def test_a_second_signal_ends_the_process_at_once() -> None:
    """Whatever a stop is waiting for; the store bears it as it bears a crash."""
    code = (
        "import asyncio\n"
        "from warnd.daemon import _hearing\n"
        "async def main():\n"
        "    told = asyncio.Event()\n"
        "    with _hearing(told):\n"
        "        print('ready', flush=True)\n"
        "        await told.wait()\n"
        "        print('told', flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for said in ("ready", "told"):
            assert process.stdout.readline() == f"{said}\n"
            process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == -signal.SIGTERM


def test_a_misspelt_key_leaves_with_78(start: Start) -> None:
    """A service manager can tell that starting again will not help."""
    process = start(WARND_SERVER__PROT="1")
    _, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 78
    assert "prot" in errors


async def test_an_address_that_is_taken_is_named(config: Path) -> None:
    """And everything that had been opened is closed again: the database is free."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = load(config, {"WARND_SERVER__PORT": str(port)})
        with pytest.raises(WarndError, match=f"127.0.0.1:{port}"):
            async with running(settings):
                raise AssertionError("it must not start")
    async with running(load(config, {})) as daemon:
        assert daemon.url.startswith("http://127.0.0.1:")


async def test_it_runs_inside_another_event_loop(settings: Settings) -> None:
    """For the demo; what it changed of the process is as before when it has left."""
    before = gc.get_threshold(), sys.getswitchinterval()
    async with running(settings) as daemon:
        assert gc.get_threshold()[0] == COLLECT_AFTER
        assert sys.getswitchinterval() == pytest.approx(SWITCH_AFTER)
        assert (
            await daemon.app.store.read(lambda connection: connection.exec_driver_sql("SELECT 1").scalar())
            == 1
        )
        with pytest.raises(StoreError, match="a daemon is running"):
            async with running(settings):
                raise AssertionError("there is one already")
    assert (gc.get_threshold(), sys.getswitchinterval()) == before


async def test_an_error_of_the_body_comes_out_as_it_is(settings: Settings) -> None:
    """No group of exceptions around it, whoever raised it."""
    with pytest.raises(LookupError, match="mine"):
        async with running(settings):
            raise LookupError("mine")


async def test_a_part_that_breaks_ends_the_daemon_with_its_error(settings: Settings) -> None:
    """It must not go on without its clerk; the service manager starts it anew."""

    async def breaking() -> None:
        raise ValueError("broken")

    async def run() -> None:
        async with running(settings) as daemon:
            assert daemon.app.planning._group is not None
            daemon.app.planning._group.create_task(breaking())
            await asyncio.Event().wait()

    with pytest.raises(ValueError, match="broken"):
        await run()


async def test_a_channel_that_cannot_open_stops_the_start(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operator reads which key; nothing stays open."""
    from channels.console.adapter import ConsolePrint

    async def refuse(self: ConsolePrint, sink: object) -> None:
        raise ConfigError("channels.desk.url", "nobody is there")

    monkeypatch.setattr(ConsolePrint, "open", refuse)
    with pytest.raises(ConfigError, match=r"channels\.desk\.url"):
        async with running(settings):
            raise AssertionError("it must not start")
