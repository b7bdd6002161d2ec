"""What warnd says to the people on duty, in their language: one TOML file each, shared by console and command line."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_datetime
from babel.numbers import format_decimal

LANGUAGES = ("zh", "en")
"""The languages warnd itself speaks, the first where none is asked for."""

_CLOCKS = {"zh": "M月d日 HH:mm", "en": "d MMM, HH:mm"}
_DAYS = {"zh": "y年M月d日", "en": "d MMM y"}
_UNITS = (("days", 86400), ("hours", 3600), ("minutes", 60))
_CLOCKS_TO_THE_SECOND = {"zh": "M月d日 HH:mm:ss", "en": "d MMM, HH:mm:ss"}


@dataclass(frozen=True, slots=True)
class Phrases:
    """
    One language's phrases by dotted key (``states.accepted``).

    A phrase may have a form for each CLDR plural category, chosen by its ``n``.
    """

    language: str
    locale: Locale
    _phrases: Mapping[str, str | Mapping[str, str]]

    def __call__(self, key: str, /, **values: Any) -> str:
        """The phrase with its values put in; whole numbers are grouped. Raises KeyError for a key there is not."""
        phrase = self._phrases[key]
        if not isinstance(phrase, str):
            phrase = phrase.get(self.locale.plural_form(values["n"])) or phrase["other"]
        return phrase.format_map({name: self._written(value) for name, value in values.items()})

    def __contains__(self, key: str) -> bool:
        return key in self._phrases

    def __iter__(self) -> Iterator[str]:
        return iter(self._phrases)

    def forms(self, key: str) -> tuple[str, ...]:
        """The phrase as it is written, in each of its plural forms, ``other`` last."""
        phrase = self._phrases[key]
        return (phrase,) if isinstance(phrase, str) else tuple(phrase.values())

    def word(self, group: str, value: str) -> str:
        """The word for one of a kind's values (``word("reasons", "throttled")``), else the value itself."""
        return self(f"{group}.{value}") if f"{group}.{value}" in self else value

    def day(self, when: datetime, zone: ZoneInfo) -> str:
        """The day of what may lie years back."""
        return format_datetime(when, _DAYS[self.language], tzinfo=zone, locale=self.locale)

    def number(self, value: float) -> str:
        return format_decimal(value, locale=self.locale)

    def span(self, seconds: int) -> str:
        """A length of time in the largest unit of which there are three, else in seconds; what is over is left out."""
        for unit, size in _UNITS:
            if seconds >= 3 * size:
                return self(f"spans.{unit}", n=seconds // size)
        return self("spans.seconds", n=seconds)

    def clock(
        self, when: datetime, zone: ZoneInfo, *, seconds: bool = False, milliseconds: bool = False
    ) -> str:
        """Day and time as read on duty, ``milliseconds`` after their seconds; the year goes without saying."""
        pattern = (_CLOCKS_TO_THE_SECOND if seconds or milliseconds else _CLOCKS)[self.language]
        read = format_datetime(when, pattern, tzinfo=zone, locale=self.locale)
        # Babel would round, up to .1000 at the end of a second.
        return f"{read}.{when.microsecond // 1000:03}" if milliseconds else read

    def _written(self, value: Any) -> str:
        return self.number(value) if isinstance(value, int | float) else str(value)


@cache
def phrases(language: str) -> Phrases:
    """The phrases of one of ``LANGUAGES``."""
    words = tomllib.loads(Path(__file__).with_name(f"{language}.toml").read_text("utf-8"))
    return Phrases(language, Locale.parse(language), dict(_flat(words)))


def _flat(words: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str | Mapping[str, str]]]:
    for key, value in words.items():
        if isinstance(value, dict) and "other" not in value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value
