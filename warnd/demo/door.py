"""The daemon as anybody else meets it: over HTTP, with a key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp
import orjson

from warnd.errors import WarndError

API = "/api/v1"


class Door:
    """One client with its session; ``url`` is the daemon's."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._url = f"{url}{API}"

    async def push(self, cap: bytes, key: str) -> tuple[int, Mapping[str, Any]]:
        """Post a warning; status and answer. Raises WarndError unless it is taken."""
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/cap+xml"}
        async with self._http.post(f"{self._url}/alerts", data=cap, headers=headers) as reply:
            return reply.status, await _answer(reply)


async def _answer(reply: aiohttp.ClientResponse) -> Mapping[str, Any]:
    body = await reply.read()
    if reply.status >= 300:
        raise WarndError(
            f"{reply.method} {reply.url.path} was answered {reply.status}: {body.decode(errors='replace')}"
        )
    answer: Mapping[str, Any] = orjson.loads(body)
    return answer
