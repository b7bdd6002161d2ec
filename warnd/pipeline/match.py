"""Alert × audience index → the subscriptions that apply, each with its reason, and those that do not, each with its."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import accumulate, chain
from operator import or_
from typing import NamedTuple

from warnd.model.audience import Relation, Subscription
from warnd.model.color import Color
from warnd.model.delivery import Why
from warnd.model.region import WIDTHS, Level, level_of

COVERING_DEFAULT: Mapping[Level, Color] = {
    Level.PROVINCE: Color.RED,
    Level.PREFECTURE: Color.ORANGE,
    Level.COUNTY: Color.BLUE,
    Level.TOWNSHIP: Color.BLUE,
    Level.VILLAGE: Color.BLUE,
}
"""From which color a group that covers the warned area hears of it: one village's blue wakes no province."""

_AFTER_DIGITS = ":"
_NONE = range(0)
_WIDTH_ABOVE = dict(zip(WIDTHS, (0, *WIDTHS), strict=False))


class Reached(NamedTuple):
    """A subscription whose region the alert touches; ``why`` is None when it applies."""

    subscription: Subscription
    relation: Relation
    why: Why | None


_LOOKS = {Relation.WITHIN: 1, Relation.COVERING: 2, Relation.BOTH: 3}
_WITHIN, _COVERING = _LOOKS[Relation.WITHIN], _LOOKS[Relation.COVERING]
"""For which relations a group has rules, as bits."""


class _Group(NamedTuple):
    """
    One group in the index, in whose order they sort: by region, then by id.

    ``size`` is how many are in it, ``looks`` the relations it has rules for.
    """

    region: str
    id: str
    subscriptions: tuple[Subscription, ...]
    size: int
    looks: int


class _Places(NamedTuple):
    """Where groups stand in the index: the codes of their regions in order, and the places by region and by group."""

    regions: Sequence[str]
    at: Mapping[str, range]
    of: Mapping[str, int]

    @classmethod
    def among(cls, groups: Sequence[_Group]) -> _Places:
        regions = [group.region for group in groups]
        ends = {region: place for place, region in enumerate(regions, 1)}
        starts = chain((0,), ends.values())
        at = {region: range(start, end) for start, (region, end) in zip(starts, ends.items(), strict=False)}
        return cls(regions, at, {group.id: place for place, group in enumerate(groups)})


@dataclass(frozen=True, slots=True)
class AudienceIndex:
    """
    Every live subscription, to be found by region.

    Its groups stand in the order of their regions' codes, so that those within a division are a slice, however many:
    the two sums up to each place say how many of a slice have a rule for what lies within, and how many are in these.
    ``looks`` are the relations each has rules for. It is never changed; ``updated`` makes another that shares what stayed.
    """

    groups: Sequence[_Group]
    looks: bytes
    _places: _Places
    _looking: Sequence[int]
    _members: Sequence[int]

    @classmethod
    def of(cls, subscriptions: Iterable[Subscription], sizes: Mapping[str, int]) -> AudienceIndex:
        """``sizes`` are the members of each group, where it has any."""
        groups = sorted(_grouped(subscriptions, sizes))
        return cls._of(groups, _Places.among(groups))

    def updated(
        self, changed: Collection[str], subscriptions: Iterable[Subscription], sizes: Mapping[str, int]
    ) -> AudienceIndex:
        """With what these groups (ids) have now in place of what they had."""
        new = list(_grouped(subscriptions, sizes))
        before = [self.groups[place] for id in changed if (place := self.place_of(id)) is not None]
        if {group[:2] for group in before} == {group[:2] for group in new}:
            groups = list(self.groups)
            for group in new:
                groups[self._places.of[group.id]] = group
            return self._of(groups, self._places)
        groups = sorted(chain((group for group in self.groups if group.id not in changed), new))
        return self._of(groups, _Places.among(groups))

    @classmethod
    def _of(cls, groups: Sequence[_Group], places: _Places) -> AudienceIndex:
        looks = bytes([group.looks for group in groups])
        within = [flags & _WITHIN for flags in looks]
        sizes = [group.size * flag for group, flag in zip(groups, within, strict=True)]
        sums = (array("q", accumulate(each, initial=0)) for each in (within, sizes))
        return cls(groups, looks, places, *sums)

    def within(self, region: str) -> range:
        """Places of the groups that lie in this region or are at it."""
        here = self.at(region)
        if len(region) == WIDTHS[-1]:
            return here
        low = here.start if here else bisect_left(self._places.regions, region)
        return range(low, bisect_left(self._places.regions, region + _AFTER_DIGITS, low))

    def at(self, region: str) -> range:
        """Places of the groups at just this region."""
        return self._places.at.get(region, _NONE)

    def place_of(self, group: str) -> int | None:
        return self._places.of.get(group)

    def looking_within(self, places: range) -> tuple[int, int]:
        """How many groups of a slice have a rule for what lies within, and how many are in those together."""
        first, end = places.start, places.stop
        return self._looking[end] - self._looking[first], self._members[end] - self._members[first]


class Groups(Mapping[str, tuple[Reached, ...]]):
    """
    Groups by id with what each of their subscriptions says of an alert, those that apply first.

    It holds slices of the index, and works out what a group's rules say when it is asked: a warning for the whole
    country reaches tens of thousands of groups. ``members`` is how many memberships they hold together.
    """

    __slots__ = ("_beside", "_color", "_covering", "_hazard", "_index", "_slices", "_starts", "members")

    def __init__(
        self,
        index: AudienceIndex,
        slices: Sequence[range],
        covering: Collection[int],
        hazard: str,
        color: Color,
    ) -> None:
        """``slices`` lie apart and in order; ``covering`` are places of groups whose region covers some of the area."""
        self._index = index
        self._slices = slices
        self._starts = [one.start for one in slices]
        self._covering = frozenset(place for place in covering if index.looks[place] & _COVERING)
        self._hazard = hazard
        self._color = color
        self._beside = [place for place in sorted(self._covering) if not self._is_within(place)]
        self.members = sum(index.looking_within(one)[1] for one in slices)
        self.members += sum(index.groups[place].size for place in self._beside)

    def __getitem__(self, group: str) -> tuple[Reached, ...]:
        place = self._index.place_of(group)
        if place is None or group not in self:
            raise KeyError(group)
        relations = [Relation.WITHIN] if self._is_within(place) else []
        relations += [Relation.COVERING] if place in self._covering else []
        reached = [
            Reached(one, relation, _objection(one, relation, self._hazard, self._color))
            for relation in relations
            for one in self._index.groups[place].subscriptions
            if _LOOKS[one.relation] & _LOOKS[relation]
        ]
        return tuple(sorted(reached, key=_applies_first))

    def __contains__(self, group: object) -> bool:
        place = self._index.place_of(group) if isinstance(group, str) else None
        return place is not None and (place in self._covering or self._is_within(place))

    def __iter__(self) -> Iterator[str]:
        groups, looks = self._index.groups, self._index.looks
        for place in chain(*self._slices):
            if looks[place] & _WITHIN:
                yield groups[place].id
        for place in self._beside:
            yield groups[place].id

    def __len__(self) -> int:
        return sum(self._index.looking_within(one)[0] for one in self._slices) + len(self._beside)

    def _is_within(self, place: int) -> bool:
        """Whether the group there lies in the warned area and has a rule for that."""
        before = bisect_right(self._starts, place) - 1
        return before >= 0 and place < self._slices[before].stop and bool(self._index.looks[place] & _WITHIN)


@dataclass(frozen=True, slots=True)
class Matched:
    """
    ``groups``: what each group's subscriptions say of the alert, those that apply first.

    ``empty`` are the warned regions with no group in them, above them, or at them.
    """

    groups: Groups
    empty: tuple[str, ...]

    @property
    def members(self) -> int:
        """How many memberships the groups hold together."""
        return self.groups.members


def match(regions: Sequence[str], hazard: str, color: Color, index: AudienceIndex) -> Matched:
    """Which groups the alert for these (unpadded) regions reaches, and which of their rules apply."""
    empty: list[str] = []
    slices: list[range] = []
    covering: list[int] = []
    covered = {"": False}

    def is_covered(region: str) -> bool:
        """Whether there is a group anywhere above; each division above is looked at once."""
        above = region[: _WIDTH_ABOVE[len(region)]]
        found = covered.get(above)
        if found is None:
            here = index.at(above)
            covering.extend(here)
            found = covered[above] = is_covered(above) or bool(here)
        return found

    for region in regions:
        within, has_above = index.within(region), is_covered(region)
        if within:
            slices.append(within)
        elif not has_above:
            empty.append(region)
    return Matched(Groups(index, _apart(slices), covering, hazard, color), tuple(empty))


def _apart(slices: Iterable[range]) -> list[range]:
    """Without those that lie in another: regions contain one another or lie apart, and so do their groups."""
    apart: list[range] = []
    for one in sorted(slices, key=lambda one: (one.start, -one.stop)):
        if not apart or one.start >= apart[-1].stop:
            apart.append(one)
    return apart


def _grouped(subscriptions: Iterable[Subscription], sizes: Mapping[str, int]) -> Iterator[_Group]:
    by_group: dict[str, list[Subscription]] = {}
    for one in subscriptions:
        by_group.setdefault(one.group_id, []).append(one)
    for id, found in by_group.items():
        looks = reduce(or_, (_LOOKS[one.relation] for one in found))
        yield _Group(found[0].region, id, tuple(found), sizes.get(id, 0), looks)


def _objection(one: Subscription, relation: Relation, hazard: str, color: Color) -> Why | None:
    if not one.wants(hazard):
        return Why.HAZARD_NOT_SUBSCRIBED
    least = one.min_color
    if relation is Relation.COVERING:
        covering = one.covering_min_color or COVERING_DEFAULT[level_of(one.region)]
        least = max(least, covering)
    return Why.BELOW_COLOR if color < least else None


def _applies_first(reached: Reached) -> tuple[bool, str]:
    return (reached.why is not None, reached.subscription.id)
