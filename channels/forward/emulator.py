"""
A platform on loopback that takes alerts as CAP: knows a repeat by its identity, refuses what is no alert.

By itself: ``python -m channels.forward.emulator --port 9004``; ``GET /_counts`` tells what it saw.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from lxml import etree

from channels.gateway import parser, serve
from channels.http_gateway import HttpGateway
from warnd.contract.secret import Secret

_IDENTITY = ("identifier", "sender", "sent")


class Platform(HttpGateway):
    """
    Any number of platforms behind one origin, each at a path of its own.

    ``any_text`` takes what is no alert too, each text being its own identity: for tests of the transport.
    """

    def __init__(
        self, *, receipt_url: str | None = None, token: str | None = None, any_text: bool = False
    ) -> None:
        super().__init__()
        self._token = token if token is not None else secrets.token_hex(16)
        self._any_text = any_text
        self._known: dict[tuple[str, str], bytes] = {}

    @property
    def options(self) -> Mapping[str, Any]:
        return {"origin": self.url, "token": Secret(self._token)}

    def example_address(self, n: int) -> str:
        return f"{self.url}/{n}/api/v1/alerts"

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.counts.requests += 1
        body = await request.read()
        await self.linger(self.faults.latency)
        if (refused := self._refusal(request)) is not None:
            return refused
        address = str(request.url)
        identity = self._identity(body)
        known = self._known.get((address, identity))
        if not identity or self.faults.refuse_content or (known is not None and known != body):
            self.counts.refused += 1
            fault = {"path": "body", "code": "not_cap", "message": "is no alert that is taken here"}
            return web.json_response({"errors": [fault]}, status=422 if known is None else 409)
        self._known[address, identity] = body
        self.take(address, body.decode("utf-8"), ref=identity)
        return await self._taken(request, identity, repeat=known is not None)

    def _refusal(self, request: web.BaseRequest) -> web.Response | None:
        """What is wrong before anybody looks at the body."""
        faults = self.faults
        if faults.refuse_account or request.headers.get("Authorization") != f"Bearer {self._token}":
            self.counts.refused += 1
            return web.json_response({"title": "Forbidden"}, status=403 if faults.refuse_account else 401)
        if self.happens(faults.unavailable):
            return web.Response(status=503)
        if self.happens(faults.throttled):
            self.counts.throttled += 1
            wait = faults.retry_after
            headers = {"Retry-After": f"{wait.total_seconds():.0f}"} if wait is not None else None
            return web.Response(status=429, headers=headers)
        if str(request.url) in faults.bad_addresses or request.method != "POST":
            self.counts.refused += 1
            return web.Response(status=404)
        return None

    async def _taken(self, request: web.BaseRequest, identity: str, *, repeat: bool) -> web.StreamResponse:
        if (spoilt := await self.spoil(request, "<html><body>Welcome")) is not None:
            return spoilt
        answer = {"identifier": identity, "state": "released", "verdict": "accept"}
        return web.json_response(
            answer | {"repeat": True} if repeat else answer, status=200 if repeat else 202
        )

    def _identity(self, body: bytes) -> str:
        """What the platform knows an alert by; empty when it is none."""
        if self._any_text:
            return body.decode("utf-8")
        try:
            root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
        except etree.XMLSyntaxError:
            return ""
        parts = [(root.findtext(f"{{*}}{name}") or "").strip() for name in _IDENTITY]
        return ",".join(parts) if all(parts) else ""


def _main() -> None:
    given = parser("channels.forward.emulator").parse_args()
    serve(Platform(), given)


if __name__ == "__main__":
    _main()
