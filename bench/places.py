"""How long it takes to find the divisions that a warning's polygons touch."""

from __future__ import annotations

import math
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import orjson

from warnd.intake.boundaries import Boundaries, read_layer

_ACROSS = 70
_SIDE = 0.4
_CORNERS = 40


def seconds(*, divisions: int, points: int, polygons: int, times: int) -> float:
    """The median for one warning of so many polygons, against so many divisions of so many points each."""
    dice = random.Random(20260714)
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        file = Path(directory, "layer.geojson")
        features = [_feature(number, points) for number in range(divisions)]
        file.write_bytes(orjson.dumps({"type": "FeatureCollection", "features": features}))
        boundaries = Boundaries(read_layer(file))
    taken = []
    for _ in range(times):
        warned = [_polygon(dice, divisions) for _ in range(polygons)]
        began = time.perf_counter()
        if not boundaries.touched(warned, ()):
            raise RuntimeError("the polygons touch nothing")
        taken.append(time.perf_counter() - began)
    return sorted(taken)[len(taken) // 2]


def _feature(number: int, points: int) -> dict[str, object]:
    row, column = divmod(number, _ACROSS)
    west, south = 75 + column * _SIDE, 18 + row * _SIDE
    ring = [[round(west + x, 6), round(south + y, 6)] for x, y in _rim(points)]
    return {
        "type": "Feature",
        "properties": {"code": str(100_000 + number)},
        "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]},
    }


def _rim(points: int) -> Iterator[tuple[float, float]]:
    """Once around a square."""
    for number in range(points):
        side, along = divmod(4 * number / points, 1)
        x, y = ((along, 0), (1, along), (1 - along, 1), (0, 1 - along))[int(side)]
        yield x * _SIDE, y * _SIDE


def _polygon(dice: random.Random, divisions: int) -> str:
    """One as wide as three divisions, somewhere among them, in CAP's writing."""
    north, east = 18 + divisions / _ACROSS * _SIDE, 75 + _ACROSS * _SIDE
    latitude, longitude = dice.uniform(18, north), dice.uniform(75, east)
    angles = sorted(dice.uniform(0, 2 * math.pi) for _ in range(_CORNERS))
    reach = [(angle, _SIDE * dice.uniform(0.9, 1.5)) for angle in angles]
    corners = [
        f"{latitude + far * math.sin(angle):.4f},{longitude + far * math.cos(angle):.4f}"
        for angle, far in reach
    ]
    return " ".join([*corners, corners[0]])
