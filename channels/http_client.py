"""Posts to one HTTP gateway over connections that stay open, and knows what cannot have been sent."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from aiohappyeyeballs import AddrInfoType, start_connection
from yarl import URL

from channels.http_answer import Answer, BrokenAnswer
from channels.http_line import Line
from channels.unreached import why
from warnd.contract.outcome import Deferred, Reason

_NEXT_ADDRESS_SECONDS = 0.25
"""Of a name with several addresses, the next is tried beside the first after this (RFC 8305, section 5)."""

_OURS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "warnd"}


class Unanswered(Exception):
    """No answer that says anything: ``outcome`` is what is known of each recipient of the request."""

    def __init__(self, outcome: Deferred) -> None:
        super().__init__(outcome)
        self.outcome = outcome


class HttpClient:
    """
    POST over HTTP/1.1 to ``origin``; redirects are answers like others.

    It sets no bound: at most as many connections are open as there are sends at once, and those the core's slots
    bound. ``connect_timeout`` ends connecting, names and TLS included; ``timeout`` the wait for the whole answer
    once connected. ``headers`` go with every request.
    """

    def __init__(
        self, origin: URL, *, headers: Mapping[str, str], connect_timeout: timedelta, timeout: timedelta
    ) -> None:
        self._host = origin.raw_host or ""
        self._port = origin.port
        self._connect_timeout = connect_timeout.total_seconds()
        self._patience = timeout.total_seconds()
        self._tls = _tls() if origin.scheme == "https" else None
        fixed = {"Host": origin.host_port_subcomponent, **_OURS, **headers}
        self._head = "".join(f"{name}: {value}\r\n" for name, value in fixed.items()).encode("latin-1")
        self._idle: list[Line] = []
        self._lookup: asyncio.Future[list[Any]] | None = None
        self._closed = False

    async def post(self, target: str, body: bytes) -> Answer:
        """
        What the gateway answers; ``target`` is an encoded path with its query.

        Raises Unanswered, with ``maybe_sent`` unless no connection came about.
        """
        request = b"POST %b HTTP/1.1\r\n%bContent-Length: %d\r\n\r\n%b" % (
            target.encode("ascii"), self._head, len(body), body,
        )  # fmt: skip
        line = self._open_line() or await self._connect()
        try:
            return await line.ask(request)
        except TimeoutError:
            raise Unanswered(Deferred(Reason.NO_REPLY, maybe_sent=True)) from None
        except ConnectionError:
            raise Unanswered(Deferred(Reason.CONNECTION_LOST, maybe_sent=True)) from None
        except BrokenAnswer:
            raise Unanswered(Deferred(Reason.UNREADABLE_REPLY, maybe_sent=True)) from None
        finally:
            if line.is_open and not self._closed:
                self._idle.append(line)
            else:
                line.close()

    def close(self) -> None:
        """Idle connections at once, the others after their answer."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def _open_line(self) -> Line | None:
        """The one that was used last."""
        while self._idle:
            line = self._idle.pop()
            if line.is_open:
                return line
            line.close()
        return None

    async def _connect(self) -> Line:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._connect_timeout):
                connected = await start_connection(
                    await self._addresses(), happy_eyeballs_delay=_NEXT_ADDRESS_SECONDS
                )
                _, line = await loop.create_connection(
                    lambda: Line(self._patience), sock=connected, ssl=self._tls,
                    server_hostname=self._host if self._tls is not None else None,
                )  # fmt: skip
        except (OSError, ValueError) as error:
            raise Unanswered(Deferred(Reason.UNREACHABLE, detail=why(error))) from None
        return line

    async def _addresses(self) -> Sequence[AddrInfoType]:
        """One look-up for all who connect at once: by themselves they would queue for the few threads that can."""
        if self._lookup is None or self._lookup.done():
            looking = asyncio.get_running_loop().getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
            self._lookup = asyncio.ensure_future(looking)
            # Whoever asked may have given up before it failed.
            self._lookup.add_done_callback(lambda found: found.cancelled() or found.exception())
        return await asyncio.shield(self._lookup)


def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
