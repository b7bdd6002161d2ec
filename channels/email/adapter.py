"""Sends mail through a relay: one recipient to a transaction, over connections that are kept."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import lru_cache, partial
from typing import Any, Literal

from aiosmtplib import SMTP, SMTPAuthenticationError, SMTPException
from pydantic import Field, field_validator

from channels.email.classify import Step, broken, classify
from channels.email.dialogue import UNREADABLE, Dialogue
from channels.email.letter import Sender, mailbox, own_part, shared_part
from channels.email.pool import Pool
from channels.email.transaction import Transaction
from channels.options import Duration, Options
from warnd.contract.channel import BatchView, Capabilities, Sink
from warnd.contract.outcome import Accepted, Outcome, Reason, Rejected
from warnd.contract.secret import Secret
from warnd.errors import ConfigError

CONTENTS = 32
"""Contents whose bytes are kept: as many as are likely to be on their way at one time."""

MAX_BUNDLE = 20
"""Messages that one mail may carry: no more than a reader looks through."""

MARGIN = timedelta(seconds=5)
"""What a send may take beyond the channel's own time-out, so that it is this one that strikes."""

_PORTS = {"none": 25, "opportunistic": 25, "starttls": 587, "implicit": 465}
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_CLOSING = 421


class SmtpOptions(Options):
    """
    ``[channels.NAME]`` with ``adapter = "email.smtp"``.

    ``tls``: ``starttls`` and ``implicit`` send nothing in the clear and check the relay's certificate
    (against ``ca_file``, if given); ``opportunistic`` encrypts where it can and checks nothing; ``none`` does
    not.
    ``helo`` is the name we greet with.
    """

    host: str = Field(pattern=r"^[A-Za-z0-9.:_-]+$")
    port: int | None = Field(default=None, ge=1, le=65535)
    tls: Literal["none", "starttls", "implicit", "opportunistic"] = "starttls"
    ca_file: str | None = None
    login: str | None = None
    password: Secret | None = None
    sender: str
    reply_to: str | None = None
    helo: str = Field(default_factory=socket.gethostname, pattern=r"^[A-Za-z0-9.:\[\]_-]+$")
    timeout: Duration = timedelta(seconds=20)

    @field_validator("sender", "reply_to")
    @classmethod
    def _is_a_mailbox(cls, value: str) -> str:
        try:
            Sender.parse(value)
        except ValueError:
            raise ValueError("should be a mailbox such as 预警中心 <warn@example.org>") from None
        return value

    @property
    def encrypts_surely(self) -> bool:
        return self.tls in {"starttls", "implicit"}


class SmtpEmail:
    """
    Mail through an SMTP relay.

    Accepted means that the relay has it. A transaction that broke off after its text may have been honoured;
    its resend has the same Message-ID.
    """

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        chosen = SmtpOptions.read(options)
        if (chosen.login is None) != (chosen.password is None):
            raise ConfigError("password", "goes together with login")
        if chosen.login is not None and not (chosen.encrypts_surely or chosen.host in _LOOPBACK):
            raise ConfigError("tls", "should be starttls or implicit: no password travels in the clear")
        self.name = name
        self.capabilities = Capabilities(
            kind="email", timeout=chosen.timeout + MARGIN, quiet=True, max_bundle=MAX_BUNDLE
        )
        self._options = chosen
        self._sender = Sender.parse(chosen.sender)
        reply_to = Sender.parse(chosen.reply_to) if chosen.reply_to is not None else None
        self._shared_part = lru_cache(CONTENTS)(partial(shared_part, self._sender, reply_to))
        self._tls: ssl.SSLContext | None = None
        self._pool: Pool | None = None

    async def open(self, sink: Sink) -> None:
        try:
            self._tls = await asyncio.to_thread(_tls_context, self._options)
        except (OSError, ValueError) as error:
            raise ConfigError("ca_file", "cannot be read as certificates") from error
        self._pool = Pool(self._dial)

    async def send(self, batch: BatchView) -> Sequence[Outcome]:
        """Hand one message for one recipient to the relay."""
        (address,) = batch.addresses
        try:
            to = mailbox(address)
        except ValueError:
            return [Rejected(Reason.BAD_ADDRESS, detail="not a mailbox")]
        own = own_part(to, key=batch.key, created=batch.created, domain=self._sender.domain)
        return [await self._deliver(to, own + self._shared_part(batch.content.subject, batch.content.body))]

    async def rehearse(self) -> Outcome:
        """Have a line that a letter could go over: greeted, encrypted and logged in."""
        pool = self._opened()
        try:
            pool.give_back(await pool.borrow())
        except (OSError, UnicodeError, SMTPException) as error:
            return broken(Step.CONNECT, error)
        return Accepted()

    async def close(self) -> None:
        if self._pool is not None:
            self._pool.close()

    def _opened(self) -> Pool:
        if self._pool is None:
            raise RuntimeError("open() comes first")
        return self._pool

    async def _deliver(self, to: str, message: bytes) -> Outcome:
        """Borrow a line, talk, and give it back if the talk ended where both sides know it."""
        pool = self._opened()
        transaction = Transaction(self._sender.address, to, message)
        line, clean = None, False
        try:
            async with asyncio.timeout(self._options.timeout.total_seconds()):
                line = await pool.borrow()
                if not to.isascii() and not line.dialogue.smtputf8:
                    clean = True
                    return Rejected(Reason.BAD_ADDRESS, detail="the relay takes ASCII addresses only")
                reply = await transaction.over(line)
            clean = reply.code not in {_CLOSING, UNREADABLE}
            line.settle(taken=200 <= reply.code < 300)
            return classify(transaction.step, reply.code, reply.message)
        except (OSError, UnicodeError, SMTPException) as error:
            return broken(transaction.step, error)
        finally:
            if line is not None:
                pool.give_back(line) if clean else line.dialogue.close()

    async def _dial(self) -> Dialogue:
        """A connection that is greeted, encrypted and logged in as configured."""
        chosen = self._options
        smtp = SMTP(
            hostname=chosen.host,
            port=chosen.port or _PORTS[chosen.tls],
            local_hostname=chosen.helo,
            timeout=chosen.timeout.total_seconds(),
            use_tls=chosen.tls == "implicit",
            start_tls={"starttls": True, "opportunistic": None}.get(chosen.tls, False),
            tls_context=self._tls,
        )
        try:
            await smtp.connect()
            if smtp.is_ehlo_or_helo_needed:
                await smtp.ehlo()
            if chosen.login is not None and chosen.password is not None:
                await _log_in(smtp, chosen.login, chosen.password)
            return Dialogue(smtp)
        except BaseException:
            smtp.close()
            raise


async def _log_in(smtp: SMTP, login: str, password: Secret) -> None:
    try:
        await smtp.login(login, password.reveal())
    except SMTPException as error:
        if type(error) is SMTPException:
            # So aiosmtplib says that the relay offers no way of logging in that it knows.
            raise SMTPAuthenticationError(504, "no mechanism in common") from None
        raise


def _tls_context(options: SmtpOptions) -> ssl.SSLContext | None:
    if options.tls == "none":
        return None
    context = ssl.create_default_context(cafile=options.ca_file)
    if options.tls == "opportunistic":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
