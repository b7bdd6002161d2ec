"""
A mail relay on loopback: aiosmtpd in this very event loop, going wrong where its faults say.

By itself: ``python -m channels.email.emulator --port 2525 --control-port 9003``.
"""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
import weakref
from collections.abc import Mapping, Sequence
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from functools import lru_cache
from typing import Any, AnyStr

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from channels.gateway import Gateway, parser, serve
from warnd.contract.secret import Secret

_REF = re.compile(rb"^Message-ID:\s*(\S+)\r?$", re.IGNORECASE | re.MULTILINE)
# Without these, the messages of one content are equal, and only the first of them has to be parsed.
_OWN = re.compile(rb"^(?:Message-ID|Date|To):[^\n]*\n?", re.IGNORECASE | re.MULTILINE)

_SENDER_OK = "250 2.1.0 Ok"
_RECIPIENT_OK = "250 2.1.5 Ok"
_OKS = frozenset({_SENDER_OK.encode(), _RECIPIENT_OK.encode()})


class MailGateway(Gateway):
    """
    A relay that takes mail for everyone.

    ``login`` and ``password``, if given, are asked for. ``tls_context`` lets it offer STARTTLS. ``latency``
    comes once a message, before the answer to its text. ``connections`` counts those that were opened. Without
    ``pipelining`` it does not say that commands may come together.
    """

    def __init__(
        self,
        *,
        receipt_url: str | None = None,
        login: str = "",
        password: str = "",
        tls_context: ssl.SSLContext | None = None,
        smtputf8: bool = False,
        pipelining: bool = True,
    ) -> None:
        super().__init__()
        self._login = login
        self._password = password
        self._tls = tls_context
        self._smtputf8 = smtputf8
        self.offers = ("250-PIPELINING",) if pipelining else ()
        self._server: asyncio.Server | None = None
        self._sessions: weakref.WeakSet[Any] = weakref.WeakSet()
        self._port = 0
        self.connections = 0

    @property
    def options(self) -> Mapping[str, Any]:
        credentials = {"login": self._login, "password": Secret(self._password)} if self._login else {}
        return {
            "host": "127.0.0.1",
            "port": self._port,
            "tls": "none",
            "sender": "预警中心 <warn@example.org>",
            **credentials,
        }

    def example_address(self, n: int) -> str:
        return f"duty{n}@example.com"

    async def start(self, *, port: int = 0) -> None:
        # aiosmtpd logs every command with the addresses in it, which costs more than taking the mail.
        logging.getLogger("mail.log").setLevel(logging.ERROR)
        self._stopped.clear()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._session, "127.0.0.1", port)
        self._port = int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Cuts what is open: relays do go down without waiting for their guests."""
        self._stopped.set()
        if self._server is None:
            return
        self._server.close()
        for session in self.open_sessions():
            session.transport.abort()
        await self._server.wait_closed()
        # The transports tell their sessions in the loop's next turn.
        await asyncio.sleep(0)

    def open_sessions(self) -> Sequence[Any]:
        """The connections that stand, as aiosmtpd's sessions."""
        return [session for session in self._sessions if session.transport is not None]

    def _session(self) -> Any:
        session = _Relay(
            _Handler(self),
            hostname="localhost",
            enable_SMTPUTF8=self._smtputf8,
            tls_context=self._tls,
            auth_require_tls=False,
            authenticator=self._authenticate,
            loop=asyncio.get_running_loop(),
        )
        self._sessions.add(session)
        self.connections += 1
        return session

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
    ) -> AuthResult:
        expected = LoginPassword(self._login.encode(), self._password.encode())
        return AuthResult(success=data == expected and not self.faults.refuse_account, handled=False)

    def admit(self, session: Session) -> str:
        """The answer to MAIL; empty if the sender may go on."""
        self.counts.requests += 1
        if self.happens(self.faults.unavailable):
            return "421 4.3.2 Service shutting down"
        if self.faults.refuse_account or (self._login and not session.authenticated):
            self.counts.refused += 1
            return "530 5.7.0 Authentication required"
        return ""

    def know(self, address: str) -> str:
        """The answer to RCPT; empty if there is such a mailbox."""
        faults = self.faults
        if self.happens(faults.throttled):
            self.counts.throttled += 1
            if faults.retry_after is None:
                return "452 4.3.1 Too much mail at this time"
            return f"450 4.7.1 Greylisted, try again in {faults.retry_after.total_seconds():.0f} seconds"
        if address in faults.bad_addresses:
            self.counts.refused += 1
            return "550 5.1.1 No such mailbox"
        return ""

    async def accept(self, session: Any, address: str, message: bytes) -> str:
        """The answer to the text."""
        faults = self.faults
        await self.linger(faults.latency)
        if faults.refuse_content:
            self.counts.refused += 1
            return "554 5.6.0 Message refused"
        head, blank, text = message.partition(b"\r\n\r\n")
        ref = _REF.search(head)
        subject, body = _read(_OWN.sub(b"", head) + blank + text)
        self.take(address, body, subject=subject, ref=ref[1].decode() if ref is not None else "")
        if self.happens(faults.hang_after):
            await self.linger()
        if self.happens(faults.cut_after):
            session.transport.abort()
            await self.linger()
        if self.happens(faults.garbled):
            return "thank you, that was a nice one"
        return "250 2.0.0 Taken"


class _Relay(SMTP):
    """
    Answers together what came together (RFC 2920 3.2).

    aiosmtpd takes commands that come together and goes through them in one turn of the loop, answering each by itself.
    """

    _held = b""

    async def push(self, status: AnyStr) -> None:
        said = status if isinstance(status, bytes) else status.encode()
        if said not in _OKS:
            held, self._held = self._held, b""
            await super().push(held + said)
            return
        if not self._held:
            self.loop.call_soon(self._let_go)
        self._held += said + b"\r\n"

    def _let_go(self) -> None:
        if self._held and self.transport is not None:
            self._writer.write(self._held)
            self._held = b""


class _Handler:
    """aiosmtpd's hooks, named as it wants them; each transaction has one recipient here."""

    def __init__(self, gateway: MailGateway) -> None:
        self._gateway = gateway

    async def handle_EHLO(  # noqa: N802
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        # aiosmtpd takes commands that come together, but does not say so.
        session.host_name = hostname
        return [*responses[:-1], *self._gateway.offers, responses[-1]]

    async def handle_MAIL(  # noqa: N802
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if refusal := self._gateway.admit(session):
            return refusal
        envelope.mail_from = address
        return _SENDER_OK

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if refusal := self._gateway.know(address):
            return refusal
        envelope.rcpt_tos.append(address)
        return _RECIPIENT_OK

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        return await self._gateway.accept(server, envelope.rcpt_tos[0], envelope.original_content or b"")


@lru_cache(256)
def _read(message: bytes) -> tuple[str, str]:
    """Subject and body, with plain line ends and without the last one, which the protocol adds."""
    parsed = BytesParser(EmailMessage, policy=policy.default).parsebytes(message)
    text = str(parsed.get_content()).replace("\r\n", "\n")
    return str(parsed["Subject"] or ""), text.removesuffix("\n")


if __name__ == "__main__":
    serve(MailGateway(), parser("channels.email.emulator").parse_args())
