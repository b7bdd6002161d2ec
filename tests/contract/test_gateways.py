"""The local gateways also live in a process of their own, for the benchmark and for trying things out."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from channels.gateway import set_faults
from warnd.contract.emulator import Faults
from warnd.contract.outcome import Accepted
from warnd.contract.registry import channel_factory
from warnd.contract.suite import PATIENCE, batch_of


@asynccontextmanager
async def process(module: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, Any]]]:
    """A running gateway and its first line."""
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, "--control-port", "0", stdout=asyncio.subprocess.PIPE
    )
    assert running.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE):
            yield running, json.loads(await running.stdout.readline())
    finally:
        if running.returncode is None:
            running.kill()
            await running.wait()


@pytest.mark.parametrize(
    ("module", "adapter", "address"),
    [
        ("channels.wechat.emulator", "wechat.robot", "a-robots-key"),
        ("channels.email.emulator", "email.smtp", "duty1@example.com"),
    ],
)
async def test_its_first_line_is_the_adapters_table_and_its_last_the_counts(
    module: str, adapter: str, address: str
) -> None:
    """Nothing else has to be known to send to it, and its own book can be asked for while it runs."""

    async def sink(_: object) -> None: ...

    async with process(module) as (running, table):
        control = f"http://127.0.0.1:{table.pop('control_port')}"
        channel = channel_factory(adapter, key="adapter")("drill", table)
        await channel.open(sink)
        assert await channel.send(batch_of([address])) == [Accepted()]
        await channel.close()
        async with aiohttp.ClientSession() as http:
            async with http.get(f"{control}/_counts") as reply:
                counts = await reply.json()
            async with http.get(f"{control}/_numbers") as reply:
                assert await reply.json() == {address: 1}
        running.terminate()
        printed, _ = await running.communicate()
    assert counts["taken"] == 1
    assert json.loads(printed) == {"counts": counts}
    assert running.returncode == 0


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b'{"throttled": 1, "retry_after": 0.5}', 200, id="faults by name, times in seconds"),
        pytest.param(b'{"bad_addresses": ["nobody@example.com"]}', 200, id="a list of addresses"),
        pytest.param(b'{"moody": 1}', 400, id="no such fault"),
        pytest.param(b"[]", 400, id="no object"),
        pytest.param(b"busy", 400, id="no JSON"),
    ],
)
def test_faults_can_be_set_while_it_runs(body: bytes, status: int) -> None:
    """All that is named or nothing; what is not named stays."""
    faults = Faults(unavailable=0.25)
    assert set_faults(faults, body).status == status
    expected = Faults(unavailable=0.25)
    if b"throttled" in body:
        expected.throttled, expected.retry_after = 1, timedelta(milliseconds=500)
    if b"nobody" in body:
        expected.bad_addresses = frozenset({"nobody@example.com"})
    assert faults == expected
