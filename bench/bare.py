"""The bare aiohttp client loop: the same requests to the same gateway, and nothing else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from itertools import islice

import aiohttp
import orjson

from bench.gateway import Gateway
from warnd.model.ulid import UlidMaker
from warnd.store.tables import instant


def session(gateway: Gateway) -> aiohttp.ClientSession:
    """As lean as the adapter's own: no cookies, no limit of its own on connections."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        headers={
            "Authorization": f"Bearer {gateway.options['token']}",
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",
        },
    )


def bodies(addresses: Sequence[str], text: str, *, batch: int) -> list[bytes]:
    """The requests that warnd would make for these addresses."""
    parts = iter(addresses)
    refs = iter(UlidMaker().many(-(-len(addresses) // batch), instant(time.time_ns() // 1000)))
    made: list[bytes] = []
    while to := list(islice(parts, batch)):
        made.append(orjson.dumps({"to": to, "text": text, "ref": next(refs)}))
    return made


async def post_all(gateway: Gateway, requests: Sequence[bytes], *, connections: int) -> float:
    """Seconds from the first byte to the last answer."""
    url = str(gateway.options["url"])
    async with session(gateway) as http:
        began = time.perf_counter()
        rest = iter(requests)
        await asyncio.gather(*(_post(http, url, rest) for _ in range(connections)))
        return time.perf_counter() - began


async def _post(http: aiohttp.ClientSession, url: str, rest: Iterator[bytes]) -> None:
    for body in rest:
        async with http.post(url, data=body) as reply:
            reply.raise_for_status()
            await reply.read()
