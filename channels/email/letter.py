"""
The bytes of a message: what all recipients of a content share is built once, what is each one's own is put
in front.

The same batch gives the same bytes at every try, so that a mailbox may know a resend by its Message-ID.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, getaddresses
from functools import lru_cache
from hashlib import sha256

_ATOM = r"[^\s\x00-\x20\x7f-\x9f<>()\[\]\\,;:@\"]"
_LABEL = r"[^\W_](?:[^\W_]|-){0,62}"
_MAILBOX = re.compile(rf"(?P<local>{_ATOM}{{1,64}})@(?P<domain>{_LABEL}(?:\.{_LABEL})*)")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def mailbox(address: str) -> str:
    """
    An RFC 5321 mailbox as it may stand in a command and in a header; a Chinese domain name in its ASCII form.

    Raises ValueError for anything else: quoted local parts, address literals, blanks, and above all line
    breaks, which would let an address write headers and commands of its own.
    """
    match = _MAILBOX.fullmatch(address)
    if match is None or len(address) > 254 or ".." in match["local"]:
        raise ValueError("not a mailbox")
    domain = match["domain"]
    if domain.isascii():
        return address
    return f"{match['local']}@{domain.encode('idna').decode('ascii')}"


@dataclass(frozen=True, slots=True)
class Sender:
    """Whom the mail is from: ``name`` may be any text, ``address`` is an ASCII mailbox."""

    name: str
    address: str

    @classmethod
    def parse(cls, text: str) -> Sender:
        """From ``预警中心 <warn@example>`` or a bare address. Raises ValueError when it is neither."""
        if _CONTROLS.search(text) is not None:
            raise ValueError("not one line")
        ((name, address),) = getaddresses([text])
        address = mailbox(address)
        if not address.isascii():
            raise ValueError("not an ASCII mailbox")
        return cls(one_line(name), address)

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]

    @property
    def header(self) -> Address:
        return Address(self.name, addr_spec=self.address)


def one_line(text: str) -> str:
    """
    Fit for a header: control characters and line breaks become blanks, and no encoded word gets through.

    ``=?utf-8?q?=0d=0aBcc:?=`` would be decoded by the email package, which before Python 3.11.10 wrote the
    line break out again (CVE-2024-6923).
    """
    return _CONTROLS.sub(" ", text).replace("=?", "= ?").strip()


def shared_part(sender: Sender, reply_to: Sender | None, subject: str, body: str) -> bytes:
    """
    The headers that do not depend on the recipient, and the body.

    The body goes as base64: any character and any length of line, over relays of any age, and no line of it
    ever begins with a dot.
    """
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = sender.header
    if reply_to is not None:
        message["Reply-To"] = reply_to.header
    message["Subject"] = one_line(subject)
    # RFC 3834: nobody's holiday notice shall answer this.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(body, charset="utf-8", cte="base64")
    return message.as_bytes()


def own_part(to: str, *, key: str, created: int, domain: str) -> bytes:
    """
    The headers of one recipient; ``to`` comes from :func:`mailbox`.

    The Message-ID is a digest of batch and recipient: the same at each try, different for everyone, telling
    nothing. ``created`` is in microseconds since 1970.
    """
    date = _date(created // 1_000_000)
    digest = sha256(f"{key}\0{to}".encode()).hexdigest()[:32]
    return f"Message-ID: <{digest}@{domain}>\r\nDate: {date}\r\nTo: {to}\r\n".encode()


@lru_cache(maxsize=64)
def _date(second: int) -> str:
    """The letters of a chunk were made in one second."""
    return format_datetime(datetime.fromtimestamp(second, UTC))
