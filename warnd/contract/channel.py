"""A way of reaching people, as the core sees it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol, runtime_checkable

from warnd.contract.outcome import Outcome, Receipt
from warnd.model.content import Content

Sink = Callable[[Sequence[Receipt]], Awaitable[None]]
"""Takes receipts that come over the channel's own session; once awaited they are stored."""


class BatchView(Protocol):
    """What a channel may see of a batch: no store, no lane, nobody's name."""

    @property
    def key(self) -> str:
        """The same for every try of this batch, different for every other batch."""

    @property
    def content(self) -> Content: ...

    @property
    def addresses(self) -> tuple[str, ...]:
        """In the order in which outcomes are expected; normalised for the channel's kind, no duplicates."""

    @property
    def attempts(self) -> int:
        """Tries so far, this one included."""

    @property
    def created(self) -> int:
        """Microseconds since 1970 (UTC); fixed for the batch's life, so that a resend is byte-equal."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """
    What an adapter can do, fixed once it is open.

    ``kind``: the endpoints it reaches and the templates it uses. ``max_batch``: addresses a request takes.
    ``timeout``: the longest one ``send`` may take; the worker's lease is longer. ``receipts``: whether the
    provider will say more later. ``idempotent``: a repeat of the same key is not sent twice. ``quiet``:
    it wakes nobody (a mere continuation goes there). ``max_bytes`` and ``max_units`` limit the body, in UTF-8
    bytes and UTF-16 units; None is no limit. ``slots`` is the default number of requests at once. ``max_bundle``: how
    many messages for one address may share a text when they pile up there; 1, if each must go by itself.
    """

    kind: str
    max_batch: int = 1
    timeout: timedelta = timedelta(seconds=30)
    receipts: bool = False
    idempotent: bool = False
    quiet: bool = False
    max_bytes: int | None = None
    max_units: int | None = None
    slots: int = 8
    max_bundle: int = 1


class Channel(Protocol):
    """
    One way of reaching people.

    ``send`` makes one request and classifies what happened, for each delivery of the batch in its order. It
    does not retry, sleep, log an address or touch the store: the core does those once, for all.
    CancelledError passes.
    """

    name: str
    capabilities: Capabilities

    async def open(self, sink: Sink) -> None:
        """May raise ConfigError: it can never work as configured. Needs no provider to be up."""

    async def send(self, batch: BatchView) -> Sequence[Outcome]: ...

    async def close(self) -> None:
        """Releases what ``open`` acquired; safe to call twice."""


@runtime_checkable
class Queries(Protocol):
    """A channel whose provider can be asked what became of a batch; None where it cannot tell."""

    async def query(self, batch: BatchView) -> Sequence[Outcome | None]: ...


@runtime_checkable
class Rehearses(Protocol):
    """A channel that can go as far as a message's first word: whether one would leave is known before it has to."""

    async def rehearse(self) -> Outcome:
        """
        ``Accepted`` if a message could be begun; else what it would come to, ``detail`` saying why in plain words.

        Connects, checks and signs in just as ``send`` does, and names nobody. Comes after ``open``.
        """


@dataclass(frozen=True, slots=True)
class CallbackRequest:
    """A provider's callback as it came: header names in lower case."""

    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes


@runtime_checkable
class ReceivesReceipts(Protocol):
    """A channel whose provider pushes receipts over HTTP. Pure; raises ValueError on what it cannot read."""

    def parse(self, request: CallbackRequest) -> Sequence[Receipt]: ...


class ChannelFactory(Protocol):
    """
    What the entry point names, usually the adapter's class.

    ``options`` is the channel's table from the configuration without the core's own keys; secrets are
    already read from their files and wrapped in ``Secret``. Raises ConfigError (key relative to the table)
    for what is missing, of the wrong type or unknown.
    """

    def __call__(self, name: str, options: Mapping[str, Any]) -> Channel: ...
