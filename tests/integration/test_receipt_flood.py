"""Receipts in a flood: red goes before them, memory is bounded, and none is lost that was answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from tests.integration.running import Running, running, until
from warnd import api
from warnd.app import pushes
from warnd.store.receipt_secrets import receipt_secret

PEOPLE = 40
PUSHES, A_PUSH = 12, 5000


@pytest.fixture
async def site(tmp_path: Path, county: Path) -> AsyncIterator[Running]:
    async with running(tmp_path, county, people=PEOPLE) as site:
        yield site


@pytest.fixture
async def client(site: Running) -> AsyncIterator[TestClient[Any, Any]]:
    async with TestClient(TestServer(api.build(site.app))) as client:
        yield client


async def place(site: Running) -> str:
    secret = await site.app.store.read(receipt_secret, "sms")
    return f"/api/v1/receipts/sms/{secret}"


def reports(*keys: str) -> dict[str, Any]:
    return {"receipts": [{"id": key, "status": "delivered"} for key in keys]}


async def test_a_red_goes_before_sixty_thousand_receipts(site: Running, client: TestClient[Any, Any]) -> None:
    """
    Each commit takes some: the red is told while most still wait. Repeated ones count once, unknown ones are kept.
    """
    alert = await site.push()
    await site.told(alert, PEOPLE)
    keys = [row[0] for row in await site.rows("SELECT receipt_key FROM receipt_keys")]
    body = reports(*keys, *keys, *(f"unknown {n}" for n in range(A_PUSH - 2 * len(keys))))
    where = await place(site)
    flood = [asyncio.ensure_future(client.post(where, json=body)) for _ in range(PUSHES)]

    async def begun() -> bool:
        return bool(await site.rows("SELECT 1 FROM receipts LIMIT 1"))

    await until(begun)
    red = await site.push(
        identifier="62120241600000_20260714080001", headline="武都区气象台再发布暴雨红色预警信号"
    )
    await site.told(red, PEOPLE)
    (stored,) = (await site.rows("SELECT count(*) FROM receipts"))[0]
    assert stored < PUSHES * A_PUSH, "the red did not wait for the last of them"
    answers = await asyncio.gather(*flood)
    assert {answer.status for answer in answers} == {200}
    assert await site.rows("SELECT count(*) FROM receipts") == [(PUSHES * A_PUSH,)]
    assert await site.states(alert) == {"delivered": PEOPLE}


async def test_more_pushes_than_may_be_under_way_are_asked_to_come_again(
    site: Running, client: TestClient[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """429 with a time, before their bodies are read; the alarm ends with the flood."""
    monkeypatch.setattr(pushes, "MOST", 2)
    where, body = await place(site), reports(*(f"unknown {n}" for n in range(A_PUSH)))
    answers = await asyncio.gather(*(client.post(where, json=body) for _ in range(6)))
    refused = [answer for answer in answers if answer.status == 429]
    assert refused
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
    kept = sum(answer.status == 200 for answer in answers)
    assert await site.rows("SELECT count(*) FROM receipts") == [(kept * A_PUSH,)]
    assert (await client.post(where, json=reports("k"))).status == 200
    assert "receipts_flood" not in await site.alarms()
    assert await site.rows("SELECT 1 FROM alarms WHERE kind = 'receipts_flood'"), "it stood meanwhile"
