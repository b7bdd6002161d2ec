"""Bare client loops, over aiohttp and over the channels' own client: the same requests, and nothing else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import islice

import aiohttp
import orjson
from yarl import URL

from bench.gateway import Gateway
from channels.http_client import HttpClient
from warnd.model.ulid import UlidMaker
from warnd.store.tables import instant

_PATIENCE = timedelta(seconds=60)


def session(gateway: Gateway) -> aiohttp.ClientSession:
    """As lean as aiohttp can be: no cookies, no limit of its own on connections."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        headers={**_headers(gateway), "Accept-Encoding": "identity"},
    )


def _headers(gateway: Gateway) -> dict[str, str]:
    return {"Authorization": f"Bearer {gateway.options['token']}", "Content-Type": "application/json"}


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


async def post_all_by_ours(gateway: Gateway, requests: Sequence[bytes], *, connections: int) -> float:
    """The same over the client that warnd's channels use."""
    url = URL(str(gateway.options["url"]))
    client = HttpClient(url, headers=_headers(gateway), connect_timeout=_PATIENCE, timeout=_PATIENCE)
    began = time.perf_counter()
    rest = iter(requests)
    await asyncio.gather(*(_post_by_ours(client, url.raw_path_qs, rest) for _ in range(connections)))
    took = time.perf_counter() - began
    client.close()
    return took


async def _post(http: aiohttp.ClientSession, url: str, rest: Iterator[bytes]) -> None:
    for body in rest:
        async with http.post(url, data=body) as reply:
            reply.raise_for_status()
            await reply.read()


async def _post_by_ours(client: HttpClient, target: str, rest: Iterator[bytes]) -> None:
    for body in rest:
        answer = await client.post(target, body)
        if answer.status != 200:
            raise RuntimeError(f"the gateway answered {answer.status}")
