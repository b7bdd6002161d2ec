"""The command line's frame: exit codes, quick help, and the two commands that talk to other processes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import tenacity
from aiohttp import web
from aiohttp.test_utils import TestServer

from warnd import __version__
from warnd.cli import calling as calling_module
from warnd.cli import main
from warnd.cli import push as push_module
from warnd.cli.configuration import settings
from warnd.errors import ConfigError, NotFound, WarndError

Call = Callable[..., int]


@pytest.fixture
def warnd(monkeypatch: pytest.MonkeyPatch) -> Call:
    """Calls the console script in this process; gives its exit code."""
    monkeypatch.delenv("WARND_URL", raising=False)
    monkeypatch.delenv("WARND_KEY", raising=False)

    def call(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["warnd", *arguments])
        with pytest.raises(SystemExit) as left:
            main.run()
        assert isinstance(left.value.code, int)
        return left.value.code

    return call


def failing_with(error: BaseException) -> Callable[[], None]:
    def command() -> None:
        raise error

    return command


# The frame


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        pytest.param(ConfigError("server.port", "must be\nfree"), 78, "warnd: server.port: must be free\n", id="configuration"),
        pytest.param(NotFound("region", "99"), 1, "warnd: no region 99\n", id="what warnd says itself"),
        pytest.param(WarndError("no"), 1, "warnd: no\n", id="any other of ours"),
        pytest.param(KeyboardInterrupt(), 130, "", id="Ctrl-C"),
    ],
)  # fmt: skip
def test_an_error_leaves_with_its_code_and_one_line(
    warnd: Call,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    said: str,
) -> None:
    """Exit codes are part of the interface; an operator reads a sentence, not a traceback."""
    monkeypatch.setattr(push_module, "push", failing_with(error))
    assert warnd("push") == code
    assert capsys.readouterr().err == said


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["push"], id="argument missing"),
        pytest.param(["pull"], id="no such command"),
        pytest.param(["--loud"], id="no such option"),
        pytest.param(["emulate", "--latency", "soon"], id="unreadable value"),
        pytest.param([], id="no command"),
    ],
)
def test_a_wrong_call_leaves_with_2(warnd: Call, arguments: list[str]) -> None:
    """Scripts can tell a wrong call from a failure."""
    assert warnd(*arguments) == 2


def test_the_version_is_printed(warnd: Call, capsys: pytest.CaptureFixture[str]) -> None:
    """It is the package's."""
    assert warnd("--version") == 0
    assert capsys.readouterr().out == f"warnd {__version__}\n"


@pytest.mark.parametrize("name", sorted(main.COMMANDS))
def test_every_command_of_the_table_exists(
    warnd: Call, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """Each has a module of its name, with help of its own."""
    assert warnd(name, "--help") == 0
    assert f"warnd {name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        pytest.param(
            ["push"],
            "Leaves with 1 when the daemon refuses a warning or nobody answers.",
            id="a command of its own",
        ),
        pytest.param(
            ["workers", "list"], "IN FLIGHT is how many deliveries it has out.", id="a command of a group"
        ),
    ],
)
def test_help_breaks_its_lines_where_the_terminal_ends(
    warnd: Call,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
    sentence: str,
) -> None:
    """Not also where the source's lines end: at 80 columns every second line was a stump of three words."""
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", 400)
    assert warnd(*command, "--help") == 0
    assert sentence in capsys.readouterr().out


def test_help_imports_no_library_that_it_does_not_need() -> None:
    """``warnd --help`` answers at once."""
    code = (
        "import sys; sys.argv = ['warnd', '--help']\n"
        "from warnd.cli.main import run\n"
        "try: run()\n"
        "except SystemExit: print(*sorted(sys.modules), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert all(name in done.stdout for name in main.COMMANDS)
    heavy = {"aiohttp", "pydantic", "sqlalchemy", "lxml", "jinja2", "apscheduler"}
    assert heavy.isdisjoint(done.stderr.split())


# --config


def test_the_nearest_configuration_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The file that is named, else the one in the working directory, else the one that came with warnd."""
    monkeypatch.chdir(tmp_path)
    assert list(settings(None).channels) == ["console"]
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "warnd.toml").write_text("[server]\nport = 1\n")
    assert settings(None).server.port == 1
    (tmp_path / "warnd.toml").write_text("[server]\nport = 2\n")
    assert settings(None).server.port == 2
    (tmp_path / "other.toml").write_text("[server]\nport = 3\n")
    assert settings(Path("other.toml")).server.port == 3


# push


async def answer_created(request: web.Request) -> web.Response:
    seen = {
        "type": request.content_type,
        "key": request.headers["Authorization"],
        "query": dict(request.query),
        "size": len(await request.read()),
    }
    return web.json_response(seen, status=202)


async def pushed(handler: Callable[[web.Request], object], warnd: Call, *arguments: str) -> int:
    """Serves ``handler`` at the intake's path while ``warnd push`` runs; gives its exit code."""
    application = web.Application()
    application.router.add_post("/api/v1/alerts", handler)  # type: ignore[arg-type]
    async with TestServer(application, host="127.0.0.1") as server:
        url = str(server.make_url("/"))
        return await asyncio.to_thread(warnd, "push", *arguments, "--url", url, "--key", "k3y")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        pytest.param(b'{"identifier": "a"}', "application/json", id="JSON"),
        pytest.param(b"\xef\xbb\xbf \n<alert/>", "application/cap+xml", id="XML behind a byte order mark"),
    ],
)
async def test_a_file_is_pushed_as_what_it_is(
    warnd: Call, capsys: pytest.CaptureFixture[str], tmp_path: Path, body: bytes, kind: str
) -> None:
    """The content type follows from the body, the answer is printed."""
    file = tmp_path / "warning"
    file.write_bytes(body)
    assert await pushed(answer_created, warnd, str(file)) == 0
    assert json.loads(capsys.readouterr().out) == {
        "type": kind,
        "key": "Bearer k3y",
        "query": {},
        "size": len(body),
    }


async def test_a_dry_run_asks_for_one(
    warnd: Call, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """``--dry-run`` keeps nothing at the daemon."""
    (tmp_path / "warning").write_bytes(b"{}")
    assert await pushed(answer_created, warnd, str(tmp_path / "warning"), "--dry-run") == 0
    assert json.loads(capsys.readouterr().out)["query"] == {"dry_run": "true"}


async def test_a_refused_warning_leaves_with_1_and_shows_why(
    warnd: Call, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The daemon's problem is printed whole: it names every fault by path."""

    async def refuse(request: web.Request) -> web.Response:
        return web.json_response({"errors": [{"path": "sender"}]}, status=422)

    (tmp_path / "warning").write_bytes(b"{}")
    assert await pushed(refuse, warnd, str(tmp_path / "warning")) == 1
    shown = capsys.readouterr()
    assert '"sender"' in shown.out
    assert "HTTP 422" in shown.err


async def test_a_cut_connection_is_tried_again(
    warnd: Call, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A warning must not be lost to a daemon that was just being restarted."""
    monkeypatch.setattr(calling_module, "_WAIT", tenacity.wait_none())
    tries = 0

    async def cut_twice(request: web.Request) -> web.Response:
        nonlocal tries
        tries += 1
        if tries < 3 and request.transport is not None:
            request.transport.abort()
        return web.json_response({"tries": tries}, status=200)

    (tmp_path / "warning").write_bytes(b"{}")
    assert await pushed(cut_twice, warnd, str(tmp_path / "warning")) == 0
    assert json.loads(capsys.readouterr().out) == {"tries": 3}


def test_a_daemon_that_never_answers_leaves_with_1(
    warnd: Call, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """After the last try one line says whom nobody could reach."""
    monkeypatch.setattr(calling_module, "_WAIT", tenacity.wait_none())
    (tmp_path / "warning").write_bytes(b"{}")
    url = "http://127.0.0.1:1"
    assert warnd("push", str(tmp_path / "warning"), "--url", url, "--key", "k") == 1
    assert f"no answer from {url}: Connection refused" in capsys.readouterr().err


def test_a_file_that_cannot_be_read_is_named(warnd: Call, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is sent, and the file's name is in the message."""
    assert warnd("push", "absent.xml", "--key", "k") == 1
    assert "absent.xml cannot be read" in capsys.readouterr().err


async def test_a_warning_that_tells_nobody_yet_says_so(
    warnd: Call, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A 202 alone would be taken for done."""

    async def hold(request: web.Request) -> web.Response:
        return web.json_response({"state": "held"}, status=202)

    (tmp_path / "warning").write_bytes(b"{}")
    assert await pushed(hold, warnd, str(tmp_path / "warning")) == 0
    assert "before an operator approves it" in capsys.readouterr().err


def test_a_url_that_is_none_is_a_fault_of_the_settings(
    warnd: Call, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is not tried again."""
    monkeypatch.setenv("WARND_URL", "nonsense")
    assert warnd("push", "-", "--key", "k") == 78
    assert "WARND_URL: 'nonsense'" in capsys.readouterr().err


# emulate


def test_a_port_in_use_is_named(warnd: Call, capsys: pytest.CaptureFixture[str]) -> None:
    """In a sentence, as every error."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert warnd("emulate", "sms.http", "--token", "made-up", "--port", str(port)) == 1
    assert f"sms.http cannot listen on port {port}: " in capsys.readouterr().err


SAMPLE = '''
"""A gateway that takes nothing."""
from warnd.contract.emulator import Counts, Faults
from warnd.contract.secret import Secret

class Gateway:
    def __init__(self, *, receipt_url=None):
        self.faults, self.counts, self.url = Faults(), Counts(requests=3, taken=2, distinct=1), receipt_url
    async def start(self, *, port=0):
        self.port = port
    async def stop(self):
        print("# stopped")
    @property
    def options(self):
        return {
            "url": f"http://127.0.0.1:{self.port}/", "token": Secret("made-up"), "unavailable": self.faults.unavailable,
            "latency": self.faults.latency.total_seconds(), "fields": {"to": "号码"}, "receipts": self.url,
        }
'''


def test_emulators_run_until_interrupted(tmp_path: Path) -> None:
    """A stranger's emulator is found by its entry point, gets its faults, prints its table and its counts."""
    (tmp_path / "sample_gateway.py").write_text(SAMPLE, encoding="utf-8")
    announced = tmp_path / "sample_gateway-1.0.dist-info"
    announced.mkdir()
    (announced / "METADATA").write_text("Metadata-Version: 2.1\nName: sample-gateway\nVersion: 1.0\n")
    (announced / "entry_points.txt").write_text("[warnd.emulators]\npager.sample = sample_gateway:Gateway\n")
    arguments = ["emulate", "pager.sample", "--port", "4900", "--latency", "20ms", "--unavailable", "0.25"]
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from warnd.cli.main import run; run()",
            *arguments,
            "--receipt-url",
            "http://r",
        ],
        env={**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONIOENCODING": "utf-8"},
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stdout is not None
    with process:
        lines = list(iter(lambda: process.stdout.readline().rstrip(), "# 1 running; Ctrl-C stops them."))  # type: ignore[union-attr]
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
    assert process.returncode == 0
    assert lines == [
        "[channels.pager]",
        'adapter = "pager.sample"',
        "emulated = true",
        'url = "http://127.0.0.1:4900/"',
        'token = "made-up"',
        "unavailable = 0.25",
        "latency = 0.02",
        'fields = { to = "号码" }',
        'receipts = "http://r"',
        "",
    ]
    assert rest.startswith(
        "# stopped\n# pager.sample: 3 requests, 2 recipients taken over, 1 of them repeats"
    )
