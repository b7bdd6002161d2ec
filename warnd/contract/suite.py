"""
The promises of a channel, as tests: subclass, name your channel and its emulator, run pytest.

::

    class TestHttpSms(ChannelContract):
        def make_emulator(self) -> Emulator:
            return SmsGateway()

        def make_channel(self, options: Mapping[str, Any]) -> Channel:
            return HttpSms("sms", options)

The emulator is a real server on loopback that does wrong what its ``Faults`` say; nothing of the channel is
replaced. Only tests import this module: pytest (with pytest-asyncio) is no dependency of warnd itself.
"""

# ruff: noqa: S101  a suite is made of asserts
from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, cast

import pytest

from warnd.contract.channel import CallbackRequest, Channel, ReceivesReceipts, Rehearses
from warnd.contract.emulator import Emulator, Faults, Message
from warnd.contract.outcome import Accepted, Deferred, Outcome, Reason, Receipt, Rejected, Scope
from warnd.contract.secret import Secret
from warnd.model.content import Content

PATIENCE = 10.0
"""Seconds after which a promise counts as broken; nothing here takes more than a fraction of one."""

WHOLE_TEXT = (
    '【演练】汉字与生僻字：𠮷、㐂；表情🌊🏔️\n第二行：100% “引号” "quotes" <b>&amp; a=b&c+d\\n {x}\n\n末行。'
)
"""What encodings and transports like to break: beyond the BMP, line breaks, reserved characters."""


@dataclass(frozen=True, slots=True)
class SampleBatch:
    """A batch with exactly what a channel may see of one (:class:`~warnd.contract.channel.BatchView`)."""

    key: str
    content: Content
    addresses: tuple[str, ...]
    attempts: int = 1
    created: int = 1_784_000_000_000_000


def batch_of(
    addresses: Sequence[str],
    body: str = "暴雨红色预警",
    *,
    key: str = "01K0BATCH0000000000000000A",
    subject: str = "预警",
    kind: str = "sample",
    attempts: int = 1,
    template_code: str = "",
    variables: Mapping[str, str] | None = None,
) -> SampleBatch:
    """A batch of one made-up content for these addresses; give different batches different keys."""
    content = Content(
        id=f"content-of-{key}",
        alert_id="01K0ALERT0000000000000000A",
        kind=kind,
        language="zh",
        body=body,
        subject=subject,
        template_code=template_code,
        variables=variables or {},
    )
    return SampleBatch(key, content, tuple(addresses), attempts)


class ChannelContract:
    """
    What every channel keeps, whoever wrote it.

    A subclass gives ``make_emulator`` and ``make_channel``; class attributes say where its provider differs.
    What the channel itself declares (``capabilities``) is taken from there. Two things are asked of the
    emulator: it counts a request when it arrives, before any latency, and its ``options`` hold each
    credential as a ``Secret``.
    """

    pytestmark: ClassVar[pytest.MarkDecorator] = pytest.mark.asyncio

    tells_bad_address: ClassVar[bool] = True
    """Whether the provider says which address of a batch is bad; if not, all are ``Rejected(ONE_OF)``."""

    tells_retry_after: ClassVar[bool] = True
    """Whether its throttling says when to come back."""

    refuses_content: ClassVar[bool] = True
    """Whether it can refuse a text as such."""

    impatient: ClassVar[Mapping[str, Any]] = {"timeout": 0.3}
    """Options that make the channel itself give up soon (seconds)."""

    gateway_loggers: ClassVar[tuple[str, ...]] = ("aiohttp.access", "aiohttp.server", "aiohttp.web", "mail")
    """Logger names through which the emulator's own server speaks: a provider may log what it likes."""

    def make_emulator(self) -> Emulator:
        """One that has not been started."""
        raise NotImplementedError

    def make_channel(self, options: Mapping[str, Any]) -> Channel:
        """One that has not been opened; ``options`` are the emulator's, perhaps with ``impatient`` ones."""
        raise NotImplementedError

    def said(self, message: Message) -> str:
        """The body as the channel was given it; override where the protocol adds to it, e.g. a line end."""
        return message.body

    @asynccontextmanager
    async def running(self, **faults: Any) -> AsyncIterator[Emulator]:
        """A started gateway with these faults. Stopping it may not wait for requests that hang."""
        emulator = self.make_emulator()
        emulator.faults = Faults(**faults)
        await emulator.start()
        try:
            yield emulator
        finally:
            async with asyncio.timeout(PATIENCE):
                await emulator.stop()

    @asynccontextmanager
    async def opened(self, options: Mapping[str, Any]) -> AsyncIterator[Channel]:
        async def sink(receipts: Sequence[Receipt]) -> None:
            """Receipts are not what this suite looks at."""

        channel = self.make_channel(options)
        await channel.open(sink)
        try:
            yield channel
        finally:
            await channel.close()

    async def outcome_under(self, *, impatient: bool = False, **faults: Any) -> tuple[Outcome, Emulator]:
        """What one send to one address comes to, and the gateway that saw it."""
        async with self.running(**faults) as emulator:
            options = {**emulator.options, **(self.impatient if impatient else {})}
            async with self.opened(options) as channel, asyncio.timeout(PATIENCE):
                outcomes = await channel.send(batch_of([emulator.example_address(1)]))
        assert len(outcomes) == 1
        return outcomes[0], emulator

    # One send, one request, outcomes in order

    async def test_one_send_is_one_request(self) -> None:
        """The core retries, once for all channels; an adapter that did so too would multiply."""
        outcome, emulator = await self.outcome_under()
        assert isinstance(outcome, Accepted)
        assert emulator.counts.requests == 1
        assert emulator.counts.taken == 1

    async def test_a_failed_send_is_one_request_too(self) -> None:
        """No retry hides in a client library's default."""
        outcome, emulator = await self.outcome_under(unavailable=1.0)
        assert isinstance(outcome, Deferred)
        assert emulator.counts.requests == 1

    async def test_a_full_batch_is_told_whole_and_in_order(self) -> None:
        """As many outcomes as addresses; with receipts promised, each has a key to be found by."""
        async with self.running() as emulator, self.opened(emulator.options) as channel:
            size = min(channel.capabilities.max_batch, 200)
            addresses = [emulator.example_address(n) for n in range(size)]
            outcomes = await channel.send(batch_of(addresses))
            assert [type(outcome) for outcome in outcomes] == [Accepted] * size
            if channel.capabilities.receipts:
                assert all(isinstance(outcome, Accepted) and outcome.receipt_key for outcome in outcomes)
            assert sorted(message.address for message in emulator.messages()) == sorted(addresses)
            assert emulator.counts.distinct == size

    async def test_one_bad_address_fails_alone(self) -> None:
        """Where the provider tells which one is bad, the others of its batch are told."""
        async with self.running() as emulator, self.opened(emulator.options) as channel:
            size = min(channel.capabilities.max_batch, 5)
            addresses = [emulator.example_address(n) for n in range(size)]
            bad = addresses[size // 2]
            emulator.faults.bad_addresses = frozenset({bad})
            outcomes = await channel.send(batch_of(addresses))
            assert len(outcomes) == size
            if size > 1 and not self.tells_bad_address:
                assert {scope_of(outcome) for outcome in outcomes} == {Scope.ONE_OF}
                return
            for address, outcome in zip(addresses, outcomes, strict=True):
                if address == bad:
                    assert isinstance(outcome, Rejected)
                    assert outcome.scope in {Scope.ADDRESS, Scope.TARGET}
                else:
                    assert isinstance(outcome, Accepted)

    async def test_a_repeat_is_known_again_where_promised(self) -> None:
        """An idempotent provider answers as before; the gateway still counts that it came twice."""
        async with self.running() as emulator, self.opened(emulator.options) as channel:
            if not channel.capabilities.idempotent:
                pytest.skip("this channel does not promise it")
            batch = batch_of([emulator.example_address(1)])
            assert await channel.send(batch) == await channel.send(batch)
            assert (emulator.counts.taken, emulator.counts.distinct) == (2, 1)

    # What goes wrong is a value

    async def test_throttling_is_deferred_and_keeps_retry_after(self) -> None:
        """Certainly not taken; when the provider names a time, the core waits for that long."""
        wait = timedelta(seconds=7)
        outcome, _ = await self.outcome_under(throttled=1.0, retry_after=wait)
        assert isinstance(outcome, Deferred)
        assert (outcome.reason, outcome.maybe_sent) == (Reason.THROTTLED, False)
        if self.tells_retry_after:
            assert outcome.retry_after == wait

    async def test_throttling_without_a_time_leaves_it_to_the_core(self) -> None:
        outcome, _ = await self.outcome_under(throttled=1.0)
        assert isinstance(outcome, Deferred)
        assert (outcome.reason, outcome.retry_after) == (Reason.THROTTLED, None)

    async def test_an_unavailable_provider_defers(self) -> None:
        """It said so itself, so nothing was taken."""
        outcome, emulator = await self.outcome_under(unavailable=1.0)
        assert isinstance(outcome, Deferred)
        assert not outcome.maybe_sent
        assert emulator.counts.taken == 0

    async def test_a_refused_connection_defers_as_certainly_not_sent(self) -> None:
        """And ``open`` does not need the provider to be up."""
        async with self.running() as emulator:
            options, address = dict(emulator.options), emulator.example_address(1)
        async with self.opened(options) as channel, asyncio.timeout(PATIENCE):
            (outcome,) = await channel.send(batch_of([address]))
        assert isinstance(outcome, Deferred)
        assert (outcome.reason, outcome.maybe_sent) == (Reason.UNREACHABLE, False)

    @pytest.mark.parametrize("fault", ["garbled", "cut_after"])
    async def test_taken_without_a_clear_answer_is_maybe_sent(self, fault: str) -> None:
        """The request left us; whether it was honoured we cannot know. Here it was."""
        shares: dict[str, Any] = {fault: 1.0}
        outcome, emulator = await self.outcome_under(**shares)
        assert isinstance(outcome, Deferred)
        assert outcome.maybe_sent
        assert emulator.counts.taken == 1

    async def test_taken_and_never_answered_ends_by_the_channels_own_time_out(self) -> None:
        """A provider that hangs costs a slot for a known time, and the message may be out."""
        outcome, emulator = await self.outcome_under(impatient=True, hang_after=1.0)
        assert isinstance(outcome, Deferred)
        assert outcome.maybe_sent
        assert emulator.counts.taken == 1

    async def test_wrong_credentials_are_the_accounts_fault(self) -> None:
        """Nobody may be lost to a wrong password."""
        async with self.running() as emulator:
            secrets = {key: Secret("wrong") for key, _ in credentials(emulator)}
            if not secrets:
                pytest.skip("this provider knows its customers by their addresses alone")
            async with self.opened({**emulator.options, **secrets}) as channel:
                (outcome,) = await channel.send(batch_of([emulator.example_address(1)]))
            assert scope_of(outcome) is Scope.ACCOUNT
            assert isinstance(outcome, Rejected)
            assert emulator.counts.taken == 0

    async def test_a_refused_account_is_the_accounts_fault(self) -> None:
        outcome, _ = await self.outcome_under(refuse_account=True)
        assert isinstance(outcome, Rejected)
        assert outcome.scope is Scope.ACCOUNT

    async def test_a_refused_text_is_the_contents_fault(self) -> None:
        """No address may be suspended for the words that were sent to it."""
        if not self.refuses_content:
            pytest.skip("this provider refuses no text as such")
        outcome, _ = await self.outcome_under(refuse_content=True)
        assert isinstance(outcome, Rejected)
        assert outcome.scope is Scope.CONTENT

    # What is said arrives

    async def test_the_text_arrives_whole(self) -> None:
        """汉字, 𠮷, emoji, line breaks and what looks like markup, byte for byte."""
        async with self.running() as emulator, self.opened(emulator.options) as channel:
            (outcome,) = await channel.send(batch_of([emulator.example_address(1)], WHOLE_TEXT))
            assert isinstance(outcome, Accepted)
            (message,) = emulator.messages()
        assert self.said(message) == WHOLE_TEXT

    async def test_concurrent_sends_do_not_mix(self) -> None:
        """Each text reaches its own address, each outcome its own batch."""
        async with self.running() as emulator, self.opened(emulator.options) as channel:
            numbers = range(20)
            bad = emulator.example_address(13)
            emulator.faults.bad_addresses = frozenset({bad})
            batches = [
                batch_of([emulator.example_address(n)], f"第{n}号", key=f"01K0BATCH{n:017}") for n in numbers
            ]
            replies = await asyncio.gather(*(channel.send(batch) for batch in batches))
            accepted = [isinstance(reply[0], Accepted) for reply in replies]
            told = {message.address: self.said(message) for message in emulator.messages()}
        assert accepted == [n != 13 for n in numbers]
        assert told == {emulator.example_address(n): f"第{n}号" for n in numbers if n != 13}

    # Life and silence

    async def test_cancellation_passes(self) -> None:
        """The worker's own time-out and the daemon's stop reach into a send, and the channel survives it."""
        async with (
            self.running(latency=timedelta(minutes=5)) as emulator,
            self.opened(emulator.options) as channel,
            asyncio.timeout(PATIENCE),
        ):
            sending = asyncio.ensure_future(channel.send(batch_of([emulator.example_address(1)])))
            # Only the gateway's own count tells that the request is out.
            while emulator.counts.requests == 0 and not sending.done():  # noqa: ASYNC110
                await asyncio.sleep(0.002)
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            emulator.faults.latency = timedelta(0)
            again = batch_of([emulator.example_address(2)], key="01K0BATCH0000000000000000B")
            (outcome,) = await channel.send(again)
        assert isinstance(outcome, Accepted)

    async def test_close_twice_is_safe(self) -> None:
        """Also before ``open``: a start that failed half-way closes everything."""
        async with self.running() as emulator:
            await self.make_channel(emulator.options).close()
            async with self.opened(emulator.options) as channel:
                await channel.send(batch_of([emulator.example_address(1)]))
                await channel.close()

    @pytest.mark.parametrize(
        "faults",
        [
            pytest.param({}, id="accepted"),
            pytest.param({"unavailable": 1.0}, id="unavailable"),
            pytest.param({"throttled": 1.0}, id="throttled"),
            pytest.param({"garbled": 1.0}, id="garbled"),
            pytest.param({"cut_after": 1.0}, id="cut"),
            pytest.param({"hang_after": 1.0}, id="hangs"),
            pytest.param({"refuse_account": True}, id="account-refused"),
            pytest.param({"refuse_content": True}, id="content-refused"),
            pytest.param({"bad": True}, id="address-refused"),
            pytest.param({"down": True}, id="connection-refused"),
        ],
    )
    async def test_no_credential_and_no_address_shows(
        self, faults: dict[str, Any], caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Neither in an outcome nor in a log line, whatever goes wrong; at debug level addresses may."""
        caplog.set_level(logging.DEBUG)
        down, bad = faults.get("down", False), faults.get("bad", False)
        async with self.running(**{k: v for k, v in faults.items() if k not in {"down", "bad"}}) as emulator:
            address = emulator.example_address(1)
            secrets = [secret.reveal() for _, secret in credentials(emulator)]
            if bad:
                emulator.faults.bad_addresses = frozenset({address})
            if down:
                await emulator.stop()
            async with self.opened({**emulator.options, **self.impatient}) as channel:
                outcomes = await channel.send(batch_of([address]))
                shown = repr(outcomes) + repr(channel)
        printed = "".join(capsys.readouterr())
        records = [r for r in caplog.records if not r.name.startswith(self.gateway_loggers)]
        write = logging.Formatter().format
        logged = "\n".join(write(record) for record in records)
        above_debug = "\n".join(write(record) for record in records if record.levelno > logging.DEBUG)
        for secret in secrets:
            assert secret not in shown + printed + logged
        for form in (address, address.lstrip("+")):
            assert form not in shown + printed + above_debug

    async def test_a_rehearsal_tells_nobody(self) -> None:
        """It gets through where a message would, asks for nothing, and where nobody listens says why not."""
        async with self.running() as emulator, self.opened(emulator.options) as channel:
            if not isinstance(channel, Rehearses):
                pytest.skip("this channel does not rehearse")
            assert isinstance(await channel.rehearse(), Accepted)
            assert (emulator.counts.requests, emulator.counts.taken) == (0, 0)
        async with self.opened(emulator.options) as channel, asyncio.timeout(PATIENCE):
            outcome = await cast(Rehearses, channel).rehearse()
        assert isinstance(outcome, Deferred)
        assert outcome.detail
        assert not outcome.maybe_sent

    async def test_a_callback_that_cannot_be_read_is_refused(self) -> None:
        """``parse`` is pure and raises ValueError, which becomes a 400; it needs no open channel."""
        async with self.running() as emulator:
            channel = self.make_channel(emulator.options)
        if not isinstance(channel, ReceivesReceipts):
            pytest.skip("this channel takes no callbacks")
        receiver = cast(ReceivesReceipts, channel)
        with pytest.raises(ValueError):  # noqa: PT011  the words are the channel's own
            receiver.parse(CallbackRequest(headers={}, query={}, body=b"\xff\xfe\x00{"))


def credentials(emulator: Emulator) -> list[tuple[str, Secret]]:
    """The options that hold a credential, by name."""
    return [(key, value) for key, value in emulator.options.items() if isinstance(value, Secret)]


def scope_of(outcome: Outcome) -> Scope | None:
    """Of what an outcome speaks; None when it was accepted."""
    return None if isinstance(outcome, Accepted) else outcome.scope
