"""The grammar of Chinese warning titles: 〈issuer〉〈act〉〈kind〉〈color〉色预警."""

from __future__ import annotations

import re
from dataclasses import dataclass

from warnd.model.alert import Change
from warnd.model.color import Color

COLORS = {"蓝": Color.BLUE, "黄": Color.YELLOW, "橙": Color.ORANGE, "红": Color.RED}

_GRADE = re.compile(r"([蓝黄橙红])色(?:[\[【（(][^\]】）)]{0,12}[\]】）)])?预警")
_LEVELS = {
    "I": Color.RED, "II": Color.ORANGE, "III": Color.YELLOW, "IV": Color.BLUE,
    "Ⅰ": Color.RED, "Ⅱ": Color.ORANGE, "Ⅲ": Color.YELLOW, "Ⅳ": Color.BLUE,
}  # fmt: skip
_LEVEL = re.compile(r"预警(?:信号)?\s*[\[【（(](IV|I{1,3}|[Ⅰ-Ⅳ])(?:级|/)")
"""The level of a title that names no color: 〈kind〉预警[Ⅱ级/严重]."""

_TITLE = re.compile(
    r"(?P<issuer>.*?)(?P<act>(?:变更|更新|继续|升级|降级)?发布|更新|解除)"
    r"(?P<kind>(?:(?!发布|更新|解除)[^蓝黄橙红色])+)" + _GRADE.pattern
)
_LONGEST = 200
_ACTS = {
    "发布": Change.ISSUED,
    "变更发布": Change.UPDATED,
    "更新发布": Change.UPDATED,
    "更新": Change.UPDATED,
    "继续发布": Change.CONTINUED,
    "升级发布": Change.RAISED,
    "降级发布": Change.LOWERED,
    "解除": Change.LIFTED,
}


@dataclass(frozen=True, slots=True)
class Title:
    """What a title says: who did what, of which kind of danger."""

    issuer: str
    act: Change
    kind: str


def read_title(headline: str) -> Title | None:
    """
    The title's parts, e.g. 武都区气象台 · issued · 暴雨; None if the headline does not follow the grammar.

    Of two in one headline (解除…红色预警，发布…橙色预警) the last says what holds now, the first who speaks.
    """
    found = list(_TITLE.finditer(headline.strip()[:_LONGEST]))
    return Title(found[0]["issuer"], _ACTS[found[-1]["act"]], found[-1]["kind"]) if found else None


def color_in(headline: str) -> Color | None:
    """
    The color of the last ``[蓝黄橙红]色`` that 预警 follows, else of the level that follows 预警 in brackets.

    The last, for place names (黄山市) and phrases (由红色变更为橙色) hold these characters too.
    """
    if found := _GRADE.findall(headline):
        return COLORS[found[-1]]
    levels = _LEVEL.findall(headline)
    return _LEVELS[levels[-1]] if levels else None
