"""
A faithful local SMS gateway, in the test's own process or in one of its own.

As a process (``python -m channels.sms.emulator``) it says on one line of JSON where it listens, outlives the
daemon that talks to it, tells at ``/_counts`` and ``/_numbers`` what it saw, and goes wrong as ``/_faults`` is told.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import secrets
import signal
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn
from urllib.parse import parse_qs

import aiohttp
import orjson
from aiohttp import web

from channels.gateway import set_faults
from warnd.contract.emulator import Counts, Faults, Message
from warnd.contract.secret import Secret

MOST_MESSAGES = 200_000
RECEIPTS_A_PUSH = 500
PUSH_TRIES = 5
PUSH_PAUSE = timedelta(milliseconds=200)

BAD_NUMBER = {"code": 1001, "message": "bad number"}
TEXT_REFUSED = {"code": 2001, "message": "text refused"}
WRONG_TOKEN = {"code": 3001, "message": "wrong token"}
ACCOUNT_SUSPENDED = {"code": 3002, "message": "account suspended"}
NOT_A_REQUEST = {"code": 3003, "message": "to, text and ref are required"}


@dataclass(frozen=True, slots=True)
class Request:
    """One readable request for at least one number."""

    to: Sequence[str]
    text: str
    ref: str


class SmsGateway:
    """The gateway of the interface's section 5. Speaks JSON and forms, whichever it is asked in."""

    paths = frozenset({"/send"})
    """Where messages are taken; elsewhere it is asked and told things."""

    def __init__(self, *, receipt_url: str | None = None, token: str | None = None) -> None:
        self.faults = Faults()
        self.counts = Counts()
        self._token = token if token is not None else secrets.token_hex(16)
        self._bearer = f"Bearer {self._token}"
        self._run = secrets.token_hex(3)
        self._url = ""
        self._runner: web.ServerRunner | None = None
        self._reports = Reports(receipt_url) if receipt_url is not None else None
        self._dice = random.Random(self.faults.seed)  # noqa: S311  faults, not secrets
        self._forget()

    def _forget(self) -> None:
        self.counts = Counts()
        self._taken: deque[Request] = deque()
        self._held = 0
        self._ids: dict[str, dict[str, str]] = {}
        """By ref, the receipt key of each number: how a repeat is known."""
        self._seen: dict[str, dict[str, int]] = {}
        """By text, how often each number was taken for it: how a second telling is seen, whatever its ref."""

    @property
    def options(self) -> Mapping[str, Any]:
        return {"url": self._url, "token": Secret(self._token)}

    async def start(self, *, port: int = 0) -> None:
        self._dice = random.Random(self.faults.seed)  # noqa: S311
        # A request that hangs on purpose may not hold up the end.
        self._runner = web.ServerRunner(
            web.Server(self._answer, handler_cancellation=True, access_log=None), shutdown_timeout=0.05
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port, backlog=1024)
        await site.start()
        host, bound = self._runner.addresses[0][:2]
        self._url = f"http://{host}:{bound}/send"
        if self._reports is not None:
            await self._reports.start()

    async def stop(self) -> None:
        if self._reports is not None:
            await self._reports.stop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def messages(self) -> Sequence[Message]:
        return [
            Message(address=number, body=request.text, ref=request.ref)
            for request in self._taken
            for number in request.to
        ]

    def example_address(self, n: int) -> str:
        """+86154… is assigned to no carrier."""
        return f"+86154{n:08d}"

    @property
    def numbers(self) -> dict[str, int]:
        """How often each number was taken, over all texts."""
        total: dict[str, int] = {}
        for times in self._seen.values():
            for number, count in times.items():
                total[number] = total.get(number, 0) + count
        return total

    @property
    def repeated(self) -> int:
        """Numbers that were taken more than once with the same text."""
        return len({number for times in self._seen.values() for number, count in times.items() if count > 1})

    # The request's way through the gateway

    async def _answer(self, http: web.BaseRequest) -> web.StreamResponse:
        if http.path not in self.paths:
            return self.inspect(http, await http.read())
        self.counts.requests += 1
        body = await http.read()
        if self.faults.latency:
            await asyncio.sleep(self.faults.latency.total_seconds())
        if (refused := self._refusal(http)) is not None:
            return refused
        request = self.read(http, body)
        if request is None:
            return _json(NOT_A_REQUEST, status=400)
        if self.faults.refuse_content:
            self.counts.refused += len(request.to)
            return _json(TEXT_REFUSED)
        answer = self.take(request)
        return await self._spoilt(http) or _json(answer)

    def read(self, http: web.BaseRequest, body: bytes) -> Request | None:
        """The request in either format; None when a part is missing."""
        return _read(http.content_type, body)

    def _refusal(self, http: web.BaseRequest) -> web.Response | None:
        """What is refused before anybody looks at the body."""
        if http.headers.get("Authorization") != self._bearer:
            return _json(WRONG_TOKEN, status=401)
        if self._strikes(self.faults.unavailable):
            return _json({"code": 9001, "message": "busy"}, status=503)
        if self._strikes(self.faults.throttled):
            self.counts.throttled += 1
            wait = self.faults.retry_after
            headers = {} if wait is None else {"Retry-After": f"{wait.total_seconds():g}"}
            return _json({"code": 9002, "message": "too fast"}, status=429, headers=headers)
        return _json(ACCOUNT_SUSPENDED) if self.faults.refuse_account else None

    def take(self, request: Request) -> Mapping[str, Any]:
        """Take over each good number; a repeated ref is answered as before, and counted."""
        known = self._ids.setdefault(request.ref, {})
        times = self._seen.setdefault(request.text, {})
        bad = self.faults.bad_addresses
        results: list[Mapping[str, Any]] = []
        taken: list[str] = []
        for number in request.to:
            if number in bad or not _plausible(number):
                results.append({"to": number, **BAD_NUMBER})
                continue
            if (key := known.get(number)) is None:
                self.counts.distinct += 1
                known[number] = key = f"{self._run}-{self.counts.distinct}"
                if self._reports is not None and self.faults.receipts:
                    self._reports.add(key, number, delivered=not self._strikes(self.faults.undelivered))
            times[number] = times.get(number, 0) + 1
            taken.append(number)
            results.append({"to": number, "code": 0, "id": key})
        self.counts.refused += len(request.to) - len(taken)
        if taken:
            self.counts.taken += len(taken)
            self.counts.by_text[request.text] = self.counts.by_text.get(request.text, 0) + len(taken)
            self._keep(Request(taken, request.text, request.ref))
        return {"code": 0, "results": results}

    def _keep(self, request: Request) -> None:
        self._taken.append(request)
        self._held += len(request.to)
        while self._held > MOST_MESSAGES:
            self._held -= len(self._taken.popleft().to)

    async def _spoilt(self, http: web.BaseRequest) -> web.Response | None:
        """What may go wrong once the message is taken; None when nothing does."""
        if self._strikes(self.faults.hang_after):
            await _for_ever()
        if self._strikes(self.faults.cut_after) and http.transport is not None:
            http.transport.abort()
            return web.Response()
        if self._strikes(self.faults.garbled):
            return web.Response(
                body=b"<html><body>\xb7\xfe\xce\xf1\xc6\xf7</body></html>", content_type="text/html"
            )
        return None

    def _strikes(self, share: float) -> bool:
        return share > 0 and (share >= 1 or self._dice.random() < share)

    def inspect(self, http: web.BaseRequest, body: bytes) -> web.Response:
        """What a test asks of a gateway in another process."""
        match http.method, http.path:
            case "GET", "/_counts":
                extra = {"numbers": len(self.numbers), "repeated": self.repeated}
                return _json({**asdict(self.counts), **extra})
            case "GET", "/_numbers":
                return _json(self.numbers)
            case "POST", "/_reset":
                self._forget()
                return _json({})
            case "POST", "/_faults":
                return set_faults(self.faults, body)
            case _:
                return _json({"code": 3004, "message": "no such place"}, status=404)


class Reports:
    """Pushes status reports to one place, in order, several at a time; gives up on a push after a while."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pending: deque[Mapping[str, str]] = deque()
        self._some = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def add(self, key: str, number: str, *, delivered: bool) -> None:
        report = {"id": key, "to": number, "at": datetime.now(UTC).isoformat()}
        word = (
            {"status": "delivered"} if delivered else {"status": "undelivered", "reason": "absent subscriber"}
        )
        self._pending.append(report | word)
        self._some.set()

    async def start(self) -> None:
        self._task = asyncio.create_task(self._push_all())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _push_all(self) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http:
            while True:
                await self._some.wait()
                several = [self._pending.popleft() for _ in range(min(len(self._pending), RECEIPTS_A_PUSH))]
                if not self._pending:
                    self._some.clear()
                await self.push(http, orjson.dumps({"receipts": several}))

    async def push(self, http: aiohttp.ClientSession, body: bytes) -> bool:
        """Whether it was answered well in the end."""
        for _ in range(PUSH_TRIES):
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                headers = {"Content-Type": "application/json"}
                async with http.post(self._url, data=body, headers=headers) as reply:
                    if reply.status < 300:
                        return True
            await asyncio.sleep(PUSH_PAUSE.total_seconds())
        return False


def _read(content_type: str, body: bytes) -> Request | None:
    """The request in either format; None when a part is missing."""
    try:
        if content_type == "application/json":
            parts = orjson.loads(body)
            to, text, ref = parts["to"], parts["text"], parts["ref"]
        else:
            form = parse_qs(body.decode(), strict_parsing=True)
            to, text, ref = form["to"][0].split(","), form["text"][0], form["ref"][0]
    except (ValueError, KeyError, TypeError):
        return None
    good = isinstance(to, list) and to and all(isinstance(number, str) for number in to)
    return (
        Request(to, text, ref)
        if good and isinstance(text, str) and text and isinstance(ref, str) and ref
        else None
    )


def _plausible(number: str) -> bool:
    """E.164 in shape: a plus and 7 to 15 digits, the first of them not 0."""
    digits = number[1:]
    return number[:1] == "+" and 7 <= len(digits) <= 15 and digits.isdecimal() and digits[0] != "0"


def _json(value: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(
        body=orjson.dumps(value), status=status, headers=headers, content_type="application/json"
    )


async def _for_ever() -> NoReturn:
    await asyncio.get_running_loop().create_future()
    raise AssertionError("nobody answers a request that hangs")


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m channels.sms.emulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--token", help="the bearer token; a random one when not given")
    parser.add_argument("--latency", type=float, default=0.0, metavar="MS", help="before every answer")
    parser.add_argument("--receipts", metavar="URL", help="where status reports are pushed to")
    parser.add_argument("--unavailable", type=float, default=0.0, metavar="SHARE", help="of requests, 0 to 1")
    parser.add_argument("--throttled", type=float, default=0.0, metavar="SHARE", help="of requests, 0 to 1")
    return parser.parse_args(words)


async def serve(arguments: argparse.Namespace, kind: type[SmsGateway] = SmsGateway) -> None:
    """Until SIGTERM or SIGINT."""
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    gateway = kind(receipt_url=arguments.receipts, token=arguments.token)
    gateway.faults = Faults(
        latency=timedelta(milliseconds=arguments.latency),
        unavailable=arguments.unavailable,
        throttled=arguments.throttled,
    )
    await gateway.start(port=arguments.port)
    url, token = gateway.options["url"], gateway.options["token"].reveal()
    port = int(url.rsplit(":", 1)[1].partition("/")[0])
    sys.stdout.write(orjson.dumps({"port": port, "url": url, "token": token}).decode() + "\n")
    sys.stdout.flush()
    await ended.wait()
    await gateway.stop()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:  # not on this platform
        return asyncio.new_event_loop
    return uvloop.new_event_loop


def main(words: Sequence[str] | None = None, kind: type[SmsGateway] = SmsGateway) -> None:
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(serve(_arguments(words), kind))


if __name__ == "__main__":
    main()
