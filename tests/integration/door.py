"""Asking the API as somebody, and a small audience to tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient
from sqlalchemy import select, update

from warnd.app import App
from warnd.audience.csv_rows import read_sheet
from warnd.audience.kinds import ChannelKinds
from warnd.audience.plan import plan_import
from warnd.model.ulid import UlidMaker
from warnd.store.audience_import import apply_import, existing_audience
from warnd.store.standing import audience_changed
from warnd.store.tables import batches, deliveries

HEADER = "external_id,kind,name,region,groups,audience,channel,address,priority,language,drills\n"

RED: dict[str, Any] = {
    "identifier": "62120241600000_20260714080000",
    "sender": "62120241600000",
    "sender_name": "武都区气象台",
    "sent": "2026-07-14T08:00:00+08:00",
    "status": "actual",
    "type": "alert",
    "hazard": "rainstorm",
    "color": "red",
    "headline": "武都区气象台发布暴雨红色预警信号",
    "description": "未来三小时有大暴雨。",
    "instruction": "请立即转移。",
    "expires": "2026-07-14T14:00:00+08:00",
    "areas": [{"name": "武都区", "regions": ["621202"]}],
}


@dataclass(frozen=True, slots=True)
class Door:
    """``texts`` are keys by role."""

    app: App
    client: TestClient
    texts: dict[str, str]

    async def ask(
        self, method: str, path: str, *, role: str | None = "admin", **more: Any
    ) -> tuple[int, Any]:
        """Status and parsed body; ``path`` without its prefix unless it is another."""
        reply = await self.reply(method, path, role=role, **more)
        content = await reply.read()
        return reply.status, await reply.json(content_type=None) if content else None

    async def reply(
        self, method: str, path: str, *, role: str | None = "admin", **more: Any
    ) -> ClientResponse:
        headers = dict(more.pop("headers", {}))
        if role is not None:
            headers["Authorization"] = f"Bearer {self.texts[role]}"
        url = path if path.startswith("/") else f"/api/v1/{path}"
        return await self.client.request(method, url, headers=headers, **more)

    async def broadcast(self, people: int = 5, **changes: Any) -> str:
        """Posts of the county, a red alert pushed to them over the API and planned; its id."""
        await self.settle_in(people)
        status, body = await self.ask("POST", "alerts", role="feed", json=RED | changes)
        assert status == 202, body
        await self.app.broadcaster.broadcast(body["id"])
        return str(body["id"])

    async def settle_in(self, people: int) -> None:
        """So many posts of one group of Liangshui, each with a number."""
        await settle_in(self.app, people)

    async def set_state(self, state: str, ids: list[str]) -> None:
        """As if an attempt had come to that: on the rows, their batches and the tallies."""

        def change(connection: Any, pending: Any) -> None:
            d, b = deliveries.c, batches.c
            for id_ in ids:
                row = connection.execute(
                    select(d.alert_id, d.channel, d.state, d.batch_id).where(d.id == id_)
                ).one()
                pending.moved(row.alert_id, row.channel, [3], before=row.state, after=state)
                connection.execute(update(deliveries).where(d.id == id_).values(state=state))
                connection.execute(update(batches).where(b.id == row.batch_id).values(state="settled"))

        await self.app.store.move(change)


async def settle_in(app: App, people: int, audience: str = "responsible") -> None:
    """The same without a door, of that class."""
    rows = "".join(
        f"LSZ-{n:04},post,两水镇{n}号值班室,621202101,621202101/山洪责任人,{audience},sms,+86154{n:08},1,zh,true\n"
        for n in range(people)
    )
    imported = read_sheet((HEADER + rows).encode(), ChannelKinds.beside(["sms"])).rows
    plan = plan_import(imported, await app.store.read(existing_audience, imported))

    def apply(connection: Any) -> None:
        apply_import(connection, plan, ids=UlidMaker(), now=app.now())
        audience_changed(connection)

    await app.store.write(apply)
