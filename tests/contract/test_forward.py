"""Forwarding keeps the promises of a channel, and speaks to its own platform alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from channels.forward.adapter import UNREADABLE, HttpForward, classify
from channels.forward.emulator import Platform
from warnd.contract.channel import Capabilities
from warnd.contract.outcome import Accepted, Deferred, Outcome, Reason, Rejected, Scope
from warnd.contract.secret import Secret
from warnd.contract.suite import ChannelContract, batch_of
from warnd.errors import ConfigError

ALERT = """<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>A1</identifier>
<sender>62120241600000</sender><sent>2026-07-14T08:00:00+08:00</sent></alert>"""


class TestHttpForward(ChannelContract):
    def make_emulator(self) -> Platform:
        return Platform(any_text=True)

    def make_channel(self, options: Mapping[str, Any]) -> HttpForward:
        return HttpForward("province", options)

    async def test_the_platform_knows_an_alert_by_its_identity(self) -> None:
        """The same again is a repeat, other words under the same identity are refused, and so is no alert."""
        emulator = Platform()
        await emulator.start()
        async with self.opened(emulator.options) as channel:
            address = emulator.example_address(1)
            bodies = (ALERT, ALERT, ALERT.replace("</alert>", "<status>Actual</status></alert>"), "预警")
            outcomes = [(await channel.send(batch_of([address], body)))[0] for body in bodies]
        await emulator.stop()
        assert outcomes[:2] == [Accepted(), Accepted()]
        assert outcomes[2] == Rejected(Reason.CONTENT_REFUSED, Scope.CONTENT, "HTTP 409: not_cap")
        assert outcomes[3] == Rejected(Reason.CONTENT_REFUSED, Scope.CONTENT, "HTTP 422: not_cap")
        assert (emulator.counts.taken, emulator.counts.distinct) == (2, 1)

    @pytest.mark.parametrize(
        "address",
        [
            pytest.param("http://127.0.0.1:9/api/v1/alerts", id="another port"),
            pytest.param("https://127.0.0.1:{port}/api/v1/alerts", id="another scheme"),
            pytest.param("http://localhost:{port}/api/v1/alerts", id="another name of the same host"),
            pytest.param("http://127.0.0.1:{port}@metadata.example/", id="the origin as a login"),
            pytest.param("http://warn:secret@127.0.0.1:{port}/api/v1/alerts", id="a login of its own"),
            pytest.param("//127.0.0.1:{port}/api/v1/alerts", id="no scheme"),
            pytest.param("http://[::1/", id="no URL at all"),
        ],
    )
    async def test_nothing_leaves_for_an_address_that_is_not_at_the_origin(self, address: str) -> None:
        """Who may edit addresses may not send the credential elsewhere, nor knock at our own network's doors."""
        async with self.running() as emulator, self.opened(emulator.options) as channel:
            port = str(emulator.options["origin"]).rpartition(":")[2]
            (outcome,) = await channel.send(batch_of([address.format(port=port)]))
        assert isinstance(outcome, Rejected)
        assert outcome.reason is Reason.BAD_ADDRESS
        assert emulator.counts.requests == 0

    async def test_without_a_token_no_credential_is_sent(self) -> None:
        """Some platforms know whom they hear by the network alone; this one does not."""
        async with self.running() as emulator, self.opened({"origin": emulator.options["origin"]}) as channel:
            (outcome,) = await channel.send(batch_of([emulator.example_address(1)]))
        assert outcome == Rejected(Reason.ACCOUNT_REFUSED, Scope.ACCOUNT, "HTTP 401")


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        pytest.param(202, b'{"state": "released"}', Accepted(), id="taken"),
        pytest.param(200, b'{"repeat": true}', Accepted(), id="was there already"),
        pytest.param(202, b"", Accepted(), id="taken without a word"),
        pytest.param(204, b"", Accepted(), id="nothing to say"),
        pytest.param(200, b"", UNREADABLE, id="a 200 that says nothing"),
        pytest.param(200, b"<html>Log in</html>", UNREADABLE, id="a page in place of an answer"),
        pytest.param(206, b"{}", UNREADABLE, id="a success of some other kind"),
        pytest.param(
            422,
            b'{"errors": [{"code": "bad_time"}, {"code": "bad_time"}, {"code": "https://x.example"}, 7]}',
            Rejected(Reason.CONTENT_REFUSED, Scope.CONTENT, "HTTP 422: bad_time"),
            id="no valid alert",
        ),
        pytest.param(
            409,
            b"[]",
            Rejected(Reason.CONTENT_REFUSED, Scope.CONTENT, "HTTP 409"),
            id="another under that name",
        ),
        pytest.param(404, b"", Rejected(Reason.BAD_ADDRESS, detail="HTTP 404"), id="nothing there"),
        pytest.param(410, b"", Rejected(Reason.ADDRESS_GONE, detail="HTTP 410"), id="gone"),
        pytest.param(
            302, b"", Rejected(Reason.ACCOUNT_REFUSED, Scope.ACCOUNT, "HTTP 302"), id="sends us elsewhere"
        ),
        pytest.param(
            403, b"{}", Rejected(Reason.ACCOUNT_REFUSED, Scope.ACCOUNT, "HTTP 403"), id="we may not"
        ),
        pytest.param(
            429,
            b"",
            Deferred(Reason.THROTTLED, retry_after=timedelta(seconds=7), detail="HTTP 429"),
            id="later",
        ),
        pytest.param(
            502,
            b"",
            Deferred(
                Reason.TEMPORARY_FAILURE, retry_after=timedelta(seconds=7), maybe_sent=True, detail="HTTP 502"
            ),
            id="lost behind a proxy",
        ),
    ],
)
def test_the_status_decides(status: int, body: bytes, expected: Outcome) -> None:
    """As the API's page says what a feed does about each answer."""
    assert classify(status, "7", body) == expected


def test_forwarding_wakes_nobody_and_can_be_repeated() -> None:
    assert HttpForward("cap", {"origin": "https://platform.example"}).capabilities == Capabilities(
        kind="cap", timeout=timedelta(seconds=20), idempotent=True, quiet=True, slots=4
    )


@pytest.mark.parametrize(
    ("options", "key"),
    [
        pytest.param({}, "origin", id="no platform"),
        pytest.param({"origin": "https://platform.example/api"}, "origin", id="a path"),
        pytest.param({"origin": "https://warn@platform.example"}, "origin", id="a login"),
        pytest.param({"origin": "ftp://platform.example"}, "origin", id="a scheme that is not HTTP"),
        pytest.param({"origin": "https://[::1"}, "origin", id="half an address"),
        pytest.param(
            {"origin": "https://platform.example", "token": Secret("a\nb")},
            "token",
            id="a token of two lines",
        ),
        pytest.param({"origin": "https://platform.example", "url": "x"}, "url", id="a key there is not"),
    ],
)
def test_what_can_never_work_names_its_key(options: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        HttpForward("cap", options)
    assert caught.value.key == key
