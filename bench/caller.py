"""
Somebody who asks a busy daemon's API: ``python -m bench.caller URL FEED_KEY OPERATOR_KEY``.

Posts a warning for a county without audience and reads the newest deliveries, by turns, until its input is
closed; then says on one line how many seconds each call took.
"""

from __future__ import annotations

import asyncio
import sys
import time

import aiohttp
import orjson

from bench.audience import NEIGHBOUR
from bench.warning import warning

_PAUSE = 0.02


async def call(url: str, feed: str, operator: str) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {"POST alerts": [], "GET deliveries": []}
    closed = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    async with aiohttp.ClientSession(f"{url}/api/v1/") as http:
        while not closed.done():
            began = time.perf_counter()
            headers = {"Authorization": f"Bearer {feed}", "Content-Type": "application/json"}
            async with http.post("alerts", data=warning("blue", NEIGHBOUR), headers=headers) as reply:
                reply.raise_for_status()
                await reply.read()
            seconds["POST alerts"].append(time.perf_counter() - began)
            await asyncio.sleep(_PAUSE)
            began = time.perf_counter()
            async with http.get("deliveries", headers={"Authorization": f"Bearer {operator}"}) as reply:
                reply.raise_for_status()
                await reply.read()
            seconds["GET deliveries"].append(time.perf_counter() - began)
            await asyncio.sleep(_PAUSE)
    return seconds


if __name__ == "__main__":
    sys.stdout.write(orjson.dumps(asyncio.run(call(*sys.argv[1:4]))).decode() + "\n")
