"""
The gateway of the peers and the sweeps, as a process: ``python -m bench.counting``.

It is the SMS emulator, which also takes what Alertmanager and Apprise post, and keeps a book: how often each number
was taken by text and when, when each came first, which receipts were answered well and which are still to be pushed.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from channels.sms.emulator import Reports, Request, SmsGateway, main

ALERTMANAGER, APPRISE = "/alertmanager", "/apprise"
"""Where their webhooks are posted to."""


class CountingGateway(SmsGateway):
    """Refuses, waits and answers as the emulator does, whoever asks."""

    paths = frozenset({"/send", ALERTMANAGER, APPRISE})

    def __init__(self, *, receipt_url: str | None = None, token: str | None = None) -> None:
        super().__init__(receipt_url=receipt_url, token=token)
        self._first: dict[str, int] = {}
        self._times: dict[str, list[tuple[int, int]]] = {}
        """By text, when (microseconds since 1970) how many were taken."""
        self._answered: list[str] = []
        self._pushes: _CountedReports | None = None
        if receipt_url is not None:
            self._reports = self._pushes = _CountedReports(receipt_url, self._answered)

    def read(self, http: web.BaseRequest, body: bytes) -> Request | None:
        match http.path:
            case "/alertmanager":
                return _of_alertmanager(orjson.loads(body))
            case "/apprise":
                said = orjson.loads(body)
                return Request([said["to"]], said["message"], said["to"])
            case _:
                return super().read(http, body)

    def take(self, request: Request) -> Mapping[str, Any]:
        now = time.monotonic_ns()
        for number in request.to:
            self._first.setdefault(number, now)
        self._times.setdefault(request.text, []).append((time.time_ns() // 1_000, len(request.to)))
        return super().take(request)

    def inspect(self, http: web.BaseRequest, body: bytes) -> web.Response:
        match http.method, http.path:
            case "GET", "/_arrived":
                return _json(len(self._first))
            case "GET", "/_arrivals":
                return _json(self._first)
            case "GET", "/_book":
                return _json(self._seen)
            case "GET", "/_answered":
                return _json(self._answered)
            case "GET", "/_owed":
                return _json(self._pushes.owed if self._pushes is not None else 0)
            case "POST", "/_later":
                return _json(self._later(**orjson.loads(body)))
            case "POST", "/_lose":
                return _json(self._lose(int(body)))
            case "POST", "/_reset":
                self._first.clear()
                self._times.clear()
                self._answered.clear()
        return super().inspect(http, body)

    def _later(self, text: str, at: int) -> int:
        """How many were taken for that text after ``at``."""
        return sum(count for when, count in self._times.get(text, ()) if when > at)

    def _lose(self, count: int) -> int:
        """Strike so many numbers from the book, as if they had never come: so a judge can be seen to notice."""
        struck = 0
        for times in self._seen.values():
            for number in list(times)[: count - struck]:
                del times[number]
                struck += 1
        return struck


class _CountedReports(Reports):
    """Keeps the ids of receipts that were answered well; ``owed`` are those neither answered nor given up."""

    def __init__(self, url: str, answered: list[str]) -> None:
        super().__init__(url)
        self._answered = answered
        self.owed = 0

    def add(self, key: str, number: str, *, delivered: bool) -> None:
        self.owed += 1
        super().add(key, number, delivered=delivered)

    async def push(self, http: aiohttp.ClientSession, body: bytes) -> bool:
        taken = await super().push(http, body)
        ids = [one["id"] for one in orjson.loads(body)["receipts"]]
        self.owed -= len(ids)
        if taken:
            self._answered.extend(ids)
        return taken


def _of_alertmanager(said: Mapping[str, Any]) -> Request:
    """One group of one alert, as its webhook is told."""
    return Request([said["groupLabels"]["to"]], said["commonAnnotations"]["text"], said["groupKey"])


def _json(value: object) -> web.Response:
    return web.Response(body=orjson.dumps(value), content_type="application/json")


if __name__ == "__main__":
    main(kind=CountingGateway)
