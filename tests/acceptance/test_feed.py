"""A daemon with a feed: what the feed shows goes out, once, whichever way it comes first."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.acceptance.conftest import RECIPIENTS
from tests.acceptance.site import Site, gateway, until
from tests.fakes.feed_server import atom, cap, embedding


class Shown(BaseHTTPRequestHandler):
    """The feed's one answer; ``asked`` counts."""

    answer = b""
    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def feed() -> Iterator[str]:
    """Its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shown)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/alerts.atom"
    server.shutdown()
    thread.join()
    server.server_close()


def current(now: datetime, identifier: str) -> bytes:
    """A feed with one red warning of Wudu, issued now."""
    local = now + timedelta(hours=8)
    told = cap(1, identifier=identifier, sent=f"{local:%Y-%m-%dT%H:%M:%S}+08:00")
    expires = f"{local + timedelta(hours=6):%Y-%m-%dT%H:%M:%S}+08:00"
    return atom(embedding(1, told.replace("2026-07-14T14:00:00+08:00", expires)))


def test_a_warning_of_a_feed_reaches_everybody_once(tmp_path: Path, prepared: Path, feed: str) -> None:
    """It is asked at the start and every second; then the same comes by push as well, by another clock."""
    now = datetime.now(UTC).replace(microsecond=0)
    identifier = f"62120241600000_{now + timedelta(hours=8):%Y%m%d%H%M%S}"
    Shown.answer = current(now, identifier)
    table = f'[feeds.national]\nkind = "cap.atom"\nurl = "{feed}"\nsource = "weather"\nevery = "1s"\n'
    with gateway() as sms:
        site = Site(tmp_path, sms, tables=table)
        site.settle_in(prepared)
        site.start()
        ((alert,),) = until(lambda: site.rows("SELECT id FROM alerts"), "the feed's warning is admitted")
        pushed = site.push(identifier=identifier, sent=(now - timedelta(minutes=2)).isoformat())
        assert (pushed["id"], pushed.get("repeat")) == (alert, True)
        until(lambda: site.settled(alert), "everybody is told")
        asked = Shown.asked
        until(lambda: Shown.asked > asked + 1, "the feed is asked again")
        listed = json.loads(site.run("feeds", "list", "--json"))
        assert site.stop() == 0
        assert site.rows("SELECT count(*) FROM alerts") == [(1,)]
        assert (listed["entries"], listed["admitted"], listed["faults"], listed["trouble"]) == (1, 1, 0, "")
        numbers = sms.numbers()
    assert len(numbers) == RECIPIENTS
    assert set(numbers.values()) == {1}
