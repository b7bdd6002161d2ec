"""What the machine under the daemon does: its disk, its store, its clock; sounded, made up for, ended."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from warnd.app.board import AlarmBoard
from warnd.app.clock import Jump, Look, jump_between, set_back_since
from warnd.app.space import shortage
from warnd.model.policy import RetryPolicy
from warnd.store import setting
from warnd.store.threads import ThreadedStore

log = structlog.get_logger()

_MB = 1_000_000

CALM_SECONDS = 3.0
"""So long after the last commit that failed the store is held to be well again."""


class Machine:
    """
    Looked at twice a second, by the clerk. ``clock`` gives microseconds since 1970, ``steady`` seconds of a clock that
    nobody sets; ``on_jump`` are called when the two have parted.
    """

    def __init__(
        self,
        store: ThreadedStore,
        *,
        alarms: AlarmBoard,
        retry: RetryPolicy,
        clock: Callable[[], int],
        steady: Callable[[], float],
    ) -> None:
        self._store = store
        self._alarms = alarms
        self._longest = int(max(retry.ceiling, retry.pause).total_seconds() * 1_000_000)
        self._clock = clock
        self._steady = steady
        self._last = self._now()
        self._failed = -CALM_SECONDS
        self._stragglers = False
        self.on_jump: list[Callable[[], None]] = []

    @property
    def store_is_well(self) -> bool:
        """No commit has failed lately. An empty one succeeds on the fullest disk."""
        return self._steady() - self._failed > CALM_SECONDS

    async def start(self) -> None:
        """Before anything is sent: whether the clock was set back while no daemon ran. Raises StoreError."""
        self._last = self._now()
        latest = await self._store.read(setting.latest_fact)
        if latest is not None and (jump := set_back_since(latest, self._last.wall)) is not None:
            await self._make_up_for(jump)

    def store_failed(self, message: str) -> None:
        """A commit failed: nothing of it was kept."""
        self._failed = self._steady()
        self._alarms.sound("store_failed", "store", why=message)

    async def look(self) -> None:
        """At all three. Raises StoreError while a jump of the clock cannot be made up for; it is tried again."""
        self._look_at_the_disk()
        await self._look_at_the_clock()
        await self._alarms.write_what_is_left()
        if self.store_is_well:
            self._alarms.clear("store_failed", "store")

    def _look_at_the_disk(self) -> None:
        directory = self._store.directory
        if directory is None:
            return
        try:
            left = shortage(directory)
        except OSError as error:
            self._alarms.sound(
                "disk_low", "store", case="unseen", directory=str(directory), why=error.strerror or str(error)
            )
            return
        if left is None:
            self._alarms.clear("disk_low", "store")
            return
        free, total = left.free // _MB, left.total // _MB
        self._alarms.sound(
            "disk_low", "store", case="short", directory=str(directory), free_mb=free, total_mb=total
        )

    async def _look_at_the_clock(self) -> None:
        this = self._now()
        jump = jump_between(self._last, this)
        if jump is not None:
            await self._make_up_for(jump)
        elif self._stragglers:
            # What was being committed while the clock was set went by the old one.
            self._offer()
        self._stragglers = jump is not None
        self._last = this

    async def _make_up_for(self, jump: Jump) -> None:
        log.warning("clock.jumped", seconds=jump.by / 1e6)
        if (
            not self._store.shared
        ):  # on other machines the clocks are right, and what is on disk goes by theirs
            await self._store.write(
                setting.make_up_for,
                seen=jump.seen,
                expected=jump.expected,
                now=jump.now,
                longest=self._longest,
            )
        self._offer()
        seconds = round(abs(jump.by) / 1e6)
        self._alarms.sound(
            "clock_jumped", "clock", case="forward" if jump.by > 0 else "back", seconds=seconds
        )

    def _offer(self) -> None:
        for tell in self.on_jump:
            tell()

    def _now(self) -> Look:
        return Look(self._clock(), self._steady())
