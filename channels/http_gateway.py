"""A gateway that speaks HTTP: where it listens, what it tells of itself, what strikes once it has taken a message."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict

from aiohttp import web

from channels.gateway import Gateway


class HttpGateway(Gateway, ABC):
    """At one port of 127.0.0.1; ``GET /_counts`` there tells what it saw."""

    def __init__(self) -> None:
        super().__init__()
        self._runner: web.ServerRunner | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """Its origin, once it runs."""
        return f"http://127.0.0.1:{self._port}"

    async def start(self, *, port: int = 0) -> None:
        self._stopped.clear()
        # What hangs on purpose may not keep the gateway from stopping.
        self._runner = web.ServerRunner(web.Server(self._receive, access_log=None), shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self._port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        self._stopped.set()
        if self._runner is not None:
            await self._runner.cleanup()

    @abstractmethod
    async def answer(self, request: web.BaseRequest) -> web.StreamResponse: ...

    async def spoil(self, request: web.BaseRequest, page: str) -> web.StreamResponse | None:
        """What strikes after a message was taken: no answer, a cut, or this beginning of a page; None if nothing does."""
        if self.happens(self.faults.hang_after):
            await self.linger()
        if self.happens(self.faults.cut_after) and request.transport is not None:
            request.transport.abort()
        if self.happens(self.faults.garbled):
            return web.Response(text=page, content_type="text/html")
        return None

    async def _receive(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "GET" and request.path == "/_counts":
            return web.json_response(asdict(self.counts))
        return await self.answer(request)
