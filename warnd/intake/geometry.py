"""Polygons and circles as CAP writes them: latitude first, kilometres, checked before geometry is done."""

from __future__ import annotations

import re

_POINT = re.compile(r"([+-]?\d{1,3}(?:\.\d+)?),([+-]?\d{1,3}(?:\.\d+)?)", re.ASCII)
_RADIUS = re.compile(r"\+?\d{1,5}(?:\.\d+)?", re.ASCII)


def read_polygon(text: str) -> tuple[str, str]:
    """
    The polygon, points parted by single spaces and closed, and what was unusual (empty if nothing).

    Raises ValueError saying what is wrong: fewer than three corners, no number, latitude beyond 90.
    """
    points = _tokens(text)
    oddity = _check_points(points)
    if points and points[0] != points[-1]:
        points.append(points[0])
        oddity = "is not closed; its first point was taken as its last too"
    if len(set(points)) < 3:
        raise ValueError("has fewer than three corners")
    return " ".join(points), oddity


def read_circle(text: str) -> tuple[str, str]:
    """The circle as ``lat,lon radius``, and what was unusual. Raises ValueError saying what is wrong."""
    match _tokens(text):
        case [centre, radius] if _RADIUS.fullmatch(radius):
            return f"{centre} {radius}", _check_points([centre])
        case _:
            raise ValueError("is not a centre and a radius in kilometres, like 33.4,104.9 20")


def _tokens(text: str) -> list[str]:
    """The parts between white space, of which some services put one around the comma too."""
    return " ".join(text.split()).replace(" ,", ",").replace(", ", ",").split(" ") if text.strip() else []


def _check_points(points: list[str]) -> str:
    oddity = ""
    for point in points:
        pair = _POINT.fullmatch(point)
        if pair is None:
            raise ValueError(f"holds {point[:40]!r}, which is not a point like 33.0,104.5")
        latitude, longitude = float(pair[1]), float(pair[2])
        if abs(latitude) > 90:
            raise ValueError(f"has latitude {pair[1]}, beyond 90 (latitude comes first)")
        if abs(longitude) > 360:
            raise ValueError(f"has longitude {pair[2]}, which is nowhere")
        if abs(longitude) > 180:
            oddity = f"has longitude {pair[2]}, beyond 180"
    return oddity
