"""
The clerk: re-drives whatever is unfinished, from the store, for ever.

Leases that ran out, deliveries without a batch or too late for their channel, rows of stopped alerts, alerts past their
end, holds that nobody decided, plans that a crash cut short. Nothing else has to be remembered anywhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from warnd.app.alarm_words import concern
from warnd.app.board import AlarmBoard
from warnd.app.doubts import Doubts
from warnd.app.failover import Failover
from warnd.app.punctuality import Punctuality
from warnd.app.quiet import QuietKeeper
from warnd.errors import Conflict, StoreError
from warnd.model.alert import AlertState
from warnd.model.color import Lane
from warnd.model.delivery import Batch, BatchState, State
from warnd.model.policy import RetryPolicy
from warnd.model.ulid import floor
from warnd.pipeline.confirm import confirm
from warnd.pipeline.expand import Route
from warnd.pipeline.gather import MERGE_SECONDS, gather
from warnd.pipeline.lease import InForce
from warnd.pipeline.settle import resends
from warnd.store import alerts, backlog, receiving, releasing, sweeping
from warnd.store.journal import Entry
from warnd.store.releasing import Decided
from warnd.store.tables import instant
from warnd.store.threads import ThreadedStore

log = structlog.get_logger()

CHUNKS_OF_A_ROUND = 10
"""Of the sweeping: a hold that falls due, or an end, waits for no more."""

_CHUNK = 2000
_ROUND_SECONDS = 0.5
_LEAST_WAIT = 0.05
_STORE_REST_US = 1_000_000
_MISSED_WITHIN = timedelta(minutes=10)
"""Of its coming a receipt whose key another process stored in the same moment is looked for."""

_ENDS = {
    AlertState.SUPERSEDED: State.SUPERSEDED,
    AlertState.CANCELLED: State.CANCELLED,
    AlertState.EXPIRED: State.EXPIRED,
    AlertState.RELEASED: State.EXPIRED,
}


async def _nowhere() -> None:
    """There is nothing else to look at."""


class Clerk:
    """
    See the module. ``post`` offers batches to the lanes, ``plan`` starts an alert's broadcast (again);
    ``clock`` gives microseconds since 1970. ``out`` gives (batch, epoch) of what this very process has out: its leases do
    not run out, whatever the clock says. ``look`` is called at the beginning of each round.
    """

    def __init__(
        self,
        store: ThreadedStore,
        *,
        routes: Mapping[str, Route],
        retry: RetryPolicy,
        in_force: InForce,
        alarms: AlarmBoard,
        failover: Failover,
        quiet: QuietKeeper,
        punctuality: Punctuality,
        doubts: Doubts,
        post: Callable[[Sequence[Batch]], None],
        plan: Callable[[str, Lane], None],
        new_ids: Callable[[int], list[str]],
        clock: Callable[[], int],
        out: Callable[[], Set[tuple[str, int]]] = frozenset,
        look: Callable[[], Awaitable[None]] = _nowhere,
    ) -> None:
        self._store = store
        self._out = out
        self._look = look
        self._routes = routes
        self._retry = retry
        self._in_force = in_force
        self._alarms = alarms
        self._failover = failover
        self._quiet = quiet
        self._punctuality = punctuality
        self._doubts = doubts
        self._post = post
        self._plan = plan
        self._new_ids = new_ids
        self._clock = clock
        self._gather = asyncio.Event()
        self._swept_to: dict[str, str] = {}

    def gather_soon(self) -> None:
        """Deliveries without a batch came to be."""
        self._gather.set()

    async def rounds(self) -> None:
        """For ever."""
        more = False
        while True:
            await asyncio.sleep(0 if more else _ROUND_SECONDS)
            try:
                more = await self.round()
            except StoreError as error:
                log.error("store.failed", by="clerk", error=str(error))
                more = False

    async def round(self) -> bool:
        """One look at everything that time or a crash may have left; whether the next one need not wait."""
        await self._look()
        await self._run_out(self._clock())
        await self._match_missed()
        await self._expire(instant(self._clock()))
        await self._time_out(instant(self._clock()))
        # Before the sweeping: a red that was just released must not wait for a million rows of what it ended.
        for alert_id, lane in await self._store.read(backlog.unplanned):
            self._plan(alert_id, lane)
        await self._quiet.round()
        await self._punctuality.round()
        await self._doubts.round()
        more = await self._failover.round()
        return await self._sweep() or more

    async def gathering(self) -> None:
        """Gather deliveries without a batch when some came to be, or their time has come; for ever."""
        wait = 0.0
        while True:
            try:
                async with asyncio.timeout(wait):
                    await self._gather.wait()
            except TimeoutError:
                pass
            else:
                await asyncio.sleep(MERGE_SECONDS)
            self._gather.clear()
            now = self._clock()
            try:
                await self._gather_due(now)
                due = await self._store.read(backlog.next_batchless_due, now)
            except StoreError as error:
                log.error("store.failed", by="clerk", error=str(error))
                due = now + _STORE_REST_US
            wait = 5.0 if due is None else min(max((due - self._clock()) / 1e6, _LEAST_WAIT), 5.0)

    async def _gather_due(self, now: int) -> None:
        after = (0, "")
        while True:
            found = await self._store.read(backlog.batchless, now, after, _CHUNK)
            if not found:
                return
            after = (found[-1].due, found[-1].id)
            found = await self._quiet.awake(found)
            contents = await self._store.read(backlog.contents_by_id, {one.content_id for one in found})
            batches = gather(found, contents, self._routes, new_ids=self._new_ids, now=now)
            if batches:
                self._post(await self._store.move(sweeping.gather, batches, now))

    async def _run_out(self, now: int) -> None:
        while True:
            ended = await self._store.read(backlog.leases_run_out, now, _CHUNK)
            # An attempt of our own ends by its channel's time-out, and its outcome is kept until it is on disk.
            ours = self._out() if ended else frozenset()
            found = [one for one in ended if (one.id, one.epoch) not in ours]
            if not found:
                return
            log.warning("leases.ran_out", batches=len(found))
            final = [one for one in found if one.unknowns + 1 > resends(one, self._retry)]
            again = [one for one in found if one.unknowns + 1 <= resends(one, self._retry)]
            at = self._clock()
            if again:
                await self._store.move(sweeping.run_out, again, at, BatchState.UNKNOWN)
            if final:
                for batch in await self._store.move(sweeping.run_out, final, at, BatchState.SETTLED):
                    self._alarms.sound("unknown_outcome", batch.alert_id)

    async def _match_missed(self) -> None:
        if not self._store.shared:
            return
        now = self._clock()
        found = await self._store.read(receiving.missed, floor(instant(now) - _MISSED_WITHIN))
        if found:
            await self._store.move(receiving.match_missed, found, now, confirm)

    async def _expire(self, now: datetime) -> None:
        self._in_force.stop(await self._store.record(alerts.expire_due, now))

    async def _time_out(self, now: datetime) -> None:
        """What is released here is planned by the same round."""
        for alert_id in await self._store.read(releasing.overdue, now):
            [alarm_id] = self._new_ids(1)
            try:
                decided = await self._store.record(_time_out, alert_id, alarm_id=alarm_id, now=now)
            except Conflict:
                continue  # a person was quicker
            log.warning("hold.timed_out", alert=alert_id, state=decided.state.value)
            self._in_force.stop(decided.stopped)

    async def _sweep(self) -> bool:
        """
        A few chunks of what stopped alerts have unsent, the most urgent first; whether more can be done at once.

        Those of which something is out come last, in turn: all that can be done is to look again later.
        """
        unswept = dict(await self._store.read(backlog.unswept))
        self._swept_to = {id_: after for id_, after in self._swept_to.items() if id_ in unswept}
        waiting = {id_: unswept.pop(id_) for id_, after in self._swept_to.items() if not after}
        left = CHUNKS_OF_A_ROUND
        for alert_id, state in (*unswept.items(), *waiting.items()):
            after = self._swept_to.get(alert_id, "")
            while True:
                if not left:
                    return alert_id in unswept
                left -= 1
                at = await self._store.move(
                    sweeping.sweep_stopped, alert_id, _ENDS[state], after, self._clock(), _CHUNK
                )
                self._swept_to.pop(alert_id, None)
                if at is not None:
                    after = self._swept_to[alert_id] = at
                if not at:
                    break
        return False


def _time_out(
    connection: Connection, alert_id: str, *, alarm_id: str, now: datetime
) -> tuple[Decided, Sequence[Entry]]:
    """What nobody decided is decided, with its alarm in the same commit. Raises Conflict when somebody was quicker."""
    out, entries = releasing.time_out(connection, alert_id, now=now)
    if out.decided.state is not AlertState.REJECTED:
        # An end of what others have ended meanwhile is kept, and tells nobody: that, too, is what a release came to.
        said = concern("hold_released", alert_id, headline=out.headline)
    else:
        said = concern(
            "hold_rejected",
            alert_id,
            case="unreleasable" if out.obstacle else "undecided",
            headline=out.headline,
            why=out.obstacle,
        )
    return out.decided, [*entries, *said.write(connection, id=alarm_id, now=now)]
