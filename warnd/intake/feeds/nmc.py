"""nmc.cn: a list whose rows have a title, an icon and a minute; what is said and where, the title alone tells."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from warnd.errors import Fault
from warnd.intake.feeds.entry import Entry, entry_of, oldest_first
from warnd.intake.feeds.notice import (
    Notice,
    color_by,
    division_of,
    issuers_place,
    json_of,
    parsed,
    rows_at,
    sent_at,
    text_at,
    time_or_none,
)
from warnd.intake.title import read_title
from warnd.model.alert import Parsed
from warnd.model.color import Color
from warnd.model.hazard import HazardCatalogue

COLORS = {"1": Color.RED, "2": Color.ORANGE, "3": Color.YELLOW, "4": Color.BLUE}
"""The last digit of the icon, from the highest level down: the reverse of weather.com.cn."""

_ICON = re.compile(r"/p(?P<type>\d{4})00(?P<level>\d)\.png", re.ASCII)
_ISSUERS = Fault(
    "areas", "area_from_issuer", "the feed names no area; it is taken to be its issuer's division"
)


@dataclass(frozen=True, slots=True)
class NmcReader:
    """Changes and ends name no earlier warning: the title says what they are and who speaks."""

    feed: str
    content_type: str = "application/json"
    names_no_earlier: bool = True
    headers: Mapping[str, str] = field(default_factory=dict)

    def entries(self, answer: bytes) -> Sequence[Entry]:
        return oldest_first(_entry(row) for row in rows_at(json_of(answer), "data", "page", "list"))

    def alert(self, body: bytes, catalogue: HazardCatalogue) -> Parsed:
        row = json_of(body)
        odd: list[Fault] = [_ISSUERS]
        identifier, headline = text_at(row, "alertid"), text_at(row, "title")
        title = read_title(headline)
        icon = _ICON.search(text_at(row, "pic"))
        notice = Notice(
            identifier=identifier,
            sent=sent_at(text_at(row, "issuetime"), "issuetime"),
            headline=headline,
            number=("nmc", icon["type"] if icon is not None else ""),
            color=color_by(icon["level"], COLORS, "pic", odd) if icon is not None else None,
            place=issuers_place(title.issuer) if title is not None else "",
            region=division_of(identifier),
            odd=odd,
        )
        return parsed(notice, "nmc", self.feed, catalogue)


def _entry(row: Mapping[str, object]) -> Entry:
    issued = time_or_none(text_at(row, "issuetime"), "issuetime", [])
    return entry_of(row, text_at(row, "alertid"), issued)
