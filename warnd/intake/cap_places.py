"""Where a CAP message warns: its areas, and which geocodes are China's division codes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from warnd.intake.cap_grammar import pairs
from warnd.intake.cap_words import Block
from warnd.intake.findings import Findings, Weight, refuse
from warnd.intake.geocodes import division_code
from warnd.intake.geometry import read_circle, read_polygon
from warnd.intake.xml import Node
from warnd.model.alert import Area

MAX_AREAS = 5_000
"""In all languages; the largest real message known has some two thousand."""


def areas_of(blocks: Sequence[Block], findings: Findings) -> tuple[Area, ...]:
    """The union of all blocks' areas. Translations repeat them: one that names no new place is left out."""
    areas: dict[object, Area] = {}
    count = sum(len(block.info.all("area")) for block in blocks)
    if count > MAX_AREAS:
        refuse("alert/info", "too_many_areas", f"has {count} areas, more than {MAX_AREAS}")
    for block in blocks:
        for node in block.info.all("area"):
            area = _area(node, findings)
            place = (area.regions, area.polygons, area.circles, area.geocodes)
            if any(place):
                areas.setdefault(place, area)
            elif block.language == blocks[0].language:
                areas.setdefault(area.name, area)
    return tuple(areas.values())


def _area(node: Node, findings: Findings) -> Area:
    given = {pair: division_code(*pair) for pair in dict.fromkeys(_codes(node))}
    regions = tuple(dict.fromkeys(code for code in given.values() if code is not None))
    altitude, ceiling = node.value("altitude"), node.value("ceiling")
    if ceiling and not altitude:
        findings.warn(f"{node.path}/ceiling", "ceiling_alone", "a ceiling means nothing without an altitude")
    # With codes the place is known anyway; without, part of it may be missing.
    weight = Weight.WARNING if regions else Weight.DOUBT
    return Area(
        name=node.value("areaDesc"),
        regions=regions,
        polygons=tuple(_shapes(node.all("polygon"), read_polygon, weight, findings)),
        circles=tuple(_shapes(node.all("circle"), read_circle, weight, findings)),
        geocodes=tuple(pair for pair, code in given.items() if code != pair[1]),
        altitude=altitude,
        ceiling=ceiling,
    )


def _codes(area: Node) -> Iterator[tuple[str, str]]:
    """Each geocode with its scheme; values joined by commas are taken apart."""
    for name, value in pairs(area, "geocode"):
        yield from ((name, code) for code in re.split(r"[\s,，;、]+", value) if code)


def _shapes(
    nodes: Sequence[Node], reader: Callable[[str], tuple[str, str]], weight: Weight, findings: Findings
) -> Iterator[str]:
    for node in nodes:
        if not node.text:
            findings.warn(node.path, "empty", "is empty; taken as absent")
            continue
        try:
            shape, oddity = reader(node.text)
        except ValueError as error:
            findings.add(weight, node.path, "bad_shape", str(error))
            continue
        if oddity:
            findings.warn(node.path, "shape_unusual", oddity)
        yield shape
