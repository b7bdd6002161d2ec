"""A feed on loopback: validators and 304, faults on demand, and a window that slides."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from dataclasses import dataclass, field

from aiohttp import web


@dataclass
class FeedServer:
    """
    Serves ``answers`` by path, each with an ETag of its bytes. ``statuses`` are answered first, one a request;
    ``hangs`` answers nothing at all.

    ``asked`` counts requests by path, ``conditional`` those answered 304; ``headers`` are the last request's.
    """

    answers: dict[str, bytes] = field(default_factory=dict)
    statuses: list[int] = field(default_factory=list)
    redirects: dict[str, str] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    conditional: int = 0
    hangs: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    url: str = ""
    _runner: web.AppRunner | None = None

    async def start(self) -> None:
        site = web.Application()
        site.router.add_get("/{path:.*}", self._answer)
        self._runner = web.AppRunner(site, shutdown_timeout=0.01)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"

    async def stop(self) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        path = request.path_qs
        self.asked[path] += 1
        self.headers = dict(request.headers)
        if self.hangs:
            await asyncio.Event().wait()
        if self.statuses and (status := self.statuses.pop(0)) != 200:
            return web.Response(status=status, headers={"Retry-After": "120"} if status == 429 else None)
        if path in self.redirects:
            return web.Response(status=302, headers={"Location": self.redirects[path]})
        if path not in self.answers:
            return web.Response(status=404)
        body = self.answers[path]
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if request.headers.get("If-None-Match") == etag:
            self.conditional += 1
            return web.Response(status=304, headers={"ETag": etag})
        return web.Response(body=body, headers={"ETag": etag})


def cap(number: int, **changes: str) -> str:
    """A red rainstorm warning of Wudu, the ``number``-th of its day, as CAP 1.2 without an XML declaration."""
    told = {
        "identifier": f"62120241600000_202607140800{number:02}",
        "sender": "62120241600000",
        "sent": f"2026-07-14T08:00:{number:02}+08:00",
        "type": "Alert",
        "references": "",
        "headline": "武都区气象台发布暴雨红色预警信号",
        "code": "621202000000",
        **changes,
    }
    references = f"<references>{told['references']}</references>" if told["references"] else ""
    return f"""<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>{told["identifier"]}</identifier><sender>{told["sender"]}</sender><sent>{told["sent"]}</sent>
  <status>Actual</status><msgType>{told["type"]}</msgType><scope>Public</scope>{references}
  <info><language>zh-CN</language><category>Met</category><event>暴雨</event>
    <urgency>Immediate</urgency><severity>Extreme</severity><certainty>Observed</certainty>
    <expires>2026-07-14T14:00:00+08:00</expires><senderName>武都区气象台</senderName>
    <headline>{told["headline"]}</headline><description>未来三小时有大暴雨。</description>
    <area><areaDesc>武都区</areaDesc>
      <geocode><valueName>CPEAS Geographic Code</valueName><value>{told["code"]}</value></geocode></area>
  </info></alert>"""


def atom(*entries: str) -> bytes:
    return f"""<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom"><id>urn:example:feed</id><title>预警</title>{"".join(entries)}</feed>
""".encode()


def embedding(number: int, alert: str) -> str:
    return f"""<entry><id>urn:example:{number}</id><updated>2026-07-14T08:00:{number:02}+08:00</updated>
    <content type="application/cap+xml">{alert}</content></entry>"""


def linking(number: int, address: str) -> str:
    return f"""<entry><id>urn:example:{number}</id><updated>2026-07-14T08:00:{number:02}+08:00</updated>
    <link rel="self" href="/entries/{number}"/><link type="text/html" href="/page/{number}.html"/>
    <link type="application/cap+xml" href="{address}"/></entry>"""
