"""Which color a warning has: what a parameter states, else what the headline says, else its severity."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from warnd.intake.findings import Findings
from warnd.intake.title import COLORS, color_in
from warnd.model.alert_body import COLOR
from warnd.model.color import Color

PARAMETERS = frozenset(
    name.casefold()
    for name in (
        "color",
        "ColorCode",
        "AlertColor",
        "alertLevelColor",
        "severityColor",
        "warningColor",
        "awareness_level",  # MeteoAlarm: "3; orange; Severe"
        "预警颜色",
        "预警级别颜色",
        "颜色",
    )
)
"""Names of parameters that state the color, in lower case."""

_BY_WORD = (
    {color.value: color for color in Color} | COLORS | {f"{sign}色": color for sign, color in COLORS.items()}
)


@dataclass(frozen=True, slots=True)
class ColorReading:
    """
    The color, or None when nothing lets it be known.

    ``disagreement``: parameter and headline said different things, in words; ``unread``: a value of a color
    parameter that names none of the four. Both empty when there is nothing to say.
    """

    color: Color | None
    disagreement: str = ""
    unread: str = ""


def color_of_word(word: str) -> Color | None:
    """``red``, ``RED``, ``红`` or ``红色``, also among others parted by semicolons; else None."""
    named = [_BY_WORD.get(part.strip().casefold()) for part in re.split(r"[;；]", word)]
    return max((color for color in named if color is not None), default=None)


def read_color(
    parameters: Mapping[str, str],
    headline: str,
    severity: Color | None = None,
    *,
    stated: Color | None = None,
) -> ColorReading:
    """
    Decide by the known parameters (or what was ``stated`` outright), else the headline, else what CAP's severity means.

    The reserved parameter comes before the others: a platform before us wrote there how it had read them.

    Where the first two disagree the higher stands; severity never overrides either.
    """
    values = [value for name, value in parameters.items() if name.strip().casefold() in PARAMETERS]
    read = [color for value in values if (color := color_of_word(value)) is not None]
    unread = next((value for value in values if value.strip() and color_of_word(value) is None), "")
    said = stated or color_of_word(parameters.get(COLOR, "")) or max(read, default=None)
    titled = color_in(headline)
    if said is not None and titled is not None and said is not titled:
        return ColorReading(
            max(said, titled), f"stated as {said.value}, but the headline says {titled.value}", unread
        )
    return ColorReading(said or titled or severity, "", unread)


def color_of_blocks(readings: Iterable[tuple[str, ColorReading]], findings: Findings) -> Color | None:
    """The highest color of an XML message's blocks, each by its path; a warning where they are not of one mind."""
    colors = set()
    for path, reading in readings:
        if reading.color is not None:
            colors.add(reading.color)
        if reading.disagreement:
            findings.warn(path, "color_disagrees", f"{reading.disagreement}; the higher stands")
        if reading.unread:
            findings.warn(path, "color_unread", f"{reading.unread[:40]!r} is no known color")
    if len(colors) > 1:
        findings.warn("alert", "blocks_disagree", "blocks differ in color; the highest stands for all areas")
    return max(colors, default=None)
