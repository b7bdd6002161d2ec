"""Turning to the next channel of a policy where one is late, down or paused, chunk by chunk, from the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from warnd.model.color import Lane
from warnd.pipeline.late import A_WHILE, Verdict, judge
from warnd.ports import Standing
from warnd.store import failover
from warnd.store.threads import ThreadedStore

log = structlog.get_logger()

_CHUNK = 2000
_CHUNKS_OF_A_ROUND = 10


@dataclass(slots=True)
class _Turn:
    """How far one has looked through a lane, or when to begin anew, in microseconds."""

    after: str = ""
    begins: int = 0


class Failover:
    """
    Looks at what others stand by for, and acts on what ``pipeline.late`` makes of it.

    ``unfit`` gives the channels that are down or paused, each with since when; ``clock`` microseconds since 1970.
    """

    def __init__(
        self, store: ThreadedStore, *, unfit: Callable[[], Mapping[str, int]], clock: Callable[[], int]
    ) -> None:
        self._store = store
        self._unfit = unfit
        self._clock = clock
        self._turns: dict[tuple[str, Lane], _Turn] = {}

    async def round(self) -> bool:
        """Some chunks of what is late, and of what unfit channels keep waiting; whether there may be more."""
        unfit, more = self._unfit(), True
        for _ in range(_CHUNKS_OF_A_ROUND):
            found = await self._store.read(failover.late, self._clock(), _CHUNK)
            await self._act(found, unfit)
            if not (more := len(found) == _CHUNK):
                break
        self._turns = {key: turn for key, turn in self._turns.items() if key[0] in unfit}
        for lane in Lane:
            for channel in unfit:
                more = await self._relieve(channel, lane, unfit) or more
        return more

    async def _relieve(self, channel: str, lane: Lane, unfit: Mapping[str, int]) -> bool:
        """Go on with a turn over what rests in a lane; the next begins when it may have become late."""
        turn = self._turns.setdefault((channel, lane), _Turn())
        if self._clock() < turn.begins:
            return False
        for _ in range(_CHUNKS_OF_A_ROUND):
            found = await self._store.read(failover.kept_waiting, channel, lane, turn.after, _CHUNK)
            now = self._clock()
            await self._fall_over([one for one in found if judge(one, unfit, now) is Verdict.FALL_OVER], now)
            if len(found) < _CHUNK:
                rest = min((one.late_after for one in found), default=0) // (2 * A_WHILE)
                self._turns[channel, lane] = _Turn(begins=now + rest)
                return False
            turn.after = found[-1].batch_id or ""
        return True

    async def _act(self, found: Sequence[Standing], unfit: Mapping[str, int]) -> None:
        now = self._clock()
        verdicts = [(one, judge(one, unfit, now)) for one in found]
        await self._fall_over([one for one, verdict in verdicts if verdict is Verdict.FALL_OVER], now)
        if starting := [one for one, verdict in verdicts if verdict is Verdict.START]:
            await self._store.move(failover.start, starting, now)
        # What fell over or started is decided too, once that is on disk; what escaped by a lease is looked at again.
        looks = [
            (one, None if verdict in (Verdict.DECIDED, Verdict.START) else now + one.late_after // A_WHILE)
            for one, verdict in verdicts
        ]
        if looks:
            await self._store.move(failover.look_at, looks, now)

    async def _fall_over(self, found: Sequence[Standing], now: int) -> None:
        if found and (n := await self._store.move(failover.fall_over, found, now)):
            channels = sorted({one.channel for one in found})
            log.warning("deliveries.fell_over", channels=channels, deliveries=n)
