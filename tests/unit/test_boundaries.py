"""Which divisions a shape touches: slivers, points, mended rings, circles, and files that are none."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import assume, given
from hypothesis import strategies as st

from warnd.errors import ConfigError
from warnd.intake.boundaries import (
    MOST_POINTS,
    MOST_SHAPES,
    Boundaries,
    Layer,
    circle_of,
    mended,
    polygon_of,
    read_layer,
)


def layer(**shapes: Any) -> Boundaries:
    return Boundaries(Layer(tuple(shapes), np.array(list(shapes.values()), dtype=object), 0))


def written(*corners: tuple[float, float]) -> str:
    """(longitude, latitude) in CAP's order."""
    return " ".join(f"{latitude:.6f},{longitude:.6f}" for longitude, latitude in corners)


def rectangle(west: float, south: float, east: float, north: float) -> str:
    return written((west, south), (east, south), (east, north), (west, north), (west, south))


SQUARES = layer(west=shapely.box(104, 33, 105, 34), east=shapely.box(105, 33, 106, 34))


@pytest.mark.parametrize(
    ("polygons", "circles", "touched"),
    [
        pytest.param([rectangle(104.2, 33.2, 104.8, 33.8)], [], ["west"], id="within one"),
        pytest.param([rectangle(104.5, 33.2, 105.5, 33.8)], [], ["west", "east"], id="across the border"),
        pytest.param([rectangle(104, 33, 105.005, 34)], [], ["west"], id="a sliver of the neighbour"),
        pytest.param([rectangle(104, 33, 105.02, 34)], [], ["west", "east"], id="more than a hundredth of it"),
        pytest.param([rectangle(104.99, 33.5, 105.001, 33.501)], [], ["west", "east"], id="a hamlet astride"),
        pytest.param([rectangle(105.995, 33, 120, 34)], [], ["east"], id="a sliver where there is nothing else"),
        pytest.param([rectangle(103, 32, 107, 35)], [], ["west", "east"], id="all of both"),
        pytest.param([rectangle(10, 10, 11, 11)], [], [], id="far away"),
        pytest.param([rectangle(106, 33, 107, 34)], [], [], id="a common border only"),
        pytest.param([], ["33.5,104.5 0"], ["west"], id="a circle that is a point"),
        pytest.param([], ["33.5,104.5 20"], ["west"], id="a circle within"),
        pytest.param([], ["33.5,104.9 20"], ["west", "east"], id="a circle across"),
        pytest.param([rectangle(-255.8, 33.2, -255.2, 33.8)], [], ["west"], id="longitude counted on"),
        pytest.param([written((104.1, 33.1), (104.5, 33.5), (104.9, 33.9), (104.1, 33.1))], [], ["west"], id="a line"),
        pytest.param([rectangle(104.2, 33.2, 104.3, 33.3), rectangle(105.2, 33.2, 105.3, 33.3)], [], ["west", "east"], id="two polygons"),
        pytest.param([rectangle(100, 30, 105, 34), rectangle(105.3, 33.3, 105.31, 33.31)], [], ["west", "east"], id="a village beside a province"),
    ],
)  # fmt: skip
def test_what_counts_as_touched(polygons: list[str], circles: list[str], touched: list[str]) -> None:
    """More than a hundredth of the smaller of the two; less only where there is nothing else."""
    assert SQUARES.touched(polygons, circles) == touched


def test_latitude_comes_first() -> None:
    """Swapped, a warning for Gansu would be in the Barents Sea."""
    assert polygon_of(rectangle(104, 33, 105, 34)).bounds == (104, 33, 105, 34)
    x, y = circle_of("33,104 0").coords[0]
    assert (x, y) == (104, 33)


def test_a_bow_tie_is_both_its_wings() -> None:
    """A ring that crosses itself still says where."""
    ring = polygon_of(written((104, 33), (106, 34), (106, 33), (104, 34), (104, 33)))
    assert not shapely.is_valid(ring)
    assert mended(ring).area == pytest.approx(1)
    text = written((104, 33), (106, 34), (106, 33), (104, 34), (104, 33))
    assert SQUARES.touched([text], []) == ["west", "east"]


def test_a_point_counts_when_it_lies_in_the_shape() -> None:
    """A layer of village points is enough for small shapes, and tells nothing between its points."""
    points = layer(
        a=shapely.Point(104.5, 33.5),
        b=shapely.Point(105.5, 33.5),
        c=shapely.MultiPoint([(105, 33), (120, 50)]),
    )
    assert points.touched([rectangle(104, 33.2, 105, 34)], []) == ["a"]
    assert points.touched([rectangle(104, 33, 106, 34)], []) == ["a", "b", "c"]
    assert points.touched([rectangle(104.6, 33.1, 104.7, 33.2)], []) == []


@pytest.mark.parametrize("corners", [5, 400], ids=["mended", "too costly: its hull"])
def test_a_crooked_ring_touches_what_it_surrounds(corners: int) -> None:
    """And keeps nobody waiting, however often it crosses itself."""
    dice = np.random.default_rng(7)
    ring = dice.uniform((104.1, 33.1), (104.9, 33.9), (corners, 2))
    assert SQUARES.touched([written(*ring, ring[0])], []) == ["west"]


def test_a_large_shape_is_measured_like_a_small_one() -> None:
    """It is cut to each division's surroundings first."""
    turns = np.linspace(0, 2 * math.pi, 3000, endpoint=False)
    rim = list(zip(105.002 - 0.5 + 0.5 * np.cos(turns), 33.5 + 0.4 * np.sin(turns), strict=True))
    assert SQUARES.touched([written(*rim, rim[0])], []) == ["west"]


def test_too_much_is_not_looked_at() -> None:
    """A hostile body must not keep a thread."""
    some = [f"33,104 {n}" for n in range(MOST_SHAPES + 1)]
    assert SQUARES.touched([], some) is None
    assert SQUARES.touched([" ".join(["33,104"] * (MOST_POINTS + 2))], []) is None


def test_a_circle_is_round_on_the_ground() -> None:
    """To one part in a hundred, in China's latitudes and up to 200 km."""
    for latitude in (18, 35, 53):
        for longitude, north in circle_of(f"{latitude},104 200").exterior.coords:
            rise, turn = math.radians(north - latitude), math.radians(longitude - 104)
            haversine = (
                math.sin(rise / 2) ** 2
                + math.cos(math.radians(latitude)) * math.cos(math.radians(north)) * math.sin(turn / 2) ** 2
            )
            assert 2 * 6371.0088 * math.asin(math.sqrt(haversine)) == pytest.approx(200, rel=0.01)


# --- whatever the shape -----------------------------------------------------------------------------

angles = st.lists(
    st.floats(0, 2 * math.pi, exclude_max=True), min_size=3, max_size=30, unique_by=lambda a: round(a, 3)
)


@st.composite
def rings(draw: st.DrawFn) -> list[tuple[float, float]]:
    """Corners around a centre, so that the ring does not cross itself."""
    x, y = draw(st.floats(100, 110)), draw(st.floats(28, 38))
    reach = draw(st.floats(0.05, 3))
    return [
        (round(x + reach * math.cos(a), 6), round(y + reach * math.sin(a), 6)) for a in sorted(draw(angles))
    ]


grid = layer(**{f"{x}-{y}": shapely.box(x, y, x + 1, y + 1) for x in range(95, 115) for y in range(23, 43)})


corners = st.lists(st.tuples(st.floats(100, 110), st.floats(28, 38)), min_size=3, max_size=3)
weights = st.lists(st.floats(0.05, 1), min_size=3, max_size=3)


@given(corners, weights)
def test_a_point_in_a_polygon_is_placed(triangle: list[tuple[float, float]], shares: list[float]) -> None:
    """Any mean of its corners lies in a triangle."""
    assume(polygon_of(written(*triangle)).area > 1e-3)
    x, y = (
        sum(share * corner[axis] for share, corner in zip(shares, triangle, strict=True)) / sum(shares)
        for axis in (0, 1)
    )
    assert layer(here=shapely.Point(x, y)).touched([written(*triangle, triangle[0])], []) == ["here"]


@given(rings())
def test_no_polygon_over_land_is_placed_nowhere(ring: list[tuple[float, float]]) -> None:
    """However thin or wide: where divisions have no gaps, something is touched."""
    assert grid.touched([written(*ring, ring[0])], [])


@given(ring=rings(), start=st.integers(0, 29), backwards=st.booleans(), closed=st.booleans())
def test_winding_closing_and_the_first_corner_do_not_matter(
    ring: list[tuple[float, float]], start: int, backwards: bool, closed: bool
) -> None:
    """Services differ in all three."""
    turned = ring[start % len(ring) :] + ring[: start % len(ring)]
    turned = turned[::-1] if backwards else turned
    other = written(*turned, turned[0]) if closed else written(*turned)
    assert grid.touched([other], []) == grid.touched([written(*ring, ring[0])], [])


# --- the file ---------------------------------------------------------------------------------------


def feature(code: object, *, key: str = "code", geometry: object = None) -> dict[str, object]:
    ring = [[104, 33], [105, 33], [105, 34], [104, 34], [104, 33]]
    return {
        "type": "Feature",
        "properties": {key: code},
        "geometry": geometry or {"type": "Polygon", "coordinates": [ring]},
    }


def file(folder: Path, *features: object) -> Path:
    path = folder / "layer.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8-sig")
    return path


def test_a_file_is_read_with_what_can_be_used_of_it(tmp_path: Path) -> None:
    """Codes as text or number, under either usual name; heights are dropped, crossed rings mended."""
    bow_tie = [[104, 33, 900], [105, 34, 900], [105, 33, 900], [104, 34, 900], [104, 33, 900]]
    path = file(
        tmp_path,
        feature("621202000000"),
        feature(621222, key="adcode"),
        feature("621221", geometry={"type": "Polygon", "coordinates": [bow_tie]}),
        feature(None), feature("62", geometry={"type": "Polygon", "coordinates": "?"}), "no feature",
        {"type": "Feature", "properties": None, "geometry": None},
    )  # fmt: skip
    found = read_layer(path)
    assert (set(found.codes), found.skipped) == ({"621202000000", "621222", "621221"}, 4)
    assert all(shapely.is_valid(found.geometries))
    assert not any(shapely.has_z(found.geometries))
    assert Boundaries(found).touched([], ["33.5,104.5 1"]) is not None


def test_the_property_with_the_code_can_be_named(tmp_path: Path) -> None:
    """Every maker of maps has another."""
    path = file(tmp_path, feature("621202", key="GB"))
    assert read_layer(path, key="GB").codes == ("621202",)
    with pytest.raises(ConfigError, match="property code or adcode"):
        read_layer(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("{", "is not JSON", id="broken"),
        pytest.param("[]", "no GeoJSON FeatureCollection", id="a list"),
        pytest.param('{"type": "Topology", "objects": {}}', "no GeoJSON", id="TopoJSON"),
        pytest.param('{"features": []}', "no feature with a geometry", id="empty"),
        pytest.param(
            '{"features": [{"properties": {"code": "62"}, "geometry": {"type": "Point", "coordinates": [500000, 4000000]}}]}',
            "not in degrees",
            id="metres",
        ),
    ],
)
def test_another_file_is_refused_by_the_key_of_the_settings(
    tmp_path: Path, content: str, message: str
) -> None:
    """At the start, not at the first warning."""
    path = tmp_path / "layer.geojson"
    path.write_text(content)
    with pytest.raises(ConfigError, match=message) as refused:
        read_layer(path)
    assert refused.value.key == "regions.boundaries"
    with pytest.raises(ConfigError, match="cannot be read"):
        read_layer(tmp_path / "missing")
