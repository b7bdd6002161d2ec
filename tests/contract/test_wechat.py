"""The group robot keeps the promises of a channel, and reads the provider's table."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from aiohttp import web

from channels.http_answer import LARGEST
from channels.wechat.adapter import WeComRobot, classify
from channels.wechat.emulator import PER_MINUTE, RobotGateway
from warnd.contract.channel import Capabilities
from warnd.contract.outcome import Accepted, Deferred, Outcome, Reason, Rejected, Scope
from warnd.contract.suite import ChannelContract, batch_of
from warnd.errors import ConfigError

KEY = "693a91f6-7000-4bc4-97a0-0ec2sifa5aaa"
UNREADABLE = Deferred(Reason.UNREADABLE_REPLY, maybe_sent=True)


class Endless(RobotGateway):
    """Its yes does not end."""

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=b'{"errcode":0,"errmsg":"ok"}' + b" " * LARGEST)


class TestWeComRobot(ChannelContract):
    tells_retry_after: ClassVar[bool] = False

    def make_emulator(self) -> RobotGateway:
        return RobotGateway()

    def make_channel(self, options: Mapping[str, Any]) -> WeComRobot:
        return WeComRobot("wechat", options)

    async def test_throttling_without_a_time_leaves_it_to_the_core(self) -> None:
        """Here the provider never names a time, but its window is known: a minute, for this robot alone."""
        outcome, _ = await self.outcome_under(throttled=1.0)
        assert isinstance(outcome, Deferred)
        assert (outcome.reason, outcome.scope) == (Reason.THROTTLED, Scope.TARGET)
        assert outcome.retry_after == timedelta(seconds=60)

    async def test_the_twenty_first_post_of_a_minute_waits_for_the_window(self) -> None:
        """The limit is the robot's own: another group's is untouched, and a minute later there is room."""
        now = 0.0
        emulator = RobotGateway(clock=lambda: now)
        await emulator.start()
        async with self.opened(emulator.options) as channel:
            full, other = emulator.example_address(1), emulator.example_address(2)
            posts = [await channel.send(batch_of([full], f"第{n}条")) for n in range(PER_MINUTE + 1)]
            assert [isinstance(post[0], Accepted) for post in posts] == [True] * PER_MINUTE + [False]
            assert isinstance((await channel.send(batch_of([other])))[0], Accepted)
            now = 60.0
            assert isinstance((await channel.send(batch_of([full])))[0], Accepted)
        await emulator.stop()
        assert emulator.counts.throttled == 1

    async def test_an_endless_answer_is_unreadable(self) -> None:
        """No more of it is read than any answer has."""
        emulator = Endless()
        await emulator.start()
        async with self.opened(emulator.options) as channel:
            assert await channel.send(batch_of([KEY])) == [UNREADABLE]
        await emulator.stop()

    async def test_a_removed_robot_is_that_groups_fault_alone(self) -> None:
        emulator = RobotGateway(known={"known-key"})
        await emulator.start()
        async with self.opened(emulator.options) as channel:
            (gone,) = await channel.send(batch_of(["removed-key"]))
            (there,) = await channel.send(batch_of(["known-key"]))
        await emulator.stop()
        assert isinstance(gone, Rejected)
        assert (gone.reason, gone.scope) == (Reason.ADDRESS_GONE, Scope.ADDRESS)
        assert isinstance(there, Accepted)

    @pytest.mark.parametrize(("form", "longest"), [("markdown", 4096), ("text", 2048)])
    async def test_the_declared_length_is_what_the_gateway_takes(self, form: str, longest: int) -> None:
        """The renderer cuts by ``max_bytes``; one byte more is refused, and never cut in silence here."""
        async with self.running() as emulator:
            options = {**emulator.options, "format": form}
            async with self.opened(options) as channel:
                assert channel.capabilities.max_bytes == longest
                body = "汛" * (longest // 3) + "." * (longest % 3)
                (fits,) = await channel.send(batch_of([emulator.example_address(1)], body))
                (exceeds,) = await channel.send(batch_of([emulator.example_address(2)], body + "."))
        assert isinstance(fits, Accepted)
        assert isinstance(exceeds, Rejected)
        assert exceeds.scope is Scope.CONTENT

    @pytest.mark.parametrize(
        "address",
        ["", "a key", "key&debug=1", "key\r\nHost: example.org", "钥匙", "k" * 129],
        ids=["empty", "blank", "parameter", "line-break", "not-ascii", "endless"],
    )
    async def test_what_cannot_be_a_key_is_never_posted(self, address: str) -> None:
        async with self.running() as emulator, self.opened(emulator.options) as channel:
            (outcome,) = await channel.send(batch_of([address]))
        assert isinstance(outcome, Rejected)
        assert outcome.reason is Reason.BAD_ADDRESS
        assert emulator.counts.requests == 0


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b'{"errcode":0,"errmsg":"ok"}', Accepted(), id="zero is posted"),
        pytest.param(
            b'{"errcode":45009,"errmsg":"api freq out of limit"}',
            Deferred(
                Reason.THROTTLED,
                Scope.TARGET,
                timedelta(seconds=60),
                detail="errcode 45009: api freq out of limit",
            ),
            id="45009 waits a minute for this robot",
        ),
        pytest.param(
            b'{"errcode":45033,"errmsg":"concurrent"}',
            Deferred(
                Reason.THROTTLED, Scope.CHANNEL, timedelta(seconds=2), detail="errcode 45033: concurrent"
            ),
            id="45033 slows the channel for two seconds",
        ),
        pytest.param(
            b'{"errcode":93000,"errmsg":"invalid webhook url"}',
            Rejected(Reason.ADDRESS_GONE, Scope.ADDRESS, "errcode 93000: invalid webhook url"),
            id="93000 is a robot that was removed",
        ),
        pytest.param(
            b'{"errcode":-1,"errmsg":"system busy"}',
            Deferred(Reason.TEMPORARY_FAILURE, detail="errcode -1: system busy"),
            id="minus one passes",
        ),
        *(
            pytest.param(
                b'{"errcode":%d,"errmsg":"no"}' % code,
                Rejected(Reason.CONTENT_REFUSED, Scope.CONTENT, f"errcode {code}: no"),
                id=f"{code} refuses the text",
            )
            for code in (40008, 40058, 44004, 47001)
        ),
        pytest.param(
            b'{"errcode":99999,"errmsg":"never heard of"}',
            Deferred(Reason.TEMPORARY_FAILURE, detail="errcode 99999: never heard of"),
            id="an unknown code defers",
        ),
        pytest.param(
            b'{"errcode":0,"errmsg":"ok. Warning: wrong json format."}',
            Deferred(
                Reason.UNREADABLE_REPLY,
                maybe_sent=True,
                detail="errcode 0: ok. Warning: wrong json format.",
            ),
            id="zero with a warning is no yes",
        ),
        pytest.param(
            b'{"errcode":93000,"errmsg":"ok"}',
            Rejected(Reason.ADDRESS_GONE, Scope.ADDRESS, "errcode 93000: ok"),
            id="the code decides against friendly words",
        ),
        pytest.param(b"<html>502</html>", UNREADABLE, id="a page is no answer"),
        pytest.param(b"", UNREADABLE, id="nothing is no answer"),
        pytest.param(b'{"errmsg":"ok"}', UNREADABLE, id="no code is no answer"),
        pytest.param(b"[0]", UNREADABLE, id="a list is no answer"),
        pytest.param(b'{"errcode":0,"errms', UNREADABLE, id="half an answer is none"),
    ],
)
def test_the_errcode_decides(body: bytes, expected: Outcome) -> None:
    """The provider's table, CHANNELS 2.1."""
    assert classify(body, key=KEY) == expected


def test_the_detail_shows_neither_key_nor_origin() -> None:
    """Whatever the provider writes into errmsg, the key is a credential and stays out."""
    words = (
        f"bad key {KEY.upper()} for {KEY}, hint: [17], from ip: 192.0.2.7, more info at https://example.org"
    )
    outcome = classify(b'{"errcode":40058,"errmsg":"%s"}' % words.encode(), key=KEY)
    assert isinstance(outcome, Rejected)
    assert outcome.detail == "errcode 40058: bad key *** for ***"


def test_a_group_is_told_quietly_and_reports_nothing() -> None:
    assert WeComRobot("wechat", {}).capabilities == Capabilities(
        kind="wechat",
        max_batch=1,
        timeout=timedelta(seconds=15),
        quiet=True,
        max_bytes=4096,
        slots=16,
        max_bundle=20,
    )


@pytest.mark.parametrize(
    ("options", "key"),
    [
        pytest.param({"format": "html"}, "format", id="a format it has not"),
        pytest.param({"base_url": "ftp://example.org"}, "base_url", id="a scheme that is not HTTP"),
        pytest.param({"base_url": "https://example.org/?key=x"}, "base_url", id="a URL with a query"),
        pytest.param({"timeout": "soon"}, "timeout", id="a time that is none"),
        pytest.param({"colour": "red"}, "colour", id="a key there is not"),
    ],
)
def test_what_can_never_work_names_its_key(options: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        WeComRobot("wechat", options)
    assert caught.value.key == key
