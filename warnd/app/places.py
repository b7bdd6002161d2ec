"""Looking up where alerts hold that name no code: names in the division tree, shapes in the boundary layer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import structlog
from sqlalchemy import Connection

from warnd.errors import Fault
from warnd.intake.boundaries import Boundaries, read_layer
from warnd.intake.place_names import parts
from warnd.intake.placing import Lookup, finest, gathered, looked_at, needs_place, place
from warnd.model.alert import Alert, Area
from warnd.model.region import Region, ancestors
from warnd.settings.values import RegionSettings
from warnd.store import division_names, regions
from warnd.store.threads import ThreadedStore

log = structlog.get_logger()

_ISSUER = re.compile(r"(\d{6})\d{8}(?:_|\Z)|(\d{6}|\d{12})\Z", re.ASCII)
"""
How an identifier or a sender begins with the issuer's division: 14 digits of the national platform, or a bare
code (GB/T 2260).
"""

_MOST_TEXTS = 1000
"""Names of one message that are looked for."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """The divisions that a place means, with full names; how they were found, and what was not."""

    regions: tuple[Region, ...]
    findings: tuple[Fault, ...]


class Places:
    """Finds divisions. The boundary layer is read once, when it is first needed or by ``load``."""

    def __init__(self, store: ThreadedStore, settings: RegionSettings) -> None:
        self._store = store
        self._settings = settings
        self._boundaries: Boundaries | None = None
        self._loading = asyncio.Lock()

    async def load(self) -> Boundaries | None:
        """The boundary layer, if one is configured. Raises ConfigError when its file cannot be used."""
        path = self._settings.boundaries
        async with self._loading:
            if path is not None and self._boundaries is None:
                layer = await asyncio.to_thread(read_layer, path, key=self._settings.code_property)
                self._boundaries = await asyncio.to_thread(Boundaries, layer)
                log.info("boundaries.loaded", features=len(layer.codes), skipped=layer.skipped)
        return self._boundaries

    async def look_up(self, alert: Alert) -> Lookup:
        """What is known of the alert's areas that its codes do not place."""
        if not needs_place(alert) or not alert.areas:
            return Lookup()
        return await self._look_up(alert.areas, issuer_of(alert))

    async def resolve(self, area: Area, *, sender: str = "") -> Resolved:
        """What one area means, and why: for a person who asks."""
        lookup = await self._look_up((area,), _division_in(sender))
        codes, unknown = await self._store.read(regions.resolve, area.regions)
        found = place(lookup, beside=codes)
        every = list(dict.fromkeys((*codes, *found.regions)))
        named = await self._store.read(regions.full_names, every)
        strangers = [
            Fault("areas[0].regions", "unknown_region", f"{code} is no division that is known here")
            for code in unknown
        ]
        return Resolved(
            tuple(Region(code, named[code]) for code in every),
            (*strangers, *found.findings, *found.doubts),
        )

    async def _look_up(self, areas: Sequence[Area], issuer: str | None) -> Lookup:
        lookup = await self._store.read(_by_name, areas, issuer)
        if not any(area.polygons or area.circles for area in lookup.areas.values()):
            return lookup
        boundaries = await self.load()
        if boundaries is None:
            return lookup
        touched = await asyncio.to_thread(_touched, boundaries, lookup.areas)
        shaped = await self._store.read(_by_shape, touched, lookup.whole)
        return replace(lookup, shaped=shaped, layer=True)


def asked_for(text: str, polygons: Iterable[str] = (), circles: Iterable[str] = ()) -> Area:
    """The area that a person asks of: by name, or by codes if there is nothing but digits."""
    words = text.replace(",", " ").split()
    if words and all(word.isascii() and word.isdigit() for word in words):
        return Area("", tuple(words), tuple(polygons), tuple(circles))
    return Area(text.strip(), (), tuple(polygons), tuple(circles))


def issuer_of(alert: Alert) -> str | None:
    """The division code with which the identifier begins, or the sender."""
    return _division_in(alert.identifier) or _division_in(alert.sender)


def _division_in(text: str) -> str | None:
    found = _ISSUER.match(text)
    return next(filter(None, found.groups())) if found is not None else None


def _by_name(connection: Connection, areas: Sequence[Area], issuer: str | None) -> Lookup:
    meant = regions.meanings(connection, (code for area in areas for code in area.regions))
    open_ = {n: area for n, area in enumerate(areas) if not any(code in meant for code in area.regions)}
    if not open_:
        return Lookup()
    seen = looked_at(open_)
    texts = dict.fromkeys(
        text
        for area in seen.values()
        for readings in parts(area.name)
        for reading in readings
        for text in reading
    )
    return Lookup(
        seen,
        named=division_names.named(connection, islice(texts, _MOST_TEXTS)),
        home=division_names.lineage(connection, issuer) if issuer is not None else (),
        more=len(open_) - len(seen),
        whole=division_names.is_whole(connection),
    )


def _touched(boundaries: Boundaries, areas: Mapping[int, Area]) -> dict[int, list[str]]:
    return {n: boundaries.touched(area.polygons, area.circles) or [] for n, area in areas.items()}


def _by_shape(
    connection: Connection, touched: Mapping[int, Sequence[str]], whole: bool
) -> dict[int, tuple[Region, ...]]:
    meant = regions.meanings(connection, (code for codes in touched.values() for code in codes))
    hits = {n: finest(meant[code] for code in codes if code in meant) for n, codes in touched.items()}
    # In a part of the tree the only child of a province is not all of it.
    above = {parent for codes in hits.values() for code in codes for parent in ancestors(code) if whole}
    children = division_names.children(connection, above)
    placed = {n: gathered(codes, children) for n, codes in hits.items()}
    full = regions.full_names(connection, (code for codes in placed.values() for code in codes))
    return {n: tuple(Region(code, full[code]) for code in codes) for n, codes in placed.items()}
