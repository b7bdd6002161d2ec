"""Who lets a warning out: how long it waits for a second person, what happens if none comes, who that may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from types import MappingProxyType

from warnd.model.color import Color

TIME_OUT = "time-out"
"""Who the journal says decided when nobody did."""

BY_HAND = "hand"
"""The source of what operators issue; no feed may be called so."""


class Then(Enum):
    """What becomes of a held alert when its time is out."""

    RELEASE = "release"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class HoldRule:
    """How long an alert of some color waits, and what happens then."""

    after: timedelta
    then: Then


@dataclass(frozen=True, slots=True)
class Hold:
    """One alert's wait, settled when it began: later settings do not move it."""

    due: datetime
    then: Then


_GRAVE = HoldRule(timedelta(minutes=5), Then.RELEASE)
_LIGHT = HoldRule(timedelta(minutes=30), Then.REJECT)

DEFAULT_HOLDS: Mapping[Color, HoldRule] = MappingProxyType(
    {Color.RED: _GRAVE, Color.ORANGE: _GRAVE, Color.YELLOW: _LIGHT, Color.BLUE: _LIGHT}
)
"""
Of a red or an orange that nobody looks at, a late one harms more than a false one. Of a yellow or a blue it is the
other way round: what half an hour brought no second person to confirm is not sent in everybody's name.
"""


def hold(rule: HoldRule, *, now: datetime, until: datetime) -> Hold:
    """
    The wait of an alert that may be delivered ``until`` then.

    It is rejected at its end at the latest, and released no later than half-way to it: a release at the end
    would tell nobody.
    """
    left = until - now
    return Hold(now + min(rule.after, left / 2 if rule.then is Then.RELEASE else left), rule.then)


@dataclass(frozen=True, slots=True)
class Person:
    """Who acts: by the name in the journal, and by a key, unless a link was followed."""

    name: str
    key_id: str | None = None

    def is_also(self, other: Person) -> bool:
        """Whether both are one person: the same key, or two keys of the same name."""
        same_key = self.key_id is not None and self.key_id == other.key_id
        return same_key or _folded(self.name) == _folded(other.name)


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()
