"""The part of a page that changes while one looks: sent to the browser anew whenever it reads differently."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from warnd.console.door import Door
from warnd.console.headers import HEADERS
from warnd.console.rendering import Reader, Renderer
from warnd.errors import NotFound, StoreError

_LOOK_EVERY = 0.5
_REST = 10
"""A stream rests ten times as long as its last look took: watching must not slow what is watched."""
_SAY_SOMETHING_EVERY = 15.0
_COME_BACK_AFTER = 2000


@dataclass(frozen=True, slots=True)
class Shown:
    """A live part as it is now: its template with the values to put in."""

    template: str
    values: dict[str, Any]


class Streams:
    """Server-sent events to everybody who looks, until they leave, are signed out, or we stop."""

    def __init__(self, door: Door, renderer: Renderer) -> None:
        self._door = door
        self._renderer = renderer
        self._stopping = asyncio.Event()

    def end(self) -> None:
        """None ends by itself; the browser comes back when we are."""
        self._stopping.set()

    async def stream(
        self, request: web.Request, reader: Reader, live: Callable[[], Awaitable[Shown]]
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers=HEADERS | {"Content-Type": "text/event-stream"})
        await response.prepare(request)
        # Whoever went away, or what was looked at and is no longer kept: there is nobody to answer. Without the store
        # the browser comes back until it has it again.
        with suppress(ConnectionError, NotFound, StoreError):
            await self._tell(request, reader, live, response)
        return response

    async def _tell(
        self,
        request: web.Request,
        reader: Reader,
        live: Callable[[], Awaitable[Shown]],
        response: web.StreamResponse,
    ) -> None:
        await response.write(f"retry: {_COME_BACK_AFTER}\n\n".encode())
        loop = asyncio.get_running_loop()
        shown, said = "", loop.time()
        while not self._stopping.is_set() and await self._door.who(request) is not None:
            began = loop.time()
            page = await live()
            text = self._renderer.render(page.template, reader, **page.values)
            if text != shown:
                await response.write(_event("page", text))
                shown, said = text, loop.time()
            elif loop.time() - said > _SAY_SOMETHING_EVERY:
                await response.write(b":\n\n")
                said = loop.time()
            await self._rest(max(_LOOK_EVERY, _REST * (loop.time() - began)))

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return


def _event(name: str, text: str) -> bytes:
    lines = "".join(f"data: {line}\n" for line in text.splitlines())
    return f"event: {name}\n{lines}\n".encode()
