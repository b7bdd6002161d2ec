"""The printing channel: every message once, on the stream that was asked for."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest

from channels.console.adapter import ConsolePrint
from warnd.contract.outcome import Accepted, Deferred, Reason
from warnd.contract.suite import WHOLE_TEXT, batch_of
from warnd.errors import ConfigError

ADDRESSES = ["desk-1", "desk-2"]


async def sink(_: object) -> None:
    """Printing has no receipts."""


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
async def test_each_address_gets_the_whole_text(stream: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In the batch's order, with subject and every line of the body."""
    channel = ConsolePrint("desk", {"stream": stream})
    await channel.open(sink)
    outcomes = await channel.send(batch_of(ADDRESSES, WHOLE_TEXT, subject="演练"))
    await channel.close()
    await channel.close()
    captured = capsys.readouterr()
    said = f"演练\n{WHOLE_TEXT}".replace("\n", "\n  ")
    assert getattr(captured, stream.removeprefix("std")) == "".join(
        f"[desk] {address}\n  {said}\n" for address in ADDRESSES
    )
    assert captured.out + captured.err == getattr(captured, stream.removeprefix("std"))
    assert outcomes == [Accepted(), Accepted()]


async def test_a_stream_that_cannot_write_chinese_still_gets_it_readable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    outcomes = await ConsolePrint("desk", {}).send(batch_of(["desk-1"], "汛", subject=""))
    assert outcomes == [Accepted()]
    assert raw.getvalue() == b"[desk] desk-1\n  \\u6c5b\n"


async def test_a_closed_stream_defers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever read it is gone; how much of it was read, nobody can say."""
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stdout", closed)
    outcomes = await ConsolePrint("desk", {}).send(batch_of(ADDRESSES))
    assert outcomes == [Deferred(Reason.CONNECTION_LOST, maybe_sent=True)] * 2


@pytest.mark.parametrize(
    ("options", "key"),
    [
        pytest.param({"stream": "printer"}, "stream", id="a stream there is not"),
        pytest.param({"url": "x"}, "url", id="a key there is not"),
    ],
)
def test_what_can_never_work_names_its_key(options: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ConsolePrint("desk", options)
    assert caught.value.key == key
