"""A county's application that really sends, in the test's own process, with its clocks in the test's hand."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from channels.sms.emulator import SmsGateway
from tests.integration.conftest import NOW
from tests.integration.door import RED, settle_in
from warnd.app import App
from warnd.settings import load
from warnd.store import alarms

PATIENCE = 20.0
_CONFIG = """
[store]
url = "sqlite:///{directory}/warnd.db"
[retry]
first = "50ms"
ceiling = "200ms"
pause = "300ms"
[channels.sms]
adapter = "sms.http"
url = "{url}"
token = "{token}"
max_batch = 10
slots = 2
{options}
[sources.weather]
regions = ["6212"]
official = true
[sources.village]
regions = ["6212"]
"""


@dataclass(slots=True)
class Clocks:
    """A time of day that goes on by itself and can be set, beside one that cannot."""

    wall: datetime = NOW
    began: float = field(default_factory=time.monotonic)

    def now(self) -> datetime:
        return self.wall + timedelta(seconds=time.monotonic() - self.began)

    def set(self, **by: float) -> None:
        self.wall += timedelta(**by)


@dataclass(frozen=True, slots=True)
class Running:
    """An application that was started, its gateway and its clocks."""

    app: App
    gateway: SmsGateway
    clocks: Clocks

    async def push(self, source: str = "weather", **changes: Any) -> str:
        """A red warning for the county; its id."""
        body = json.dumps(RED | changes).encode()
        admitted = await self.app.intake.receive(body, "application/json", self.app.speakers[source])
        return admitted.id

    async def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        def read(connection: Connection) -> list[tuple[Any, ...]]:
            return [tuple(row) for row in connection.exec_driver_sql(statement, values)]

        return await self.app.store.read(read)

    async def states(self, alert: str) -> dict[str, int]:
        """Deliveries by state."""
        found = await self.rows(
            "SELECT state, count(*) FROM deliveries WHERE alert_id = ? GROUP BY state", alert
        )
        return {row[0]: row[1] for row in found}

    async def alarms(self) -> dict[str, str]:
        """Those that stand, but for the disk of whoever runs the tests."""
        await self.app.alarms.settle()
        found = await self.app.store.read(alarms.open_alarms)
        return {one.kind: one.message for one in found if one.kind != "disk_low"}

    async def told(self, alert: str, people: int) -> None:
        """Wait until all of them were told."""

        async def all_accepted() -> bool:
            return await self.states(alert) == {"accepted": people}

        await until(all_accepted)


async def until(holds: Callable[[], Any], patience: float = PATIENCE) -> None:
    """Look again until it holds, be it said at once or awaited."""
    async with asyncio.timeout(patience):
        while True:
            found = holds()
            if await found if asyncio.iscoroutine(found) else found:
                return
            await asyncio.sleep(0.005)


@asynccontextmanager
async def started(
    directory: Path, gateway: SmsGateway, clocks: Clocks, options: str = "", url: str | None = None
) -> AsyncIterator[Running]:
    """The application on the store of that directory, sending through the gateway, at another ``url`` if one is given."""
    table: Mapping[str, Any] = {**gateway.options, **({"url": url} if url else {})}
    config = directory / "warnd.toml"
    config.write_text(
        _CONFIG.format(directory=directory, url=table["url"], token=table["token"].reveal(), options=options)
    )
    app = App(load(config, {}), wall=clocks.now)
    await app.open()
    try:
        async with asyncio.TaskGroup() as tasks:
            await app.start(tasks)
            try:
                yield Running(app, gateway, clocks)
            finally:
                await app.stop()
    finally:
        await app.close()


@asynccontextmanager
async def running(
    directory: Path, county: Path, *, people: int, options: str = "", audience: str = "responsible"
) -> AsyncIterator[Running]:
    """The same on a copy of the county's store with so many posts in it, with a gateway of its own."""
    shutil.copy(county, directory / "warnd.db")
    gateway = SmsGateway()
    await gateway.start()
    try:
        async with started(directory, gateway, Clocks(), options) as made:
            await settle_in(made.app, people, audience)
            yield made
    finally:
        await gateway.stop()
