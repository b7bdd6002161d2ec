"""Which divisions a polygon or a circle touches, by a layer of their boundaries or of points in them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray
from shapely import GEOSException, STRtree
from shapely.geometry.base import BaseGeometry

from warnd.errors import ConfigError

SHARE = 0.01
"""
A division counts when it shares with a shape more than this of the smaller of the two, by area.

Neighbours' boundaries never match to the metre; a village in a large county is still all of the smaller one.
"""

MOST_SHAPES = 1000
MOST_POINTS = 20_000
"""Of one area; beyond, geometry could keep a thread for long. The largest real message known has 225 polygons."""

KEYS = ("code", "adcode")
"""Properties in which a feature's division code is looked for unless the settings name another."""

_MENDING = 200**2
"""
How much mending of rings that cross themselves an area may ask for, as the sum of their corners squared; beyond,
the hull of a ring is taken.
"""

_LARGE = 1000
"""Points of a shape that make cutting it worth the while."""

_KM_PER_DEGREE = math.pi * 6371.0088 / 180
_CIRCLE_STEPS = 16
_KEY = "regions.boundaries"


@dataclass(frozen=True, slots=True)
class Layer:
    """Features as the file has them: codes maybe padded, geometries valid. ``skipped`` had no code or no shape."""

    codes: tuple[str, ...]
    geometries: NDArray[Any]
    skipped: int


def read_layer(path: Path, *, key: str | None = None) -> Layer:
    """
    Read a GeoJSON FeatureCollection (RFC 7946: longitude first, WGS 84); ``key`` is the property with the code.

    Raises ConfigError.
    """
    try:
        content = orjson.loads(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except OSError as error:
        raise ConfigError(_KEY, f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(_KEY, f"{path} is not JSON: {error}") from error
    features = content.get("features") if isinstance(content, dict) else None
    if not isinstance(features, list):
        raise ConfigError(_KEY, f"{path} is no GeoJSON FeatureCollection")
    codes, shapes = [], []
    total = len(features)
    while features:
        # One after the other goes, so that a large file is not in memory twice.
        feature = features.pop()
        code, geometry = _code(feature, (key,) if key else KEYS), _member(feature, "geometry")
        if code and geometry:
            codes.append(code)
            shapes.append(orjson.dumps(geometry).decode())
    geometries = shapely.force_2d(shapely.from_geojson(np.array(shapes, dtype=object), on_invalid="ignore"))
    usable = ~(shapely.is_missing(geometries) | shapely.is_empty(geometries))
    codes = [code for code, good in zip(codes, usable, strict=True) if good]
    geometries = geometries[usable]
    if not codes:
        wanted = key or " or ".join(KEYS)
        raise ConfigError(_KEY, f"{path} has no feature with a geometry and a property {wanted}")
    if np.abs(shapely.bounds(geometries)).max() > 360:
        raise ConfigError(_KEY, f"{path} is not in degrees of longitude and latitude")
    crooked = ~shapely.is_valid(geometries)
    geometries[crooked] = shapely.make_valid(geometries[crooked])
    return Layer(tuple(codes), geometries, total - len(codes))


class Boundaries:
    """The layer, ready to be asked; not changed after it is made, so that any thread may ask."""

    def __init__(self, layer: Layer) -> None:
        self._codes = layer.codes
        self._geometries = layer.geometries
        self._areas = shapely.area(layer.geometries)
        self._bounds = shapely.bounds(layer.geometries)
        self._tree = STRtree(layer.geometries)

    def touched(self, polygons: Sequence[str], circles: Sequence[str]) -> list[str] | None:
        """
        The codes, as in the file, of what the shapes (in CAP's writing) touch; None when they are too many.

        A point counts when it lies in a shape, an area when it shares more than ``SHARE`` with one; what shares
        less counts only if otherwise nothing would.
        """
        written = list(dict.fromkeys(polygons)), list(dict.fromkeys(circles))
        points = sum(polygon.count(" ") for polygon in written[0])
        if sum(map(len, written)) > MOST_SHAPES or points > MOST_POINTS:
            return None
        found = np.zeros(len(self._codes), dtype=bool)
        grazed = found.copy()
        shapes = [*_valid(map(polygon_of, written[0])), *map(circle_of, written[1])]
        # The largest first: what lies within one need not be measured against the others.
        for shape in sorted(shapes, key=shapely.area, reverse=True):
            self._mark(shape, found, grazed)
        hits = found if found.any() else grazed
        return list(dict.fromkeys(self._codes[index] for index in np.flatnonzero(hits)))

    def _mark(self, shape: BaseGeometry, found: NDArray[np.bool_], grazed: NDArray[np.bool_]) -> None:
        near = self._tree.query(shape)
        near = near[~found[near]]
        shapely.prepare(shape)
        near = near[shapely.intersects(shape, self._geometries[near])]
        # What lies within, and whatever a point or a line meets, needs no measuring.
        flat = (self._areas[near] == 0) | (shape.area == 0)
        sure = flat | shapely.covers(shape, self._geometries[near])
        found[near[sure]] = True
        rest = near[~sure]
        common = self._common(rest, shape)
        enough = common > SHARE * np.minimum(self._areas[rest], shape.area)
        found[rest[enough]] = True
        grazed[rest[common > 0]] = True

    def _common(self, near: NDArray[np.intp], shape: BaseGeometry) -> NDArray[np.float64]:
        """What each has in common with the shape, of which a large one is cut to the surroundings of each first."""
        others: Any = shape
        if shapely.get_num_coordinates(shape) > _LARGE:
            others = [shapely.clip_by_rect(shape, *bounds) for bounds in self._bounds[near]]
        try:
            areas: NDArray[np.float64] = shapely.area(shapely.intersection(self._geometries[near], others))
        except GEOSException:
            # Where measuring fails they meet all the same: too many are warned rather than too few.
            return np.full(len(near), np.inf)
        return areas


def _valid(rings: Iterable[BaseGeometry]) -> Iterator[BaseGeometry]:
    spare = _MENDING
    for ring in rings:
        if shapely.is_valid(ring):
            yield ring
            continue
        spare -= int(shapely.get_num_coordinates(ring)) ** 2
        yield mended(ring) if spare >= 0 else shapely.convex_hull(ring)


def polygon_of(text: str) -> BaseGeometry:
    """A polygon from ``lat,lon lat,lon …``, whose ring may cross itself."""
    corners = np.array([_point(pair) for pair in text.split()])
    # Beyond 180 degrees some services go on counting.
    corners[:, 0] -= 360 * np.round(corners[:, 0].mean() / 360)
    return shapely.Polygon(corners)


def mended(ring: BaseGeometry) -> BaseGeometry:
    """The area or, of a ring without any, the line. By structure: by linework 500 corners can take minutes."""
    return shapely.make_valid(ring, method="structure", keep_collapsed=True)


def circle_of(text: str) -> BaseGeometry:
    """
    A circle from ``lat,lon km``; a radius of 0 is a point.

    Degrees by the equirectangular projection about its centre (J. P. Snyder, Map Projections: A Working Manual,
    USGS 1987, p. 90): a degree of longitude is shorter by the cosine of the latitude. Up to 200 km and within
    China's latitudes the rim is true to 1 %.
    """
    centre, radius = text.split()
    longitude, latitude = _point(centre)
    point = shapely.Point(longitude - 360 * round(longitude / 360), latitude)
    degrees = float(radius) / _KM_PER_DEGREE
    if degrees == 0:
        return point
    wide = min(degrees / max(math.cos(math.radians(latitude)), 0.01), 180.0)
    turns = np.linspace(0, 2 * math.pi, 4 * _CIRCLE_STEPS, endpoint=False)
    rim = np.column_stack((point.x + wide * np.cos(turns), point.y + min(degrees, 180.0) * np.sin(turns)))
    return shapely.Polygon(rim)


def _point(pair: str) -> tuple[float, float]:
    """Longitude first, as geometry has it; CAP has latitude first."""
    latitude, longitude = pair.split(",")
    return float(longitude), float(latitude)


def _code(feature: object, keys: Iterable[str]) -> str:
    properties = _member(feature, "properties")
    values = (_member(properties, key) for key in keys)
    return next((str(one).strip() for one in values if isinstance(one, (str, int)) and one), "")


def _member(thing: object, key: str) -> Any:
    return thing.get(key) if isinstance(thing, dict) else None
