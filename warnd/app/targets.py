"""What single targets may be asked: told to the other processes, heard from them, looked up where they are no more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

import structlog
from sqlalchemy import Connection

from warnd.app.wiring import Line
from warnd.contract.outcome import Deferred, Outcome, Reason, Scope
from warnd.errors import StoreError
from warnd.model.delivery import Batch
from warnd.queue.pacing import throttled_for
from warnd.store import asked, hints
from warnd.store.database import raw_of
from warnd.store.threads import ThreadedStore

log = structlog.get_logger()

_AT_ONCE = 0.2
"""Seconds of throttlings that are told in one commit: a notifying one takes a lock of the whole database."""

_LOOKED_BACK = 60.0
"""Seconds at least, of what was asked and answered."""


class Targets:
    """
    A throttled target is known to all within a quarter of a second; what was asked of one comes from the journal, for
    the process to which its address falls. ``clock`` gives microseconds since 1970, ``monotonic`` seconds.
    """

    def __init__(
        self,
        lines: Mapping[str, Line],
        store: ThreadedStore,
        *,
        clock: Callable[[], int],
        monotonic: Callable[[], float],
    ) -> None:
        self._lines = lines
        self._store = store
        self._clock = clock
        self._monotonic = monotonic
        self._untold: dict[tuple[str, float], list[str]] = {}
        self._some = asyncio.Event()

    def answered(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        """What a request came to here: where a target throttles, the others are to leave it alone as well."""
        if not self._store.shared:
            return
        # A bundle has one delivery, its first's, and an outcome for each part, all the same.
        for delivery, outcome in zip(batch.deliveries, outcomes, strict=False):
            match outcome:
                case Deferred(reason=Reason.THROTTLED, scope=Scope.TARGET):
                    self._untold.setdefault((batch.channel, throttled_for(outcome)), []).append(delivery)
                    self._some.set()

    async def run(self) -> None:
        """Tell the others, for ever; what cannot be told they find out."""
        while True:
            await self._some.wait()
            self._some.clear()
            untold, self._untold = self._untold, {}
            try:
                await self._store.write(_tell, untold)
            except StoreError as error:
                log.error("store.failed", by="targets", error=str(error))
            await asyncio.sleep(_AT_ONCE)

    async def heard(self, channel: str, seconds: float, deliveries: Sequence[str]) -> None:
        """Another process was told that those whom these are for want to be left alone for so long. Raises StoreError."""
        found = await self._store.read(asked.addresses, deliveries)
        pace, now = self._lines[channel].lanes.pace, self._monotonic()
        for address in found.values():
            pace.rest_target(address, now, seconds)

    async def recall(self) -> None:
        """What others asked and were answered of late: an address of theirs may be this process's now. Raises StoreError."""
        now, monotonic = self._clock(), self._monotonic()
        paces = {name: line.lanes.pace for name, line in self._lines.items()}
        rates = {name: pace.target_rate for name, pace in paces.items() if pace.target_rate is not None}
        back = max((rate.seconds for rate in rates.values()), default=_LOOKED_BACK)
        since = now - int(max(back, _LOOKED_BACK) * 1e6)
        found = await self._store.read(asked.lately, list(rates), self._store.holder or 0, since, now)
        by_channel: dict[str, dict[str, list[float]]] = {name: {} for name in rates}
        for (channel, address), times in found.asked.items():
            by_channel[channel][address] = [monotonic - (now - at) / 1e6 for at in times]
        for channel, times_of in by_channel.items():
            paces[channel].recall(times_of, monotonic)
        for (channel, address), until in found.throttled.items():
            if channel in paces and until > now:
                paces[channel].rest_target(address, monotonic, (until - now) / 1e6)


def _tell(connection: Connection, untold: Mapping[tuple[str, float], Sequence[str]]) -> None:
    for (channel, seconds), deliveries in untold.items():
        hints.targets_throttled(raw_of(connection), channel, seconds, deliveries)
