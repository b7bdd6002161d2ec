"""What runs by the clock: the nightly retention, in the operator's time zone, the journal's anchors, the polls of feeds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy import Connection

from warnd.app import App
from warnd.app.feeds.poller import Poller
from warnd.errors import StoreError
from warnd.settings import RetentionSettings
from warnd.store import alarms, journal, retention
from warnd.store.journal import Entry
from warnd.store.tables import micros
from warnd.store.threads import ThreadedStore

log = structlog.get_logger()

NIGHTLY = {"hour": 3, "minute": 30}
"""When offices sleep; should a broadcast be running, each chunk is one short commit among its own."""

_LATE = timedelta(hours=6)
"""A job whose time came while the machine was too busy still runs, until the office opens."""

_ANCHORED_EVERY = timedelta(hours=1)
_CHUNK = 1000

_JITTER = 0.1
"""Of the interval between two polls of a feed."""


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """What is older than these is forgotten."""

    deliveries: datetime
    raw_messages: datetime

    @classmethod
    def at(cls, now: datetime, kept: RetentionSettings) -> Cutoffs:
        return cls(now - kept.deliveries, now - kept.raw_messages)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What one run of the retention took away."""

    deliveries: int
    alerts: int
    raw_messages: int
    receipts: int
    sessions: int


@contextmanager
def scheduled(app: App) -> Iterator[AsyncIOScheduler]:
    """Run the jobs at their times in the running event loop."""
    scheduler = AsyncIOScheduler(timezone=app.settings.time_zone)

    async def nightly() -> None:
        if await app.store.read(alarms.stands, "clock_jumped"):
            log.warning("retention.rested", why="the clock was set, and nobody has said that it is right")
        else:
            await apply_retention(app, app.now())

    scheduler.add_job(
        nightly,
        CronTrigger(**NIGHTLY, timezone=app.settings.time_zone),
        id="retention",
        coalesce=True,
        misfire_grace_time=int(_LATE.total_seconds()),
    )
    if app.store.shared:
        scheduler.add_job(
            _anchor,
            IntervalTrigger(seconds=int(_ANCHORED_EVERY.total_seconds()), timezone=app.settings.time_zone),
            args=[app],
            id="anchor",
            coalesce=True,
            misfire_grace_time=None,
        )
    for name, poller in app.feeds.pollers.items():
        every = poller.settings.every.total_seconds()
        scheduler.add_job(
            _poll,
            # Some jitter, so that feeds of one interval are not all asked in the same second.
            IntervalTrigger(seconds=every, jitter=every * _JITTER, timezone=app.settings.time_zone),
            args=[poller],
            id=f"feed:{name}",
            next_run_time=datetime.now(app.settings.time_zone),
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
        )

    def ask_now() -> None:
        """The clock was set: a poll that was to come in a minute must not wait for hours."""
        for name in app.feeds.pollers:
            scheduler.modify_job(f"feed:{name}", next_run_time=datetime.now(app.settings.time_zone))

    app.machine.on_jump.append(ask_now)
    scheduler.start()
    try:
        yield scheduler
    finally:
        app.machine.on_jump.remove(ask_now)
        scheduler.shutdown(wait=False)


async def _anchor(app: App) -> None:
    """Bind the journal's chains to each other: whoever cuts one short contradicts all the others."""
    try:
        await app.store.record(journal.anchor, app.clock())
    except StoreError as error:
        log.error("journal.not_anchored", error=str(error))


async def _poll(poller: Poller) -> None:
    try:
        await poller.poll()
    except StoreError as error:
        # The store sounds its own alarm; what the feed shows is there at the next poll too.
        log.error("feed.not_kept", feed=poller.settings.name, error=str(error))


async def apply_retention(app: App, now: datetime) -> Forgotten:
    """Forget what need no longer be kept. Cut short at any point, it goes on from there the next time."""
    before = Cutoffs.at(now, app.settings.retention)
    store = app.store
    sessions = await store.write(retention.end_sessions, now)
    raw = 0
    while erased := await store.write(retention.erase_bodies, before.raw_messages, _CHUNK):
        raw += erased
    alerts = await store.read(retention.alerts_to_forget, before.deliveries)
    deliveries = 0
    for alert_id in alerts:
        await store.record(retention.begin_to_forget, alert_id, now)
        while True:
            gone = await store.write(retention.forget_deliveries, alert_id, _CHUNK)
            deliveries += gone
            if gone < _CHUNK:
                break
    await _forget_keys(store)
    receipts = await store.write(retention.forget_stray_receipts, before.deliveries)
    forgotten = Forgotten(deliveries, len(alerts), raw, receipts, sessions)
    if deliveries or alerts or raw or receipts:
        await store.record(_entry, forgotten, now)
    log.info("retention.applied", **asdict(forgotten))
    return forgotten


async def _forget_keys(store: ThreadedStore) -> None:
    """Those of deliveries that are gone, today or when it was cut short."""
    after: retention.ReceiptKey | None = retention.BEFORE_ALL
    while after is not None:
        stray, after = await store.read(retention.stray_keys, after, _CHUNK)
        if stray:
            await store.write(retention.forget_keys, stray)


def _entry(connection: Connection, forgotten: Forgotten, now: datetime) -> tuple[None, list[Entry]]:
    return None, [Entry(micros(now), "retention.applied", "retention", asdict(forgotten), "schedule")]
