"""Alert × audience index → the subscriptions that apply, each with its reason, and those that do not, each with its."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from warnd.model.audience import Relation, Subscription
from warnd.model.color import Color
from warnd.model.delivery import Why
from warnd.model.region import Level, ancestors, level_of

COVERING_DEFAULT: Mapping[Level, Color] = {
    Level.PROVINCE: Color.RED,
    Level.PREFECTURE: Color.ORANGE,
    Level.COUNTY: Color.BLUE,
    Level.TOWNSHIP: Color.BLUE,
    Level.VILLAGE: Color.BLUE,
}
"""From which color a group that covers the warned area hears of it: one village's blue wakes no province."""

_AFTER_DIGITS = ":"


class Reached(NamedTuple):
    """A subscription whose region the alert touches; ``why`` is None when it applies."""

    subscription: Subscription
    relation: Relation
    why: Why | None


@dataclass(frozen=True, slots=True)
class AudienceIndex:
    """Every live subscription, to be found by region; ``sizes`` are members of each group."""

    subscriptions: Mapping[str, tuple[Subscription, ...]]
    regions: tuple[str, ...]
    sizes: Mapping[str, int]

    @classmethod
    def of(cls, subscriptions: Iterable[Subscription], sizes: Mapping[str, int]) -> AudienceIndex:
        by_region: dict[str, list[Subscription]] = {}
        for one in subscriptions:
            by_region.setdefault(one.region, []).append(one)
        return cls(
            {region: tuple(found) for region, found in by_region.items()}, tuple(sorted(by_region)), sizes
        )

    def within(self, region: str) -> Sequence[str]:
        """Regions with groups that lie in this one or are it."""
        low = bisect_left(self.regions, region)
        return self.regions[low : bisect_left(self.regions, region + _AFTER_DIGITS, low)]


@dataclass(frozen=True, slots=True)
class Matched:
    """
    ``groups``: what each group's subscriptions say of the alert, those that apply first.

    ``members`` is how many memberships the groups hold together; ``empty`` are the warned regions with no group
    in them, above them, or at them.
    """

    groups: Mapping[str, tuple[Reached, ...]]
    members: int
    empty: tuple[str, ...]


def match(regions: Sequence[str], hazard: str, color: Color, index: AudienceIndex) -> Matched:
    """Which groups the alert for these (unpadded) regions reaches, and which of their rules apply."""
    groups: dict[str, list[Reached]] = {}
    empty: list[str] = []
    seen: set[tuple[str, Relation]] = set()
    for region in regions:
        within = index.within(region)
        covering = [above for above in ancestors(region) if above in index.subscriptions]
        if not within and not covering:
            empty.append(region)
        for relation, found in ((Relation.WITHIN, within), (Relation.COVERING, covering)):
            for place in found:
                if (place, relation) not in seen:
                    seen.add((place, relation))
                    _reach(groups, index.subscriptions[place], relation, hazard, color)
    ordered = {group: tuple(sorted(found, key=_applies_first)) for group, found in groups.items()}
    return Matched(ordered, sum(index.sizes.get(group, 0) for group in groups), tuple(empty))


def _reach(
    groups: dict[str, list[Reached]],
    subscriptions: Iterable[Subscription],
    relation: Relation,
    hazard: str,
    color: Color,
) -> None:
    for one in subscriptions:
        if one.relation is Relation.BOTH or one.relation is relation:
            groups.setdefault(one.group_id, []).append(
                Reached(one, relation, _objection(one, relation, hazard, color))
            )


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
