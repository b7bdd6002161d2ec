"""Who may be told: groups anchored at regions, their subscriptions, and the members behind them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from warnd.model.color import Color


class AudienceClass(Enum):
    """Leaders decide, the responsible must act, the public wants to know."""

    LEADERS = "leaders"
    RESPONSIBLE = "responsible"
    PUBLIC = "public"


class Relation(Enum):
    """
    How a group's region must lie to the warned area.

    ``WITHIN``: the group lies in the area. ``COVERING``: the area lies in the group's region (leaders, when
    one village is warned).
    """

    WITHIN = "within"
    COVERING = "covering"
    BOTH = "both"


class SubscriberKind(Enum):
    PERSON = "person"
    POST = "post"
    OFFICE = "office"
    GROUP = "group"
    DEVICE = "device"


class EndpointState(Enum):
    ACTIVE = "active"
    SUSPENDED = "suspended"


EVERY_HAZARD = "*"


@dataclass(frozen=True, slots=True)
class Subscription:
    """
    A rule of a group: these hazards, from this color up, for this relation.

    ``channels`` narrows the policy's channels (kinds or configured names), never widens them; None leaves
    them be. ``covering_min_color`` None means the default of the group's level (see ``match``).
    """

    id: str
    group_id: str
    region: str
    audience: AudienceClass
    hazards: frozenset[str] = frozenset({EVERY_HAZARD})
    min_color: Color = Color.BLUE
    relation: Relation = Relation.BOTH
    covering_min_color: Color | None = None
    language: str | None = None
    channels: frozenset[str] | None = None

    def wants(self, hazard: str) -> bool:
        return EVERY_HAZARD in self.hazards or hazard in self.hazards


class Endpoint(NamedTuple):
    """One address of a subscriber. ``channel`` is a kind (``sms``), ``priority`` 1 is tried first."""

    id: str
    channel: str
    address: str
    priority: int = 1
    active: bool = True
    drills: bool = False


class Member(NamedTuple):
    """A subscriber as expanding meets it: endpoints by priority, and the matched groups it is in."""

    id: str
    name: str
    region: str
    language: str | None
    groups: tuple[str, ...]
    endpoints: tuple[Endpoint, ...]
