"""Connections kept for the next request whose other end is gone: it said so, or it did not."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from channels.http_line import Line
from channels.sms.adapter import HttpSms
from channels.sms.emulator import SmsGateway
from tests.integration.door import settle_in
from tests.integration.running import Clocks, Running, started, until

PEOPLE = 40
SECOND = {"identifier": "62120241600000_20260714080001", "headline": "武都区气象台再发布暴雨红色预警信号"}


@dataclass(slots=True)
class Wire:
    """What lies between the daemon and its gateway: it can lose the connections there are and carry new ones."""

    host: str
    port: int
    alive: list[asyncio.StreamWriter] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(self.host, self.port)
        self.alive += [writer, back]
        for one, other in ((reader, back), (there, writer)):
            task = asyncio.create_task(_pump(one, other))
            self.tasks.add(task)

    def fall_silent(self) -> None:
        """As a firewall that forgot them: nothing passes any more, and neither end is told."""
        for task in self.tasks:
            task.cancel()

    def close(self) -> None:
        """As a gateway that tidies up: both ends are told."""
        for writer in self.alive:
            writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine: what is kept is kept until the test is over."""
    monkeypatch.setattr("channels.http_line.IDLE_SECONDS", 600.0)


@asynccontextmanager
async def wired(directory: Path, county: Path) -> AsyncIterator[tuple[Running, Wire]]:
    """An application that has just told everybody of a first warning and keeps its connections."""
    shutil.copy(county, directory / "warnd.db")
    gateway = SmsGateway()
    await gateway.start()
    place = urlsplit(str(gateway.options["url"]))
    assert place.hostname is not None
    assert place.port is not None
    wire = Wire(place.hostname, place.port)
    server = await asyncio.start_server(wire.carry, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    url = f"http://127.0.0.1:{port}{place.path}"
    try:
        async with started(directory, gateway, Clocks(), 'timeout = "400ms"', url) as site:
            await settle_in(site.app, PEOPLE)
            await site.told(await site.push(), PEOPLE)
            yield site, wire
    finally:
        server.close()
        wire.fall_silent()
        wire.close()
        await asyncio.gather(*wire.tasks, return_exceptions=True)
        await gateway.stop()


def kept(site: Running) -> list[Line]:
    """The daemon's ends of the connections that are kept for the next request."""
    channel = site.app.lines["sms"].channel
    assert isinstance(channel, HttpSms)
    assert channel._client is not None
    return channel._client._idle


async def marked(site: Running) -> int:
    statement = "SELECT count(*) FROM journal WHERE json_extract(body, '$.possible_repeat')"
    return int((await site.rows(statement))[0][0])


async def test_connections_whose_other_end_is_gone_without_a_word(tmp_path: Path, county: Path) -> None:
    """
    No answer comes in time: it may have been honoured, so it is sent again, marked, on a connection of its own.

    Nobody is lost, and none of those connections is tried a second time.
    """
    async with wired(tmp_path, county) as (site, wire):
        wire.fall_silent()
        alert = await site.push(**SECOND)
        await site.told(alert, PEOPLE)
        assert set(site.gateway.numbers.values()) == {2}, "each warning once"
        assert 0 < await marked(site) <= 4, "one a request at once, however many batches there are"


async def test_connections_that_the_gateway_closed_meanwhile(tmp_path: Path, county: Path) -> None:
    """They are not used: nothing is in doubt, and nothing is sent twice."""
    async with wired(tmp_path, county) as (site, wire):
        assert any(one.is_open for one in kept(site))
        wire.close()
        await until(lambda: not any(one.is_open for one in kept(site)))
        alert = await site.push(**SECOND)
        await site.told(alert, PEOPLE)
        assert set(site.gateway.numbers.values()) == {2}, "each warning once"
        assert await marked(site) == 0
