"""Workload R: one red warning for a prefecture's SMS numbers, WeCom robots and mailboxes, all at once."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from bench import engine
from bench.audience import Crowd, build
from bench.gateway import free_port, mail_gateway, robot_gateway, sms_gateway
from bench.standing import receipts_path
from warnd.daemon import Daemon
from warnd.store.keys import Role, create_key


async def workload_r(sizes: Mapping[str, int], *, receipts: bool = False) -> engine.Telling:
    """
    ``sizes`` are recipients by channel. Each gateway has its own process; slots and batches are as shipped.

    With ``receipts`` the SMS gateway pushes one for every number while the rest is still being sent.
    """
    async with _prefecture(sizes, receipts=receipts) as served:
        return await engine.tell(served.app, sizes)


async def api_during_r(sizes: Mapping[str, int]) -> Mapping[str, Sequence[float]]:
    """The same with somebody in another process asking the API meanwhile: seconds of each call, by route."""
    async with _prefecture(sizes) as served:
        feed, operator = await _key(served, Role.FEED, "weather"), await _key(served, Role.OPERATOR, None)
        caller = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.caller", served.url, feed, operator, stdin=PIPE, stdout=PIPE
        )
        try:
            await engine.tell(served.app, sizes)
            said, _ = await caller.communicate(b"")  # closes its input, which Python 3.11 else leaves open
        finally:
            if caller.returncode is None:
                caller.kill()
                await caller.wait()
    seconds: Mapping[str, Sequence[float]] = orjson.loads(said)
    return seconds


@asynccontextmanager
async def _prefecture(sizes: Mapping[str, int], *, receipts: bool = False) -> AsyncIterator[Daemon]:
    with TemporaryDirectory(prefix="bench-") as directory, ExitStack() as gateways:
        audience, port = Path(directory, "audience.db"), free_port()
        build(audience, [Crowd(channel, size) for channel, size in sizes.items()])
        pushed_to = f"http://127.0.0.1:{port}{receipts_path(audience, 'sms')}" if receipts else None
        sms = gateways.enter_context(sms_gateway(receipts=pushed_to))
        wechat, email = gateways.enter_context(robot_gateway()), gateways.enter_context(mail_gateway())
        channels = {
            "sms": {"adapter": "sms.http", "receipts": receipts, **sms.options},
            "wechat": {"adapter": "wechat.robot", **wechat.options},
            "email": {"adapter": "email.smtp", **email.options},
        }
        async with engine.daemon(audience, channels, port=port) as served:
            yield served


async def _key(served: Daemon, role: Role, source: str | None) -> str:
    app = served.app
    text, _ = await app.store.record(
        create_key, role.value, role, source=source, id=app.new_id(), now=app.now()
    )
    return text
