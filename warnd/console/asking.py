"""The fields of the log's form → what to ask the store for, or what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from warnd.app.phrases import Phrases
from warnd.errors import Fault, Invalid
from warnd.model.delivery import State
from warnd.model.region import level_of
from warnd.store.deliveries import DeliveryFilter

FIELDS = ("alert", "state", "channel", "region", "group", "q", "since", "until")

T = TypeVar("T")


def fields_of(query: Mapping[str, str]) -> dict[str, str]:
    """Every field of the form, empty where it was not filled in."""
    return {name: query.get(name, "").strip() for name in FIELDS}


def filter_of(fields: Mapping[str, str], zone: ZoneInfo, say: Phrases) -> DeliveryFilter:
    """Raises Invalid, in the reader's language. A time without an offset is one of ``zone``."""
    faults: list[Fault] = []

    def read(name: str, parse: Callable[[str], T]) -> T | None:
        if not fields[name]:
            return None
        try:
            return parse(fields[name])
        except ValueError:
            faults.append(Fault(name, "invalid", say(f"log.bad_{name}")))
            return None

    def moment(text: str) -> datetime:
        when = datetime.fromisoformat(text)
        return when if when.tzinfo else when.replace(tzinfo=zone)

    def region(code: str) -> str:
        level_of(code)
        return code

    parsers: dict[str, Callable[[str], Any]] = {
        "state": State, "region": region, "since": moment, "until": moment,
    }  # fmt: skip
    found = DeliveryFilter(**{name: read(name, parsers.get(name, str)) for name in FIELDS})
    if faults:
        raise Invalid(faults)
    return found


def in_words(faults: Sequence[Fault], say: Phrases) -> tuple[Fault, ...]:
    """What the store knows nothing of, in the reader's language; what ``filter_of`` found is so already."""
    return tuple(
        replace(fault, message=say(f"log.{fault.code}")) if fault.code.startswith("unknown_") else fault
        for fault in faults
    )
