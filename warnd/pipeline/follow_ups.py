"""To those told before: one earlier message of the episode is walked through by its deliveries, whole or a range of them."""

from __future__ import annotations

from warnd.model.alert import Change
from warnd.pipeline.chunks import CHUNK, Chunks
from warnd.pipeline.follow import again
from warnd.pipeline.run import Run
from warnd.ports import Committed


async def follow(chunks: Chunks, run: Run, earlier: str, after: str = "") -> Committed:
    """
    To everyone told the ``earlier`` message so far who has nothing of this one, those after that delivery, up to the end
    of the range where the run is at one; what became of the last chunk, if there was any. To walk twice tells nobody twice.
    """
    telling, committed = run.telling, Committed(())
    # A mere continuation is no reason to leave those out who were still to be told what goes on.
    untold = telling.change is Change.CONTINUED
    while True:
        async with chunks.turns.step(telling.lane, telling.id):
            found, after = await chunks.source.not_yet_followed(
                earlier, telling.id, after, CHUNK, untold=untold, up_to=run.up_to or ""
            )
            if found or run.is_over_at(after):
                recipients = [one for told in found for one in again(told, chunks.surroundings, telling)]
                chunk = run.chunk(
                    recipients, run.cursor_among_told(after), members=len(found), now=chunks.clock()
                )
                committed = await chunks.commit(run, chunk)
        if committed.stopped or not after:
            return committed
