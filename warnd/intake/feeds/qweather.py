"""QWeather: the warnings in force at one place, as version 7 of its API or the newer version 1 tells them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from warnd.errors import Fault
from warnd.intake.feeds.entry import Entry, entry_of, oldest_first
from warnd.intake.feeds.notice import (
    COLOR_NAMES,
    Notice,
    at,
    color_by,
    issuers_place,
    json_of,
    parsed,
    rows_at,
    sent_at,
    text_at,
    texts_at,
    time_or_none,
)
from warnd.intake.findings import refuse
from warnd.model.alert import AlertType, Parsed
from warnd.model.hazard import HazardCatalogue

_TYPES = {"update": AlertType.UPDATE, "cancel": AlertType.CANCEL}
_GOOD = frozenset({"", "200", "204"})
"""Codes of version 7, within an answer of HTTP 200; 204 is an answer without data."""


@dataclass(frozen=True, slots=True)
class QWeatherReader:
    """
    Its identifiers are its own, so its alerts are the feed's, and no other feed's are known to be the same.

    Of colors it also has white, gray, green, amber, purple and black, and asks not to count on the list. A warning
    that is no longer told is not thereby lifted.
    """

    feed: str
    content_type: str = "application/json"
    names_no_earlier: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)

    def entries(self, answer: bytes) -> Sequence[Entry]:
        told = json_of(answer)
        if (code := text_at(told, "code")) not in _GOOD:
            refuse("code", "feed_refuses", f"it answers with code {code[:20]}")
        if text_at(told, "code") == "204":
            return ()
        newer = at(told, "alerts") is not None or at(told, "metadata") is not None
        return oldest_first(_entry(row) for row in rows_at(told, "alerts" if newer else "warning"))

    def alert(self, body: bytes, catalogue: HazardCatalogue) -> Parsed:
        row = json_of(body)
        odd: list[Fault] = []
        notice = _older(row, odd) if "pubTime" in row else _newer(row, odd)
        return parsed(notice, "qweather", self.feed, catalogue)


def _entry(row: Mapping[str, Any]) -> Entry:
    issued = text_at(row, "issuedTime") or text_at(row, "pubTime")
    return entry_of(row, text_at(row, "id"), time_or_none(issued, "time", []))


def _older(row: Mapping[str, Any], odd: list[Fault]) -> Notice:
    """Version 7."""
    return Notice(
        identifier=text_at(row, "id"),
        sent=sent_at(text_at(row, "pubTime"), "pubTime"),
        headline=text_at(row, "title"),
        description=text_at(row, "text"),
        type=_TYPES.get(text_at(row, "status").lower(), AlertType.ALERT),
        sender_name=text_at(row, "sender"),
        hazard=text_at(row, "typeName"),
        number=("qweather", text_at(row, "type")),
        color=color_by(text_at(row, "severityColor").lower(), COLOR_NAMES, "severityColor", odd),
        place=issuers_place(text_at(row, "sender")),
        onset=time_or_none(text_at(row, "startTime"), "startTime", odd),
        expires=time_or_none(text_at(row, "endTime"), "endTime", odd),
        references=texts_at(row, "related"),
        odd=odd,
    )


def _newer(row: Mapping[str, Any], odd: list[Fault]) -> Notice:
    """Version 1."""
    return Notice(
        identifier=text_at(row, "id"),
        sent=sent_at(text_at(row, "issuedTime"), "issuedTime"),
        headline=text_at(row, "headline"),
        description=text_at(row, "description"),
        instruction=text_at(row, "instruction"),
        type=_TYPES.get(text_at(row, "messageType", "code").lower(), AlertType.ALERT),
        sender_name=text_at(row, "senderName"),
        hazard=text_at(row, "eventType", "name"),
        number=("qweather", text_at(row, "eventType", "code")),
        color=color_by(text_at(row, "color", "code").lower(), COLOR_NAMES, "color.code", odd),
        place=issuers_place(text_at(row, "senderName")),
        effective=time_or_none(text_at(row, "effectiveTime"), "effectiveTime", odd),
        onset=time_or_none(text_at(row, "onsetTime"), "onsetTime", odd),
        expires=time_or_none(text_at(row, "expireTime"), "expireTime", odd),
        references=texts_at(row, "messageType", "supersedes"),
        odd=odd,
    )
