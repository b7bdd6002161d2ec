"""An item of a feed that is not CAP, put into our own format: it passes the same door as what is pushed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Any

import orjson

from warnd.errors import Fault
from warnd.intake import push
from warnd.intake.encoding import decode
from warnd.intake.findings import refuse
from warnd.intake.hazards import find_hazard
from warnd.intake.times import read_time
from warnd.intake.title import read_title
from warnd.model.alert import AlertType, Change, Parsed
from warnd.model.color import Color
from warnd.model.hazard import HazardCatalogue
from warnd.model.region import level_of

BEIJING = timezone(timedelta(hours=8))
"""The clock of every national feed that names none."""

COLOR_NAMES = {color.value: color for color in Color}
"""Colors by their English names, in lower case."""

_NATIONAL = re.compile(r"(?:[A-Za-z]+_)*(?P<id>\d{14}_\d{14}(?:_\d)?)", re.ASCII)
_SENDER = re.compile(r"\d{14}(?=_\d{14}(?!\d))", re.ASCII)
_LOCAL = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})[ T](\d{1,2}:\d{2}(?::\d{2})?)", re.ASCII)
_NOWHERE = frozenset({"", "无", "null", "None"})


@dataclass(frozen=True, slots=True)
class Notice:
    """
    What an item says, in the words of our own format.

    ``identifier`` may carry a feed's prefix; ``region`` is a division code, ``references`` are identifiers, maybe the
    item's own. ``odd`` are findings of whoever read it. ``code`` is a national event code, ``hazard`` a name, ``number`` what a
    feed calls the hazard, after the name of the feed whose numbers they are.
    """

    identifier: str
    sent: datetime
    headline: str
    description: str = ""
    instruction: str = ""
    type: AlertType = AlertType.ALERT
    sender_name: str = ""
    code: str = ""
    hazard: str = ""
    number: tuple[str, str] = ("", "")
    color: Color | None = None
    place: str = ""
    region: str = ""
    effective: datetime | None = None
    onset: datetime | None = None
    expires: datetime | None = None
    references: tuple[str, ...] = ()
    odd: Sequence[Fault] = ()


def parsed(notice: Notice, kind: str, feed: str, catalogue: HazardCatalogue) -> Parsed:
    """
    The alert a notice makes. Raises InvalidAlert.

    The sender is the 14 digits that a national identifier begins with, else the feed by its name.
    """
    identifier = national_of(notice.identifier) or notice.identifier
    title = read_title(notice.headline)
    found = find_hazard(
        catalogue, codes=[notice.code], names=[notice.hazard], title=notice.headline
    ) or catalogue.by_feed_code(*notice.number)
    region, odd = _region(notice)
    # A first alert often refers to itself, which says nothing.
    earlier = dict.fromkeys(national_of(each) or each for each in notice.references if each)
    earlier.pop(identifier, None)
    body = {
        "identifier": identifier,
        "sender": _sender(identifier, feed),
        "sender_name": notice.sender_name or (title.issuer if title is not None else ""),
        "sent": notice.sent.isoformat(),
        "status": "actual",
        "type": _type(notice.type, title.act if title is not None else None, refers=bool(earlier)).value,
        "references": [{"sender": _sender(each, feed), "identifier": each} for each in earlier],
        "hazard": found.slug if found is not None else notice.hazard,
        "event_code": notice.code or None,
        "color": notice.color.value if notice.color is not None else None,
        "headline": notice.headline,
        "description": notice.description,
        "instruction": notice.instruction,
        "effective": notice.effective.isoformat() if notice.effective is not None else None,
        "onset": notice.onset.isoformat() if notice.onset is not None else None,
        "expires": notice.expires.isoformat() if notice.expires is not None else None,
        "areas": [{"name": notice.place, "regions": [region] if region else []}],
    }
    read = push.parse(json.dumps(body), catalogue)
    return replace(read, kind=kind, warnings=(*read.warnings, *notice.odd, *odd))


def _type(stated: AlertType, act: Change | None, *, refers: bool) -> AlertType:
    """
    As the feed states it; a feed that states none is believed by its title.

    An end that refers to nothing is an update that ends (its title says so): a cancel must name what it cancels.
    """
    if act is Change.LIFTED or stated is AlertType.CANCEL:
        return AlertType.CANCEL if refers else AlertType.UPDATE
    if stated is AlertType.ALERT and act not in (None, Change.ISSUED):
        return AlertType.UPDATE
    return stated


def _region(notice: Notice) -> tuple[str, tuple[Fault, ...]]:
    if not notice.region:
        return "", ()
    try:
        level_of(notice.region)
    except ValueError as error:
        return "", (Fault("areas", "bad_region", str(error)),)
    return notice.region, ()


def _sender(identifier: str, feed: str) -> str:
    """An identifier that begins with the 14 digits of a national sender and ``_`` is of that sender."""
    return found[0] if (found := _SENDER.match(identifier)) is not None else feed


def national_of(identifier: str) -> str:
    """The national platform's 29 or 31 characters, freed of a feed's prefix such as ``ac_``; empty if it is none of those."""
    found = _NATIONAL.fullmatch(identifier)
    return found["id"] if found is not None else ""


def division_of(identifier: str) -> str:
    """The 6-digit division of the issuer, which a national identifier begins with; empty without one."""
    return national_of(identifier)[:6]


def issuers_place(issuer: str) -> str:
    """The division in an issuer's name: 鹤壁市淇县 of 鹤壁市淇县气象台."""
    return _OFFICE.split(issuer, maxsplit=1)[0]


_OFFICE = re.compile(
    "(?:中心)?(?:气象|水利|水务|水文|自然资源|应急|森林|林业|人民政府|生态环境|农业|交通|海洋|防汛|突发|预警)"
)


def place_of(*names: str) -> str:
    """Names from the province down as one, without those that say nothing or repeat the one before."""
    told = dict.fromkeys(name for name in names if name not in _NOWHERE)
    return "".join(told)


def time_of(text: str) -> datetime:
    """A feed's time, in Beijing's clock where it names no offset. Raises ValueError saying what is wrong."""
    local = _LOCAL.fullmatch(text)
    if local is None:
        return read_time(text)[0]
    year, month, day, clock = local.groups()
    return read_time(f"{year}-{int(month):02}-{int(day):02}T{clock:0>5}+08:00")[0]


def sent_at(text: str, path: str) -> datetime:
    """The same for the time without which a message has no identity. Raises InvalidAlert."""
    try:
        return time_of(text)
    except ValueError as error:
        refuse(path, "bad_time", str(error))


def time_or_none(text: str, path: str, odd: list[Fault]) -> datetime | None:
    """The same for a time that can be done without: what is wrong with it is a finding."""
    if not text:
        return None
    try:
        return time_of(text)
    except ValueError as error:
        odd.append(Fault(path, "bad_time", str(error)))
        return None


def color_by(code: str, colors: dict[str, Color], path: str, odd: list[Fault]) -> Color | None:
    """A feed's own word or digit for a color; another one is a finding, and the headline may still tell."""
    if code and code not in colors:
        odd.append(Fault(path, "color_unread", f"{code[:40]!r} is none of the four colors"))
    return colors.get(code)


# --- JSON ----------------------------------------------------------------------------------------------


def json_of(body: bytes) -> Any:
    """Raises InvalidAlert."""
    return parsed_json(decode(body))


def parsed_json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return refuse("body", "not_json", f"is not JSON: {error}")


def rows_at(value: Any, *path: str) -> Sequence[dict[str, Any]]:
    """The objects of the list at that place. Raises InvalidAlert when there is no list: that is another feed."""
    found = at(value, *path)
    if not isinstance(found, list):
        refuse(".".join(path), "not_a_feed", "is no list of warnings")
    return [row for row in found if isinstance(row, dict)]


def at(value: Any, *path: str) -> Any:
    """What stands at that place; None if nothing does."""
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def text_at(value: Any, *path: str) -> str:
    """The text there; feeds write numbers as text and text as numbers. Empty for anything else, null included."""
    found = at(value, *path)
    return str(found).strip() if isinstance(found, str | int | float) and not isinstance(found, bool) else ""


def texts_at(value: Any, *path: str) -> tuple[str, ...]:
    """Those of a list there, or the one text."""
    found = at(value, *path)
    many: Iterable[Any] = found if isinstance(found, list) else [found]
    return tuple(each.strip() for each in many if isinstance(each, str) and each.strip())
