"""
The stages from an alert that is released to batches that can be leased, their order in one place.

match → expand (both in ``first_notices``) → render → plan → commit, chunk by chunk, with a cursor after each:
a restart goes on from there. What is large is left to ``ranges``, where processes share the work: members after the first
chunk, then those told one earlier message after the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from warnd.model.color import Lane
from warnd.model.delivery import Why
from warnd.pipeline.chunks import FIRST_CHUNK, Chunks
from warnd.pipeline.first_notices import FirstNotices, has_first_notices
from warnd.pipeline.follow_ups import follow
from warnd.pipeline.lease import InForce
from warnd.pipeline.ranges import FROM_THE_FIRST, SPLIT_FROM, TO_THE_END
from warnd.pipeline.run import MEMBERS, TOLD, Run
from warnd.ports import Gap

_FOLLOW_SECONDS = 0.1

LOOKS, _LOOK_SECONDS = 100, 0.01
"""How often a follow-up looks for leases that nobody sees yet before it goes out beside them: for a second."""


class Broadcaster:
    """
    Plans alerts by these ``chunks``.

    With ``split`` what is large is handed out in ranges, and that is called when there are some to be had.
    """

    def __init__(self, chunks: Chunks, *, in_force: InForce, split: Callable[[], None] | None = None) -> None:
        self._chunks = chunks
        self._source = chunks.source
        self._turns = chunks.turns
        self._in_force = in_force
        self._split = split

    async def broadcast(self, alert_id: str, lane: Lane = Lane.RED) -> None:
        """
        Plan the alert to its end, or until it is superseded, or in ranges; its ``lane`` says when its turn is. Raises
        NotFound.
        """
        with self._turns.planning(lane):
            async with self._turns.step(lane, alert_id):
                run = await self._chunks.open(alert_id)
            if run is None or run.telling.split:
                return
            await self._plan(run)

    async def _plan(self, run: Run) -> None:
        telling = run.telling
        unseen = await self._unseen() if telling.earlier else frozenset()
        to_members = not telling.cursor.startswith(TOLD) and await has_first_notices(telling, self._source)
        if to_members and not await self._to_members(run):
            return
        if telling.earlier and not self._in_force.stopped(telling.id):
            if self._split is not None and await self._share_those_told(run, self._split):
                return
            await self._to_those_told(run, unseen)
        await self._chunks.end(run, stopped=self._in_force.stopped(telling.id))

    async def _unseen(self) -> frozenset[str]:
        """
        The commits that may still lease what the earlier alerts had at rest, having begun before these stopped.

        They are over in no time, and waited for: what they lease must be seen to be out for what follows to go after
        it. But not for long: one that lasts is of a process that hangs.
        """
        unseen = await self._source.leasing()
        for _ in range(LOOKS):
            if not unseen:
                break
            await asyncio.sleep(_LOOK_SECONDS)
            unseen &= await self._source.leasing()
        return unseen

    async def _to_members(self, run: Run) -> bool:
        """To those it matches; False when the rest of them is left to others, or to nobody."""
        telling = run.telling
        after = telling.cursor.removeprefix(MEMBERS)
        async with self._turns.step(telling.lane, telling.id):
            notices = await self._first_notices(run)
            page, ahead = await self._chunks.page(run, notices, after, FIRST_CHUNK)
        gaps = [Gap(region, "", "", Why.NOBODY_THERE.value) for region in notices.matched.empty]
        if self._split is None or not ahead or run.size < SPLIT_FROM:
            return not (await self._chunks.walk(run, notices, page, ahead, gaps)).stopped
        async with self._turns.step(telling.lane, telling.id, len(page)):
            found = [*gaps, *await notices.among(page)]
            chunk = run.chunk(
                found, TOLD, members=len(page), opens=[(ahead, TO_THE_END)], now=self._chunks.clock()
            )
            await self._chunks.commit(run, chunk)
        self._split()
        return False

    async def _first_notices(self, run: Run) -> FirstNotices:
        """With a word where it is for nobody."""
        telling = run.telling
        notices = await self._chunks.first_notices(run)
        if not notices.matched.groups:
            self._chunks.alarms.sound(
                "nobody_matched",
                telling.id,
                case="there" if telling.region_names else "anywhere",
                headline=telling.alert.headline or telling.alert.identifier,
                regions=list(telling.region_names),
            )
        run.size = notices.matched.members
        return notices

    async def _share_those_told(self, run: Run, split: Callable[[], None]) -> bool:
        """
        Leave those told the next earlier message by which many were told to others; False when none such is left.

        Those told by few in between come first: whoever was told twice is told again by the same route either way.
        """
        source = self._source
        left = _not_walked_through(run)
        for place, earlier in enumerate(left):
            if await source.how_many_told([earlier]) < SPLIT_FROM:
                continue
            for smaller in left[:place]:
                await follow(self._chunks, run, smaller)
            run.size = run.planned + await source.how_many_told(left[place:])
            opens = [(FROM_THE_FIRST, TO_THE_END)]
            chunk = run.chunk([], TOLD + earlier, opens=opens, earlier=earlier, now=self._chunks.clock())
            await self._chunks.commit(run, chunk)
            split()
            return True
        return False

    async def _to_those_told(self, run: Run, unseen: frozenset[str]) -> None:
        """
        To everyone who was told an earlier message of the episode and has nothing of this one.

        An earlier attempt that is still out, or leased by a commit as yet ``unseen``, may come to be a telling: its
        settling is waited for.
        """
        telling = run.telling
        run.size = run.planned + await self._source.how_many_told(_not_walked_through(run))
        looked_at: tuple[int, bool] | None = None
        while not self._in_force.stopped(telling.id):
            if unseen:
                unseen &= await self._source.leasing()
            out = await self._source.still_out(telling.earlier), bool(unseen)
            if out != looked_at:
                for earlier in telling.earlier:
                    if (await follow(self._chunks, run, earlier)).stopped:
                        return
                looked_at = out
            if not any(out):
                end = run.cursor_among_told("")
                await self._chunks.commit(run, run.chunk([], end, done=True, now=self._chunks.clock()))
                return
            await asyncio.sleep(_FOLLOW_SECONDS)


def _not_walked_through(run: Run) -> Sequence[str]:
    """Of the earlier messages those after the one that the cursor names."""
    earlier = run.telling.earlier
    _, _, last = run.cursor.partition(TOLD)
    return earlier[earlier.index(last) + 1 :] if last in earlier else earlier
