"""All that planning depends on and that is not in the alert: what an operator configures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from warnd.model.alert import Change
from warnd.model.audience import Member
from warnd.model.color import Color
from warnd.model.hazard import HazardCatalogue
from warnd.model.policy import Policies
from warnd.pipeline.expand import Expander, Recipient, Route
from warnd.pipeline.match import Matched
from warnd.pipeline.quiet import can_wait
from warnd.pipeline.templates import Templates
from warnd.ports import Gap, Telling


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Channels, policies, hazards, templates, the language to fall back to and the zone people read times in."""

    routes: Mapping[str, Route]
    policies: Policies
    catalogue: HazardCatalogue
    templates: Templates
    language: str
    zone: ZoneInfo


def expander_for(
    telling: Telling, color: Color, matched: Matched, around: Surroundings, *, first: bool = False
) -> Expander:
    """Who is told by this telling, in these surroundings; ``first``: who would be, were it the first word."""
    return Expander(
        groups=matched.groups,
        hazard=telling.alert.hazard,
        color=color,
        status=telling.alert.status,
        policies=around.policies,
        routes=around.routes,
        default_language=around.language,
        quiet_only=telling.change is Change.CONTINUED and not first,
        public=telling.alert.is_public,
        can_wait=can_wait(color, around.catalogue.get(telling.alert.hazard)),
    )


def expanded(expander: Expander, page: Sequence[Member]) -> Iterator[Recipient | Gap]:
    """The recipients of a page of members."""
    for member in page:
        yield from expander.recipients(member)
