"""Mail keeps the promises of a channel, and its bytes say what they should and nothing else."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import pytest

from channels.email import pool
from channels.email.adapter import SmtpEmail
from channels.email.classify import Step, broken, classify
from channels.email.emulator import MailGateway
from channels.email.letter import Sender, mailbox, one_line, own_part, shared_part
from tests.fakes.certificates import of_server, self_signed
from warnd.contract.outcome import Accepted, Deferred, Outcome, Reason, Rejected, Scope
from warnd.contract.secret import Secret
from warnd.contract.suite import PATIENCE, WHOLE_TEXT, ChannelContract, batch_of
from warnd.errors import ConfigError

CERTIFICATE = Path(__file__).parent.parent / "data" / "loopback-relay.pem"
"""Self-signed for 127.0.0.1, with its key: it certifies nothing but these tests."""

OPTIONS = {"host": "127.0.0.1", "sender": "预警中心 <warn@example.org>"}
CREATED = 1_784_000_000_000_000


class TestSmtpEmail(ChannelContract):
    def make_emulator(self) -> MailGateway:
        return MailGateway(login="warnd", password="a-long-made-up-password")

    def make_channel(self, options: Mapping[str, Any]) -> SmtpEmail:
        return SmtpEmail("email", options)


class TestSmtpEmailOneByOne(TestSmtpEmail):
    """Over a relay that hears one command at a time."""

    def make_emulator(self) -> MailGateway:
        return MailGateway(login="warnd", password="a-long-made-up-password", pipelining=False)


@asynccontextmanager
async def relay(channel_options: Mapping[str, Any] | None = None, **how: Any) -> AsyncIterator[Any]:
    """A running gateway, and the channel that is open on it."""
    gateway = MailGateway(**how)
    await gateway.start()
    channel = SmtpEmail("email", {**gateway.options, **(channel_options or {})})

    async def sink(_: object) -> None:
        """A relay reports nothing here."""

    await channel.open(sink)
    try:
        async with asyncio.timeout(PATIENCE):
            yield gateway, channel
    finally:
        await channel.close()
        await gateway.stop()


class TestConnections:
    async def test_one_connection_carries_a_hundred_messages_and_then_makes_room(self) -> None:
        """Relays like connections to end; the hundred-and-first message goes over a new one."""
        async with relay() as (gateway, channel):
            for n in range(pool.MESSAGES):
                await channel.send(batch_of([gateway.example_address(n)]))
            assert gateway.connections == 1
            await channel.send(batch_of([gateway.example_address(0)]))
            assert gateway.connections == 2
            assert gateway.counts.taken == pool.MESSAGES + 1

    async def test_a_refused_recipient_costs_no_connection(self) -> None:
        """The transaction is reset, and the next recipient is told over the same line."""
        async with relay() as (gateway, channel):
            bad, good = gateway.example_address(1), gateway.example_address(2)
            gateway.faults.bad_addresses = frozenset({bad})
            (refused,) = await channel.send(batch_of([bad]))
            (accepted,) = await channel.send(batch_of([good]))
            assert refused == Rejected(Reason.BAD_ADDRESS, Scope.ADDRESS, "550 5.1.1")
            assert accepted == Accepted()
            assert gateway.connections == 1

    async def test_a_restarted_relay_is_dialled_again(self) -> None:
        """Connections that the relay cut while they were idle are not lent."""
        async with relay() as (gateway, channel):
            port = gateway.options["port"]
            await channel.send(batch_of([gateway.example_address(1)]))
            await gateway.stop()
            await gateway.start(port=port)
            assert await channel.send(batch_of([gateway.example_address(2)])) == [Accepted()]

    async def test_an_idle_connection_is_closed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pool, "IDLE_SECONDS", 0.01)
        async with relay() as (gateway, channel):
            await asyncio.gather(*(channel.send(batch_of([gateway.example_address(n)])) for n in range(3)))
            assert len(gateway.open_sessions()) == 3
            # Only the relay sees that the lines were hung up.
            while gateway.open_sessions():  # noqa: ASYNC110
                await asyncio.sleep(0.002)

    async def test_a_relay_that_hangs_up_at_once_has_taken_nothing(self) -> None:
        """Before the text, a broken line is a certain no."""
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        channel = SmtpEmail("email", {**OPTIONS, "port": port, "tls": "none"})

        async def sink(_: object) -> None: ...

        await channel.open(sink)
        (outcome,) = await channel.send(batch_of(["duty1@example.com"]))
        await channel.close()
        server.close()
        await server.wait_closed()
        assert isinstance(outcome, Deferred)
        assert (outcome.reason, outcome.maybe_sent) == (Reason.UNREACHABLE, False)
        assert outcome.detail == "hangs up at once"


class Scripted:
    """
    A relay that says what it was told to say, in pieces of ``piece`` bytes, and keeps what it heard.

    ``answers`` are by a command's first word, ``.`` for a text; after an empty one it hangs up. Without a ``greeting``
    it waits to be spoken to.
    """

    def __init__(self, *, greeting: str = "220 relay.example", piece: int = 1000, **answers: str) -> None:
        self._greeting = greeting
        self._answers = {"DATA": "354 Go ahead", "EHLO": "250-relay.example\r\n250 PIPELINING", **answers}
        self._piece = piece
        self.heard: list[list[list[str]]] = []
        """First words, of each connection those that came together."""
        self.guests: list[asyncio.Task[None]] = []

    def receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard.append([])
        self.guests.append(asyncio.create_task(self._until_hung_up(reader, writer)))

    async def _until_hung_up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await self._serve(reader, writer, self.heard[-1])
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: list[list[str]]
    ) -> None:
        text = False
        if self._greeting:
            await self._say(writer, self._greeting)
        while not writer.is_closing() and (data := await reader.read(65_536)):
            lines = data.decode().splitlines()
            words = lines[-1:] if text else [line.partition(" ")[0] for line in lines]
            heard.append(words)
            for word in words:
                await self._say(writer, answer := self._answers.get(word, "250 2.0.0 Ok"))
                text = word == "DATA" and answer.startswith("354")

    async def _say(self, writer: asyncio.StreamWriter, answer: str) -> None:
        if not answer:
            writer.close()
        said = f"{answer}\r\n".encode()
        while said and not writer.is_closing():
            writer.write(said[: self._piece])
            said = said[self._piece :]
            await asyncio.sleep(0)


@asynccontextmanager
async def scripted(
    script: Scripted, over: ssl.SSLContext | None = None, **options: Any
) -> AsyncIterator[SmtpEmail]:
    """The channel that is open on a relay with that script, over TLS from the first byte if ``over`` says how."""
    server = await asyncio.start_server(script.receive, "127.0.0.1", 0, ssl=over)
    port = server.sockets[0].getsockname()[1]
    channel = SmtpEmail("email", {**OPTIONS, "port": port, "tls": "none", **options})

    async def sink(_: object) -> None: ...

    await channel.open(sink)
    try:
        async with asyncio.timeout(PATIENCE):
            yield channel
    finally:
        await channel.close()
        await asyncio.gather(*script.guests)
        server.close()
        await server.wait_closed()


class TestGroups:
    """RFC 2920: where a relay offers it, what goes before the text goes together."""

    @pytest.mark.parametrize(
        ("offered", "together"),
        [("PIPELINING", [["MAIL", "RCPT", "DATA"]]), ("HELP", [["MAIL"], ["RCPT"], ["DATA"]])],
    )
    async def test_commands_go_together_where_that_is_offered(
        self, offered: str, together: list[list[str]]
    ) -> None:
        """A letter costs two round trips instead of four."""
        script = Scripted(EHLO=f"250-relay.example\r\n250 {offered}")
        async with scripted(script) as channel:
            assert await channel.send(batch_of(["duty1@example.com"])) == [Accepted()]
        assert script.heard == [[["EHLO"], *together, ["."], ["QUIT"]]]

    @pytest.mark.parametrize("piece", [1, 7, 1000])
    async def test_replies_are_put_together_again(self, piece: int) -> None:
        """However the line cuts them up, and however many lines they have."""
        script = Scripted(piece=piece, RCPT="250-2.1.5 Known\r\n250 2.1.5 and welcome")
        async with scripted(script) as channel:
            for n in range(3):
                assert await channel.send(batch_of([f"duty{n}@example.com"])) == [Accepted()]
        assert len(script.heard) == 1

    async def test_a_refused_recipient_s_text_is_not_sent(self) -> None:
        """Not even to a relay that asks for it: a text without a recipient has no business there."""
        script = Scripted(RCPT="550 5.1.1 No such mailbox")
        async with scripted(script) as channel:
            (outcome,) = await channel.send(batch_of(["duty1@example.com"]))
            assert outcome == Rejected(Reason.BAD_ADDRESS, Scope.ADDRESS, "550 5.1.1")
            await channel.send(batch_of(["duty2@example.com"]))
        assert len(script.heard) == 2
        assert not any(["."] in heard for heard in script.heard)

    async def test_the_first_refusal_of_a_group_decides(self) -> None:
        script = Scripted(MAIL="452 4.3.1 Full", RCPT="503 5.5.1 MAIL first", DATA="503 5.5.1 RCPT first")
        async with scripted(script) as channel:
            (outcome,) = await channel.send(batch_of(["duty1@example.com"]))
            assert outcome == deferred(Reason.THROTTLED, "452 4.3.1")
            await channel.send(batch_of(["duty1@example.com"]))
        group = ["MAIL", "RCPT", "DATA"]
        assert script.heard == [[["EHLO"], group, ["RSET", *group], ["QUIT"]]]

    @pytest.mark.parametrize(
        ("word", "maybe_sent"), [("MAIL", False), ("RCPT", False), ("DATA", False), (".", True)]
    )
    async def test_what_was_not_asked_for_was_not_sent(self, word: str, maybe_sent: bool) -> None:
        """Where a line breaks before the relay wants the text, nothing was taken; after it, nobody can say."""
        async with scripted(Scripted(**{word: ""})) as channel:
            (outcome,) = await channel.send(batch_of(["duty1@example.com"]))
        assert outcome == Deferred(Reason.CONNECTION_LOST, maybe_sent=maybe_sent)

    async def test_a_farewell_is_no_answer(self) -> None:
        """A relay that says of itself that it closes, on a line that waits: the next letter takes another line."""
        script = Scripted(**{".": "250 2.0.0 Taken\r\n421 4.4.2 Idle for too long"})
        async with scripted(script) as channel:
            for n in range(2):
                assert await channel.send(batch_of([f"duty{n}@example.com"])) == [Accepted()]
        assert len(script.heard) == 2

    async def test_a_reply_without_end_is_not_waited_for(self) -> None:
        async with scripted(Scripted(**{".": "250-" + "o" * 40_000})) as channel:
            (outcome,) = await channel.send(batch_of(["duty1@example.com"]))
        assert outcome == Deferred(Reason.CONNECTION_LOST, maybe_sent=True)


class TestEncryption:
    @pytest.fixture
    def offered(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        return context

    async def test_a_certificate_that_is_vouched_for_is_spoken_to(self, offered: ssl.SSLContext) -> None:
        options = {"tls": "starttls", "ca_file": str(CERTIFICATE)}
        async with relay(options, tls_context=offered, login="warnd", password="p") as (gateway, channel):
            assert await channel.send(batch_of([gateway.example_address(1)])) == [Accepted()]

    async def test_a_certificate_that_nobody_vouches_for_is_not(self, offered: ssl.SSLContext) -> None:
        """Nothing was sent, least of all the password, and the operator reads why."""
        async with relay({"tls": "starttls"}, tls_context=offered) as (gateway, channel):
            (outcome,) = await channel.send(batch_of([gateway.example_address(1)]))
            assert isinstance(outcome, Deferred)
            assert (outcome.reason, outcome.maybe_sent) == (Reason.UNREACHABLE, False)
            assert outcome.detail == "its certificate is not trusted: self-signed certificate"
            assert gateway.counts.requests == 0

    async def test_opportunistic_takes_what_it_gets(self, offered: ssl.SSLContext) -> None:
        for how in ({"tls_context": offered}, {}):
            async with relay({"tls": "opportunistic"}, **how) as (gateway, channel):
                assert await channel.send(batch_of([gateway.example_address(1)])) == [Accepted()]

    async def test_a_relay_without_starttls_gets_nothing_when_it_is_asked_for(self) -> None:
        """Somebody in between may have taken the offer out of its greeting."""
        async with relay({"tls": "starttls"}) as (gateway, channel):
            (outcome,) = await channel.send(batch_of([gateway.example_address(1)]))
            assert isinstance(outcome, Deferred)
            assert not outcome.maybe_sent
            assert gateway.counts.requests == 0


async def rehearsed(port: int, **options: Any) -> Outcome:
    channel = SmtpEmail("email", {**OPTIONS, "port": port, **options})

    async def sink(_: object) -> None: ...

    await channel.open(sink)
    try:
        async with asyncio.timeout(PATIENCE):
            return await channel.rehearse()
    finally:
        await channel.close()


class TestRehearsal:
    """What stands between us and a relay is said before a letter has to go."""

    @pytest.mark.parametrize(
        ("server", "options", "why"),
        [
            pytest.param({"tls": False}, {"tls": "none"}, "", id="nothing, in the clear"),
            pytest.param({}, {"trusted": True}, "", id="nothing, over STARTTLS"),
            pytest.param(
                {},
                {},
                "its certificate is not trusted: self-signed certificate",
                id="a certificate nobody knows",
            ),
            pytest.param(
                {},
                {"trusted": True, "host": "localhost"},
                "its certificate is not trusted: Hostname mismatch, certificate is not valid for 'localhost'",
                id="somebody else's certificate",
            ),
            pytest.param(
                {"tls": False}, {}, "SMTP STARTTLS extension not supported by server", id="no STARTTLS"
            ),
            pytest.param({}, {"host": "relay..example"}, "its name is not known", id="what is no name"),
            pytest.param(
                {},
                {"tls": "implicit", "trusted": True},
                "does not speak TLS as it should: WRONG_VERSION_NUMBER",
                id="STARTTLS only",
            ),
        ],
    )
    async def test_a_relay_that_could_be_sent_over_is_told_from_one_that_could_not(
        self, tmp_path: Path, server: dict[str, Any], options: dict[str, Any], why: str
    ) -> None:
        certificate = self_signed(tmp_path)
        gateway = MailGateway(tls_context=of_server(certificate) if server.get("tls", True) else None)
        await gateway.start()
        if options.pop("trusted", False):
            options["ca_file"] = str(certificate)
        try:
            outcome = await rehearsed(gateway.options["port"], **options)
        finally:
            await gateway.stop()
        assert outcome == (Deferred(Reason.UNREACHABLE, detail=why) if why else Accepted())
        assert gateway.counts.requests == 0

    async def test_implicit_tls_is_spoken_from_the_first_byte(self, tmp_path: Path) -> None:
        certificate = self_signed(tmp_path)
        options = {"tls": "implicit", "ca_file": str(certificate)}
        async with scripted(Scripted(), of_server(certificate), **options) as channel:
            assert await channel.rehearse() == Accepted()

    async def test_a_login_that_is_refused_is_found_out(self) -> None:
        async with relay(login="warnd", password="right") as (gateway, _):
            options = {"login": "warnd", "password": Secret("wrong"), "tls": "none"}
            outcome = await rehearsed(gateway.options["port"], **options)
        assert outcome == Rejected(Reason.ACCOUNT_REFUSED, Scope.ACCOUNT, "535 5.7.8")

    @pytest.mark.parametrize(
        ("greeting", "outcome"),
        [
            pytest.param(
                "SSH-2.0-OpenSSH_9.9",
                Deferred(Reason.UNREADABLE_REPLY, detail="does not speak SMTP"),
                id="something else",
            ),
            pytest.param(
                "",
                Deferred(
                    Reason.UNREACHABLE,
                    detail="is connected and says nothing in time, as if it did not speak SMTP",
                ),
                id="nothing",
            ),
            pytest.param(
                "554 5.7.1 Not you",
                Deferred(Reason.TEMPORARY_FAILURE, detail="554 5.7.1"),
                id="that we are not wanted",
            ),
        ],
    )
    async def test_what_does_not_greet_as_a_relay_does_is_none(self, greeting: str, outcome: Outcome) -> None:
        async with scripted(Scripted(greeting=greeting), timeout=0.2) as channel:
            assert await channel.rehearse() == outcome


class TestAddresses:
    @pytest.mark.parametrize(
        "address",
        [
            pytest.param("duty@example.com\r\nBcc: spy@example.net", id="a header of its own"),
            pytest.param("duty@example.com>\r\nRCPT TO:<spy@example.net", id="a command of its own"),
            pytest.param("duty@example.com\x00", id="NUL"),
            pytest.param("duty@example.com\u2028x", id="a Unicode line break"),
            pytest.param("duty@example.com,spy@example.net", id="two of them"),
            pytest.param("值班 <duty@example.com>", id="a display name"),
            pytest.param("duty", id="no domain"),
            pytest.param("@example.com", id="no local part"),
            pytest.param("duty@@example.com", id="two at signs"),
            pytest.param("duty@-example.com", id="a label that begins with a hyphen"),
            pytest.param("d" * 65 + "@example.com", id="a local part of 65"),
            pytest.param("", id="nothing"),
        ],
    )
    async def test_what_is_no_mailbox_is_refused_without_a_connection(self, address: str) -> None:
        async with relay() as (gateway, channel):
            (outcome,) = await channel.send(batch_of([address]))
            assert isinstance(outcome, Rejected)
            assert (outcome.reason, outcome.scope) == (Reason.BAD_ADDRESS, Scope.ADDRESS)
            assert gateway.connections == 0

    def test_a_chinese_domain_goes_in_its_ascii_form(self) -> None:
        assert mailbox("duty@例子.example") == "duty@xn--fsqu00a.example"

    @pytest.mark.parametrize("offered", [True, False], ids=["SMTPUTF8", "no SMTPUTF8"])
    async def test_a_chinese_local_part_needs_a_relay_that_takes_it(self, offered: bool) -> None:
        async with relay(smtputf8=offered) as (gateway, channel):
            (outcome,) = await channel.send(batch_of(["值班@example.com"]))
            assert isinstance(outcome, Accepted if offered else Rejected)
            assert [message.address for message in gateway.messages()] == ["值班@example.com"] * offered


class TestLetter:
    sender = Sender.parse("预警中心 <warn@example.org>")

    def letter(self, subject: str = "暴雨红色预警", body: str = "立即转移", key: str = "B1") -> bytes:
        own = own_part("duty1@example.com", key=key, created=CREATED, domain=self.sender.domain)
        return own + shared_part(self.sender, None, subject, body)

    def test_the_letter_is_this_to_the_byte(self) -> None:
        """A resend after a lost answer equals the first: nothing here may depend on the moment."""
        assert self.letter().decode("ascii").split("\r\n") == [
            "Message-ID: <ca6e20c700c14a8f0b55c1383f5c9dc2@example.org>",
            "Date: Tue, 14 Jul 2026 03:33:20 +0000",
            "To: duty1@example.com",
            "From: =?utf-8?b?6aKE6K2m5Lit5b+D?= <warn@example.org>",
            "Subject: =?utf-8?b?5pq06Zuo57qi6Imy6aKE6K2m?=",
            "Auto-Submitted: auto-generated",
            'Content-Type: text/plain; charset="utf-8"',
            "Content-Transfer-Encoding: base64",
            "MIME-Version: 1.0",
            "",
            "56uL5Y2z6L2s56e7DQo=",
            "",
        ]

    @pytest.mark.parametrize("text", [WHOLE_TEXT, "...\n.\r.\n\n" * 40, "雨" * 400, ". " * 400])
    def test_it_may_go_over_the_line_as_it_is(self, text: str) -> None:
        """No line of it could be taken for its end, and all of them end as SMTP wants it (RFC 5321 4.5.2)."""
        lines = self.letter(subject=text, body=text).split(b"\r\n")
        assert not any(line.startswith(b".") or b"\r" in line or b"\n" in line for line in lines)
        assert lines[-1] == b""

    def test_it_reads_as_it_was_meant(self) -> None:
        parsed = read(self.letter(body=WHOLE_TEXT))
        assert parsed["From"] == "预警中心 <warn@example.org>"
        assert parsed["To"] == "duty1@example.com"
        assert parsed["Subject"] == "暴雨红色预警"
        assert parsed["Date"].datetime == datetime.fromtimestamp(CREATED / 1e6, UTC)
        assert parsed["Auto-Submitted"] == "auto-generated"
        assert parsed.get_content_type() == "text/plain"
        assert parsed.get_content().replace("\r\n", "\n") == WHOLE_TEXT + "\n"

    def test_every_batch_and_recipient_has_its_own_message_id(self) -> None:
        """And it tells neither of them."""
        ids = {read(self.letter(key=key))["Message-ID"] for key in ("B1", "B2")}
        assert len(ids) == 2
        assert not any("duty" in each or "B1" in each for each in ids)

    @pytest.mark.parametrize(
        "subject",
        [
            pytest.param("暴雨\r\nBcc: spy@example.net", id="a bare line break"),
            pytest.param("=?utf-8?q?rain=0d=0aBcc=3a_spy=40example.net?=", id="an encoded line break"),
            pytest.param("=?utf-8?b?cmFpbg0KQmNjOiBzcHlAZXhhbXBsZS5uZXQ=?=", id="one in base64"),
            pytest.param("rain\x0b\x85\u2028Bcc: spy@example.net", id="rare line breaks"),
            pytest.param("雨" * 400, id="a very long one"),
        ],
    )
    def test_a_subject_writes_no_header_but_its_own(self, subject: str) -> None:
        message = self.letter(subject=subject)
        assert set(read(message).keys()) == set(read(self.letter()).keys())
        assert all(len(line) <= 998 for line in message.split(b"\r\n"))
        assert read(message)["Subject"] == one_line(subject)

    def test_an_answer_goes_where_it_is_wanted(self) -> None:
        reply_to = Sender.parse("值班室 <duty@example.org>")
        message = shared_part(self.sender, reply_to, "预警", "正文")
        assert read(message)["Reply-To"] == "值班室 <duty@example.org>"


def read(message: bytes) -> EmailMessage:
    return BytesParser(EmailMessage, policy=policy.default).parsebytes(message)


def deferred(reason: Reason, detail: str, **rest: Any) -> Deferred:
    return Deferred(reason, detail=detail, **rest)


@pytest.mark.parametrize(
    ("step", "reply", "expected"),
    [
        pytest.param(Step.TEXT, "250 2.0.0 queued as 7", Accepted(), id="250 after the text is taken over"),
        pytest.param(
            Step.CONNECT,
            "554 5.7.1 go away",
            deferred(Reason.TEMPORARY_FAILURE, "554 5.7.1"),
            id="turned away at the door, tomorrow perhaps not",
        ),
        pytest.param(
            Step.LOGIN,
            "535 5.7.8 no",
            Rejected(Reason.ACCOUNT_REFUSED, Scope.ACCOUNT, "535 5.7.8"),
            id="a wrong password is the account's fault",
        ),
        pytest.param(
            Step.LOGIN,
            "454 4.7.0 later",
            deferred(Reason.TEMPORARY_FAILURE, "454 4.7.0"),
            id="a login that is down for the moment passes",
        ),
        pytest.param(
            Step.SENDER,
            "530 5.7.0 log in",
            Rejected(Reason.ACCOUNT_REFUSED, Scope.ACCOUNT, "530 5.7.0"),
            id="a sender who must log in is the account's fault",
        ),
        pytest.param(
            Step.SENDER,
            "550 5.7.1 not you",
            Rejected(Reason.ACCOUNT_REFUSED, Scope.ACCOUNT, "550 5.7.1"),
            id="a sender who is refused is the account's fault",
        ),
        pytest.param(
            Step.SENDER,
            "421 4.3.2 closing",
            deferred(Reason.TEMPORARY_FAILURE, "421 4.3.2"),
            id="a relay that shuts down comes back",
        ),
        pytest.param(
            Step.SENDER,
            "452 4.3.1 full",
            deferred(Reason.THROTTLED, "452 4.3.1"),
            id="a relay that is full wants us slower",
        ),
        pytest.param(
            Step.SENDER,
            "503 bad sequence",
            deferred(Reason.UNREADABLE_REPLY, "503"),
            id="a muddled line is nobody's fault",
        ),
        pytest.param(
            Step.RECIPIENT,
            "450 4.7.1 Greylisted for 300 seconds",
            deferred(Reason.THROTTLED, "450 4.7.1", scope=Scope.TARGET, retry_after=timedelta(seconds=300)),
            id="greylisting names its seconds",
        ),
        pytest.param(
            Step.RECIPIENT,
            "451 4.7.1 Greylisting in action, please come back in 00:05:00",
            deferred(Reason.THROTTLED, "451 4.7.1", scope=Scope.TARGET, retry_after=timedelta(minutes=5)),
            id="greylisting names its minutes",
        ),
        pytest.param(
            Step.RECIPIENT,
            "451 4.3.0 local error",
            deferred(Reason.TEMPORARY_FAILURE, "451 4.3.0", scope=Scope.TARGET),
            id="a local error concerns this recipient for now",
        ),
        pytest.param(
            Step.RECIPIENT,
            "452 4.2.2 over quota",
            deferred(Reason.MAILBOX_FULL, "452 4.2.2", scope=Scope.TARGET),
            id="a mailbox that is full for now",
        ),
        pytest.param(
            Step.RECIPIENT,
            "550 5.1.1 <duty1@example.com>: unknown",
            Rejected(Reason.BAD_ADDRESS, Scope.ADDRESS, "550 5.1.1"),
            id="an unknown mailbox is a bad address, which the detail does not repeat",
        ),
        pytest.param(
            Step.RECIPIENT,
            "553 no",
            Rejected(Reason.BAD_ADDRESS, Scope.ADDRESS, "553"),
            id="a mailbox name that is not allowed",
        ),
        pytest.param(
            Step.RECIPIENT,
            "551 moved",
            Rejected(Reason.ADDRESS_GONE, Scope.ADDRESS, "551"),
            id="a mailbox that moved",
        ),
        pytest.param(
            Step.RECIPIENT,
            "550 5.2.1 disabled",
            Rejected(Reason.ADDRESS_GONE, Scope.ADDRESS, "550 5.2.1"),
            id="a mailbox that was closed",
        ),
        pytest.param(
            Step.RECIPIENT,
            "552 5.2.2 full",
            Rejected(Reason.MAILBOX_FULL, Scope.ADDRESS, "552 5.2.2"),
            id="a mailbox that is full",
        ),
        pytest.param(
            Step.RECIPIENT,
            "550 5.7.1 policy",
            Rejected(Reason.BLOCKED, Scope.ADDRESS, "550 5.7.1"),
            id="a recipient who does not want us",
        ),
        pytest.param(
            Step.RECIPIENT,
            "554 5.7.1 relay access denied",
            Rejected(Reason.ACCOUNT_REFUSED, Scope.ACCOUNT, "554 5.7.1"),
            id="a relay that does not relay for us suspends nobody",
        ),
        pytest.param(
            Step.TEXT,
            "451 4.3.0 try later",
            deferred(Reason.TEMPORARY_FAILURE, "451 4.3.0"),
            id="a text put off was certainly not taken",
        ),
        pytest.param(
            Step.TEXT,
            "554 5.7.1 spam",
            Rejected(Reason.CONTENT_REFUSED, Scope.CONTENT, "554 5.7.1"),
            id="a text taken for spam is the content's fault",
        ),
        pytest.param(
            Step.TEXT,
            "552 5.3.4 too big",
            Rejected(Reason.TOO_LONG, Scope.CONTENT, "552 5.3.4"),
            id="a text too long is the content's fault",
        ),
        pytest.param(
            Step.TEXT,
            "552 exceeded",
            Rejected(Reason.MAILBOX_FULL, Scope.ADDRESS, "552"),
            id="552 alone is read as the lesser evil",
        ),
        pytest.param(
            Step.TEXT,
            "-1 hello",
            deferred(Reason.UNREADABLE_REPLY, "-1", maybe_sent=True),
            id="no reply code after the text leaves it open",
        ),
        pytest.param(
            Step.RECIPIENT,
            "-1 hello",
            deferred(Reason.UNREADABLE_REPLY, "-1"),
            id="no reply code before the text is a certain no",
        ),
    ],
)
def test_the_code_is_judged_by_where_it_was_said(step: Step, reply: str, expected: Outcome) -> None:
    """CHANNELS 4, by step of the transaction."""
    code, _, text = reply.partition(" ")
    assert classify(step, int(code), text) == expected


@pytest.mark.parametrize("step", Step)
def test_only_a_line_lost_after_the_text_may_have_delivered(step: Step) -> None:
    outcome = broken(step, ConnectionResetError())
    assert isinstance(outcome, Deferred)
    assert outcome.maybe_sent is (step is Step.TEXT)


@pytest.mark.parametrize(
    ("options", "key"),
    [
        pytest.param({"sender": "warn@example.org"}, "host", id="no host"),
        pytest.param({"host": "mail.example"}, "sender", id="no sender"),
        pytest.param({**OPTIONS, "sender": "warn"}, "sender", id="a sender without domain"),
        pytest.param({**OPTIONS, "sender": "a@example.org, b@example.org"}, "sender", id="two senders"),
        pytest.param(
            {**OPTIONS, "reply_to": "a\r\nb@example.org"}, "reply_to", id="a line break in reply_to"
        ),
        pytest.param({**OPTIONS, "host": "mail example"}, "host", id="a host with a blank"),
        pytest.param({**OPTIONS, "tls": "maybe"}, "tls", id="encryption it has not"),
        pytest.param({**OPTIONS, "login": "warnd"}, "password", id="a login without password"),
        pytest.param({**OPTIONS, "port": 0}, "port", id="port zero"),
        pytest.param(
            {
                **OPTIONS,
                "host": "mail.example",
                "tls": "opportunistic",
                "login": "w",
                "password": Secret("p"),
            },
            "tls",
            id="a password that could travel in the clear",
        ),
        pytest.param({**OPTIONS, "smtp": True}, "smtp", id="a key there is not"),
    ],
)
def test_what_can_never_work_names_its_key(options: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        SmtpEmail("email", options)
    assert caught.value.key == key


def test_a_fault_in_the_table_never_quotes_a_credential() -> None:
    with pytest.raises(ConfigError) as caught:
        SmtpEmail("email", {**OPTIONS, "login": "warnd", "password": "not wrapped, so refused"})
    assert "not wrapped" not in str(caught.value)


async def test_certificates_that_cannot_be_read_stop_the_start(tmp_path: Path) -> None:
    """``open`` may raise ConfigError: it can never work as configured."""
    channel = SmtpEmail("email", {**OPTIONS, "ca_file": str(tmp_path / "absent.pem")})

    async def sink(_: object) -> None: ...

    with pytest.raises(ConfigError) as caught:
        await channel.open(sink)
    assert caught.value.key == "ca_file"
