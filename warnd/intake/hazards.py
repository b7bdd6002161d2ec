"""The hazard catalogue: read from its file, and asked which hazard a message means."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, TypeAdapter, ValidationError

from warnd.errors import ConfigError
from warnd.intake.title import read_title
from warnd.model.color import Color
from warnd.model.hazard import OTHER, Hazard, HazardCatalogue

_Name = Annotated[str, StringConstraints(min_length=1)]
_Severity = Annotated[str, StringConstraints(pattern="^(Minor|Moderate|Severe|Extreme)$")]
_Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")]


class _Entry(BaseModel):
    """One table of the file; its key is the slug."""

    model_config = ConfigDict(extra="forbid")

    names: dict[str, _Name]
    codes: tuple[_Name, ...] = ()
    aliases: tuple[_Name, ...] = ()
    category: _Name = "Met"
    colors: tuple[Color, ...] = tuple(Color)
    sudden: bool = False
    feeds: dict[_Name, tuple[_Name, ...]] = {}
    guidance: dict[Color, dict[str, _Name]] = {}


_ENTRIES = TypeAdapter(dict[_Slug, _Entry])
_SEVERITIES = TypeAdapter(dict[_Severity, Color])

SEVERITY = "severity"
"""The one table of the file that is no hazard: CAP's words for the colors."""


def load_hazards(path: Path) -> HazardCatalogue:
    """Read the catalogue. Raises ConfigError naming the key at fault, e.g. ``rainstorm.colors.1``."""
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
        severities = _SEVERITIES.validate_python(tables.pop(SEVERITY, {}))
        entries = _ENTRIES.validate_python(tables)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(path.name, f"cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ConfigError(".".join(map(str, first["loc"])), first["msg"]) from error
    for slug, entry in entries.items():
        _check_languages(f"{slug}.names", entry.names)
        for color, words in entry.guidance.items():
            _check_languages(f"{slug}.guidance.{color.value}", words)
    if OTHER not in entries:
        raise ConfigError(OTHER, "is missing: hazards that nobody knows go there")
    if sorted(severities.values()) != list(Color):
        raise ConfigError(SEVERITY, "must give each of the four words of CAP a color of its own")
    try:
        return HazardCatalogue.of(
            (Hazard(slug, **dict(entry)) for slug, entry in entries.items()), severities
        )
    except ValueError as error:
        raise ConfigError(path.name, str(error)) from error


def _check_languages(key: str, words: Mapping[str, str]) -> None:
    for tag in ("zh", "en"):
        if tag not in words:
            raise ConfigError(f"{key}.{tag}", "is missing: what a hazard says, it says in zh and en at least")


def find_hazard(
    catalogue: HazardCatalogue,
    *,
    slug: str = "",
    codes: Iterable[str] = (),
    names: Iterable[str] = (),
    title: str,
) -> Hazard | None:
    """By slug, else the first known code, else the first known whole name, else what the title speaks of."""
    names = (slug, *names)
    return (
        catalogue.get(slug)
        or next(filter(None, map(catalogue.by_code, codes)), None)
        or next(filter(None, map(catalogue.by_name, names)), None)
        or hazard_in(catalogue, title)
        or next(filter(None, (catalogue.in_title(name) for name in names)), None)
    )


def hazard_in(catalogue: HazardCatalogue, headline: str) -> Hazard | None:
    """The hazard a Chinese headline speaks of; the kind in its title before any other word of it."""
    title = read_title(headline)
    kind = title.kind if title is not None else headline
    return catalogue.by_name(kind) or catalogue.in_title(kind)
