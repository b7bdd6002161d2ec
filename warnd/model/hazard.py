"""Kinds of danger (灾种) as a catalogue of data: names, codes, usual colors, what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from warnd.model.color import Color

K = TypeVar("K")

OTHER = "other"


@dataclass(frozen=True, slots=True)
class Hazard:
    """
    One kind of danger.

    ``slug`` names it in bodies and templates; ``codes`` are national event codes (``11B03``), ``feeds`` what a feed
    calls it by the feed's name; ``names`` go by BCP 47 tag and hold at least ``zh`` and ``en``; ``colors`` are
    those usually issued: another one is a warning, never an error. ``sudden`` hazards (flash flood, landslide,
    dam) never wait for quiet hours. ``guidance`` is general advice by language, each from its color up to the next.
    """

    slug: str
    names: Mapping[str, str]
    codes: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    category: str = "Met"
    colors: tuple[Color, ...] = tuple(Color)
    sudden: bool = False
    feeds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    guidance: Mapping[Color, Mapping[str, str]] = field(default_factory=dict)

    def name(self, language: str) -> str:
        """The name in that language, else in Chinese."""
        return self.names.get(language) or self.names["zh"]

    def guidance_for(self, color: Color | None) -> Mapping[str, str]:
        """What to do at that color, by language; nothing where the color is not known."""
        reached = [from_color for from_color in self.guidance if color is not None and from_color <= color]
        return self.guidance[max(reached)] if reached else {}


@dataclass(frozen=True, slots=True)
class HazardCatalogue:
    """
    All hazards by slug, found by code or by name; and which color a word of CAP's ``severity`` means.

    ``severities`` holds every color once.
    """

    hazards: Mapping[str, Hazard]
    severities: Mapping[str, Color]
    _by_code: Mapping[str, Hazard] = field(repr=False)
    _by_feed_code: Mapping[tuple[str, str], Hazard] = field(repr=False)
    _by_name: Mapping[str, Hazard] = field(repr=False)

    @classmethod
    def of(cls, hazards: Iterable[Hazard], severities: Mapping[str, Color] | None = None) -> HazardCatalogue:
        """Raises ValueError when two hazards claim one slug, code, code of one feed, name or alias."""
        by_slug: dict[str, Hazard] = {}
        by_code: dict[str, Hazard] = {}
        by_feed_code: dict[tuple[str, str], Hazard] = {}
        by_name: dict[str, Hazard] = {}
        for hazard in hazards:
            _claim(by_slug, hazard.slug, hazard)
            for code in hazard.codes:
                _claim(by_code, code.upper(), hazard)
            for feed, codes in hazard.feeds.items():
                for code in codes:
                    _claim(by_feed_code, (feed, code.upper()), hazard)
            for name in {*hazard.names.values(), *hazard.aliases}:
                _claim(by_name, name.casefold(), hazard)
        return cls(by_slug, severities or {}, by_code, by_feed_code, by_name)

    def get(self, slug: str) -> Hazard | None:
        return self.hazards.get(slug)

    def by_code(self, code: str) -> Hazard | None:
        return self._by_code.get(code.strip().upper())

    def by_feed_code(self, feed: str, code: str) -> Hazard | None:
        """By what that feed calls the kind, e.g. ``weathercn`` and ``09``; without the color's part of the code."""
        return self._by_feed_code.get((feed, code.strip().upper()))

    def by_name(self, name: str) -> Hazard | None:
        """By a whole name or alias in any language, letter case aside."""
        return self._by_name.get(name.strip().casefold())

    def in_title(self, title: str) -> Hazard | None:
        """The hazard with the longest Chinese name or alias that the title holds."""
        folded = title.casefold()
        found = [name for name in self._by_name if not name.isascii() and name in folded]
        return self._by_name[max(found, key=len)] if found else None

    def search(self, text: str) -> list[Hazard]:
        """Those whose slug, code, name or alias holds that text, letter case aside; all of them for an empty one."""
        wanted = text.strip().casefold()
        return [
            hazard
            for hazard in self.hazards.values()
            if any(
                wanted in word.casefold()
                for word in (hazard.slug, *hazard.codes, *hazard.names.values(), *hazard.aliases)
            )
        ]

    def color_of(self, severity: str) -> Color | None:
        """The color that a word of CAP's ``severity`` stands for, letter case aside; None for Unknown and others."""
        words = {word.casefold(): color for word, color in self.severities.items()}
        return words.get(severity.strip().casefold())

    def severity_of(self, color: Color | None) -> str:
        """The opposite; ``Unknown`` where the color is not known."""
        return next((word for word, meant in self.severities.items() if meant is color), "Unknown")


def _claim(index: dict[K, Hazard], key: K, hazard: Hazard) -> None:
    if (holder := index.get(key)) is not None and holder.slug != hazard.slug:
        raise ValueError(f"{key!r} is claimed by both {holder.slug} and {hazard.slug}")
    index[key] = hazard
