"""A hub on loopback that takes pages, and does wrong what its ``Faults`` say."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from warnd.contract.emulator import Counts, Faults, Message
from warnd.contract.secret import Secret

TOKEN = "a-made-up-pager-token"


class PagerHub:
    def __init__(self, *, receipt_url: str | None = None) -> None:
        """Pagers never answer: ``receipt_url`` is of no use to it."""
        self.faults = Faults()
        self.counts = Counts()
        self._dice = random.Random(self.faults.seed)
        self._taken: list[Message] = []
        self._url = ""
        self._runner: web.ServerRunner | None = None

    @property
    def options(self) -> Mapping[str, Any]:
        return {"url": self._url, "token": Secret(TOKEN)}

    async def start(self, *, port: int = 0) -> None:
        self._runner = web.ServerRunner(
            web.Server(self._answer, handler_cancellation=True, access_log=None), shutdown_timeout=0.05
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        host, bound = self._runner.addresses[0][:2]
        self._url = f"http://{host}:{bound}/page"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def messages(self) -> Sequence[Message]:
        return list(self._taken)

    def example_address(self, n: int) -> str:
        return f"duty-{n:05d}"

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        self.counts.requests += 1
        text = (await request.read()).decode()
        await asyncio.sleep(self.faults.latency.total_seconds())
        pager = request.path.removeprefix("/page/")
        if (refused := self._refusal(request, pager)) is not None:
            return refused
        self._take(pager, text)
        if self._strikes(self.faults.hang_after):
            await asyncio.Event().wait()
        if self._strikes(self.faults.cut_after) and request.transport is not None:
            request.transport.abort()
        return web.Response(text="<html>" if self._strikes(self.faults.garbled) else "taken")

    def _refusal(self, request: web.BaseRequest, pager: str) -> web.Response | None:
        if request.headers.get("X-Token") != TOKEN or self.faults.refuse_account:
            return web.Response(status=403)
        if self._strikes(self.faults.unavailable):
            return web.Response(status=503)
        if self._strikes(self.faults.throttled):
            self.counts.throttled += 1
            wait = self.faults.retry_after
            return web.Response(status=429, headers={"Retry-After": f"{wait.seconds}"} if wait else None)
        if self.faults.refuse_content or pager in self.faults.bad_addresses:
            self.counts.refused += 1
            return web.Response(status=422 if self.faults.refuse_content else 404)
        return None

    def _take(self, pager: str, text: str) -> None:
        """The hub knows no reference: the same pager with the same text is a repeat."""
        message = Message(pager, text)
        self.counts.taken += 1
        self.counts.distinct += message not in self._taken
        self.counts.by_text[text] = self.counts.by_text.get(text, 0) + 1
        self._taken.append(message)

    def _strikes(self, share: float) -> bool:
        return self._dice.random() < share
