"""Processes on one PostgreSQL as they see each other: who is there, who keeps the timers, what was hinted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from servers.postgres import PostgresServer
from warnd.pipeline.confirm import confirm
from warnd.store import hints, workers
from warnd.store.database import raw_of
from warnd.store.postgres import PostgresStore
from warnd.store.postgres_connection import Place
from warnd.store.presence import SILENT_SECONDS, Presence
from warnd.store.workers import Joining

NOW = datetime(2026, 7, 14, tzinfo=UTC)
PATIENCE = 30.0


@dataclass
class Process:
    """One process' store and presence, and what that has told."""

    store: PostgresStore
    name: str
    eager: bool = True
    number: int = 0
    senders: tuple[int, ...] = ()
    keeps: bool = False
    was_away_times: int = 0
    hints: list[tuple[str, ...]] = field(default_factory=list)
    presence: Presence | None = None
    attending: asyncio.Task[None] | None = None

    def met(self, number: int, senders: Sequence[int]) -> None:
        self.number, self.senders = number, tuple(senders)

    def heard(self, kind: str, about: Sequence[str]) -> None:
        self.hints.append((kind, *about))

    def was_away(self) -> None:
        self.was_away_times += 1

    def keeps_timers(self, kept: bool) -> None:
        self.keeps = kept

    async def join(self) -> int:
        joining = Joining(self.name, "host", "worker", ("sms",), timedelta(seconds=25))
        return await self.store.write(workers.join, joining, NOW, alone=False)

    async def enter(self) -> None:
        self.presence = Presence(
            self.store.place, self, join=self.join, own=lambda: self.store.backend, eager=self.eager
        )
        self.attending = asyncio.create_task(self.presence.run())
        async with asyncio.timeout(PATIENCE):
            await self.presence.present.wait()

    async def end(self) -> None:
        """As a kill would: nothing is said, the connection is gone."""
        assert self.attending is not None
        self.attending.cancel()
        await asyncio.gather(self.attending, return_exceptions=True)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110  what is waited for happens on the server
            await asyncio.sleep(0.02)


@pytest.fixture
async def two(postgres_place: Place) -> AsyncIterator[tuple[Process, Process]]:
    processes = []
    for name in ("one", "other"):
        store = PostgresStore(postgres_place, confirm=confirm)
        await store.open()
        processes.append(Process(store, name))
    yield processes[0], processes[1]
    for process in processes:
        if process.attending is not None:
            await process.end()
        await process.store.close()


async def test_one_keeps_the_timers_and_another_takes_them_when_it_ends(two: tuple[Process, Process]) -> None:
    """An advisory lock on a connection: the end of the process is the end of that."""
    one, other = two
    await one.enter()
    await other.enter()
    await until(lambda: one.senders == other.senders == (one.number, other.number))
    assert (one.keeps, other.keeps) == (True, False)
    assert await other.store.read(workers.keeper) == "one"
    await one.end()
    await until(lambda: other.keeps)
    assert await other.store.read(workers.keeper) == "other"


async def test_whoever_resigns_leaves_timers_and_share_to_the_others_and_is_still_there(
    two: tuple[Process, Process],
) -> None:
    """What it has out is its own until it is settled."""
    one, other = two
    await one.enter()
    await other.enter()
    assert one.presence is not None
    one.presence.resign()
    await until(lambda: other.keeps and other.senders == (other.number,))
    assert not one.keeps
    assert {view.name for view in await other.store.read(workers.working)} == {"one", "other"}


async def test_who_ended_without_a_word_is_gone_and_missed_and_who_is_only_slow_is_neither(
    two: tuple[Process, Process], postgres: PostgresServer
) -> None:
    """Silent and without its lock is gone; silent with it may still have something out."""
    one, other = two
    await one.enter()
    gone, slow = [
        await other.store.write(workers.join, Joining(name, "host", "worker", channels, timedelta(seconds=25)), NOW,
                                alone=False)
        for name, channels in (("gone", ("sms", "voice")), ("slow", ("sms",)))
    ]  # fmt: skip
    with psycopg.connect(other.store.place.url, autocommit=True) as held:
        held.execute("SELECT pg_advisory_lock(%s, %s)", (0x77726E77, slow))
        patience = PATIENCE + SILENT_SECONDS
        async with asyncio.timeout(patience):
            while not (missed := await other.store.read(workers.missed, NOW + timedelta(hours=1))):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert missed == [workers.Missed(gone, "gone", "host", back=False, alone_on=("voice",))]
        assert {view.name for view in await other.store.read(workers.working)} == {"one", "slow"}
    assert await other.store.read(workers.missed, NOW + timedelta(seconds=24)) == []
    await other.store.write(workers.said, [gone])
    assert await other.store.read(workers.missed, NOW + timedelta(hours=1)) == []


async def test_who_was_taken_for_gone_comes_back_under_a_new_number(two: tuple[Process, Process]) -> None:
    """Under the old one it would lease what is already another's."""
    one, _ = two
    await one.enter()
    before = one.number
    await one.store.write(workers.leave, before, NOW)
    await until(lambda: one.number not in (0, before))
    await until(lambda: one.senders == (one.number,))


async def test_a_hint_is_heard_once_its_commit_is_on_disk_and_never_by_whoever_gave_it(
    two: tuple[Process, Process],
) -> None:
    """What was undone gives none."""
    one, other = two
    await one.enter()
    await other.enter()

    def fails(connection: object) -> None:
        hints.alerts_stopped(raw_of(connection), ["undone"])  # type: ignore[arg-type]
        raise ValueError("undone")

    with pytest.raises(ValueError, match="undone"):
        await one.store.write(fails)
    await one.store.write(lambda connection: hints.alerts_stopped(raw_of(connection), ["A", "B"]))
    await until(lambda: len(other.hints) == 2)
    assert other.hints == [("stopped", "A"), ("stopped", "B")]
    assert one.hints == []


async def test_a_lost_connection_is_made_anew_and_told_as_an_absence(two: tuple[Process, Process]) -> None:
    """What was hinted meanwhile has to be looked up; the timers are free for others in between."""
    one, other = two
    await one.enter()
    with psycopg.connect(other.store.place.url, autocommit=True) as killer:
        killer.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'warnd presence' AND datname = current_database()"
        )
    await until(lambda: one.was_away_times == 2 and one.keeps)
    assert await other.store.read(workers.keeper) == "one"
