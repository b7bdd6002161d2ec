"""
A large plan in ranges of subscribers, or of those told before, planned by whichever processes take them.

The first chunk of the plan opens one range for all who come after it, and another opens one for all who were told an earlier
message, when the former are planned. Whoever takes that one hands a few out of it, each
for as many members as keep a process busy for a second, and lets go of it; whoever finds no other to take does the same, until
little is left. What is planned of a range stands in its row: who goes on after a crash begins there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from warnd.model.color import Lane
from warnd.pipeline.chunks import Chunks
from warnd.pipeline.follow_ups import follow
from warnd.pipeline.run import Run
from warnd.ports import Chunk, Committed, OpenRange

SPLIT_FROM = 20_000
"""
Memberships, or addresses told before, from which on a plan is split: what is smaller one process has planned before others
have heard of it.
"""

RANGE = 6_000
"""Memberships, or earlier deliveries, of a range: ten chunks or twelve, and no more than one read walks through."""

FROM_THE_FIRST, TO_THE_END = "0", ""
"""Where the range of all who were told begins, before every id; and the end of the range that ends where they, or the members, do."""


class RangePlanner:
    """
    Plans ranges by these ``chunks``.

    ``go_on`` is called with an alert and its lane when none of the ranges opened is left, and those told before are still to be told;
    ``handed_out`` when there are more ranges to be had.
    """

    def __init__(
        self, chunks: Chunks, *, go_on: Callable[[str, Lane], None], handed_out: Callable[[], None]
    ) -> None:
        self._chunks = chunks
        self._go_on = go_on
        self._handed_out = handed_out

    async def plan(self, one: OpenRange) -> bool:
        """Take the range and plan it to its end; False when it is another's, or over. Raises NotFound."""
        chunks, now = self._chunks, self._chunks.clock()
        taking = Chunk(one.alert_id, 0, one.lane.value, one.cursor, one.cursor, 0, False, now, up_to=one.last)
        if (await chunks.store.commit(taking)).stopped:
            return False
        with chunks.turns.planning(one.lane):
            async with chunks.turns.step(one.lane, one.alert_id):
                run = await chunks.open(one.alert_id)
                if run is None:
                    return False
                run.take(one.cursor, one.last)
            committed = await (
                self._to_those_told(run, one.earlier) if one.earlier else self._to_members(run)
            )
        if committed.last:
            if run.telling.earlier:
                self._go_on(one.alert_id, one.lane)
            else:
                await chunks.end(run, stopped=False)
        return True

    async def _to_members(self, run: Run) -> Committed:
        chunks, telling = self._chunks, run.telling
        async with chunks.turns.step(telling.lane, telling.id):
            notices = await chunks.first_notices(run)
            ends = []
            if run.up_to == TO_THE_END:
                ends = await chunks.source.boundaries(notices.matched.groups, run.cursor, RANGE)
        if ends:
            return await self._hand_out(run, ends)
        async with chunks.turns.step(telling.lane, telling.id):
            page, ahead = await chunks.page(run, notices, run.cursor)
        return await chunks.walk(run, notices, page, ahead)

    async def _to_those_told(self, run: Run, earlier: str) -> Committed:
        if run.up_to == TO_THE_END:
            async with self._chunks.turns.step(run.telling.lane, run.telling.id):
                ends = await self._chunks.source.boundaries_among_told(earlier, run.cursor, RANGE)
            if ends:
                return await self._hand_out(run, ends, earlier)
        return await follow(self._chunks, run, earlier, run.cursor)

    async def _hand_out(self, run: Run, ends: Sequence[str], earlier: str = "") -> Committed:
        """Leave what the range begins with, up to the last of these ends, to whoever takes it."""
        opens = list(pairwise((run.cursor, *ends)))
        chunk = run.chunk([], ends[-1], opens=opens, earlier=earlier, now=self._chunks.clock())
        committed = await self._chunks.commit(run, chunk)
        self._handed_out()
        return committed
