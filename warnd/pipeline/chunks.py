"""
What every plan is made of, whole or in ranges: an alert is read, its members are walked through, chunks are committed.

While one chunk is committed the next is planned, and the one after it is read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from warnd.model.alert import Change
from warnd.model.audience import Member
from warnd.model.color import Lane
from warnd.model.delivery import Batch, Why
from warnd.pipeline.first_notices import FirstNotices
from warnd.pipeline.match import AudienceIndex
from warnd.pipeline.render import BUILT_IN
from warnd.pipeline.run import Run
from warnd.pipeline.surroundings import Surroundings
from warnd.pipeline.turns import Turns
from warnd.ports import Alarms, Chunk, Committed, Gap, Planned, PlanSource, Store

log = structlog.get_logger()

FIRST_CHUNK = 200
"""Members of the first chunk: small, so that the first request leaves soon."""

CHUNK = 600
"""Members of the further chunks of a red plan: hundreds, as requests of SMS are; a longer one holds up leases (ADR 2)."""

LOWER_CHUNK = 500
"""Of a lower one, so that red waits for little when it comes."""


@dataclass(frozen=True, slots=True)
class Chunks:
    """
    The steps of planning.

    ``audience`` gives the current index, ``new_ids(n)`` rising ids, ``clock`` microseconds since 1970; ``post``
    takes batches that can be leased; ``turns`` is shared by all plans of the process.
    """

    store: Store
    source: PlanSource
    surroundings: Surroundings
    audience: Callable[[], Awaitable[AudienceIndex]]
    alarms: Alarms
    post: Callable[[Sequence[Batch]], None]
    turns: Turns
    new_ids: Callable[[int], list[str]]
    clock: Callable[[], int]

    async def open(self, alert_id: str) -> Run | None:
        """What is left to plan of an alert; None when that is nothing. Raises NotFound."""
        telling = await self.source.load(alert_id)
        if telling.done or telling.stopped or telling.alert.color is None:
            return None
        run = Run(telling, self.surroundings, self.new_ids)
        run.contents.update(await self.source.contents(alert_id))
        return run

    async def first_notices(self, run: Run) -> FirstNotices:
        telling, color = run.telling, run.telling.alert.color
        assert color is not None  # noqa: S101  ``open`` has looked
        return await FirstNotices.of(telling, color, await self.audience(), self.source, self.surroundings)

    async def page(
        self, run: Run, notices: FirstNotices, after: str, limit: int = 0
    ) -> tuple[Sequence[Member], str]:
        """The members after that one, as many as a further chunk has unless ``limit`` says; and whom to go on from."""
        matched = notices.matched
        size = limit or (CHUNK if run.telling.lane is Lane.RED else LOWER_CHUNK)
        members, ahead = await self.source.members(
            matched.groups, after, size, matched.members, up_to=run.up_to or ""
        )
        return members, "" if ahead == run.up_to else ahead

    async def walk(
        self,
        run: Run,
        notices: FirstNotices,
        page: Sequence[Member],
        ahead: str,
        gaps: Sequence[Gap] = (),
    ) -> Committed:
        """From a page of members to the last, or until another goes on instead; what became of the last chunk."""
        telling = run.telling
        committing: asyncio.Task[Committed] | None = None
        while True:
            async with self.turns.step(telling.lane, telling.id, len(page)):
                following = asyncio.create_task(self.page(run, notices, ahead)) if ahead else None
                found = [*gaps, *await notices.among(page)]
                chunk = run.chunk(
                    found, run.cursor_at(ahead), members=len(page), done=not (ahead or telling.earlier), now=self.clock()
                )  # fmt: skip
                gaps = ()
                stopped = committing is not None and (await committing).stopped
                committing = asyncio.create_task(self.commit(run, chunk))
                if following is None or stopped:
                    return await committing
            page, ahead = await following

    async def commit(self, run: Run, chunk: Chunk) -> Committed:
        """With what it could not render said aloud, and its batches posted."""
        async with self.turns.commit(run.telling.lane, len(chunk.deliveries)):
            committed = await self.store.commit(chunk)
        for fault in run.faults:
            if fault.template == BUILT_IN:  # what needs no template is too long for this alert alone
                self.alarms.sound("template_failed", run.telling.id, case="too_long")
                continue
            subject = self.surroundings.templates.version_of(fault.template)
            self.alarms.sound("template_failed", subject, case="failed", why=str(fault))
        run.faults.clear()
        run.targeted += sum(len(batch) for batch in committed.batches)
        run.targeted += (held := sum(one.due is not None for one in chunk.deliveries))
        run.unreachable += sum(gap.why == Why.NO_ENDPOINT.value for gap in chunk.gaps)
        if not committed.stopped:
            self.post(committed.batches)
            if held:
                log.info("deliveries.held", alert=run.telling.id, deliveries=held)
        return committed

    async def end(self, run: Run, *, stopped: bool) -> None:
        """All is planned, or the alert has stopped: whoever could not be told is a person's business now."""
        telling, planned = run.telling, Planned(run.planned, run.targeted, run.unreachable)
        if not run.is_whole:
            planned = await self.source.planned(telling.id)
        log.info("alert.planned", alert=telling.id, members=planned.members, targeted=planned.targeted)
        title = telling.alert.headline or telling.alert.identifier
        if planned.unreachable:
            self.alarms.sound("no_endpoint", telling.id, headline=title, n=planned.unreachable)
        if not planned.targeted and not stopped and _somebody_should_be_told(telling.change, planned):
            self.alarms.sound("nobody_told", telling.id, headline=title)


def _somebody_should_be_told(change: Change, planned: Planned) -> bool:
    """An end is for those who were told before; what goes on unchanged need not be said again."""
    return change is not Change.CONTINUED and (change is not Change.LIFTED or planned.members > 0)
