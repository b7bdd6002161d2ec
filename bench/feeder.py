"""
A feed that pours warnings into a daemon: ``python -m bench.feeder``, a process of its own.

It reads one line of JSON (``Pour``), posts, and says on one line what came of each message.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import aiohttp
import orjson

from bench.messages import MIXED, MOSTLY_BLUE, Message, messages

CONNECTIONS = 16
_MIXES = {"mixed": MIXED, "mostly blue": MOSTLY_BLUE}


@dataclass(frozen=True, slots=True)
class Pour:
    """
    ``count`` messages from number ``first``; ``now`` is the time, in ISO 8601, when the first of all began.

    ``per_minute`` None is as fast as they are taken; ``mix`` is mixed or mostly blue.
    """

    url: str
    key: str
    now: str
    count: int
    first: int = 0
    per_minute: float | None = None
    mix: str = "mixed"


@dataclass(frozen=True, slots=True)
class Posted:
    """``answered`` in microseconds since 1970; ``seconds`` from the post to the answer; ``id`` the alert's."""

    id: str
    color: str
    status: int
    seconds: float
    answered: int


async def pour(wanted: Pour, bodies: Sequence[Message]) -> list[Posted]:
    """Several connections share the messages; each message has its moment, and is late rather than left out."""
    waiting = iter(enumerate(bodies))
    began = time.perf_counter()
    posted: list[Posted] = []
    headers = {"Authorization": f"Bearer {wanted.key}", "Content-Type": "application/cap+xml"}

    async def connection(http: aiohttp.ClientSession) -> None:
        for n, message in waiting:
            if wanted.per_minute is not None:
                await asyncio.sleep(began + n * 60 / wanted.per_minute - time.perf_counter())
            sent = time.perf_counter()
            async with http.post("alerts", data=message.body, headers=headers) as reply:
                said = orjson.loads(await reply.read())
            seconds = time.perf_counter() - sent
            posted.append(
                Posted(said.get("id", ""), message.color, reply.status, seconds, time.time_ns() // 1000)
            )

    async with aiohttp.ClientSession(f"{wanted.url}/api/v1/") as http:
        await asyncio.gather(*(connection(http) for _ in range(CONNECTIONS)))
    return posted


def _main() -> None:
    wanted = Pour(**orjson.loads(sys.stdin.readline()))
    now, colors = datetime.fromisoformat(wanted.now), _MIXES[wanted.mix]
    bodies = messages(wanted.count, now=now, first=wanted.first, colors=colors)
    posted = asyncio.run(pour(wanted, bodies))
    sys.stdout.write(orjson.dumps([asdict(one) for one in posted]).decode() + "\n")


if __name__ == "__main__":
    _main()
