"""A store under the engine with what a test needs around it: ids, a clock that is told, people who are made up."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, insert, update

from warnd.contract.channel import Capabilities
from warnd.contract.outcome import (
    Accepted,
    Deferred,
    Outcome,
    Reason,
    Receipt,
    ReceiptStatus,
    Rejected,
    Scope,
)
from warnd.model.color import Lane
from warnd.model.content import Content
from warnd.model.delivery import Batch, State
from warnd.model.policy import RetryPolicy
from warnd.model.region import level_of
from warnd.model.ulid import UlidMaker
from warnd.pipeline.expand import Recipient, Route
from warnd.pipeline.gather import gather
from warnd.pipeline.plan import Plan, plan_chunk
from warnd.pipeline.quiet import Night
from warnd.pipeline.settle import Try, settle
from warnd.ports import Committed, Gap, Lease, Settlement
from warnd.store import backlog, sweeping, tables
from warnd.store.database import raw_of
from warnd.store.statement import statement
from warnd.store.threads import ThreadedStore

NOW = datetime(2026, 7, 20, 8, tzinfo=UTC)
START = tables.micros(NOW)
END = START + 86_400_000_000
SECOND = 1_000_000
POLICY = RetryPolicy()
ROUTES = {
    name: Route(name, Capabilities(kind, max_batch=size))
    for name, kind, size in (("sms", "sms", 3), ("sms2", "sms", 3), ("mail", "email", 2))
}
REGIONS = ("62", "6212", "621202", "621202100", "621202100201")

YES = Accepted()
BUSY = Deferred(Reason.TEMPORARY_FAILURE)
UNCLEAR = Deferred(Reason.NO_REPLY, maybe_sent=True)
BAD = Rejected(Reason.BAD_ADDRESS)
ONE_OF = Rejected(Reason.BAD_ADDRESS, Scope.ONE_OF)
CONTENT = Rejected(Reason.CONTENT_REFUSED, Scope.CONTENT)


@dataclass
class Site:
    """The store with what a test needs around it: ids, a clock that is told, the contents it rendered."""

    store: ThreadedStore
    now: int = START
    ids: UlidMaker = field(default_factory=UlidMaker)
    contents: dict[tuple[str, str], Content] = field(default_factory=dict)
    cursors: dict[str, str] = field(default_factory=dict)

    def new_ids(self, count: int) -> list[str]:
        return self.ids.many(count, tables.instant(self.now))

    async def alert(self, *, episode: str | None = None, lane: Lane = Lane.RED) -> str:
        (id_,) = self.new_ids(1)
        await self.store.write(keep_alert, id_, episode or id_, lane)
        return id_

    async def plan(self, alert: str, people: Sequence[Recipient | Gap], *, done: bool = False,
                   after: str | None = None, lane: Lane = Lane.RED, follows: bool = False) -> Committed:  # fmt: skip
        """Plan a chunk and commit it behind the one before."""
        fresh: list[tuple[str, Content]] = []

        def content_of(channel: str, language: str) -> Content:
            if (alert, channel) not in self.contents:
                made = Content(self.new_ids(1)[0], alert, ROUTES[channel].kind, language, "暴雨红色预警")
                self.contents[alert, channel] = made
                fresh.append((channel, made))
            return self.contents[alert, channel]

        before = self.cursors.get(alert, "")
        cursor = f"m:{len(self.cursors)}{self.now}{random.random()}"
        chunk = plan_chunk(
            Plan(alert, 0, lane, END, follows, ROUTES, Night(self.now, ZoneInfo("Asia/Shanghai"))), people, content_of=content_of, new_ids=self.new_ids,
            after=before if after is None else after, cursor=cursor, planned=len(people), done=done,
        )  # fmt: skip
        committed = await self.store.commit(replace(chunk, contents=fresh))
        if not committed.stopped:
            self.cursors[alert] = cursor
        return committed

    async def lease(self, batch: Batch, *, seconds: int = 30) -> Batch | None:
        asked = Lease(batch, self.now, self.now + seconds * SECOND)
        return (await self.store.turn(None, asked)).batch

    def judged(self, batch: Batch, outcomes: Sequence[Outcome]) -> Settlement:
        attempt = Try(self.now, self.now, 0.5, tuple(self.new_ids(2)))
        return settle(batch, outcomes, POLICY, attempt)

    async def answer(self, batch: Batch, *outcomes: Outcome) -> Settlement:
        """Settle a leased batch; one outcome stands for all."""
        judged = self.judged(batch, outcomes if len(outcomes) == len(batch) else list(outcomes) * len(batch))
        await self.store.turn(judged, None)
        return judged

    async def send(self, batch: Batch, *outcomes: Outcome) -> Settlement:
        leased = await self.lease(batch)
        assert leased is not None
        return await self.answer(leased, *outcomes)

    async def states(self, alert: str) -> dict[str, str]:
        """Address on channel → state."""
        rows = await self.store.read(fetch, "SELECT address || ' ' || channel, state FROM deliveries "
                                            "WHERE alert_id = ? ORDER BY 1", alert)  # fmt: skip
        return dict(rows)

    async def gather(self) -> list[Batch]:
        found = await self.store.read(backlog.batchless, self.now, (0, ""), 1000)
        contents = await self.store.read(backlog.contents_by_id, {one.content_id for one in found})
        made = gather(found, contents, ROUTES, new_ids=self.new_ids, now=self.now)
        return await self.store.move(sweeping.gather, made, self.now)

    async def stop(self, alert: str, state: State = State.SUPERSEDED) -> None:
        await self.store.write(flag_stopped, alert)
        for _ in range(100):
            if await self.store.move(sweeping.sweep_stopped, alert, state, "", self.now, 1000) is None:
                return
            break


def fetch(connection: Connection, text: str, *values: Any) -> list[Any]:
    return list(raw_of(connection).execute(statement(text), values).fetchall())


def keep_alert(connection: Connection, id: str, episode: str, lane: Lane) -> None:
    connection.execute(
        insert(tables.alerts).values(
            id=id, episode_id=episode, sender="s", identifier=id, sent=NOW, source="weather", received_at=NOW,
            state="released", verdict="accept", status="actual", type="alert", hazard="rainstorm", color="red",
            lane=lane.value, change="issued", headline="暴雨", body={}, digest="", raw_id=id,
            deliver_until=tables.instant(END),
        )
    )  # fmt: skip


def flag_stopped(connection: Connection, id: str) -> None:
    connection.execute(
        update(tables.alerts).where(tables.alerts.c.id == id).values(stopped_at=NOW, state="superseded")
    )


def to(address: str, *, channel: str = "sms", state: State = State.QUEUED, who: str | None = None,
       region: str = "621202100201", chain: int = 0, step: int = 0) -> Recipient:  # fmt: skip
    name = who or f"S{address}"
    return Recipient(
        channel,
        address,
        "zh",
        state,
        None,
        name,
        f"E{name}{channel}",
        "两水镇值班室",
        region,
        "[]",
        chain,
        step,
    )


def everyone(count: int, **how: Any) -> list[Recipient]:
    return [to(f"+86154{n:08}", **how) for n in range(count)]


async def recounted(site: Site) -> None:
    """The tallies say what the deliveries say."""
    counted: Counter[tuple[str, str, int, str]] = Counter()
    for alert, channel, region, state in await site.store.read(
        fetch, "SELECT alert_id, channel, region, state FROM deliveries"
    ):
        counted[alert, channel, level_of(region), state] += 1
    rows = await site.store.read(
        fetch,
        "SELECT alert_id, channel, level, state, sum(n) FROM tallies GROUP BY 1, 2, 3, 4 HAVING sum(n) <> 0",
    )
    assert {tuple(row[:4]): row[4] for row in rows} == dict(counted)


def receipt(key: str, status: ReceiptStatus = ReceiptStatus.DELIVERED, **more: Any) -> Receipt:
    return Receipt(key, status, **more)


LOST = ReceiptStatus.UNDELIVERED


class Steps:
    """How many steps the database takes, of the connections that are counted."""

    def __init__(self) -> None:
        self.taken = 0

    def count(self, connection: Connection) -> None:
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.set_progress_handler(self._one_more, 10)

    def _one_more(self) -> None:
        self.taken += 1
