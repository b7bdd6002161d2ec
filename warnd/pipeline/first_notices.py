"""
Whom a message is the first word to: all whom it matches, or those of them whom it would leave without one.

A lowering or a continuation goes to whoever heard of what it is about, see ``follow``; where it stopped a first
notice, or holds where nobody was warned, it takes that one's place.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

from warnd.model.alert import Change
from warnd.model.audience import Member
from warnd.model.color import Color
from warnd.pipeline.expand import Expander, Recipient
from warnd.pipeline.follow import beside, left_out
from warnd.pipeline.match import AudienceIndex, Matched, match
from warnd.pipeline.surroundings import Surroundings, expanded, expander_for
from warnd.ports import Gap, PlanSource, Telling


async def has_first_notices(telling: Telling, source: PlanSource) -> bool:
    """An end has none; a lowering only where there was no warning yet, or where not everybody had heard of it."""
    if telling.change is not Change.LOWERED:
        return telling.change is not Change.LIFTED
    return bool(telling.new_ground) or await source.stopped_short(telling.id, telling.earlier)


@dataclass(frozen=True, slots=True)
class _IfLeftOut:
    """For whom the alerts ``before`` were to tell and did not, and for members of groups that are ``newly`` warned."""

    expander: Expander
    before: Sequence[str]
    newly: Set[str]


@dataclass(frozen=True, slots=True)
class FirstNotices:
    """
    Those of one telling, to the members of the groups that are ``matched``.

    ``_to_all`` is for everybody, whatever they heard before; ``_to_left_out`` for who would hear nothing otherwise.
    """

    matched: Matched
    _telling: Telling
    _source: PlanSource
    _to_all: Expander | None
    _to_left_out: _IfLeftOut | None

    @classmethod
    async def of(
        cls, telling: Telling, color: Color, index: AudienceIndex, source: PlanSource, around: Surroundings
    ) -> FirstNotices:
        """What of it is the same for all of its members is looked up here, once."""
        matched = match(telling.regions, telling.alert.hazard, color, index)
        to_all: Expander | None = expander_for(telling, color, matched, around)
        before, first = telling.earlier, None
        if telling.change is Change.LOWERED:
            to_all, first = None, to_all
        elif telling.change is Change.CONTINUED and await source.stopped_short(telling.id, before):
            before = tuple(await source.said_again(telling.id, before))
            first = expander_for(telling, color, matched, around, first=True)
        if first is None:
            return cls(matched, telling, source, to_all, None)
        newly = match(telling.new_ground, telling.alert.hazard, color, index).groups.keys()
        return cls(matched, telling, source, to_all, _IfLeftOut(first, before, newly))

    async def among(self, page: Sequence[Member]) -> Sequence[Recipient | Gap]:
        """What a page of members gets; of a continuation also what it says on quiet channels."""
        found = list(expanded(self._to_all, page)) if self._to_all is not None else []
        if self._to_left_out is None:
            return found
        return list(beside(await self._left_out(self._to_left_out, page), found))

    async def _left_out(self, only: _IfLeftOut, page: Sequence[Member]) -> list[Recipient]:
        found = list(expanded(only.expander, page))
        addresses = sorted({(one.channel, one.address) for one in found if isinstance(one, Recipient)})
        heard = await self._source.heard(self._telling.id, only.before, addresses)
        newly_warned = {member.id for member in page if not only.newly.isdisjoint(member.groups)}
        return list(left_out(found, heard, newly_warned=newly_warned))
