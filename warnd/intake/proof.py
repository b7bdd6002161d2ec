"""A source's proof that a request is its own: an HMAC of the body with source, time and nonce."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

WINDOW = timedelta(minutes=5)
"""How far a request's time may be from the clock here, either way; its nonce counts as long."""

SOURCE = "X-Warnd-Source"
TIMESTAMP = "X-Warnd-Timestamp"
NONCE = "X-Warnd-Nonce"
SIGNATURE = "X-Warnd-Signature"

_SCHEME = "sha256="
_TIMESTAMP = re.compile(r"[0-9]{1,11}", re.ASCII)
_NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}", re.ASCII)
_SIGNATURE = re.compile(_SCHEME + r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Proof:
    """What the four headers say; whether it is true is for ``holds``."""

    source: str
    sent: datetime
    nonce: str
    signature: str

    @property
    def usable_until(self) -> datetime:
        """Up to then a second use of the nonce must be known for one."""
        return self.sent + WINDOW


def is_signed(headers: Mapping[str, str]) -> bool:
    """Whether a request claims to be signed."""
    return SIGNATURE in headers


def read_proof(headers: Mapping[str, str], *, now: datetime) -> Proof:
    """The headers of a signed request. Raises ValueError with a sentence when one is no use, or it is stale."""
    source, timestamp, nonce = (headers.get(name, "") for name in (SOURCE, TIMESTAMP, NONCE))
    if not 1 <= len(source) <= 64:
        raise ValueError(f"{SOURCE} names the source, as the configuration calls it")
    if not _TIMESTAMP.fullmatch(timestamp):
        raise ValueError(f"{TIMESTAMP} is in seconds since 1970")
    if not _NONCE.fullmatch(nonce):
        raise ValueError(f"{NONCE} has 16 to 64 letters, digits, - and _")
    if not _SIGNATURE.fullmatch(headers[SIGNATURE]):
        raise ValueError(f"{SIGNATURE} is {_SCHEME} and 64 hexadecimal digits in small letters")
    sent = datetime.fromtimestamp(int(timestamp), UTC)
    if abs(sent - now) > WINDOW:
        raise ValueError(f"{TIMESTAMP} is more than 5 minutes from the clock here")
    return Proof(source, sent, nonce, headers[SIGNATURE])


def holds(proof: Proof, secret: str, body: bytes, *, query: str) -> bool:
    """Whether the body and the query (as sent, without ``?``) are what the source signed; in constant time."""
    expected = _signature(secret, proof.source, int(proof.sent.timestamp()), proof.nonce, query, body)
    return hmac.compare_digest(expected, proof.signature)


def signed_headers(
    secret: str, source: str, body: bytes, *, query: str, now: datetime, nonce: str | None = None
) -> dict[str, str]:
    """The headers that prove it; anew for every attempt, for a nonce is good once."""
    nonce = nonce or secrets.token_urlsafe(24)
    timestamp = int(now.timestamp())
    return {
        SOURCE: source,
        TIMESTAMP: str(timestamp),
        NONCE: nonce,
        SIGNATURE: _signature(secret, source, timestamp, nonce, query, body),
    }


def _signature(secret: str, source: str, timestamp: int, nonce: str, query: str, body: bytes) -> str:
    head = f"{source}\n{timestamp}\n{nonce}\n{query}\n".encode()
    return _SCHEME + hmac.new(secret.encode(), head + body, hashlib.sha256).hexdigest()
