"""The nightly retention: what is old and over goes, with all that hangs on it; the rest stays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, Table, func, insert, select

from warnd import schedule
from warnd.app import App
from warnd.errors import StoreError
from warnd.model.ulid import UlidMaker
from warnd.schedule import Forgotten, apply_retention, scheduled
from warnd.settings import load
from warnd.store import retention, tables
from warnd.store.journal import verify
from warnd.store.tables import micros

NOW = datetime(2026, 7, 14, 3, 30, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=40)
RECENTLY = NOW - timedelta(days=5)

STORY = (
    tables.deliveries,
    tables.recipients,
    tables.fallbacks,
    tables.former_batches,
    tables.receipt_keys,
    tables.receipts,
    tables.batches,
    tables.contents,
    tables.coverage_gaps,
)
"""Everything that goes with an alert's deliveries."""


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    config = tmp_path / "warnd.toml"
    config.write_text(
        f'[store]\nurl = "sqlite:///{tmp_path}/warnd.db"\n'
        '[retention]\ndeliveries = "30d"\nraw_messages = "10d"\n'
    )
    app = App(load(config, {}), wall=lambda: NOW)
    await app.open()
    yield app
    await app.close()


def keep_alert(connection: Connection, id: str, ended: datetime, *, state: str, deliveries: int = 3) -> None:
    """An alert whose delivering stopped then, with its message and a whole story."""
    connection.execute(
        insert(tables.raw_messages).values(
            id=id, source="weather", received_at=ended, content_type="application/json", body=b"{}",
            verdict="accept", alert_id=id,
        )
    )  # fmt: skip
    connection.execute(
        insert(tables.alerts).values(
            id=id, episode_id=id, sender="s", identifier=id, sent=ended, source="weather", received_at=ended,
            state=state, verdict="accept", status="actual", type="alert", hazard="rainstorm", color="red", lane=0,
            change="issued", headline="暴雨", body={}, digest="", raw_id=id, deliver_until=ended,
            stopped_at=ended, swept=True,
        )
    )  # fmt: skip
    connection.execute(
        insert(tables.contents).values(
            id=id, alert_id=id, channel="sms", kind="sms", language="zh", subject="", body="…", segments=1,
            template="sms/default.zh.txt",
        )
    )  # fmt: skip
    connection.execute(
        insert(tables.batches).values(
            id=id, alert_id=id, channel="sms", content_id=id, lane=0, state="settled", due=0, created=0,
            deliver_until=micros(ended), size=deliveries,
        )
    )  # fmt: skip
    connection.execute(insert(tables.coverage_gaps).values(alert_id=id, region="62", why="nobody_there"))
    connection.execute(
        insert(tables.tallies).values(alert_id=id, channel="sms", level=0, state="accepted", n=deliveries)
    )
    for place, each in enumerate(UlidMaker().many(deliveries, ended)):
        keep_delivery(connection, each, id, f"+86154000000{place:02}")


def keep_delivery(connection: Connection, id: str, alert: str, address: str) -> None:
    rows: dict[Table, dict[str, object]] = {
        tables.deliveries: {
            "id": id, "alert_id": alert, "channel": "sms", "address": address, "round": 1, "batch_id": alert,
            "lane": 0, "state": "accepted", "name": "值班室", "region": "62", "updated": 0,
        },
        tables.recipients: {
            "delivery_id": id, "subscriber_id": id, "endpoint_id": id, "name": "值班室", "region": "62", "reasons": "[]",
        },
        tables.fallbacks: {"delivery_id": id, "next_id": id, "until": "accepted", "late_after": 1},
        tables.former_batches: {"delivery_id": id, "batch_id": alert},
        tables.receipt_keys: {"channel": "sms", "receipt_key": id, "delivery_id": id},
        tables.receipts: {
            "id": id, "channel": "sms", "receipt_key": id, "status": "delivered", "received": 0, "delivery_id": id,
        },
    }  # fmt: skip
    for table, values in rows.items():
        connection.execute(insert(table).values(**values))


def counts(connection: Connection) -> dict[str, int]:
    return {
        table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in (*STORY, tables.alerts, tables.raw_messages, tables.tallies)
    }


def alerts_of(connection: Connection, table: Table) -> set[str]:
    return set(connection.execute(select(table.c.alert_id)).scalars())


async def test_the_story_of_an_old_alert_goes_and_its_counts_stay(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In chunks: two would not do for three deliveries at two each, were the last one forgotten."""
    monkeypatch.setattr(schedule, "_CHUNK", 2)
    await app.store.write(keep_alert, "OLD", LONG_AGO, state="expired")
    forgotten = await apply_retention(app, NOW)
    assert (forgotten.alerts, forgotten.deliveries) == (1, 3)
    left = await app.store.read(counts)
    assert {name: left[name] for name in (table.name for table in STORY)} == dict.fromkeys(
        (table.name for table in STORY), 0
    )
    assert (left["alerts"], left["tallies"]) == (1, 1)
    assert (await app.store.read(verify)).broken is None


@pytest.mark.parametrize(
    ("ended", "state"),
    [
        pytest.param(RECENTLY, "cancelled", id="one that ended not long ago"),
        pytest.param(LONG_AGO, "released", id="an old one that is still in force"),
    ],
)
async def test_what_may_still_be_asked_for_stays(app: App, ended: datetime, state: str) -> None:
    """The end of an alert in force must reach those it told, however long ago."""
    await app.store.write(keep_alert, "KEPT", ended, state=state)
    before = await app.store.read(counts)
    assert (await apply_retention(app, NOW)).deliveries == 0
    assert await app.store.read(counts) == before


async def test_one_alert_goes_and_the_other_stays_whole(app: App) -> None:
    """A story is never cut in two."""
    await app.store.write(keep_alert, "OLD", LONG_AGO, state="superseded")
    await app.store.write(keep_alert, "NEW", RECENTLY, state="expired")
    await apply_retention(app, NOW)
    for table in (tables.deliveries, tables.batches, tables.contents, tables.coverage_gaps):
        assert await app.store.read(alerts_of, table) == {"NEW"}
    left = await app.store.read(counts)
    assert (left["recipients"], left["receipt_keys"]) == (3, 3)


async def test_an_old_message_loses_its_bytes_and_keeps_its_verdict(app: App) -> None:
    """That it came, from whom, and what was found wrong with it remains."""
    await app.store.write(keep_alert, "OLD", NOW - timedelta(days=11), state="expired")
    await app.store.write(keep_alert, "NEW", NOW - timedelta(days=9), state="expired")
    assert (await apply_retention(app, NOW)).raw_messages == 1

    def bodies(connection: Connection) -> dict[str, tuple[bytes, str]]:
        raw = tables.raw_messages
        rows = connection.execute(select(raw.c.id, raw.c.body, raw.c.verdict))
        return {row.id: (row.body, row.verdict) for row in rows}

    assert await app.store.read(bodies) == {"OLD": (b"", "accept"), "NEW": (b"{}", "accept")}


async def test_sessions_and_stray_receipts_end(app: App) -> None:
    """A session at its time; a receipt that never found its delivery as late as a delivery."""

    def keep(connection: Connection) -> None:
        connection.execute(
            insert(tables.api_keys).values(id="K", name="k", role="viewer", hash="h", created_at=LONG_AGO)
        )
        for hash_, expires in (("a", NOW), ("b", NOW + timedelta(hours=1))):
            connection.execute(
                insert(tables.sessions).values(hash=hash_, key_id="K", purpose="page", expires_at=expires)
            )
        for id_, received in (("1", LONG_AGO), ("2", RECENTLY)):
            connection.execute(
                insert(tables.receipts).values(
                    id=id_, channel="sms", receipt_key=id_, status="delivered", received=micros(received)
                )
            )

    await app.store.write(keep)
    assert await apply_retention(app, NOW) == Forgotten(0, 0, 0, receipts=1, sessions=1)
    assert await apply_retention(app, NOW) == Forgotten(0, 0, 0, 0, 0)


async def test_what_was_forgotten_is_a_fact_too(app: App) -> None:
    """The journal says that and how much, and says nothing when there was nothing."""

    def facts(connection: Connection) -> list[str]:
        journal = tables.journal
        return list(
            connection.execute(select(journal.c.body).where(journal.c.kind == "retention.applied")).scalars()
        )

    await apply_retention(app, NOW)
    assert await app.store.read(facts) == []
    await app.store.write(keep_alert, "OLD", LONG_AGO, state="expired")
    await apply_retention(app, NOW)
    assert await app.store.read(facts) == [
        '{"deliveries":3,"alerts":1,"raw_messages":1,"receipts":0,"sessions":0}'
    ]


async def test_each_alert_says_since_when_its_story_is_gone(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From before the first of it goes, so that what a crash leaves is not taken for the whole; the time stays."""
    await app.store.write(keep_alert, "OLD", LONG_AGO, state="expired")
    await app.store.write(keep_alert, "NEW", RECENTLY, state="expired")

    def fail(*_: object) -> int:
        raise StoreError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(retention, "forget_deliveries", fail)
        with pytest.raises(StoreError):
            await apply_retention(app, NOW)
    assert await app.store.read(retention.forgotten_at, "OLD") == NOW
    assert (await apply_retention(app, NOW + timedelta(days=1))).deliveries == 3
    assert await app.store.read(retention.forgotten_at, "OLD") == NOW
    assert await app.store.read(retention.forgotten_at, "NEW") is None


async def test_it_is_scheduled_for_the_night_of_the_place(app: App) -> None:
    """Half past three by the configured time zone; leaving takes the schedule down."""
    with scheduled(app) as scheduler:
        (job,) = scheduler.get_jobs()
        assert job.next_run_time.strftime("%H:%M %Z") == "03:30 CST"
    await asyncio.sleep(0)
    assert not scheduler.running
