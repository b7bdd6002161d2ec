"""A lease that began before its alert stopped and is committed after that: whom it tells hears what follows, and after it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection

from tests.integration.conftest import NOW
from tests.integration.door import RED, settle_in
from tests.integration.running import until
from tests.integration.store_site import YES, Site, fetch
from warnd.app import App
from warnd.model.color import Lane
from warnd.model.delivery import Batch, Rank
from warnd.pipeline import broadcast
from warnd.ports import Lease
from warnd.settings import load
from warnd.store import backlog, leasing, tables, told
from warnd.store.postgres import PostgresStore
from warnd.store.postgres_connection import Session

pytestmark = pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)

ORANGE = RED | {"color": "orange", "headline": "武都区气象台发布暴雨橙色预警信号"}
FOR_EVER = 1_000_000
CONFIG = """
[store]
url = "{store}"
[channels.sms]
adapter = "sms.http"
url = "http://127.0.0.1:9/send"
token = "made-up"
max_batch = 1
[sources.weather]
regions = ["6212"]
official = true
"""


@pytest.fixture
async def app(tmp_path: Path, store_url: str) -> AsyncIterator[App]:
    """Open, not started. Two people are to be warned, each by a batch of its own."""
    (tmp_path / "warnd.toml").write_text(CONFIG.format(store=store_url))
    app = App(load(tmp_path / "warnd.toml", {}), wall=lambda: NOW)
    await app.open()
    await settle_in(app, 2)
    yield app
    await app.close()


@pytest.fixture
def site(app: App) -> Site:
    return Site(app.store, tables.micros(NOW))


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How often a plan has looked for what is out, and for leases that nobody sees, by name."""
    taken: list[str] = []
    for name in ("still_out", "leasing"):
        look = getattr(told, name)

        def counted(*args: Any, name: str = name, look: Any = look) -> Any:
            taken.append(name)
            return look(*args)

        monkeypatch.setattr(told, name, counted)
    return taken


@contextmanager
def another_process(app: App) -> Iterator[Session]:
    """Its connection that writes, a commit begun and not ended."""
    assert isinstance(app.store, PostgresStore)
    session = Session(app.store.place)
    session.raw.execute("BEGIN")
    yield session
    session.close()


def lease_unseen(by: Session, batch: Batch, now: int) -> Batch:
    (leased,) = leasing.lease(by.cursor, [Lease(batch, now, now + 30_000_000)], None)
    assert leased.batch is not None
    return leased.batch


async def admit(app: App, what: dict[str, Any], minute: int = 0, **changes: Any) -> str:
    body = what | {"identifier": f"M{minute}", "sent": f"2026-07-14T08:{minute:02}:00+08:00"} | changes
    if minute:
        body["references"] = [{"sender": RED["sender"], "identifier": f"M{minute - 1}"}]
    return (await app.intake.receive(orjson.dumps(body), "application/json", app.speakers["weather"])).id


async def batches_of(app: App, alert: str) -> dict[str, Batch]:
    """Those that can be leased, by their address."""
    resting = [
        batch
        for lane, rank in product(Lane, Rank)
        for batch in await app.store.read(backlog.open_batches, "sms", lane, "", 9, rank=rank)
    ]
    return {batch.addresses[0]: batch for batch in resting if batch.alert_id == alert}


async def warn(app: App, *admitted: Any, **changes: Any) -> dict[str, Batch]:
    """A warning planned; its batches."""
    alert = await admit(app, *admitted, **changes)
    await app.broadcaster.broadcast(alert)
    return await batches_of(app, alert)


async def addresses(app: App, alert: str) -> set[str]:
    rows = await app.store.read(fetch, "SELECT address FROM deliveries WHERE alert_id = ?", alert)
    return {address for (address,) in rows}


async def is_planned(app: App, alert: str) -> bool:
    def read(connection: Connection) -> bool:
        return bool(fetch(connection, "SELECT plan_done FROM alerts WHERE id = ?", alert)[0][0])

    return await app.store.read(read)


async def test_a_lift_is_planned_to_its_end_once_every_lease_from_before_can_be_seen(
    app: App, site: Site, looks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is known to have been told is not kept waiting for that."""
    monkeypatch.setattr(broadcast, "LOOKS", 1)
    (known, first), (unknown, second) = (await warn(app, RED)).items()
    await site.send(first, YES)
    with another_process(app) as other:
        unseen = lease_unseen(other, second, site.now)
        lift = await admit(app, RED, 1, type="cancel")
        planning = asyncio.create_task(app.broadcaster.broadcast(lift))
        await until(lambda: looks.count("still_out") > 2 or planning.done())
        assert await addresses(app, lift) == {known}
        assert not planning.done()
        assert not await is_planned(app, lift)
        other.raw.execute("COMMIT")
    await site.answer(unseen, YES)
    await planning
    assert await addresses(app, lift) == {known, unknown}
    assert await is_planned(app, lift)


async def test_who_is_being_told_by_a_lease_that_nobody_saw_is_told_what_follows_after_it(
    app: App, site: Site, looks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They had heard of the episode before, so that the lift is for them in any case: but not past what is out."""
    monkeypatch.setattr(broadcast, "LOOKS", FOR_EVER)
    for batch in (await warn(app, ORANGE)).values():
        await site.send(batch, YES)
    address, stale = next(iter((await warn(app, RED, 1, type="update")).items()))
    with another_process(app) as other:
        unseen = lease_unseen(other, stale, site.now)
        lift = await admit(app, RED, 2, type="cancel")
        looks.clear()
        planning = asyncio.create_task(app.broadcaster.broadcast(lift))
        await until(lambda: looks.count("leasing") > 2 or planning.done())
        assert await addresses(app, lift) == set()
        other.raw.execute("COMMIT")

    async def goes_to_both() -> bool:
        return len(await addresses(app, lift)) == 2

    await until(goes_to_both)
    batch = (await batches_of(app, lift))[address]
    assert await site.lease(batch) is None, "something earlier is on its way there"
    await site.answer(unseen, YES)
    await planning
    assert await site.lease(batch) is not None
