"""The processes that work on this database: since when, on which channels, and when each was last heard of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, insert, select, update

from warnd.model.delivery import BatchState
from warnd.store.tables import alarms, batches, workers

_KEPT = timedelta(days=30)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Joining:
    """
    A process about to work. ``channels`` are those it sends on; ``patience`` is for how long at the most it may keep
    a batch: who is silent for longer than that is missed.
    """

    name: str
    host: str
    role: str
    channels: tuple[str, ...]
    patience: timedelta


@dataclass(frozen=True, slots=True)
class WorkerView:
    """``in_flight`` is how many deliveries it has out; ``timers``: it is the one that keeps them."""

    id: int
    name: str
    host: str
    role: str
    channels: tuple[str, ...]
    since: datetime
    seen: datetime
    in_flight: int
    timers: bool


class Hanging(NamedTuple):
    """A worker that has not ended and says nothing."""

    id: int
    name: str
    host: str


class Missed(NamedTuple):
    """A worker that went without a word; ``back``: one works under its name; ``alone_on``: its channels that nobody else has."""

    id: int
    name: str
    host: str
    back: bool
    alone_on: tuple[str, ...]


def join(connection: Connection, joining: Joining, now: datetime, *, alone: bool) -> int:
    """
    Enter a process among those that work; its number, which no other ever had.

    When it is ``alone`` all others are gone: what they have out is unclear from here on.
    """
    if alone:
        gone = update(workers).where(workers.c.ended_at.is_(None))
        connection.execute(gone.values(ended_at=now, timers=False))
    connection.execute(delete(workers).where(workers.c.ended_at < now - _KEPT))
    row = {
        "name": joining.name, "host": joining.host, "role": joining.role, "channels": list(joining.channels),
        "patience": joining.patience // _MICROSECOND, "since": now, "seen": now, "timers": alone,
    }  # fmt: skip
    return int(connection.execute(insert(workers).values(row).returning(workers.c.id)).scalar_one())


def leave(connection: Connection, id: int, now: datetime) -> None:
    """It stops as it should, and has nothing out any more."""
    connection.execute(
        update(workers)
        .where(workers.c.id == id, workers.c.ended_at.is_(None))
        .values(ended_at=now, timers=False)
    )


def missed(connection: Connection, now: datetime) -> list[Missed]:
    """Those that went without a word longer ago than they could have kept a batch, and that is not said yet."""
    rows = connection.execute(select(workers).where(workers.c.missed.is_(True))).all()
    due = [row for row in rows if row.seen + _MICROSECOND * row.patience < now]
    here = working(connection) if due else []
    names, channels = {one.name for one in here}, {channel for one in here for channel in one.channels}
    return [
        Missed(
            row.id, row.name, row.host, row.name in names, tuple(c for c in row.channels if c not in channels)
        )
        for row in due
    ]


def said(connection: Connection, ids: Sequence[int]) -> None:
    """That these are missed."""
    connection.execute(update(workers).where(workers.c.id.in_(ids)).values(missed=False))


def hanging(connection: Connection, own: int | None) -> list[Hanging]:
    """
    Those not heard of for longer than they may keep a batch, and not taken for gone; as of when the process of the number
    ``own`` was heard of, so that no machine's clock matters but the server's.
    """
    seen = select(workers.c.seen).where(workers.c.id == own).scalar_subquery()
    rows = connection.execute(
        select(workers, seen.label("heard")).where(workers.c.ended_at.is_(None), workers.c.seen < seen)
    ).all()
    return [
        Hanging(row.id, row.name, row.host)
        for row in rows
        if row.seen + _MICROSECOND * row.patience < row.heard
    ]


def gone(connection: Connection, kind: str) -> list[str]:
    """What the open alarms of a kind are about that are about processes, where nobody works under that name."""
    names = select(workers.c.name).where(workers.c.ended_at.is_(None))
    left = select(alarms.c.subject).where(
        alarms.c.kind == kind, alarms.c.cleared_at.is_(None), alarms.c.subject.not_in(names)
    )
    return list(connection.execute(left).scalars())


def working(connection: Connection) -> list[WorkerView]:
    """Those that have not stopped, the first that joined first."""
    out = (
        select(batches.c.holder, func.sum(batches.c.size).label("deliveries"))
        .where(batches.c.state == BatchState.SENDING.value)
        .group_by(batches.c.holder)
        .subquery()
    )
    found = (
        select(workers, func.coalesce(out.c.deliveries, 0).label("in_flight"))
        .outerjoin(out, out.c.holder == workers.c.id)
        .where(workers.c.ended_at.is_(None))
        .order_by(workers.c.id)
    )
    return [
        WorkerView(
            row.id, row.name, row.host, row.role, tuple(row.channels), row.since, row.seen, int(row.in_flight),
            timers=row.timers,
        )
        for row in connection.execute(found)
    ]  # fmt: skip


def keeper(connection: Connection) -> str | None:
    """The name of the process that keeps the timers."""
    found = select(workers.c.name).where(workers.c.timers.is_(True), workers.c.ended_at.is_(None))
    name: str | None = connection.execute(found).scalar()
    return name
