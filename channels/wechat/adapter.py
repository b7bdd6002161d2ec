"""
Posts to a WeCom group robot.

An address is the robot's key: whoever has it can post to the group, so it is treated as the credential it is.
There is no receipt and no de-duplication: what was posted twice stands twice in the group.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

import orjson
from pydantic import field_validator
from yarl import URL

from channels.http_client import HttpClient, Unanswered
from channels.options import Duration, Options
from warnd.contract.channel import BatchView, Capabilities, Sink
from warnd.contract.http import refusal
from warnd.contract.outcome import Accepted, Deferred, Outcome, Reason, Rejected, Scope

MAX_BYTES = {"markdown": 4096, "text": 2048}
"""The longest content of each message type, in UTF-8 bytes."""

MAX_BUNDLE = 20
"""Messages that one post may carry: no more than a reader looks through."""

CONNECT_WITHIN = timedelta(seconds=5)

_KEY = re.compile(r"[A-Za-z0-9_-]{1,128}")
_WORDS = 120
_WINDOW = timedelta(seconds=60)

_ERRCODES: Mapping[int, Deferred | Rejected] = {
    -1: Deferred(Reason.TEMPORARY_FAILURE),
    # 20 a minute and robot; the window slides, so a minute later there is room again.
    45009: Deferred(Reason.THROTTLED, Scope.TARGET, retry_after=_WINDOW),
    45033: Deferred(Reason.THROTTLED, Scope.CHANNEL, retry_after=timedelta(seconds=2)),
    93000: Rejected(Reason.ADDRESS_GONE, Scope.ADDRESS),
    40008: Rejected(Reason.CONTENT_REFUSED, Scope.CONTENT),
    40058: Rejected(Reason.CONTENT_REFUSED, Scope.CONTENT),
    44004: Rejected(Reason.CONTENT_REFUSED, Scope.CONTENT),
    47001: Rejected(Reason.CONTENT_REFUSED, Scope.CONTENT),
}


class RobotOptions(Options):
    """``[channels.NAME]`` with ``adapter = "wechat.robot"``."""

    base_url: str = "https://qyapi.weixin.qq.com"
    format: Literal["text", "markdown"] = "markdown"
    timeout: Duration = timedelta(seconds=10)

    @field_validator("base_url")
    @classmethod
    def _is_an_origin(cls, value: str) -> str:
        try:
            url = URL(value)
        except ValueError:
            url = URL()
        if url.scheme not in {"http", "https"} or not url.host or url.query_string or url.user:
            raise ValueError("should be an http or https URL without query")
        return value


class WeComRobot:
    """The group robot of WeCom (企业微信), called 消息推送 in its newer console."""

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        chosen = RobotOptions.read(options)
        self.name = name
        self.capabilities = Capabilities(
            kind="wechat",
            timeout=chosen.timeout + CONNECT_WITHIN,
            quiet=True,
            max_bytes=MAX_BYTES[chosen.format],
            slots=16,
            max_bundle=MAX_BUNDLE,
        )
        self._format = chosen.format
        self._url = URL(chosen.base_url) / "cgi-bin" / "webhook" / "send"
        self._timeout = chosen.timeout
        self._client: HttpClient | None = None

    async def open(self, sink: Sink) -> None:
        """A robot reports nothing back: the sink stays unused."""
        self._client = HttpClient(
            self._url,
            headers={"Content-Type": "application/json"},
            connect_timeout=min(self._timeout, CONNECT_WITHIN),
            timeout=self._timeout,
        )

    async def send(self, batch: BatchView) -> Sequence[Outcome]:
        """Post one message to one group."""
        (key,) = batch.addresses
        if _KEY.fullmatch(key) is None:
            return [Rejected(Reason.BAD_ADDRESS, detail="not a robot's key")]
        return [await self._post(key, batch.content.body)]

    async def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    async def _post(self, key: str, text: str) -> Outcome:
        if self._client is None:
            raise RuntimeError("open() comes before send()")
        body = orjson.dumps({"msgtype": self._format, self._format: {"content": text}})
        try:
            answer = await self._client.post(self._url.with_query(key=key).raw_path_qs, body)
        except Unanswered as failure:
            return failure.outcome
        return refusal(answer.status, answer.retry_after) or classify(answer.body, key=key)


def classify(body: bytes, *, key: str) -> Outcome:
    """
    What a 200 says. The errcode decides, never the words beside it, with one exception.

    A message that could not be read is answered with errcode 0 and a "Warning" in errmsg: whether anything
    was posted, nobody can tell. Codes that are not in the table were not taken either, and may pass.
    """
    try:
        answer = orjson.loads(body)
        code, words = int(answer["errcode"]), str(answer.get("errmsg", ""))
    except (ValueError, TypeError, KeyError, AttributeError):
        return Deferred(Reason.UNREADABLE_REPLY, maybe_sent=True)
    if code == 0:
        if "warning" in words.casefold():
            return Deferred(Reason.UNREADABLE_REPLY, maybe_sent=True, detail=_detail(code, words, key))
        return Accepted()
    judged = _ERRCODES.get(code, _ERRCODES[-1])
    return replace(judged, detail=_detail(code, words, key))


def _detail(code: int, words: str, key: str) -> str:
    """The provider's code and words, without its hints, our IP, and the key should it repeat that."""
    words = re.split(r",?\s*(?:hint|from ip|more info)\b", words, maxsplit=1)[0]
    words = re.sub(re.escape(key), "***", words, flags=re.IGNORECASE)
    return f"errcode {code}: {words[:_WORDS]}"
