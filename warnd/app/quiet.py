"""Keeping the quiet hours: what is due in them waits, and what lies in the lanes when they begin is taken back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog

from warnd.model.policy import Policies
from warnd.pipeline.quiet import Night
from warnd.ports import Batchless
from warnd.store import quiet
from warnd.store.tables import instant
from warnd.store.threads import ThreadedStore

log = structlog.get_logger()

_CHUNK = 500


class QuietKeeper:
    """
    See the module. ``zone`` is that in which the hours of the ``policies`` are meant; ``clock`` gives microseconds.
    """

    def __init__(
        self, store: ThreadedStore, *, policies: Policies, zone: ZoneInfo, clock: Callable[[], int]
    ) -> None:
        self._store = store
        self._hours = policies.quiet_hours
        self._zone = zone
        self._clock = clock

    async def awake(self, found: Sequence[Batchless]) -> list[Batchless]:
        """Of deliveries that are due those that may leave now; the others wait for the end of their quiet hours."""
        night = Night(self._clock(), self._zone)
        ends = {one.id: night.held_until(one.quiet, one.deliver_until) for one in found if one.quiet}
        held = {id_: end for id_, end in ends.items() if end is not None}
        if held:
            await self._store.move(quiet.postpone, held, night.now)
        return [one for one in found if one.id not in held]

    async def round(self) -> None:
        """While some quiet hours last, nothing that keeps them stays in the lanes."""
        if not any(hours.ends(self._now(), self._zone) for hours in self._hours):
            return
        after = ""
        while found := await self._store.read(quiet.resting, after, _CHUNK):
            after = found[-1].id
            night = Night(self._clock(), self._zone)
            by_end: dict[int, list[str]] = {}
            for one in found:
                if (end := night.held_until(one.quiet, one.deliver_until)) is not None:
                    by_end.setdefault(end, []).append(one.id)
            for end, batches in by_end.items():
                if n := await self._store.move(quiet.hold, batches, end, night.now):
                    log.info("deliveries.held", deliveries=n, until=instant(end).isoformat())

    def _now(self) -> datetime:
        return instant(self._clock())
