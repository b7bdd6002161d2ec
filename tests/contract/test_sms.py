"""The generic SMS gateway keeps a channel's promises, in both formats, whatever names and codes it uses."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web

from channels.http_answer import LARGEST
from channels.sms.adapter import HttpSms
from channels.sms.classify import classify
from channels.sms.dialect import Dialect
from channels.sms.emulator import SmsGateway
from channels.sms.numbers import e164
from channels.sms.receipts import parse
from warnd.contract.channel import CallbackRequest, Channel
from warnd.contract.emulator import Emulator
from warnd.contract.outcome import (
    Accepted,
    Deferred,
    Outcome,
    Reason,
    Receipt,
    ReceiptStatus,
    Rejected,
    Scope,
)
from warnd.contract.registry import channel_factory, emulator_factory
from warnd.contract.suite import ChannelContract, batch_of
from warnd.errors import ConfigError


class TestHttpSms(ChannelContract):
    """As it comes: JSON."""

    def make_emulator(self) -> Emulator:
        return SmsGateway()

    def make_channel(self, options: Mapping[str, Any]) -> Channel:
        return HttpSms("sms", options)


class TestHttpSmsForm(TestHttpSms):
    """The same with forms instead of JSON."""

    def make_channel(self, options: Mapping[str, Any]) -> Channel:
        return HttpSms("sms", {**options, "format": "form"})


# What an answer means

ONE, TWO, THREE = "+8615400000001", "+8615400000002", "+8615400000003"

NOT_MENTIONED = Deferred(
    Reason.UNREADABLE_REPLY, Scope.TARGET, maybe_sent=True, detail="the answer does not mention the number"
)
UNREADABLE = Deferred(Reason.UNREADABLE_REPLY, maybe_sent=True)


def taken(number: object, key: object = "R1") -> dict[str, object]:
    return {"to": number, "code": 0, "id": key}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(
            {"code": 0, "results": [taken(ONE, "R1"), taken(TWO, "R2")]},
            [Accepted("R1"), Accepted("R2")],
            id="each number is taken",
        ),
        pytest.param(
            {"code": 0, "results": [taken(TWO, "R2"), taken(ONE, "R1")]},
            [Accepted("R1"), Accepted("R2")],
            id="rows in another order go to their own numbers",
        ),
        pytest.param(
            {"code": 0, "results": [taken("8615400000002", "R2"), taken(" 154 0000 0001 ", "R1")]},
            [Accepted("R1"), Accepted("R2")],
            id="numbers come back without plus, with spaces, without country",
        ),
        pytest.param(
            {"code": 0, "results": [taken("0086-154-0000-0001", "R1"), taken(15400000002, "R2")]},
            [Accepted("R1"), Accepted("R2")],
            id="numbers come back with 00, or as JSON numbers",
        ),
        pytest.param(
            {"code": 0, "results": [{"to": ONE, "code": 1001, "message": "bad number"}, taken(TWO, 77)]},
            [Rejected(Reason.BAD_ADDRESS, Scope.ADDRESS, "code 1001: bad number"), Accepted("77")],
            id="one bad number fails alone, a numeric key is kept as text",
        ),
        pytest.param(
            {"code": 0, "results": [taken(TWO, "R2")]},
            [NOT_MENTIONED, Accepted("R2")],
            id="a number the answer does not mention may have been sent",
        ),
        pytest.param(
            {"code": 0, "results": [taken(ONE, "R1"), {"to": ONE, "code": 1001}, taken(TWO, "R2")]},
            [Accepted("R1"), Accepted("R2")],
            id="of two rows for one number the one that accepts stands, coming first",
        ),
        pytest.param(
            {"code": 0, "results": [{"to": ONE, "code": 1001}, taken(TWO, "R2"), taken(ONE, "R1")]},
            [Accepted("R1"), Accepted("R2")],
            id="of two rows for one number the one that accepts stands, coming last",
        ),
        pytest.param(
            {"code": 0, "results": [taken(ONE), taken(TWO, "R2"), taken(THREE, "R3"), 7, None, {}]},
            [Accepted("R1"), Accepted("R2")],
            id="rows of strangers and rows that are none are passed over",
        ),
        pytest.param(
            {"code": 0, "results": [taken(ONE, None), taken(TWO, "")]},
            [Accepted(None), Accepted(None)],
            id="a row without a key is accepted without one",
        ),
        pytest.param(
            {"code": "0", "results": [{"to": ONE, "code": "0", "id": "R1"}, {"to": TWO, "code": "1002"}]},
            [Accepted("R1"), Rejected(Reason.BAD_ADDRESS, Scope.ADDRESS, "code 1002")],
            id="codes come as text",
        ),
        pytest.param(
            {"code": 0, "results": [{"to": ONE, "code": 2001}, {"to": TWO, "code": 3001}]},
            [
                Rejected(Reason.CONTENT_REFUSED, Scope.CONTENT, "code 2001"),
                Rejected(Reason.ACCOUNT_REFUSED, Scope.ACCOUNT, "code 3001"),
            ],
            id="a row may speak of the text or the account",
        ),
        pytest.param(
            {"code": 0, "results": [{"to": ONE, "code": 9001}, {"to": TWO, "code": 5005}]},
            [
                Deferred(Reason.TEMPORARY_FAILURE, Scope.TARGET, detail="code 9001"),
                Deferred(Reason.UNREADABLE_REPLY, Scope.TARGET, maybe_sent=True, detail="code 5005"),
            ],
            id="a row may pass by itself, or have a code nobody knows",
        ),
        pytest.param(
            {"code": 9001, "message": "busy"},
            [Deferred(Reason.TEMPORARY_FAILURE, detail="code 9001: busy")] * 2,
            id="the whole request may pass by itself",
        ),
        pytest.param(
            {"code": 1001},
            [Rejected(Reason.BAD_ADDRESS, Scope.ONE_OF, "code 1001")] * 2,
            id="a bad number without saying which is one of them",
        ),
        pytest.param(
            {"code": 2999, "message": "x"},
            [Rejected(Reason.CONTENT_REFUSED, Scope.CONTENT, "code 2999: x")] * 2,
            id="the whole request is refused for its text",
        ),
        pytest.param(
            {"code": 3000},
            [Rejected(Reason.ACCOUNT_REFUSED, Scope.ACCOUNT, "code 3000")] * 2,
            id="the whole request is refused for the account",
        ),
        pytest.param(
            {"code": 3001, "results": [taken(ONE)]},
            [Accepted("R1"), Rejected(Reason.ACCOUNT_REFUSED, Scope.ACCOUNT, "code 3001")],
            id="an account that ends half-way keeps what was taken",
        ),
        pytest.param(
            {"code": 4711},
            [Deferred(Reason.UNREADABLE_REPLY, maybe_sent=True, detail="code 4711")] * 2,
            id="a code nobody knows may be a yes",
        ),
        pytest.param(
            {"code": False, "results": [{"to": ONE, "code": False}]},
            [
                Deferred(Reason.UNREADABLE_REPLY, Scope.TARGET, maybe_sent=True, detail="code False"),
                Deferred(Reason.UNREADABLE_REPLY, maybe_sent=True, detail="code False"),
            ],
            id="false is not the code 0",
        ),
        pytest.param({"code": 0}, [NOT_MENTIONED] * 2, id="a yes without rows names nobody"),
        pytest.param(
            {},
            [Deferred(Reason.UNREADABLE_REPLY, maybe_sent=True, detail="no code")] * 2,
            id="an empty object",
        ),
        pytest.param([], [UNREADABLE] * 2, id="a list"),
        pytest.param("ok", [UNREADABLE] * 2, id="a word"),
        pytest.param(None, [UNREADABLE] * 2, id="nothing"),
    ],
)
def test_an_answer_is_read_by_number(answer: object, expected: list[Outcome]) -> None:
    """Outcomes stand in the batch's order whatever the answer's; in doubt the number is deferred."""
    assert classify(answer, (ONE, TWO), Dialect()) == expected


def test_a_bad_number_alone_is_the_bad_one() -> None:
    assert classify({"code": 1001}, (ONE,), Dialect()) == [
        Rejected(Reason.BAD_ADDRESS, Scope.ADDRESS, "code 1001")
    ]


def test_a_bare_number_that_could_be_two_of_the_batch_is_neither() -> None:
    """+1 540 000 0001 and +86 154 0000 0001 lose their difference with their country."""
    american = "+15400000001"
    answer = {"code": 0, "results": [taken("15400000001")]}
    assert classify(answer, (ONE, american), Dialect()) == [NOT_MENTIONED, NOT_MENTIONED]


def test_a_providers_words_lose_what_names_somebody() -> None:
    """Numbers in any spelling, and anything long enough to be a credential, stay out of the detail."""
    message = "号码 +86 154-0000-0001 无效, key 0123456789abcdef0123456789abcdef"
    (outcome,) = classify({"code": 1001, "message": message}, (ONE,), Dialect())
    assert outcome == Rejected(Reason.BAD_ADDRESS, Scope.ADDRESS, "code 1001: 号码 … 无效, key …")


CHANGED_CODES = {
    "accepted": "1, 100-102",
    "address": [-5, "40-49"],
    "content": 50,
    "account": "60",
    "temporary": "70-79",
}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (1, Accepted("R1")),
        (102, Accepted("R1")),
        (-5, Rejected(Reason.BAD_ADDRESS, Scope.ADDRESS, "code -5")),
        (45, Rejected(Reason.BAD_ADDRESS, Scope.ADDRESS, "code 45")),
        (50, Rejected(Reason.CONTENT_REFUSED, Scope.CONTENT, "code 50")),
        (60, Rejected(Reason.ACCOUNT_REFUSED, Scope.ACCOUNT, "code 60")),
        (70, Deferred(Reason.TEMPORARY_FAILURE, Scope.TARGET, detail="code 70")),
        (0, Deferred(Reason.UNREADABLE_REPLY, Scope.TARGET, maybe_sent=True, detail="code 0")),
        (1001, Deferred(Reason.UNREADABLE_REPLY, Scope.TARGET, maybe_sent=True, detail="code 1001")),
    ],
)
def test_every_range_of_codes_can_be_configured(code: int, expected: Outcome) -> None:
    """``[channels.NAME.codes]`` replaces the ranges it names, and only those."""
    answer = {"code": 1, "results": [{"to": ONE, "code": code, "id": "R1"}]}
    assert classify(answer, (ONE,), Dialect.read({"codes": CHANGED_CODES})) == [expected]


def test_every_part_of_an_answer_can_be_renamed() -> None:
    """``[channels.NAME.answer]``; a row's own code and words may be called otherwise than the request's."""
    names = {"code": "ret", "message": "msg", "results": "list", "to": "mobile", "id": "sid"}
    rows = {"result_code": "state", "result_message": "why"}
    answer = {
        "ret": 0,
        "list": [
            {"mobile": "15400000002", "state": 1001, "why": "空号"},
            {"mobile": "15400000001", "state": 0, "sid": 9},
        ],
    }
    assert classify(answer, (ONE, TWO), Dialect.read({"answer": names | rows})) == [
        Accepted("9"),
        Rejected(Reason.BAD_ADDRESS, Scope.ADDRESS, "code 1001: 空号"),
    ]


# What goes over the wire


@asynccontextmanager
async def answering(
    body: bytes = b'{"code": 0}', **response: Any
) -> AsyncIterator[tuple[str, list[tuple[web.BaseRequest, bytes]]]]:
    """A server that answers each request with this; yields its address and what it was asked."""
    asked: list[tuple[web.BaseRequest, bytes]] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        asked.append((request, await request.read()))
        return web.Response(body=body, **response)

    runner = web.ServerRunner(web.Server(answer, access_log=None), shutdown_timeout=0.05)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield "http://{}:{}/send".format(*runner.addresses[0]), asked
    finally:
        await runner.cleanup()


async def sent(options: Mapping[str, Any], addresses: Sequence[str], text: str = "暴雨") -> Sequence[Outcome]:
    async def sink(receipts: Sequence[Receipt]) -> None:
        """This channel's receipts come by callback."""

    channel = HttpSms("sms", {"token": "made-up-token", **options})
    await channel.open(sink)
    try:
        return await channel.send(batch_of(addresses, text, key="B1"))
    finally:
        await channel.close()


async def test_the_request_is_the_published_one() -> None:
    """One POST of JSON with the bearer token; the reference is the batch's key."""
    async with answering() as (url, asked):
        await sent({"url": url}, [ONE, TWO])
    ((request, body),) = asked
    assert (request.method, request.content_type) == ("POST", "application/json")
    assert request.headers["Authorization"] == "Bearer made-up-token"
    assert json.loads(body) == {"to": [ONE, TWO], "text": "暴雨", "ref": "B1"}


async def test_a_form_joins_numbers_with_commas() -> None:
    async with answering() as (url, asked):
        await sent({"url": url, "format": "form"}, [ONE, TWO], "a&b=c 暴雨")
    ((request, body),) = asked
    assert request.content_type == "application/x-www-form-urlencoded"
    assert body == b"to=%2B8615400000001%2C%2B8615400000002&text=a%26b%3Dc+%E6%9A%B4%E9%9B%A8&ref=B1"


@pytest.mark.parametrize(("form", "read"), [("json", json.loads), ("form", lambda body: body.split(b"=")[0])])
async def test_every_part_of_a_request_can_be_renamed(form: str, read: Any) -> None:
    """``[channels.NAME.fields]``"""
    fields = {"to": "mobiles", "text": "content", "ref": "extno"}
    async with answering() as (url, asked):
        await sent({"url": url, "format": form, "fields": fields}, [ONE])
    ((_, body),) = asked
    expected = {"mobiles": [ONE], "content": "暴雨", "extno": "B1"} if form == "json" else b"mobiles"
    assert read(body) == expected


async def test_a_redirect_is_not_followed() -> None:
    """The text and the credential go where the operator said, and nowhere else."""
    async with answering() as (elsewhere, asked):
        location = {"Location": elsewhere}
        async with answering(status=307, headers=location) as (url, _):
            (outcome,) = await sent({"url": url}, [ONE])
    assert asked == []
    assert outcome == Rejected(Reason.ACCOUNT_REFUSED, Scope.ACCOUNT, "HTTP 307")


async def test_an_endless_answer_is_unreadable() -> None:
    async with answering(b" " * (LARGEST + 1)) as (url, _):
        assert await sent({"url": url}, [ONE, TWO]) == [UNREADABLE, UNREADABLE]


async def test_a_connection_that_is_never_made_is_certainly_not_sent() -> None:
    """A name that does not resolve: the request cannot have left."""
    (outcome,) = await sent({"url": "http://gateway.invalid/send"}, [ONE])
    assert outcome == Deferred(Reason.UNREACHABLE, detail="its name is not known")


# What may stand in the configuration

GOOD = {"url": "https://gateway.example/send", "token": "made-up-token"}


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        pytest.param({"url": None}, "url", id="no address"),
        pytest.param({"url": "gateway.example/send"}, "url", id="an address without a scheme"),
        pytest.param({"url": "http://gateway.example:99999/send"}, "url", id="a port that is none"),
        pytest.param({"url": "http://[::1/send"}, "url", id="an address that is none"),
        pytest.param({"url": "http://gateway.example:0/send"}, "url", id="a port that nobody has"),
        pytest.param({"url": "http://me:made-up-token@gateway.example/send"}, "url", id="two credentials"),
        pytest.param({"token": None}, "token", id="no credential"),
        pytest.param({"token": ""}, "token", id="an empty credential"),
        pytest.param({"token": "one\r\nX-Two: 2"}, "token", id="a credential that would end its header"),
        pytest.param({"format": "xml"}, "format", id="a format it does not speak"),
        pytest.param({"timeout": 0}, "timeout", id="no time at all"),
        pytest.param({"timeout": "soon"}, "timeout", id="a time that is no time"),
        pytest.param({"connect_timeout": True}, "connect_timeout", id="a time that is a flag"),
        pytest.param({"max_batch": 0}, "max_batch", id="an empty batch"),
        pytest.param({"slots": 1.5}, "slots", id="half a slot"),
        pytest.param({"receipts": "perhaps"}, "receipts", id="a flag in words"),
        pytest.param({"tokn": "x"}, "tokn", id="an unknown key"),
        pytest.param({"fields": {"tel": "mobile"}}, "fields.tel", id="an unknown field"),
        pytest.param({"answer": {"code": ""}}, "answer.code", id="an empty name"),
        pytest.param({"receipt": []}, "receipt", id="a list for a table"),
        pytest.param({"codes": {"number": "1"}}, "codes.number", id="an unknown meaning"),
        pytest.param({"codes": {"address": "1000–1999"}}, "codes.address", id="a range with a dash"),
        pytest.param({"codes": {"address": "1999-1000"}}, "codes.address", id="a range backwards"),
    ],
)
def test_a_setting_that_cannot_work_is_named(changes: Mapping[str, Any], key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        HttpSms("sms", {**GOOD, **changes})
    assert caught.value.key == key
    assert "made-up-token" not in str(caught.value)


@pytest.mark.parametrize(
    ("misspelt", "fault"),
    [({"tokn": "made-up-token"}, "tokn: is not a setting here"), ({}, "token: is missing")],
    ids=["misspelt", "missing"],
)
def test_a_misspelt_setting_is_named_as_it_is_written(misspelt: Mapping[str, Any], fault: str) -> None:
    """To say that the right one is missing sends people looking at a line that is there."""
    with pytest.raises(ConfigError, match=fault):
        HttpSms("sms", {"url": GOOD["url"], **misspelt})


def test_capabilities_follow_the_configuration() -> None:
    """The longest send is a connection and an answer together."""
    plain = HttpSms("sms", GOOD).capabilities
    assert (plain.kind, plain.max_batch, plain.slots, plain.receipts, plain.idempotent) == (
        *("sms", 100, 8, True, True),
    )
    changed = {
        "max_batch": 1,
        "slots": 64,
        "receipts": False,
        "idempotent": False,
        "timeout": 2,
        "connect_timeout": 0.5,
    }
    other = HttpSms("sms", GOOD | changed).capabilities
    assert (other.max_batch, other.slots, other.receipts, other.idempotent) == (1, 64, False, False)
    assert other.timeout.total_seconds() == 2.5


def test_both_are_found_by_their_entry_points() -> None:
    assert channel_factory("sms.http", key="channels.sms.adapter") is HttpSms
    assert emulator_factory("sms.http", key="channels.sms.adapter") is SmsGateway


# Receipts


def push(*reports: object) -> CallbackRequest:
    return CallbackRequest(headers={}, query={}, body=orjson.dumps({"receipts": reports}))


REPORT = {"id": "R1", "to": ONE, "status": "delivered", "at": "2026-07-14T08:00:09+08:00"}
RECEIPT = Receipt("R1", ReceiptStatus.DELIVERED, ONE, datetime(2026, 7, 14, 0, 0, 9, tzinfo=UTC))


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        pytest.param(push(REPORT), [RECEIPT], id="delivered"),
        pytest.param(push(REPORT, REPORT), [RECEIPT, RECEIPT], id="repeats are the core's to know"),
        pytest.param(
            push({"id": 7, "status": "undelivered", "to": "154 0000 0001", "reason": "停机 15400000001"}),
            [Receipt("7", ReceiptStatus.UNDELIVERED, ONE, None, "停机 …")],
            id="undelivered, the number in another spelling, no time",
        ),
        pytest.param(push({**REPORT, "status": "submitted"}), [], id="on its way is no final word"),
        pytest.param(
            push({**REPORT, "at": "2026-07-14 08:00:09"}),
            [Receipt("R1", ReceiptStatus.DELIVERED, ONE)],
            id="a time without an offset is nobody's",
        ),
        pytest.param(
            push({**REPORT, "at": "0001-01-01T00:00:00+14:00"}),
            [Receipt("R1", ReceiptStatus.DELIVERED, ONE)],
            id="a time before there was any",
        ),
        pytest.param(
            push({**REPORT, "at": "yesterday"}, 3, {}),
            [Receipt("R1", ReceiptStatus.DELIVERED, ONE)],
            id="garbage among good ones",
        ),
        pytest.param(push(), [], id="an empty push"),
    ],
)
def test_a_push_is_read(request_: CallbackRequest, expected: list[Receipt]) -> None:
    """``parse`` knows no batch: a receipt reads the same early, late and repeated."""
    assert parse(request_) == expected


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff", b"[]", b"{}", b'{"receipts": {}}', b'{"receipts": [{"status": "delivered"}]}'],
)
def test_a_push_that_cannot_be_read_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError):
        parse(CallbackRequest(headers={}, query={}, body=body))


def test_every_part_of_a_push_can_be_renamed() -> None:
    """``[channels.NAME.receipt]``, the two final words among them."""
    names = {"receipts": "reports", "id": "sid", "to": "mobile", "status": "stat", "delivered": "DELIVRD"}
    body = orjson.dumps({"reports": [{"sid": "R1", "mobile": "8615400000001", "stat": "DELIVRD"}]})
    channel = HttpSms("sms", {**GOOD, "receipt": names})
    expected = [Receipt("R1", ReceiptStatus.DELIVERED, ONE)]
    assert channel.parse(CallbackRequest(headers={}, query={}, body=body)) == expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("+8615400000001", ONE),
        ("8615400000001", ONE),
        ("154 0000 0001", ONE),
        (15400000001, ONE),
        ("0086 15400000001", ONE),
        ("+1 540 000 0001", "+15400000001"),
        ("10086", None),
        ("", None),
        ("+", None),
        (None, None),
    ],
)
def test_a_number_that_stands_alone_gets_its_country_only_where_it_can_be_told(
    number: object, expected: object
) -> None:
    assert e164(number) == expected


# The gateway itself


async def test_the_gateway_pushes_each_receipt_once() -> None:
    """Delivered, or undelivered for the share asked for; a repeated reference is not reported again."""
    async with answering() as (url, asked), asyncio.timeout(10):
        gateway = SmsGateway(receipt_url=url)
        gateway.faults.undelivered = 1.0
        await gateway.start()
        keys = [outcome for _ in range(2) for outcome in await sent(gateway.options, [ONE, TWO])]
        assert keys[:2] == keys[2:]
        receipts: list[Receipt] = []
        while len(receipts) < 2:
            await asyncio.sleep(0.005)
            receipts = [r for request, body in asked for r in parse(CallbackRequest({}, {}, body))]
        await gateway.stop()
    assert [Accepted(receipt.key) for receipt in receipts] == keys[:2]
    assert [(r.address, r.status) for r in receipts] == [
        (ONE, ReceiptStatus.UNDELIVERED),
        (TWO, ReceiptStatus.UNDELIVERED),
    ]


async def test_shares_of_faults_are_repeatable() -> None:
    """The same seed throws the same dice."""

    async def pattern() -> list[type[Outcome]]:
        gateway = SmsGateway()
        gateway.faults.unavailable = 0.5
        await gateway.start()
        try:
            return [type((await sent(gateway.options, [ONE]))[0]) for _ in range(12)]
        finally:
            await gateway.stop()

    first = await pattern()
    assert first == await pattern()
    assert set(first) == {Accepted, Deferred}


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b'{"to": [], "text": "x", "ref": "r"}', b'{"to": [1], "text": "x", "ref": "r"}'],
)
async def test_the_gateway_refuses_what_is_no_request(body: bytes) -> None:
    gateway = SmsGateway(token="t")
    await gateway.start()
    try:
        headers = {"Authorization": "Bearer t", "Content-Type": "application/json"}
        async with (
            aiohttp.ClientSession(headers=headers) as http,
            http.post(gateway.options["url"], data=body) as reply,
        ):
            assert reply.status == 400
    finally:
        await gateway.stop()
    assert gateway.counts.taken == 0


async def test_the_gateway_runs_in_a_process_of_its_own() -> None:
    """It says where it listens, tells what it saw, forgets when asked, and ends on SIGTERM."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "channels.sms.emulator", "--token", "t", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(20), aiohttp.ClientSession() as http:
        where = json.loads(await process.stdout.readline())
        options = {"url": where["url"], "token": where["token"]}
        base = f"http://127.0.0.1:{where['port']}"

        async def asked(place: str) -> Any:
            async with http.get(base + place) as reply:
                return await reply.json()

        assert await sent(options, [ONE, TWO]) == await sent(options, [ONE, TWO])
        await sent(options, [THREE], "另一条")
        counts = await asked("/_counts")
        seen = {key: counts[key] for key in ("requests", "taken", "distinct", "numbers", "repeated")}
        assert seen == {"requests": 3, "taken": 5, "distinct": 3, "numbers": 3, "repeated": 2}
        assert await asked("/_numbers") == {ONE: 2, TWO: 2, THREE: 1}
        async with http.post(base + "/_reset") as reply:
            assert reply.status == 200
        assert (await asked("/_counts"))["taken"] == 0
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
