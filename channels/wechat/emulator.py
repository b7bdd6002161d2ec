"""
A WeCom robot gateway on loopback: counts bytes, keeps the twenty a minute, answers 200 whatever happens.

By itself: ``python -m channels.wechat.emulator --port 9002``; ``GET /_counts`` tells what it saw.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Mapping
from typing import Any

import orjson
from aiohttp import web

from channels.gateway import parser, serve
from channels.http_gateway import HttpGateway

PER_MINUTE = 20
"""Messages a robot takes in any sixty seconds."""

WINDOW = 60.0

TAKEN = (0, "ok")

_MAX_BYTES = {"markdown": 4096, "text": 2048}


class RobotGateway(HttpGateway):
    """
    The webhook of every robot there is.

    ``per_minute`` None takes any number; its minute has ``window`` seconds. With ``known`` given, every other key is that of a robot which was
    removed; ``faults.bad_addresses`` are removed too. ``clock`` gives seconds and never steps back.
    """

    def __init__(
        self,
        *,
        receipt_url: str | None = None,
        per_minute: int | None = PER_MINUTE,
        window: float = WINDOW,
        known: Collection[str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._per_minute = per_minute
        self._window = window
        self._known = known
        self._clock = clock
        self._posted: defaultdict[str, deque[float]] = defaultdict(deque)

    @property
    def options(self) -> Mapping[str, Any]:
        return {"base_url": self.url}

    def example_address(self, n: int) -> str:
        return f"{n:08x}-0000-4000-8000-{n:012x}"

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        match request.method, request.path:
            case "POST", "/cgi-bin/webhook/send":
                return await self._send(request)
            case _:
                return web.Response(status=404)

    async def _send(self, request: web.BaseRequest) -> web.StreamResponse:
        self.counts.requests += 1
        body = await request.read()
        faults = self.faults
        await self.linger(faults.latency)
        if faults.refuse_account:
            self.counts.refused += 1
            return web.Response(status=403)
        code, words = self._judge(request.query.get("key", ""), body)
        page = "<html><body>502 Bad Gateway"
        if (code, words) == TAKEN and (spoilt := await self.spoil(request, page)) is not None:
            return spoilt
        return web.json_response({"errcode": code, "errmsg": words})

    def _judge(self, key: str, body: bytes) -> tuple[int, str]:
        """Take the message, or say why not: (errcode, errmsg)."""
        faults = self.faults
        if self.happens(faults.unavailable):
            return -1, "system busy"
        if self.happens(faults.throttled) or self._too_many(key):
            self.counts.throttled += 1
            return 45009, "api freq out of limit"
        if key in faults.bad_addresses or (self._known is not None and key not in self._known):
            return self._refuse(93000, "invalid webhook url")
        try:
            message = orjson.loads(body)
            form = message["msgtype"]
            text = message[form]["content"]
        except (ValueError, KeyError, TypeError):
            self.counts.refused += 1
            return 0, "ok. Warning: wrong json format. "
        if form not in _MAX_BYTES:
            return self._refuse(40008, "invalid message type")
        if not text:
            return self._refuse(44004, "empty content")
        if faults.refuse_content or len(text.encode()) > _MAX_BYTES[form]:
            return self._refuse(40058, f"{form}.content exceed max length {_MAX_BYTES[form]}")
        if self._per_minute is not None:
            self._posted[key].append(self._clock())
        self.take(key, text)
        return TAKEN

    def _too_many(self, key: str) -> bool:
        """Whether the robot has posted its share within the last minute."""
        if self._per_minute is None:
            return False
        posted, now = self._posted[key], self._clock()
        while posted and posted[0] <= now - self._window:
            posted.popleft()
        return len(posted) >= self._per_minute

    def _refuse(self, code: int, words: str) -> tuple[int, str]:
        self.counts.refused += 1
        return code, words


def _main() -> None:
    arguments = parser("channels.wechat.emulator")
    arguments.add_argument(
        "--per-minute",
        type=int,
        default=PER_MINUTE,
        metavar="N",
        help="posts a robot takes in a minute; 0: any",
    )
    arguments.add_argument(
        "--window", type=float, default=WINDOW, metavar="SECONDS", help="how long that minute is"
    )
    given = arguments.parse_args()
    serve(RobotGateway(per_minute=given.per_minute or None, window=given.window), given)


if __name__ == "__main__":
    _main()
