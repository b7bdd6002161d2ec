"""Kinds of danger (灾种) as a catalogue of data: names, national codes, usual colors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from warnd.model.color import Color

OTHER = "other"


@dataclass(frozen=True, slots=True)
class Hazard:
    """
    One kind of danger.

    ``slug`` names it in bodies and templates; ``codes`` are national event codes (``11B03``); ``names`` go
    by BCP 47 tag and hold at least ``zh`` and ``en``; ``colors`` are those usually issued: another one is a
    warning, never an error. ``sudden`` hazards (flash flood, landslide, dam) never wait for quiet hours.
    """

    slug: str
    names: Mapping[str, str]
    codes: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    category: str = "Met"
    colors: tuple[Color, ...] = tuple(Color)
    sudden: bool = False

    def name(self, language: str) -> str:
        """The name in that language, else in Chinese."""
        return self.names.get(language) or self.names["zh"]


@dataclass(frozen=True, slots=True)
class HazardCatalogue:
    """All hazards by slug, found by code or by name."""

    hazards: Mapping[str, Hazard]
    _by_code: Mapping[str, Hazard] = field(repr=False)
    _by_name: Mapping[str, Hazard] = field(repr=False)

    @classmethod
    def of(cls, hazards: Iterable[Hazard]) -> HazardCatalogue:
        """Raises ValueError when two hazards claim one slug, code, name or alias."""
        by_slug: dict[str, Hazard] = {}
        by_code: dict[str, Hazard] = {}
        by_name: dict[str, Hazard] = {}
        for hazard in hazards:
            _claim(by_slug, hazard.slug, hazard)
            for code in hazard.codes:
                _claim(by_code, code.upper(), hazard)
            for name in {*hazard.names.values(), *hazard.aliases}:
                _claim(by_name, name.casefold(), hazard)
        return cls(by_slug, by_code, by_name)

    def get(self, slug: str) -> Hazard | None:
        return self.hazards.get(slug)

    def by_code(self, code: str) -> Hazard | None:
        return self._by_code.get(code.strip().upper())

    def by_name(self, name: str) -> Hazard | None:
        """By a whole name or alias in any language, letter case aside."""
        return self._by_name.get(name.strip().casefold())

    def in_title(self, title: str) -> Hazard | None:
        """The hazard with the longest Chinese name or alias that the title holds."""
        folded = title.casefold()
        found = [name for name in self._by_name if not name.isascii() and name in folded]
        return self._by_name[max(found, key=len)] if found else None


def _claim(index: dict[str, Hazard], key: str, hazard: Hazard) -> None:
    if (holder := index.get(key)) is not None and holder.slug != hazard.slug:
        raise ValueError(f"{key!r} is claimed by both {holder.slug} and {hazard.slug}")
    index[key] = hazard
