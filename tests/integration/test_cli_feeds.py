"""``warnd feeds``: what an operator sees of feeds, and one poll by hand beside the daemon's."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.fakes.feed_server import atom, cap, embedding
from warnd.cli import main

Call = Callable[..., tuple[int, str, str]]


class Shown(BaseHTTPRequestHandler):
    """A feed whose one warning was over long ago, and an entry that is none."""

    def do_GET(self) -> None:
        found = self.path == "/alerts.atom"
        self.send_response(200 if found else 403)
        self.end_headers()
        if found:
            self.wfile.write(atom(embedding(2, "<alert>nonsense</alert>"), embedding(1, cap(1))))

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def feed() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shown)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def warnd(
    tmp_path: Path, feed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Call:
    """Runs a command on a store with three feeds; its exit code and what it printed."""
    tables = "".join(
        f'[feeds.{name}]\nkind = "{kind}"\nurl = "{feed}{path}"\nsource = "weather"\n{more}'
        for name, kind, path, more in (
            ("national", "cap.atom", "/alerts.atom", ""),
            ("closed", "nmc", "/alarms?token={key}", 'key = "s3cret"\n'),
            ("hook", "caiyun.webhook", "/hook", 'key = "s3cret"\n'),
        )
    )
    config = tmp_path / "warnd.toml"
    config.write_text(
        f'[store]\nurl = "sqlite:///{tmp_path}/warnd.db"\n[sources.weather]\nregions = ["6212"]\n{tables}'
    )
    monkeypatch.setenv("WARND_CONFIG", str(config))

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["warnd", *arguments])
        with pytest.raises(SystemExit) as left:
            main.run()
        out, error = capsys.readouterr()
        return int(left.value.code or 0), out, error

    assert call("db", "upgrade")[0] == 0
    return call


def test_a_dry_run_shows_and_keeps_nothing(warnd: Call) -> None:
    """What is new, what is over, what is refused and why."""
    code, out, _ = warnd("feeds", "poll", "national", "--dry-run", "--json")
    told = json.loads(out)
    assert code == 0
    assert [one["taken"] for one in told["outcomes"]] == ["past", "refused"]
    assert told["outcomes"][0]["headline"] == "武都区气象台发布暴雨红色预警信号"
    assert told["outcomes"][1]["findings"]
    assert json.loads(warnd("feeds", "list", "--json")[1].splitlines()[0])["polled"] is None


def test_a_poll_by_hand_is_remembered(warnd: Call) -> None:
    """The daemon goes on from there."""
    code, out, _ = warnd("feeds", "poll", "national")
    assert (code, "2 entries, 2 new" in out) == (0, True)
    assert warnd("feeds", "poll", "national")[:2] == (0, "2 entries, 0 new\n")
    national, closed, hook = map(json.loads, warnd("feeds", "list", "--json")[1].splitlines())
    assert (national["entries"], national["faults"], national["trouble"]) == (2, 1, "")
    assert closed["polled"] is None
    assert hook["path"].startswith("/api/v1/feeds/hook/")


def test_a_feed_that_gives_no_answer_is_a_failure(warnd: Call) -> None:
    """Its words hold neither the path nor the key that stands in it."""
    code, out, error = warnd("feeds", "poll", "closed")
    assert (code, "HTTP 403" in out) == (1, True)
    code, out, error = warnd("feeds", "poll", "closed", "--dry-run")
    assert (code, error) == (1, "warnd: it answers HTTP 403\n")
    listed = warnd("feeds", "list")[1]
    assert "it answers HTTP 403" in listed
    assert "s3cret" not in listed + out + error


def test_a_feed_that_calls_cannot_be_polled(warnd: Call) -> None:
    """Nor can one that is not there."""
    assert warnd("feeds", "poll", "hook")[0] == 1
    assert "no feed that is asked nobody" in warnd("feeds", "poll", "nobody")[2]
