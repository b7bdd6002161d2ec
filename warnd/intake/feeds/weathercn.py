"""weather.com.cn: a list of rows, each leading to a page of JavaScript that holds one warning."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from warnd.errors import Fault
from warnd.intake.encoding import decode
from warnd.intake.feeds.entry import Entry, digest, key_of, oldest_first
from warnd.intake.feeds.notice import (
    BEIJING,
    Notice,
    at,
    color_by,
    division_of,
    parsed,
    parsed_json,
    place_of,
    sent_at,
    text_at,
    time_or_none,
)
from warnd.intake.findings import refuse
from warnd.model.alert import AlertType, Parsed
from warnd.model.color import Color
from warnd.model.hazard import HazardCatalogue

COLORS = {"01": Color.BLUE, "02": Color.YELLOW, "03": Color.ORANGE, "04": Color.RED}
"""Level codes, from the lowest up (other feeds count from the highest down); 00 and 91 are no color of the four."""

_PAGE = re.compile(r"\d{4,12}-(?P<issued>\d{14})-\d{2,6}\.html", re.ASCII)
_TYPES = {"Alert": AlertType.ALERT, "Update": AlertType.UPDATE, "Cancel": AlertType.CANCEL}


@dataclass(frozen=True, slots=True)
class WeatherCnReader:
    """``detail_url`` leads to a row's page, whose name stands where it has ``{file}``."""

    feed: str
    detail_url: str
    content_type: str = "text/javascript"
    names_no_earlier: bool = True
    headers: Mapping[str, str] = field(default_factory=lambda: {"Referer": "https://www.weather.com.cn/"})

    def entries(self, answer: bytes) -> Sequence[Entry]:
        told = parsed_json(_bare(decode(answer)))
        rows = at(told, "result", "data")
        rows = rows if rows is not None else at(told, "data")
        if not isinstance(rows, list):
            refuse("result.data", "not_a_feed", "is no list of warnings")
        return oldest_first(entry for row in rows if (entry := self._entry(row)) is not None)

    def _entry(self, row: object) -> Entry | None:
        """Of its columns only the page's name is needed, and trusted no further than its form."""
        match row:
            case [_, str(file), *_] if page := _PAGE.fullmatch(file):
                stamp = digest(repr(row[:7]).encode())
                link = self.detail_url.replace("{file}", file)
                return Entry(key_of(file), stamp, _issued(page["issued"]), link=link)
        return None

    def alert(self, body: bytes, catalogue: HazardCatalogue) -> Parsed:
        told = parsed_json(_bare(decode(body)))
        odd: list[Fault] = []
        identifier = text_at(told, "identifier") or text_at(told, "ALERTID")
        names = [text_at(told, name) for name in ("PROVINCE", "CITY", "STATIONNAME")]
        notice = Notice(
            identifier=identifier,
            sent=sent_at(text_at(told, "ISSUETIME"), "ISSUETIME"),
            headline=text_at(told, "head"),
            description=text_at(told, "ISSUECONTENT"),
            type=_TYPES.get(text_at(told, "msgType"), AlertType.ALERT),
            hazard=text_at(told, "SIGNALTYPE"),
            number=("weathercn", text_at(told, "TYPECODE")),
            color=color_by(text_at(told, "LEVELCODE"), COLORS, "LEVELCODE", odd),
            place=place_of(*names),
            region=_region(identifier, names),
            expires=time_or_none(text_at(told, "RELIEVETIME"), "RELIEVETIME", odd),
            references=(text_at(told, "references"),),
            odd=odd,
        )
        return parsed(notice, "weathercn", self.feed, catalogue)


def _bare(text: str) -> str:
    """The JSON of ``var alarminfo={…};`` or ``callback({…})``, or what was JSON already."""
    begins = [place for place in (text.find("{"), text.find("[")) if place >= 0]
    end = max(text.rfind("}"), text.rfind("]"))
    return text[min(begins) : end + 1] if begins else text


def _issued(stamp: str) -> datetime | None:
    try:
        return datetime.strptime(stamp, "%Y%m%d%H%M%S").replace(tzinfo=BEIJING)
    except ValueError:
        return None


def _region(identifier: str, names: Sequence[str]) -> str:
    """
    The issuer's division, if it is of the level that the names speak of.

    ``areaid`` and ``EFFECT`` (101…) are numbers of weather stations, no division codes.
    """
    code = division_of(identifier)
    level = 2 if not code.endswith("00") else 1 if not code.endswith("0000") else 0
    named = max((n for n, name in enumerate(names) if name), default=-1)
    return code if code and level == named else ""
