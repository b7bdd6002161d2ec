"""Caiyun: the warnings of one place (versions 2.6 and 3), and its version 1, which calls a webhook instead."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from warnd.errors import Fault
from warnd.intake.feeds.entry import Entry, entry_of, oldest_first
from warnd.intake.feeds.notice import (
    BEIJING,
    COLOR_NAMES,
    Notice,
    at,
    color_by,
    json_of,
    national_of,
    parsed,
    place_of,
    rows_at,
    sent_at,
    text_at,
    time_or_none,
)
from warnd.intake.feeds.weathercn import COLORS
from warnd.intake.findings import refuse
from warnd.intake.title import read_title
from warnd.model.alert import AlertType, Change, Parsed
from warnd.model.hazard import HazardCatalogue

_ON, _OFF = "ALERT_ON", "ALERT_OFF"
_LISTS = (("result", "alert", "content"), ("content",), ("alerts",))
_METEOROLOGICAL = re.compile(r"1561102(\d\d)", re.ASCII)
"""Version 3's type of a weather warning, whose last two digits are those of the national code ``11Bnn``."""


@dataclass(frozen=True, slots=True)
class CaiyunReader:
    """
    Reads what any of the three versions says; a call of version 1 comes as ``event_with_alert`` puts it.

    A warning that is no longer told is not thereby lifted.
    """

    feed: str
    content_type: str = "application/json"
    names_no_earlier: bool = True
    headers: Mapping[str, str] = field(default_factory=dict)

    def entries(self, answer: bytes) -> Sequence[Entry]:
        told = json_of(answer)
        path = next((path for path in _LISTS if isinstance(at(told, *path), list)), _LISTS[0])
        return oldest_first(_entry(row) for row in rows_at(told, *path))

    def alert(self, body: bytes, catalogue: HazardCatalogue) -> Parsed:
        row = json_of(body)
        odd: list[Fault] = []
        if isinstance(at(row, "webhook"), dict):
            notice = _called(row["webhook"], _told_in_words(at(row, "alert"), odd))
        elif isinstance(at(row, "data"), list):
            notice = _in_languages(row, odd)
        else:
            notice = _told_in_words(row, odd)
        return parsed(notice, "caiyun", self.feed, catalogue)


def _entry(row: Mapping[str, Any]) -> Entry:
    identifier = text_at(row, "alertId") or text_at(row, "id") or text_at(row, "alert_id")
    issued = _instant(text_at(row, "pubtimestamp") or text_at(row, "publish_time"), "pubtimestamp", [])
    return entry_of(row, identifier, issued)


def _told_in_words(row: Any, odd: list[Fault]) -> Notice:
    """
    Versions 2.6 and 1, which differ in the names of their keys.

    The local time that version 1 states is believed before its timestamp, which is that of the call and not of the issue.
    """
    stated = text_at(row, "published_time")
    sent = (
        sent_at(stated, "published_time")
        if stated
        else _instant(text_at(row, "pubtimestamp"), "pubtimestamp", odd)
    )
    if sent is None:
        refuse("pubtimestamp", "bad_time", "neither published_time nor pubtimestamp tells when it was issued")
    # TTLL: the type by weather.com.cn's numbers, and its levels.
    code = text_at(row, "code")
    return Notice(
        identifier=text_at(row, "alertId") or text_at(row, "alert_id"),
        sent=sent,
        headline=text_at(row, "title"),
        description=text_at(row, "description"),
        color=color_by(code[-2:], COLORS, "code", odd),
        number=("weathercn", code[:-2]),
        place=place_of(*(text_at(row, name) for name in ("province", "city", "county"))),
        region=text_at(row, "adcode") or text_at(row, "ad_code"),
        expires=time_or_none(text_at(row, "expired_time"), "expired_time", odd),
        odd=odd,
    )


def _in_languages(row: Mapping[str, Any], odd: list[Fault]) -> Notice:
    """Version 3. Its RGB triple is for painting; its word for the level is to be used with care, says its manual."""
    texts = rows_at(row, "data")
    text = next(
        (one for one in texts if text_at(one, "language_code").startswith("zh")), texts[0] if texts else {}
    )
    sent = _instant(text_at(row, "publish_time"), "publish_time", odd)
    if sent is None:
        refuse("publish_time", "bad_time", "does not tell when it was issued")
    kind = _METEOROLOGICAL.fullmatch(text_at(row, "alert_type"))
    return Notice(
        identifier=text_at(row, "id"),
        sent=sent,
        headline=text_at(text, "title"),
        description=text_at(text, "text"),
        code=f"11B{kind[1]}" if kind is not None else "",
        hazard=text_at(text, "name"),
        color=color_by(text_at(text, "level").lower(), COLOR_NAMES, "level", odd),
        region=text_at(row, "area_code"),
        odd=odd,
    )


def _instant(seconds: str, path: str, odd: list[Fault]) -> datetime | None:
    """Seconds since 1970; what is wrong with them is a finding."""
    try:
        return datetime.fromtimestamp(float(seconds), BEIJING)
    except (ValueError, OverflowError, OSError):
        odd.append(Fault(path, "bad_time", "is no time in seconds since 1970"))
        return None


# --- the webhook ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Event:
    """
    A call of version 1: that a warning is on or off, and where it is told in full.

    Neither ``event`` nor ``url`` is signed: whoever sees a call can make another of it.
    """

    event: str
    alert_id: str
    nonce: str
    signature: str
    url: str

    @property
    def ends(self) -> bool:
        return self.event == _OFF

    @property
    def warning(self) -> str:
        """The identifier of the warning, the national one without a prefix."""
        return national_of(self.alert_id) or self.alert_id

    def is_signed_with(self, secret: str) -> bool:
        """The signature is SHA-1, in hex, of secret, identifier and nonce one after another."""
        told = f"{secret}{self.alert_id}{self.nonce}".encode("utf-8", "surrogatepass")
        expected = hashlib.sha1(told, usedforsecurity=False).hexdigest()
        return hmac.compare_digest(expected.encode(), self.signature.lower().encode("utf-8", "surrogatepass"))


def read_event(body: bytes) -> Event:
    """Raises InvalidAlert."""
    told = json_of(body)
    if text_at(told, "event") not in (_ON, _OFF):
        refuse("event", "not_an_event", "is neither ALERT_ON nor ALERT_OFF")
    return Event(*(text_at(told, name) for name in ("event", "alert_id", "nonce", "signature", "url")))


def event_with_alert(event: bytes, alert: bytes) -> bytes:
    """Both in one, as they came: what is kept raw and read. Raises InvalidAlert when ``alert`` is no JSON."""
    json_of(alert)
    return b'{"webhook":%b,"alert":%b}' % (event, alert)


def _called(event: Mapping[str, Any], notice: Notice) -> Notice:
    """
    An OFF ends the warning it names.

    If the alert it leads to is the issuer's own word of the end, it is told as such. If it is still the warning,
    its words would mislead: the end goes out without any, under the warning's identifier with ``.off``.
    """
    if text_at(event, "event") != _OFF:
        return notice
    ended = text_at(event, "alert_id")
    title = read_title(notice.headline)
    if title is not None and title.act is Change.LIFTED:
        return replace(notice, type=AlertType.CANCEL, references=(ended,), expires=None)
    return replace(
        notice,
        identifier=f"{national_of(ended) or ended}.off",
        sent=sent_at(text_at(event, "time"), "time"),
        headline="",
        description="",
        hazard=title.kind if title is not None else "",
        type=AlertType.CANCEL,
        references=(ended,),
        expires=None,
    )
