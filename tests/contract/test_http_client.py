"""The client of gateways on real sockets: what is asked over which connection, and what is known when that breaks."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from yarl import URL

from channels.http_answer import LARGEST, Answer
from channels.http_client import HttpClient, Unanswered
from tests.fakes.certificates import of_server, self_signed
from warnd.contract.outcome import Deferred, Reason

FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
SAID = Answer(200, None, b"{}")
AT_LENGTH = timedelta(seconds=20)
SOON = timedelta(milliseconds=100)

NO_REPLY = Deferred(Reason.NO_REPLY, maybe_sent=True)
LOST = Deferred(Reason.CONNECTION_LOST, maybe_sent=True)
UNREADABLE = Deferred(Reason.UNREADABLE_REPLY, maybe_sent=True)


@dataclass(slots=True)
class Peer:
    """One connection as the gateway sees it: ``asked`` are the whole requests, ``gone`` is set when it ended."""

    writer: asyncio.StreamWriter
    asked: list[bytes] = field(default_factory=list)
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    def say(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.writer.write(piece)

    def reset(self) -> None:
        self.writer.transport.abort()


Script = Callable[[Peer], None]
"""What the gateway does once it has read a request."""


def fine(peer: Peer) -> None:
    peer.say(FINE)


def silent(_: Peer) -> None:
    """Reads, and answers nothing."""


@dataclass(slots=True)
class Wire:
    """The connections that were made, and the script of the next requests; the last goes on."""

    url: URL
    scripts: list[Script]
    peers: list[Peer] = field(default_factory=list)
    requests: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    """One for each that was read."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.peers.append(peer := Peer(writer))
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                peer.asked.append(head + await reader.readexactly(length))
                self.requests.release()
                (self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0])(peer)
        except (OSError, asyncio.IncompleteReadError):
            await _ended(writer)
            peer.gone.set()


async def _ended(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


@asynccontextmanager
async def gateway(
    *scripts: Script, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[Wire]:
    wire = Wire(URL(), list(scripts))
    server = await asyncio.start_server(wire.serve, host, 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    wire.url = URL.build(scheme="https" if tls else "http", host=host, port=port)
    try:
        yield wire
    finally:
        server.close()
        for peer in wire.peers:
            peer.reset()
            await peer.gone.wait()


@asynccontextmanager
async def posting(
    origin: URL, *, timeout: timedelta = AT_LENGTH, headers: dict[str, str] | None = None
) -> AsyncIterator[HttpClient]:
    client = HttpClient(origin, headers=headers or {}, connect_timeout=AT_LENGTH, timeout=timeout)
    try:
        yield client
    finally:
        client.close()


async def unanswered(client: HttpClient) -> Deferred:
    with pytest.raises(Unanswered) as failure:
        await client.post("/", b"{}")
    return failure.value.outcome


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine: what is kept is kept until the test is over."""
    monkeypatch.setattr("channels.http_line.IDLE_SECONDS", 600.0)


async def test_the_request_on_the_wire() -> None:
    async with gateway(fine) as wire, posting(wire.url, headers={"Content-Type": "text/plain"}) as client:
        assert await client.post("/send?key=%E6%9A%B4", "雨".encode()) == SAID
    (peer,) = wire.peers
    (request,) = peer.asked
    head, body = request.split(b"\r\n\r\n")
    line, *headers = head.split(b"\r\n")
    assert line == b"POST /send?key=%E6%9A%B4 HTTP/1.1"
    assert headers[0] == f"Host: 127.0.0.1:{wire.url.port}".encode()
    assert {b"Content-Type: text/plain", b"Content-Length: 3", b"Accept-Encoding: identity"} <= set(headers)
    assert body == "雨".encode()


async def test_a_connection_is_kept_and_one_more_made_for_what_is_asked_beside() -> None:
    async with gateway(fine, fine, silent, fine) as wire, posting(wire.url) as client:
        for _ in range(2):
            await client.post("/", b"{}")
            await wire.requests.acquire()
        beside = asyncio.create_task(client.post("/", b"{}"))
        await wire.requests.acquire()
        await client.post("/", b"{}")
        wire.peers[0].say(FINE)
        assert await beside == SAID
    assert [len(peer.asked) for peer in wire.peers] == [3, 1]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        pytest.param(lambda peer: peer.reset(), LOST, id="a reset"),
        pytest.param(lambda peer: peer.writer.close(), LOST, id="an end without a word"),
        pytest.param(lambda peer: (peer.say(FINE[:-1]), peer.writer.close()), LOST, id="an end within the body"),
        pytest.param(lambda peer: peer.say(b"220 relay.invalid ESMTP\r\n"), UNREADABLE, id="another protocol"),
        pytest.param(lambda peer: peer.say(b"HTTP/1.1 101 No\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n"), UNREADABLE, id="an upgrade"),
        pytest.param(lambda peer: peer.say(b"HTTP/1.1 200 OK\r\n\r\n", b" " * (LARGEST + 1)), UNREADABLE, id="no end"),
    ],
)  # fmt: skip
async def test_what_breaks_off_may_have_been_sent_and_is_asked_elsewhere_next(
    script: Script, expected: Deferred
) -> None:
    async with gateway(script, fine) as wire, posting(wire.url) as client:
        assert await unanswered(client) == expected
        assert await client.post("/", b"{}") == SAID
        await asyncio.wait_for(wire.peers[0].gone.wait(), 20)
    assert [len(peer.asked) for peer in wire.peers] == [1, 1]


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(silent, id="nothing"),
        pytest.param(lambda peer: peer.say(FINE[:-1]), id="all but its end"),
    ],
)
async def test_an_answer_that_does_not_come_in_time_is_nobodys_later(script: Script) -> None:
    async with gateway(script, fine) as wire, posting(wire.url, timeout=SOON) as client:
        assert await unanswered(client) == NO_REPLY
        await asyncio.wait_for(wire.peers[0].gone.wait(), 20)
        assert await client.post("/", b"{}") == SAID
    assert [len(peer.asked) for peer in wire.peers] == [1, 1]


async def test_bytes_that_trickle_do_not_put_off_the_end() -> None:
    """Each would, if the wait began anew with it."""

    def trickle(peer: Peer) -> None:
        async def drops() -> None:
            peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            while not peer.gone.is_set():
                peer.say(b"x")
                await asyncio.sleep(SOON.total_seconds() / 10)

        trickling.append(asyncio.create_task(drops()))

    trickling: list[asyncio.Task[None]] = []
    async with gateway(trickle) as wire, posting(wire.url, timeout=SOON) as client:
        assert await unanswered(client) == NO_REPLY
        await asyncio.gather(*trickling)


async def test_whoever_gives_up_takes_the_connection_along() -> None:
    """The answer that comes later is not taken for that of the next request."""
    async with gateway(silent, fine) as wire, posting(wire.url) as client:
        given_up = asyncio.create_task(client.post("/", b"{}"))
        await wire.requests.acquire()
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        assert await client.post("/", b"{}") == SAID
        await asyncio.wait_for(wire.peers[0].gone.wait(), 20)
    assert [len(peer.asked) for peer in wire.peers] == [1, 1]


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(lambda peer: peer.say(FINE.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)), id="it says so"),
        pytest.param(lambda peer: peer.say(FINE + FINE), id="it answers twice"),
    ],
)  # fmt: skip
async def test_a_connection_that_cannot_be_used_again_is_closed(script: Script) -> None:
    async with gateway(script, fine) as wire, posting(wire.url) as client:
        for _ in range(2):
            assert await client.post("/", b"{}") == SAID
        await asyncio.wait_for(wire.peers[0].gone.wait(), 20)
    assert [len(peer.asked) for peer in wire.peers] == [1, 1]


@pytest.mark.parametrize(
    "meanwhile",
    [
        pytest.param(lambda peer: peer.writer.close(), id="is closed"),
        pytest.param(lambda peer: peer.say(b"HTTP/1.1 408 Request Timeout\r\n\r\n"), id="says good-bye"),
    ],
)
async def test_a_kept_connection_that_ends_meanwhile_is_not_used(meanwhile: Script) -> None:
    async with gateway(fine) as wire, posting(wire.url) as client:
        await client.post("/", b"{}")
        meanwhile(wire.peers[0])
        await asyncio.wait_for(wire.peers[0].gone.wait(), 20)
        assert await client.post("/", b"{}") == SAID
    assert [len(peer.asked) for peer in wire.peers] == [1, 1]


async def test_a_connection_that_nobody_wants_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("channels.http_line.IDLE_SECONDS", SOON.total_seconds())
    async with gateway(fine) as wire, posting(wire.url) as client:
        await client.post("/", b"{}")
        await asyncio.wait_for(wire.peers[0].gone.wait(), 20)


async def test_a_refusal_before_the_whole_request_was_read_stands() -> None:
    """As 413 does, of a gateway that then hangs up."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        with suppress(OSError):
            await reader.read()
        await _ended(writer)
        gone.set()

    gone = asyncio.Event()
    server = await asyncio.start_server(refuse, "127.0.0.1", 0, limit=1024)
    async with server, posting(URL(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")) as client:
        assert await client.post("/", b"x" * (8 << 20)) == Answer(413, None, b"")
        await asyncio.wait_for(gone.wait(), 20)


async def test_a_name_is_looked_up_once_for_all_who_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, found = asyncio.get_running_loop(), Counter[str]()

    async def counted(host: str, port: int, **wanted: Any) -> Any:
        found[host] += 1
        return await look_up(host, port, **wanted)

    look_up = loop.getaddrinfo
    monkeypatch.setattr(loop, "getaddrinfo", counted)
    async with gateway(fine) as wire, posting(wire.url.with_host("localhost")) as client:
        assert await asyncio.gather(*(client.post("/", b"{}") for _ in range(5))) == [SAID] * 5
    assert found == {"localhost": 1}


async def test_nobody_there_is_certainly_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with posting(URL(f"http://127.0.0.1:{port}")) as client:
        assert await unanswered(client) == Deferred(Reason.UNREACHABLE, detail="Connection refused")


@pytest.mark.parametrize("host", ["gateway.invalid", "a" * 64 + ".invalid", "a b", "a\0b"])
async def test_a_name_that_is_none_is_certainly_not_sent(host: str) -> None:
    async with posting(URL(f"http://{host}")) as client:
        assert await unanswered(client) == Deferred(Reason.UNREACHABLE, detail="its name is not known")


async def test_a_connection_that_does_not_come_about_in_time_is_certainly_not_sent() -> None:
    """The gateway takes the connection, and never says a word of TLS."""
    async with gateway(silent) as wire:
        client = HttpClient(
            wire.url.with_scheme("https"), headers={}, connect_timeout=SOON, timeout=AT_LENGTH
        )
        assert await unanswered(client) == Deferred(Reason.UNREACHABLE, detail="not connected in time")


async def test_an_address_of_the_newer_kind() -> None:
    async with gateway(fine, host="::1") as wire, posting(wire.url) as client:
        assert await client.post("/", b"{}") == SAID
    assert f"Host: [::1]:{wire.url.port}".encode() in wire.peers[0].asked[0]


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Of 127.0.0.1, signed by itself, with its key."""
    return self_signed(tmp_path)


async def test_tls_with_a_gateway_that_the_machine_trusts(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with gateway(fine, tls=of_server(certificate)) as wire, posting(wire.url) as client:
        for _ in range(2):
            assert await client.post("/", b"{}") == SAID
    assert [len(peer.asked) for peer in wire.peers] == [2]


async def test_nothing_is_sent_to_a_gateway_that_cannot_show_who_it_is(certificate: Path) -> None:
    async with gateway(fine, tls=of_server(certificate)) as wire, posting(wire.url) as client:
        outcome = await unanswered(client)
    assert (outcome.reason, outcome.maybe_sent) == (Reason.UNREACHABLE, False)
    assert outcome.detail.startswith("its certificate is not trusted: ")
    assert not any(peer.asked for peer in wire.peers)
