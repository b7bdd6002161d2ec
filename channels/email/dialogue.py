"""Commands and replies on a connection that a relay has greeted: several commands may be out at once."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import cast

from aiosmtplib import SMTP, SMTPResponse

UNREADABLE = -1
"""The code of a reply that begins with none."""

_LONGEST_REPLY = 32_768
"""Bytes; a greeting with every extension there is takes a few thousand."""


class Dialogue(asyncio.Protocol):
    """
    Takes over the connection of a client that has greeted, encrypted and logged in.

    aiosmtplib waits for each reply before the next command and drops what comes together, so over it every
    command costs a round trip. Where the relay offers ``pipelining`` (RFC 2920) a whole group costs one.

    Whatever is said without having been asked for (a relay's farewell to an idle line) ends the dialogue: it
    must not be taken for the reply to the next command.
    """

    def __init__(self, smtp: SMTP) -> None:
        if smtp.transport is None:
            raise ConnectionResetError
        self.pipelining = smtp.supports_extension("pipelining")
        self.smtputf8 = smtp.supports_extension("smtputf8")
        self._transport = cast(asyncio.Transport, smtp.transport)
        self._replies: deque[SMTPResponse] = deque()
        self._owed = 0
        self._unread = b""
        self._lines: list[bytes] = []
        self._heard: asyncio.Future[None] | None = None
        self._transport.set_protocol(self)

    @property
    def is_open(self) -> bool:
        return not self._transport.is_closing()

    def say(self, commands: Iterable[bytes]) -> None:
        """Send these lines in one go; as many replies will come. None of them holds a line break."""
        said = [*commands, b""]
        self._owed += len(said) - 1
        self._transport.write(b"\r\n".join(said))

    def tell(self, text: bytes) -> None:
        """Send a message's bytes, whose lines end with CRLF and never begin with a dot; one reply will come."""
        self._owed += 1
        self._transport.write(text + b".\r\n")

    async def reply(self) -> SMTPResponse:
        """The next one. Raises ConnectionResetError if the line breaks first."""
        while not self._replies:
            if self._transport.is_closing():
                raise ConnectionResetError
            self._heard = asyncio.get_running_loop().create_future()
            await self._heard
        return self._replies.popleft()

    def hang_up(self) -> None:
        """Say QUIT, without waiting for the answer, and close."""
        if self.is_open:
            self._transport.write(b"QUIT\r\n")
        self._transport.close()

    def close(self) -> None:
        """Hang up without a word, in the middle of whatever it was."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            self._lines.append(line)
            if line[3:4] != b"-" or not line[:3].isdigit():
                self._hear()
        if self._owed < 0 or len(self._unread) + sum(map(len, self._lines)) > _LONGEST_REPLY:
            self._transport.close()
        self._wake()

    def connection_lost(self, _exc: Exception | None) -> None:
        self._wake()

    def _hear(self) -> None:
        code = self._lines[-1][:3]
        text = b"\n".join(line[4:].strip() for line in self._lines)
        self._replies.append(
            SMTPResponse(int(code) if code.isdigit() else UNREADABLE, text.decode("utf-8", "replace"))
        )
        self._lines.clear()
        self._owed -= 1

    def _wake(self) -> None:
        if self._heard is not None and not self._heard.done():
            self._heard.set_result(None)
