"""A faithful local gateway on loopback: what a channel is proved against, and what the demo runs on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """One message as a recipient of the gateway got it. ``ref`` is the sender's key where the protocol has one."""

    address: str
    body: str
    subject: str = ""
    ref: str = ""


@dataclass(slots=True)
class Faults:
    """
    What the gateway does wrong, each switchable while it runs. Shares are of requests, 0 to 1.

    ``latency``: before every answer. ``unavailable``: 503 (or the protocol's own). ``throttled``: refused
    with ``retry_after``. ``garbled``: an answer that cannot be read, after taking the message. ``hang_after``: takes the
    message and never answers. ``cut_after``: takes the message and cuts the connection. ``refuse_account``: every
    request is refused for the account. ``refuse_content``: every text is refused. ``bad_addresses`` are refused one by one;
    ``receipts``: what later reports say: delivered, undelivered, or nothing (None).
    ``seed`` makes shares repeatable.
    """

    latency: timedelta = timedelta(0)
    unavailable: float = 0.0
    throttled: float = 0.0
    retry_after: timedelta | None = None
    garbled: float = 0.0
    hang_after: float = 0.0
    cut_after: float = 0.0
    refuse_account: bool = False
    refuse_content: bool = False
    bad_addresses: frozenset[str] = frozenset()
    undelivered: float = 0.0
    receipts: bool = True
    seed: int = 1


@dataclass(slots=True)
class Counts:
    """
    What the gateway itself saw.

    ``requests``: sends that arrived, refused ones too. ``taken``: recipients taken over, repeats included;
    ``distinct``: different (recipient, ref) pairs among them; so ``taken - distinct`` were repeated.
    """

    requests: int = 0
    taken: int = 0
    distinct: int = 0
    refused: int = 0
    throttled: int = 0
    by_text: dict[str, int] = field(default_factory=dict)


class Emulator(Protocol):
    """
    A gateway on 127.0.0.1.

    ``options`` after ``start`` is what the adapter's table needs to reach it (url, credentials, …).
    """

    faults: Faults
    counts: Counts

    async def start(self, *, port: int = 0) -> None: ...

    async def stop(self) -> None: ...

    @property
    def options(self) -> Mapping[str, Any]: ...

    def messages(self) -> Sequence[Message]:
        """What was taken over, oldest first, repeats included (the latest 200,000 at the most)."""

    def example_address(self, n: int) -> str:
        """The n-th made-up address of this kind; they belong to nobody."""


class EmulatorFactory(Protocol):
    def __call__(self, *, receipt_url: str | None = None) -> Emulator:
        """``receipt_url``: where receipts are pushed to; None keeps them to itself."""
