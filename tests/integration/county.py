"""A county whose clock can be set, with a source of each kind and people who issue and approve."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import Connection

from tests.integration.conftest import NOW
from tests.integration.door import Door
from warnd import api, console
from warnd.app import App
from warnd.app.clerk import Clerk
from warnd.app.doubts import Doubts
from warnd.app.failover import Failover
from warnd.app.quiet import QuietKeeper
from warnd.settings import load
from warnd.store import alarms, keys
from warnd.store.keys import Role

SECRET = "an invented secret of some length"

CONFIG = """
[store]
url = "sqlite:///{directory}/warnd.db"
[channels.sms]
adapter = "sms.http"
url = "http://127.0.0.1:9/send"
token = "made-up"
[sources.weather]
regions = ["6212"]
official = true
hmac_secret = "{secret}"
[sources.village]
regions = ["6212"]
[sources.water]
regions = ["6212"]
official = true
rate = "2/h"
unusual_reds = 3
[issue]
sender = "duty.wudu.example"
sender_name = "武都区应急管理局"
regions = ["621202"]
"""

HAND: dict[str, Any] = {
    "hazard": "rainstorm",
    "color": "red",
    "headline": "武都区应急管理局发布暴雨红色预警",
    "areas": [{"regions": ["621202"]}],
}


@dataclass(slots=True)
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass(frozen=True, slots=True)
class County:
    """The API and the pages over one store, as after a start; ``door`` asks with a key by name."""

    door: Door
    clock: Clock
    planned: list[str] = field(default_factory=list)

    async def round(self) -> None:
        """One look of the clerk, as the daemon does twice a second; what it would plan is noted in ``planned``."""
        app = self.door.app
        clerk = Clerk(
            app.store, routes=app.routes, retry=app.settings.retry, in_force=app.in_force, alarms=app.alarms,
            failover=Failover(app.store, unfit=app.watching.unfit, clock=app.clock),
            quiet=QuietKeeper(
                app.store, policies=app.surroundings.policies, zone=app.surroundings.zone, clock=app.clock
            ),
            punctuality=app.punctuality, doubts=Doubts(app.store, clock=app.clock), post=lambda _: None, plan=lambda alert_id, _: self.planned.append(alert_id), new_ids=app.new_ids, clock=app.clock,
        )  # fmt: skip
        await clerk.round()

    async def state(self, alert_id: str) -> str:
        _, body = await self.door.ask("GET", f"alerts/{alert_id}")
        return str(body["state"])

    async def alarms(self) -> dict[str, str]:
        """Open ones: kind and message."""
        await self.door.app.alarms.settle()
        found = await self.door.app.store.read(alarms.open_alarms)
        return {one.kind: one.message for one in found if one.kind != "disk_low"}

    async def journal(self, alert_id: str) -> list[tuple[str, str]]:
        """(kind, actor) of each fact about an alert, in order."""

        def read(connection: Connection) -> list[tuple[str, str]]:
            rows = connection.exec_driver_sql(
                "SELECT kind, actor FROM journal WHERE subject = ? ORDER BY seq", (alert_id,)
            )
            return [(row[0], row[1]) for row in rows]

        return await self.door.app.store.read(read)


@asynccontextmanager
async def opened(directory: Path, clock: Callable[[], datetime]) -> AsyncIterator[Door]:
    """The store of that directory under a process of its own; keys are made the first time only."""
    app = App(load(directory / "warnd.toml", {}), wall=clock)
    await app.open()
    site: web.Application = api.build(app)
    console.mount(site, app)
    try:
        async with TestClient(TestServer(site)) as client:
            yield Door(app, client, {})
    finally:
        await app.close()


def settle(directory: Path, county: Path) -> None:
    shutil.copy(county, directory / "warnd.db")
    (directory / "warnd.toml").write_text(CONFIG.format(directory=directory, secret=SECRET))


async def hand_out_keys(door: Door) -> None:
    """One for each source, and for three people: 张三 has two."""
    people = {"zhang": "张三", "zhang2": "张三", "li": "李四"}
    for key, name in people.items():
        await _make(door, key, name, Role.OPERATOR)
    for source in ("weather", "village", "water"):
        await _make(door, source, source, Role.FEED, source)
    await _make(door, "admin", "管理员", Role.ADMIN)


async def _make(door: Door, key: str, name: str, role: Role, source: str | None = None) -> None:
    door.texts[key], _ = await door.app.store.record(
        keys.create_key, name, role, source=source, id=door.app.new_id(), now=door.app.now()
    )
