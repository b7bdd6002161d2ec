"""What a person may set right of a quarantined alert, and which of its doubts that answers."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime

from warnd.errors import Fault
from warnd.model.alert import Alert, Area, Reference
from warnd.model.color import Color

OVERRIDE = "override"
"""The remedy of a doubt that no field answers: somebody looked, and says that it does not stand in the way."""

SOURCE_BOUNDS = frozenset({"source_hazard", "source_color", "source_region"})
"""Doubts about what the source may speak for."""

BEYOND = SOURCE_BOUNDS | {"not_their_episode"}
"""Doubts that do not come from reading the message, but from who sent it."""

NEVER_OVERRIDDEN = frozenset({"color_unknown", "nothing_to_say", "references_missing", "not_their_episode"})
"""
Without a color, words, or what it ends, there is nothing to tell people; and nobody may change another's warning,
whoever looked.
"""


@dataclass(frozen=True, slots=True)
class Mend:
    """
    What a person sets right; None leaves it as it came. Issuer, identity and words are not here: nobody mends those.

    ``regions`` are all divisions that it warns, in place of those it named; ``overridden`` are codes of doubts.
    """

    color: Color | None = None
    hazard: str | None = None
    regions: tuple[str, ...] | None = None
    references: tuple[Reference, ...] | None = None
    effective: datetime | None = None
    expires: datetime | None = None
    overridden: tuple[str, ...] = ()
    reason: str = ""

    @property
    def fields(self) -> frozenset[str]:
        """The names of what is set right."""
        return frozenset(name for name in FIELDS if getattr(self, name) is not None)

    def apply(self, alert: Alert) -> Alert:
        """
        The alert as mended.

        Areas keep their names and shapes, in one: whoever gives divisions gives them for the whole alert.
        """
        return replace(
            alert,
            color=alert.color if self.color is None else self.color,
            hazard=alert.hazard if self.hazard is None else self.hazard,
            areas=alert.areas if self.regions is None else (_one_area(alert.areas, self.regions),),
            references=alert.references if self.references is None else self.references,
            effective=alert.effective if self.effective is None else self.effective,
            expires=alert.expires if self.expires is None else self.expires,
        )


FIELDS = ("color", "hazard", "regions", "references", "effective", "expires")


def remedy(doubt: Fault, *, placed: bool) -> str:
    """
    The field of a mend that answers a doubt, else ``override``; empty where only a rejection is left.

    ``placed``: the alert names a known division. What names none needs one, whoever may speak for it.
    """
    field = field_of(doubt)
    if field in FIELDS and (doubt.code not in SOURCE_BOUNDS or (field == "regions" and not placed)):
        return field
    return "" if doubt.code in NEVER_OVERRIDDEN else OVERRIDE


def field_of(finding: Fault) -> str:
    """What a mend calls the part of the message that a finding is about; empty for any other part."""
    if (kind := finding.code.partition("_")[0]) in ("color", "hazard"):
        return kind
    steps = re.findall("[A-Za-z_]+", finding.path)
    return next((_FIELD_OF[step] for step in reversed(steps) if step in _FIELD_OF), "")


_FIELD_OF = {
    "color": "color",
    "hazard": "hazard",
    "references": "references",
    "effective": "effective",
    "expires": "expires",
    **dict.fromkeys(("area", "areas", "areaDesc", "geocode", "polygon", "circle"), "regions"),
}
"""By a step of the path, in whichever format the message came."""


def _one_area(areas: tuple[Area, ...], regions: tuple[str, ...]) -> Area:
    return Area(
        "、".join(dict.fromkeys(area.name for area in areas if area.name)),
        tuple(dict.fromkeys(regions)),
        tuple(shape for area in areas for shape in area.polygons),
        tuple(shape for area in areas for shape in area.circles),
    )
