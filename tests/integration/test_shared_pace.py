"""One pace for all processes, kept in a real Valkey: the rate, the rests, the breaker and its one probe."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from servers.valkey import ValkeyServer
from warnd.contract.outcome import Accepted, Deferred, Outcome, Reason, Rejected, Scope
from warnd.daemon import working
from warnd.errors import ConfigError
from warnd.queue.rates import Rate
from warnd.queue.redis.link import Address, Link
from warnd.queue.redis.pace import UNUSED_SECONDS, SharedPace
from warnd.settings import load
from warnd.store.postgres_connection import Place

PATIENCE = 30.0
DEAD = Deferred(Reason.UNREACHABLE)
THROTTLED = Deferred(Reason.THROTTLED, retry_after=timedelta(seconds=3))
REFUSED = Rejected(Reason.ACCOUNT_REFUSED, Scope.ACCOUNT)
TO = ("robot-1",)


@dataclass
class Process:
    """What one process has of a channel's pace; it may take what it is not told to wait for."""

    pace: SharedPace = field(init=False)
    link: Link = field(init=False)
    up: asyncio.Event = field(default_factory=asyncio.Event)
    down: asyncio.Event = field(default_factory=asyncio.Event)
    forgotten: int = 0
    taken: float = 0.0

    async def linked(self) -> None:
        await self.pace.link_up()
        self.down.clear()
        self.up.set()

    def heard(self, topic: str, about: str) -> None:
        self.pace.look_soon()

    async def beat(self) -> None:
        self.forgotten += await self.pace.look()

    def lost(self, why: str) -> None:
        self.pace.link_down()
        self.up.clear()
        self.down.set()

    def wait(self, cost: float = 1.0, *, red: bool = False) -> float:
        return self.pace.channel_wait(cost, time.monotonic(), red=red)

    def take(self, cost: float = 1.0, *, red: bool = False) -> bool:
        if self.wait(cost, red=red) > 0:
            return False
        self.pace.take(cost, TO, red=red)
        self.taken += cost
        return True

    def learn(self, outcome: Outcome, address: str = TO[0]) -> None:
        self.pace.learn(outcome, address, time.monotonic(), pause=60.0)


@asynccontextmanager
async def process(
    server: ValkeyServer, *, rate: Rate | None = None, patience: float = 60.0
) -> AsyncIterator[Process]:
    one = Process()
    one.link = Link(Address(server.url), one, topics=("warnd:paces",))
    one.pace = SharedPace(
        one.link, "sms", who=f"process {id(one)}", rate=rate, target_rate=None, patience=patience,
        monotonic=time.monotonic,
    )  # fmt: skip
    running = asyncio.create_task(one.link.run())
    try:
        async with asyncio.timeout(PATIENCE):
            await one.up.wait()
        yield one
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110  what is waited for happens on the server
            await asyncio.sleep(0.002)


async def take_all(one: Process, cost: float, ends: float, *, red: bool = False) -> None:
    """Whatever it may have, until then."""
    while time.monotonic() < ends:
        if not one.take(cost, red=red):
            await asyncio.sleep(0.001)


async def sent_in(seconds: float, *takers: Callable[[float], Awaitable[None]]) -> float:
    """Seconds that it really took."""
    began = time.monotonic()
    await asyncio.gather(*(taker(began + seconds) for taker in takers))
    return time.monotonic() - began


async def test_two_processes_together_keep_to_the_rate_and_one_alone_has_all_of_it(
    valkey: ValkeyServer,
) -> None:
    """A rate is the channel's, not a process's: nobody's part of it is left lying."""
    rate = Rate(200)
    async with process(valkey, rate=rate) as one, process(valkey, rate=rate) as other:
        alone = await sent_in(1.0, lambda ends: take_all(one, 5, ends))
        had = one.taken
        assert had <= 200 * (alone + 0.2) + 5
        together = await sent_in(
            1.0, lambda ends: take_all(one, 5, ends), lambda ends: take_all(other, 5, ends)
        )
        assert one.taken - had + other.taken <= 200 * (together + 0.2) + 10
        assert had > 100 * alone, "half of the rate would be one process's share"
        assert min(one.taken - had, other.taken) > 0


async def test_red_in_one_process_goes_before_blue_in_another(valkey: ValkeyServer) -> None:
    """Also when its batch is dearer than the bucket: blue may not keep that from filling."""
    rate = Rate(50)
    async with process(valkey, rate=rate) as one, process(valkey, rate=rate) as other:
        blue = asyncio.create_task(take_all(one, 1, time.monotonic() + PATIENCE))
        await until(lambda: one.taken >= 10)
        before = one.taken
        await until(lambda: other.take(40, red=True))
        blue.cancel()
        await asyncio.gather(blue, return_exceptions=True)
        assert one.taken - before <= 10, "what blue had drawn, and what was in the bucket for it"


async def test_what_was_drawn_and_not_used_goes_back(valkey: ValkeyServer) -> None:
    """Tokens of a batch that was stopped are the other process's before they could have grown again."""
    rate = Rate(5, 60.0)
    async with process(valkey, rate=rate) as one, process(valkey, rate=rate) as other:
        with valkey.client() as client:
            client.hset("warnd:pace:sms", "level", "1")
        await until(lambda: one.wait() == 0)
        assert other.wait() > 0
        began = time.monotonic()
        await until(lambda: other.take())
        assert time.monotonic() - began < 12 - UNUSED_SECONDS


async def test_a_channel_that_throttles_one_process_rests_for_all(valkey: ValkeyServer) -> None:
    """``Retry-After`` speaks to the account, not to the process that asked; and the rate shrinks once."""
    async with process(valkey, rate=Rate(100)) as one, process(valkey, rate=Rate(100)) as other:
        one.learn(THROTTLED)
        one.learn(THROTTLED)
        await until(lambda: other.wait() > 1)
        assert 1 < other.wait() <= 3
        assert other.pace.share == pytest.approx(0.5, abs=0.1)


async def test_the_breaker_opens_and_closes_for_all_and_one_probe_goes(valkey: ValkeyServer) -> None:
    """Five failures in a row, whoever had them; a dead provider is asked once, however many processes there are."""
    async with process(valkey) as one, process(valkey) as other:
        for _ in range(3):
            one.learn(DEAD)
        await until(lambda: other.pace.breaker.failures == 3)
        for _ in range(2):
            other.learn(DEAD)
        await until(lambda: one.pace.open and one.pace.unfit_for is not None)
        probes = 0
        async with asyncio.timeout(PATIENCE):
            while not probes:
                probes = one.take() + other.take()
                await asyncio.sleep(0.005)
        assert probes == 1
        prober, waiting = (one, other) if one.taken else (other, one)
        for _ in range(60):
            assert [one.take(), other.take()] == [False, False]
            await asyncio.sleep(0.005)
        prober.learn(Accepted())
        await until(lambda: not waiting.pace.open)
        assert waiting.wait() == 0
        assert waiting.pace.unfit_for is None


async def test_a_probe_that_did_not_leave_or_whose_process_died_is_anothers(valkey: ValkeyServer) -> None:
    """Else the channel would rest for ever."""
    async with process(valkey, patience=0.5) as one, process(valkey, patience=0.5) as other:
        for _ in range(5):
            one.learn(DEAD)
        await until(lambda: other.pace.open)
        await until(lambda: one.take())
        one.pace.give_back(1, TO)
        await until(lambda: other.take())
        await until(lambda: one.take())


async def test_a_refused_account_pauses_all_until_one_is_accepted(valkey: ValkeyServer) -> None:
    async with process(valkey) as one, process(valkey) as other:
        one.learn(REFUSED)
        await until(lambda: other.pace.paused)
        assert other.wait() > 50
        assert other.pace.unfit_for is not None
        one.learn(Accepted())
        await until(lambda: not other.pace.paused)


async def test_without_its_server_each_process_keeps_to_its_part_and_comes_back(valkey: ValkeyServer) -> None:
    """Killed, and back with what its file has; no token is given out twice in between."""
    async with process(valkey, rate=Rate(200)) as one:
        one.pace.share_among(2)
        await until(lambda: one.take())
        valkey.kill()
        await until(lambda: one.down.is_set() or one.take(50))
        one.taken = 0
        took = await sent_in(0.5, lambda ends: take_all(one, 1, ends))
        assert 0 < one.taken <= 100 * took + 1
        valkey.start()
        await until(one.up.is_set)
        await until(lambda: one.take())
        assert one.forgotten == 0


async def test_a_server_that_hangs_is_away(valkey: ValkeyServer) -> None:
    """It takes connections and answers nothing: no warning waits for it."""
    async with process(valkey, rate=Rate(200)) as one:
        valkey.hang()
        try:
            await until(lambda: one.down.is_set() or one.take(50))
            await until(lambda: one.take())
        finally:
            valkey.go_on()
        await until(one.up.is_set)


async def test_a_server_that_was_flushed_is_found_out(valkey: ValkeyServer) -> None:
    """The bucket begins empty: what was taken before was taken."""
    async with process(valkey, rate=Rate(10)) as one:
        await until(lambda: one.take())
        valkey.flush()
        await until(lambda: one.forgotten)
        await until(lambda: one.take())


async def test_a_server_whose_clock_was_set_back_prolongs_no_rest(valkey: ValkeyServer) -> None:
    """What was to last goes on lasting as long, and no longer."""
    async with process(valkey, rate=Rate(100)) as one:
        one.learn(THROTTLED)
        await until(lambda: one.wait() > 1)
        with valkey.client() as client:
            ahead = 3600
            for name in (b"at", b"rest", b"shrunk"):
                [at] = client.hmget("warnd:pace:sms", name)
                client.hset("warnd:pace:sms", name, f"{float(at) + ahead:.6f}")
        await one.pace.look()
        assert one.wait() <= 3


async def test_a_redis_that_may_evict_what_is_shared_is_refused_at_the_start(
    valkey: ValkeyServer, postgres_place: Place, tmp_path: Path
) -> None:
    """With the key: starting again will not help."""
    config = tmp_path / "warnd.toml"
    config.write_text(f'[store]\nurl = "{postgres_place.url}"\n[queue]\nurl = "{valkey.url}"\n')
    with valkey.client() as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            with pytest.raises(ConfigError, match="noeviction") as refused:
                async with working(load(config, {})):
                    pass
            assert refused.value.key == "queue.url"
        finally:
            client.config_set("maxmemory-policy", "noeviction")
