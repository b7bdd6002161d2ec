"""
A large plan in ranges of subscribers, planned by whichever processes take them.

The first chunk of the plan opens one range for all who come after it. Whoever takes that one hands a few out of it, each
for as many members as keep a process busy for a second, and lets go of it; whoever finds no other to take does the same, until
little is left. What is planned of a range stands in its row: who goes on after a crash begins there.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from warnd.model.color import Lane
from warnd.pipeline.chunks import Chunks
from warnd.pipeline.first_notices import FirstNotices
from warnd.pipeline.run import Run
from warnd.ports import Chunk, OpenRange

SPLIT_FROM = 20_000
"""Memberships from which on a plan is split: what is smaller one process has planned before others have heard of it."""

RANGE = 6_000
"""Memberships of a range: four chunks of a red plan, twelve of a lower one."""

TO_THE_END = ""
"""The end of the range that ends where the members do."""


class RangePlanner:
    """
    Plans ranges by these ``chunks``.

    ``go_on`` is called with an alert and its lane when no range of it is left and those told before are still to be told;
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
                notices = await chunks.first_notices(run)
            if one.last == TO_THE_END and await self._hand_out(run, notices):
                return True
            async with chunks.turns.step(one.lane, one.alert_id):
                page, ahead = await chunks.page(run, notices, run.cursor)
            committed = await chunks.walk(run, notices, page, ahead)
        if committed.last:
            if run.telling.earlier:
                self._go_on(one.alert_id, one.lane)
            else:
                await chunks.end(run, stopped=False)
        return True

    async def _hand_out(self, run: Run, notices: FirstNotices) -> bool:
        """Leave what the range begins with to whoever takes it; False when there is too little in it for that."""
        chunks, groups = self._chunks, notices.matched.groups
        ends = await chunks.source.boundaries(groups, run.cursor, RANGE)
        if ends:
            opens = list(pairwise((run.cursor, *ends)))
            await chunks.commit(run, run.chunk([], ends[-1], opens=opens, now=chunks.clock()))
            self._handed_out()
        return bool(ends)
