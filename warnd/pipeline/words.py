"""What a language calls colors, changes and drills, and how it writes lists and times: data, not code."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_datetime

from warnd.errors import TemplateError
from warnd.model.alert import Change, Status
from warnd.model.color import Color
from warnd.model.region import Level

FALLBACK = "zh"
"""What is sent when a language is missing."""

E = TypeVar("E", bound=Enum)


def fallbacks(tag: str) -> tuple[str, ...]:
    """
    A BCP 47 tag and what it may be replaced by, as in RFC 4647 3.4.

    ``zh-Hant-TW`` → ``zh-hant-tw``, ``zh-hant``, ``zh``: in lower case, for tags are compared so.
    """
    subtags = tag.replace("_", "-").lower().split("-")
    found: list[str] = []
    while subtags:
        if len(subtags[-1]) > 1:
            found.append("-".join(subtags))
        subtags.pop()
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Words:
    """
    A language's own words.

    ``shortened`` says how a list goes that is not printed whole, from ``{names}``, the number of all
    (``{count}``), of those left out (``{rest}``) and their ``{unit}``. ``time`` and ``hour`` are CLDR patterns,
    the latter for times on the hour.
    """

    language: str
    locale: Locale
    rtl: bool
    colors: Mapping[Color, str]
    changes: Mapping[Change, str]
    marks: Mapping[Status, str]
    separator: str
    shortened: str
    units: Mapping[Level, str]
    other_unit: str
    time: str
    hour: str

    def clock(self, instant: datetime | None, zone: ZoneInfo) -> str:
        """An aware time as people of this language write it; empty for None."""
        if instant is None:
            return ""
        local = instant.astimezone(zone)
        return format_datetime(
            local, self.time if local.minute else self.hour, tzinfo=zone, locale=self.locale
        )

    def listed(self, names: Sequence[str], *, count: int, level: Level | None) -> str:
        """The names, and how many there are if these are not all ``count`` of them: ``A、B、C等12个乡镇``."""
        joined = self.separator.join(names)
        if len(names) == count:
            return joined
        return (
            self.shortened.replace("{count}", str(count))
            .replace("{rest}", str(count - len(names)))
            .replace("{unit}", self.other_unit if level is None else self.units[level])
            .replace("{names}", joined)
        )


CHINESE = Words(
    language=FALLBACK,
    locale=Locale("zh"),
    rtl=False,
    colors={Color.BLUE: "蓝色", Color.YELLOW: "黄色", Color.ORANGE: "橙色", Color.RED: "红色"},
    changes={
        Change.ISSUED: "发布",
        Change.RAISED: "升级",
        Change.LOWERED: "降级",
        Change.WIDENED: "扩大",
        Change.NARROWED: "缩小",
        Change.UPDATED: "更新",
        Change.CONTINUED: "继续发布",
        Change.LIFTED: "解除",
    },
    marks={Status.EXERCISE: "【演练】", Status.TEST: "【测试】"},
    separator="、",
    shortened="{names}等{count}个{unit}",
    units={
        Level.PROVINCE: "省份",
        Level.PREFECTURE: "市州",
        Level.COUNTY: "县区",
        Level.TOWNSHIP: "乡镇",
        Level.VILLAGE: "村",
    },
    other_unit="地区",
    time="y年M月d日H时mm分",
    hour="y年M月d日H时",
)
"""Chinese stands here, not in a file: the last resort needs none."""


def parse_words(path: str, language: str, text: str) -> Words:
    """Read a ``words/<language>.toml``. Raises TemplateError for what is missing, misspelt or of no use."""
    try:
        table = _Table(tomllib.loads(text))
        locale = Locale.parse(table.text("locale", language), sep="-")
        time, area = table.table("time"), table.table("area")
        units = area.table("units", optional=True)
        pattern = time.text("pattern")
        words = Words(
            language=language,
            locale=locale,
            rtl=table.text("direction", locale.text_direction) == "rtl",
            colors=table.table("colors").every(Color),
            changes=table.table("changes").every(Change),
            marks=table.table("marks").every(Status, only=(Status.EXERCISE, Status.TEST)),
            separator=area.text("separator"),
            shortened=area.text("shortened"),
            units={level: units.text(level.name.lower(), "") for level in Level},
            other_unit=units.text("other", ""),
            time=pattern,
            hour=time.text("on_the_hour", pattern),
        )
        table.finish()
        for pattern in (words.time, words.hour):
            format_datetime(datetime(2026, 7, 14, 8, tzinfo=ZoneInfo("UTC")), pattern, locale=locale)
    except (ValueError, TypeError, KeyError, UnknownLocaleError) as error:
        raise TemplateError(path, str(error)) from error
    return words


class _Table:
    """A TOML table read key by key, so that a misspelt key is found instead of ignored."""

    def __init__(self, values: Mapping[str, Any], name: str = "") -> None:
        self._values = dict(values)
        self._name = name
        self._inner: list[_Table] = []

    def text(self, key: str, default: str | None = None) -> str:
        value = self._values.pop(key, default)
        if not isinstance(value, str):
            raise TypeError(f"{self._name}{key} {'is missing' if value is None else 'is not a text'}")
        return value

    def table(self, key: str, *, optional: bool = False) -> _Table:
        value = self._values.pop(key, {} if optional else None)
        if not isinstance(value, dict):
            raise TypeError(f"the table [{self._name}{key}] is missing")
        inner = _Table(value, f"{self._name}{key}.")
        self._inner.append(inner)
        return inner

    def every(self, members: type[E], *, only: Sequence[E] | None = None) -> dict[E, str]:
        return {member: self.text(member.value) for member in (members if only is None else only)}

    def finish(self) -> None:
        """Raises ValueError when a key was not asked for."""
        for key in self._values:
            raise ValueError(f"{self._name}{key} is unknown")
        for inner in self._inner:
            inner.finish()
