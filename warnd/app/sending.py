"""The channels open, their lanes filled and their slots at work, in a process that sends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from typing import Protocol

from warnd.app import wiring
from warnd.app.ending import ended
from warnd.app.refusals import Refusals
from warnd.app.targets import Targets
from warnd.app.watching import Watching
from warnd.app.wiring import Line
from warnd.contract.outcome import Receipt
from warnd.model.delivery import Batch
from warnd.model.policy import RetryPolicy
from warnd.pipeline.bundler import Bundler
from warnd.pipeline.lease import InForce
from warnd.pipeline.worker import Worker
from warnd.store.threads import ThreadedStore


class Receive(Protocol):
    """Keeps receipts of a channel; on disk when it returns."""

    async def __call__(self, channel: str, receipts: Sequence[Receipt]) -> None: ...


class Sending:
    """
    ``receive`` takes what comes over a channel's own session; ``takes`` says whether a batch is this process's to send;
    ``clock`` gives microseconds since 1970.
    """

    def __init__(
        self,
        lines: Mapping[str, Line],
        store: ThreadedStore,
        *,
        retry: RetryPolicy,
        in_force: InForce,
        watching: Watching,
        refusals: Refusals,
        targets: Targets,
        bundlers: Mapping[str, Bundler],
        receive: Receive,
        takes: Callable[[Batch, int], bool],
        clock: Callable[[], int],
        new_ids: Callable[[int], list[str]],
    ) -> None:
        self._lines = lines
        self._receive = receive
        self._takes = takes
        self._clock = clock
        self._refusals = refusals
        self._targets = targets
        self._opened = AsyncExitStack()
        self._standing: list[asyncio.Task[None]] = []
        self.workers = {
            name: Worker(
                line.channel,
                line.lanes,
                store,
                retry=retry,
                in_force=in_force,
                watcher=watching,
                clock=clock,
                new_ids=new_ids,
                requests=line.slots,
                red_requests=wiring.red_requests(line.slots),
                red_slots=wiring.red_slots(line.slots),
                bundler=bundlers.get(name),
            )
            for name, line in lines.items()
        }

    async def open(self) -> None:
        """Raises ConfigError when a channel can never work as it is configured."""
        for name, line in self._lines.items():
            await line.channel.open(partial(self._receive, name))
            self._opened.push_async_callback(line.channel.close)

    def start(self, group: asyncio.TaskGroup) -> None:
        """Send what is due from now on; the tasks belong to ``group``."""
        self._standing += [group.create_task(self._refusals.run()), group.create_task(self._targets.run())]
        for name, worker in self.workers.items():
            self._standing.append(group.create_task(self._lines[name].lanes.refill()))
            group.create_task(worker.run())

    def post(self, batches: Sequence[Batch]) -> None:
        """Hints of batches that were just made; to a process that does not send only where all take what is everybody's."""
        now = self._clock()
        by_channel: dict[str, list[Batch]] = {}
        for batch in batches:
            if self._lines[batch.channel].lanes.is_shared or (self._standing and self._takes(batch, now)):
                by_channel.setdefault(batch.channel, []).append(batch)
        for channel, mine in by_channel.items():
            self._lines[channel].lanes.post(mine)

    def make_way(self) -> None:
        """A red plan begins: what it will need is left free, for a moment."""
        for worker in self.workers.values():
            worker.make_way()

    @property
    def out(self) -> set[tuple[str, int]]:
        """(Batch, epoch) of the leases whose outcome is not on disk."""
        return {lease for worker in self.workers.values() for lease in worker.out}

    @property
    def leases(self) -> tuple[int, int]:
        """How many were asked for since the start, and how many of these granted; the others another process had."""
        every = self.workers.values()
        return sum(one.asked for one in every), sum(one.granted for one in every)

    async def stop(self, grace: timedelta) -> None:
        """Take no new lease, let sends finish within ``grace``, return the rest. Loses nothing."""
        for task in self._standing:
            task.cancel()
        await asyncio.gather(*(worker.stop(grace) for worker in self.workers.values()))
        await ended(self._standing)
        await self._opened.aclose()
