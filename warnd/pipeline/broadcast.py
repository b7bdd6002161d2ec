"""
The stages from an alert that is released to batches that can be leased, their order in one place.

match → expand (both in ``first_notices``) → render → plan → commit, chunk by chunk, with a cursor after each:
a restart goes on from there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import structlog

from warnd.model.alert import Change
from warnd.model.color import Lane
from warnd.model.delivery import Batch, Why
from warnd.pipeline.first_notices import FirstNotices, has_first_notices
from warnd.pipeline.follow import again
from warnd.pipeline.lease import InForce
from warnd.pipeline.match import AudienceIndex
from warnd.pipeline.run import Run
from warnd.pipeline.surroundings import Surroundings
from warnd.pipeline.turns import Turns
from warnd.ports import Chunk, Gap, PlanSource, Store

log = structlog.get_logger()

FIRST_CHUNK = 200
"""Members of the first chunk: small, so that the first request leaves soon."""

CHUNK = 1500
"""Members of the further chunks of a red plan."""

LOWER_CHUNK = 500
"""Of a lower one, so that red waits for little when it comes."""

_FOLLOW_SECONDS = 0.1
_MEMBERS, _TOLD = "m:", "t:"


class Alarms(Protocol):
    """Where a condition goes that a person must act on."""

    def sound(self, kind: str, subject: str, message: str) -> None: ...


class Broadcaster:
    """
    Plans alerts.

    ``audience`` gives the current index, ``new_ids(n)`` rising ids, ``clock`` microseconds since 1970; ``post``
    takes batches that can be leased; ``turns`` is shared by all plans of the process.
    """

    def __init__(
        self,
        store: Store,
        source: PlanSource,
        surroundings: Surroundings,
        *,
        audience: Callable[[], Awaitable[AudienceIndex]],
        in_force: InForce,
        alarms: Alarms,
        post: Callable[[Sequence[Batch]], None],
        turns: Turns,
        new_ids: Callable[[int], list[str]],
        clock: Callable[[], int],
    ) -> None:
        self._store = store
        self._source = source
        self._surroundings = surroundings
        self._audience = audience
        self._in_force = in_force
        self._alarms = alarms
        self._post = post
        self._new_ids = new_ids
        self._clock = clock
        self._turns = turns

    async def broadcast(self, alert_id: str, lane: Lane = Lane.RED) -> None:
        """Plan the alert to its end, or until it is superseded; its ``lane`` says when its turn is. Raises NotFound."""
        with self._turns.planning(lane):
            async with self._turns.step(lane, alert_id):
                telling = await self._source.load(alert_id)
                if telling.done or telling.stopped or telling.alert.color is None:
                    return
                run = Run(telling, self._surroundings, self._new_ids)
                run.contents.update(await self._source.contents(alert_id))
            await self._plan(run)

    async def _plan(self, run: Run) -> None:
        telling, alert_id = run.telling, run.telling.id
        if not telling.cursor.startswith(_TOLD) and await has_first_notices(telling, self._source):
            await self._to_members(run)
        if telling.earlier and not self._in_force.stopped(alert_id):
            await self._to_those_told(run)
        log.info("alert.planned", alert=alert_id, members=run.planned, targeted=run.targeted)
        if run.unreachable:
            message = f"{telling.alert.headline}: no endpoint that can be used for {run.unreachable} of the subscribers"
            self._alarms.sound("no_endpoint", alert_id, message)
        if not run.targeted and not self._in_force.stopped(alert_id) and _somebody_should_be_told(run):
            message = f"{telling.alert.headline or telling.alert.identifier}: nobody could be told"
            self._alarms.sound("nobody_told", alert_id, message)

    async def _to_members(self, run: Run) -> None:
        telling = run.telling
        after = telling.cursor.removeprefix(_MEMBERS)
        async with self._turns.step(telling.lane, telling.id):
            notices = await self._first_notices(run)
            matched = notices.matched
            groups = matched.groups
            page, ahead = await self._source.members(groups, after, FIRST_CHUNK, matched.members)
        gaps = [Gap(region, "", "", Why.NOBODY_THERE.value) for region in matched.empty]
        last = not telling.earlier
        size = CHUNK if telling.lane is Lane.RED else LOWER_CHUNK
        committing: asyncio.Task[bool] | None = None
        while True:
            async with self._turns.step(telling.lane, telling.id, len(page)):
                # While one chunk is committed the next is planned, and the one after it is read.
                following = (
                    asyncio.create_task(self._source.members(groups, ahead, size, matched.members))
                    if ahead
                    else None
                )
                run.planned += len(page)
                cursor = _MEMBERS + ahead if ahead else _TOLD
                found = [*gaps, *await notices.among(page)]
                chunk = run.chunk(found, cursor, done=last and not ahead, now=self._clock())
                gaps = []
                going = await committing if committing is not None else True
                committing = asyncio.create_task(self._commit(run, chunk))
                if following is None or not going:
                    await committing
                    return
            page, ahead = await following

    async def _first_notices(self, run: Run) -> FirstNotices:
        """With a word where it is for nobody."""
        telling, color = run.telling, run.telling.alert.color
        assert color is not None  # noqa: S101  broadcast has looked
        index = await self._audience()
        notices = await FirstNotices.of(telling, color, index, self._source, self._surroundings)
        if not notices.matched.groups:
            message = (
                f"{telling.alert.headline}: no group in {'、'.join(telling.region_names) or 'any region'}"
            )
            self._alarms.sound("nobody_matched", telling.id, message)
        run.size = notices.matched.members
        return notices

    async def _to_those_told(self, run: Run) -> None:
        """
        To everyone who was told an earlier message of the episode and has nothing of this one.

        An earlier attempt that is still out may come to be a telling: its settling is waited for.
        """
        telling = run.telling
        run.size = run.planned + await self._source.how_many_told(telling.earlier)
        looked_at: int | None = None
        while not self._in_force.stopped(telling.id):
            out = await self._source.still_out(telling.earlier)
            if out != looked_at:
                for earlier in telling.earlier:
                    if not await self._follow(run, earlier):
                        return
                looked_at = out
            if not out:
                await self._commit(run, run.chunk([], _TOLD, done=True, now=self._clock()))
                return
            await asyncio.sleep(_FOLLOW_SECONDS)

    async def _follow(self, run: Run, earlier: str) -> bool:
        """To those told one earlier message so far; False when there is no use in going on."""
        telling, after = run.telling, ""
        # A mere continuation is no reason to leave those out who were still to be told what goes on.
        untold = telling.change is Change.CONTINUED
        while True:
            async with self._turns.step(telling.lane, telling.id):
                found, after = await self._source.not_yet_followed(
                    earlier, telling.id, after, CHUNK, untold=untold
                )
                if found:
                    run.planned += len(found)
                    recipients = [one for told in found for one in again(told, self._surroundings, telling)]
                    chunk = run.chunk(recipients, _TOLD, done=False, now=self._clock())
                    if not await self._commit(run, chunk):
                        return False
            if not after:
                return True

    async def _commit(self, run: Run, chunk: Chunk) -> bool:
        async with self._turns.commit(run.telling.lane, len(chunk.deliveries)):
            committed = await self._store.commit(chunk)
        for fault in run.faults:
            self._alarms.sound("template_failed", fault.template, str(fault))
        run.faults.clear()
        run.targeted += sum(len(batch) for batch in committed.batches)
        run.targeted += sum(one.due is not None for one in chunk.deliveries)
        run.unreachable += sum(gap.why == Why.NO_ENDPOINT.value for gap in chunk.gaps)
        if committed.stopped:
            return False
        self._post(committed.batches)
        return True


def _somebody_should_be_told(run: Run) -> bool:
    """An end is for those who were told before; what goes on unchanged need not be said again."""
    telling = run.telling
    if telling.cursor or telling.change is Change.CONTINUED:
        return False
    return telling.change is not Change.LIFTED or run.planned > 0
