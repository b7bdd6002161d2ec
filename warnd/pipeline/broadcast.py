"""
The stages from an alert that is released to batches that can be leased, their order in one place.

match → expand → render → plan → commit, chunk by chunk, with a cursor after each: a restart goes on from there.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from zoneinfo import ZoneInfo

import structlog

from warnd.errors import TemplateError
from warnd.model.alert import Alert, Change
from warnd.model.audience import Member
from warnd.model.color import Color, Lane
from warnd.model.content import Content
from warnd.model.delivery import Batch, State, Why
from warnd.model.hazard import OTHER, HazardCatalogue
from warnd.model.policy import Policies
from warnd.model.region import Level, level_of
from warnd.pipeline.expand import Expander, Recipient, Route
from warnd.pipeline.lease import InForce
from warnd.pipeline.match import AudienceIndex, Matched, match
from warnd.pipeline.plan import Plan, plan_chunk
from warnd.pipeline.render import Limits, Notice, render
from warnd.pipeline.templates import Templates
from warnd.ports import Chunk, Gap, PlanSource, Store, Telling, Told

log = structlog.get_logger()

FIRST_CHUNK = 200
"""Members of the first chunk: small, so that the first request leaves soon."""

CHUNK = 1500
"""Members of the further chunks of a red plan."""

LOWER_CHUNK = 500
"""Of a lower one, so that red waits for little when it comes."""

_HOLD_SECONDS = 0.02
_LONGEST_HOLD = 50

_FOLLOW_SECONDS = 0.1
_TO_THOSE_TOLD = frozenset({Change.LIFTED, Change.LOWERED})
_MEMBERS, _TOLD = "m:", "t:"


class Alarms(Protocol):
    """Where a condition goes that a person must act on."""

    def sound(self, kind: str, subject: str, message: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """All that planning depends on and that is not in the alert: what an operator configures."""

    routes: Mapping[str, Route]
    policies: Policies
    catalogue: HazardCatalogue
    templates: Templates
    language: str
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Forecast:
    """Who would be told: the answer of a dry run."""

    targeted: int
    suppressed: int
    by_channel: Mapping[str, int]
    by_level: Mapping[str, int]
    by_reason: Mapping[str, int]


class Broadcaster:
    """
    Plans alerts.

    ``audience`` gives the current index, ``new_ids(n)`` rising ids, ``clock`` microseconds since 1970; ``post``
    takes batches that can be leased; ``red_waits`` says whether red batches are in the lanes.
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
        red_waits: Callable[[], bool],
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
        self._red_waits = red_waits
        self._red_plans = 0

    async def broadcast(self, alert_id: str) -> None:
        """Plan the alert to its end, or until it is superseded. Raises NotFound."""
        telling = await self._source.load(alert_id)
        if telling.done or telling.stopped or telling.alert.color is None:
            return
        run = _Run(telling, self._surroundings, self._new_ids)
        red = telling.lane is Lane.RED
        self._red_plans += red
        try:
            await self._plan(run)
        finally:
            self._red_plans -= red

    async def _plan(self, run: _Run) -> None:
        telling, alert_id = run.telling, run.telling.id
        run.contents.update(await self._source.contents(alert_id))
        if telling.change not in _TO_THOSE_TOLD and not telling.cursor.startswith(_TOLD):
            await self._to_members(run)
        if telling.earlier and not self._in_force.stopped(alert_id):
            await self._to_those_told(run)
        log.info("alert.planned", alert=alert_id, members=run.planned, targeted=run.targeted)
        if run.unreachable:
            message = f"{telling.alert.headline}: no endpoint that can be used for {run.unreachable} of the subscribers"
            self._alarms.sound("no_endpoint", alert_id, message)
        if run.targeted == 0 and not self._in_force.stopped(alert_id):
            message = f"{telling.alert.headline or telling.alert.identifier}: nobody could be told"
            self._alarms.sound("nobody_told", alert_id, message)

    async def forecast(self, alert: Alert, change: Change, regions: Sequence[str]) -> Forecast:
        """Who would be told by this alert, with nothing kept."""
        counted: Counter[tuple[str, str, str]] = Counter()
        if alert.color is None:
            return Forecast(0, 0, {}, {}, {})
        telling = Telling.of(alert, change, regions)
        matched = match(regions, alert.hazard, alert.color, await self._audience())
        expander = _expander(telling, alert.color, matched, self._surroundings)
        seen: set[tuple[str, str]] = set()
        after = ""
        while True:
            page, after = await self._source.members(list(matched.groups), after, CHUNK, matched.members)
            for one in _expanded(expander, page):
                if isinstance(one, Recipient) and (one.channel, one.address) not in seen:
                    seen.add((one.channel, one.address))
                    why = one.reason.value if one.reason is not None else ""
                    counted[one.channel, level_of(one.region).name.lower(), why] += 1
            if not after:
                return _forecast(counted)

    async def _to_members(self, run: _Run) -> None:
        telling = run.telling
        assert telling.alert.color is not None  # noqa: S101  broadcast has looked
        matched = match(telling.regions, telling.alert.hazard, telling.alert.color, await self._audience())
        if not matched.groups:
            message = (
                f"{telling.alert.headline}: no group in {'、'.join(telling.region_names) or 'any region'}"
            )
            self._alarms.sound("nobody_matched", telling.id, message)
        await self._source.size_is(telling.id, matched.members)
        expander = _expander(telling, telling.alert.color, matched, self._surroundings)
        gaps = [Gap(region, "", "", Why.NOBODY_THERE.value) for region in matched.empty]
        after = telling.cursor.removeprefix(_MEMBERS)
        last = not telling.earlier
        groups = list(matched.groups)
        red = telling.lane is Lane.RED
        size = CHUNK if red else LOWER_CHUNK
        page, ahead = await self._source.members(groups, after, FIRST_CHUNK, matched.members)
        committing: asyncio.Task[bool] | None = None
        while True:
            # While one chunk is committed the next is planned, and the one after it is read.
            following = (
                asyncio.create_task(self._source.members(groups, ahead, size, matched.members))
                if ahead
                else None
            )
            run.planned += len(page)
            cursor = _MEMBERS + ahead if ahead else _TOLD
            chunk = run.chunk(
                [*gaps, *_expanded(expander, page)], cursor, done=last and not ahead, now=self._clock()
            )
            gaps = []
            if not red:
                await self._let_red_pass()
            going = await committing if committing is not None else True
            committing = asyncio.create_task(self._commit(run, chunk))
            if following is None or not going:
                await committing
                return
            page, ahead = await following

    async def _let_red_pass(self) -> None:
        """
        A lower plan pauses while a red one is made, or has batches waiting; for a second a chunk at the most,
        so that it still comes along when reds never end.
        """
        for _ in range(_LONGEST_HOLD):
            if not self._red_plans and not self._red_waits():
                return
            await asyncio.sleep(_HOLD_SECONDS)

    async def _to_those_told(self, run: _Run) -> None:
        """
        To everyone who was told an earlier message of the episode and has nothing of this one.

        An earlier attempt that is still out may come to be a telling: its settling is waited for.
        """
        telling = run.telling
        told_before = await self._source.how_many_told(telling.earlier)
        await self._source.size_is(telling.id, run.planned + told_before)
        while not self._in_force.stopped(telling.id):
            out = await self._source.still_out(telling.earlier)
            found = await self._source.not_yet_followed(telling.earlier, telling.id, CHUNK)
            done = not found and not out
            run.planned += len(found)
            quiet_only = telling.change is Change.CONTINUED
            recipients = [
                one for told in found for one in _again(told, self._surroundings, quiet_only=quiet_only)
            ]
            if recipients or done:
                chunk = run.chunk(recipients, _TOLD, done=done, now=self._clock())
                if not await self._commit(run, chunk) or done:
                    return
            elif out:
                await asyncio.sleep(_FOLLOW_SECONDS)

    async def _commit(self, run: _Run, chunk: Chunk) -> bool:
        committed = await self._store.commit(chunk)
        for fault in run.faults:
            self._alarms.sound("template_failed", fault.template, str(fault))
        run.faults.clear()
        run.targeted += sum(len(batch) for batch in committed.batches)
        run.unreachable += sum(gap.why == Why.NO_ENDPOINT.value for gap in chunk.gaps)
        if committed.stopped:
            return False
        self._post(committed.batches)
        return True


@dataclass(slots=True)
class _Run:
    """One telling under way: what it has rendered and how far it is."""

    telling: Telling
    surroundings: Surroundings
    new_ids: Callable[[int], list[str]]
    contents: dict[tuple[str, str], Content] = field(default_factory=dict)
    fresh: list[tuple[str, Content]] = field(default_factory=list)
    faults: list[TemplateError] = field(default_factory=list)
    planned: int = field(init=False)
    cursor: str = field(init=False)
    targeted: int = 0
    unreachable: int = 0

    def __post_init__(self) -> None:
        self.planned = self.telling.planned
        self.cursor = self.telling.cursor

    def chunk(self, found: Sequence[Recipient | Gap], cursor: str, *, done: bool, now: int) -> Chunk:
        telling = self.telling
        plan = Plan(
            telling.id,
            0,
            telling.lane,
            telling.deliver_until,
            bool(telling.earlier),
            self.surroundings.routes,
        )
        planned = plan_chunk(
            plan, found, content_of=self._content, new_ids=self.new_ids, after=self.cursor, cursor=cursor,
            planned=self.planned, done=done, now=now,
        )  # fmt: skip
        self.cursor = cursor
        fresh, self.fresh = self.fresh, []
        return planned.with_contents(fresh)

    def _content(self, channel: str, language: str) -> Content:
        """Rendered once per distinct text, not once per person; two languages may fall back to one text."""
        content = self.contents.get((channel, language))
        if content is None:
            rendered = self._render(channel, language)
            content = self.contents.setdefault((channel, rendered.language), rendered)
            self.contents[channel, language] = content
            if content is rendered:
                self.fresh.append((channel, content))
        return content

    def _render(self, channel: str, language: str) -> Content:
        telling, around = self.telling, self.surroundings
        capabilities = around.routes[channel].capabilities
        hazard = around.catalogue.get(telling.alert.hazard) or around.catalogue.hazards[OTHER]
        levels = {level_of(code) for code in telling.regions}
        notice = Notice(
            telling.id, telling.alert, hazard, telling.change, telling.previous_color, telling.region_names,
            Level(levels.pop()) if len(levels) == 1 else None,
        )  # fmt: skip
        rendered = render(
            notice,
            kind=capabilities.kind,
            language=language,
            limits=Limits(capabilities.max_bytes, capabilities.max_units),
            zone=around.zone,
            templates=around.templates,
            content_id=self.new_ids(1)[0],
        )
        self.faults.extend(rendered.faults)
        return rendered.content


def _expander(telling: Telling, color: Color, matched: Matched, around: Surroundings) -> Expander:
    return Expander(
        groups=matched.groups,
        hazard=telling.alert.hazard,
        color=color,
        status=telling.alert.status,
        policies=around.policies,
        routes=around.routes,
        default_language=around.language,
        quiet_only=telling.change is Change.CONTINUED,
    )


def _expanded(expander: Expander, page: Sequence[Member]) -> Iterator[Recipient | Gap]:
    for member in page:
        yield from expander.recipients(member)


def _again(told: Told, around: Surroundings, *, quiet_only: bool) -> Iterator[Recipient]:
    """The same address by the same route; a channel that is configured no more, or not quiet enough, reaches nobody."""
    route = around.routes.get(told.channel)
    gone = route is None or (quiet_only and not route.quiet)
    for person in told.people:
        yield Recipient(
            told.channel,
            told.address,
            told.language or around.language,
            State.SUPPRESSED if gone else State.QUEUED,
            Why.NOT_ON_POLICY if gone else None,
            person.subscriber_id,
            person.endpoint_id,
            person.name,
            person.region,
            person.reasons,
        )


def _forecast(counted: Counter[tuple[str, str, str]]) -> Forecast:
    by_channel: Counter[str] = Counter()
    by_level: Counter[str] = Counter()
    by_reason: Counter[str] = Counter()
    for (channel, level, why), n in counted.items():
        if why:
            by_reason[why] += n
        else:
            by_channel[channel] += n
            by_level[level] += n
    return Forecast(by_channel.total(), by_reason.total(), by_channel, by_level, by_reason)
