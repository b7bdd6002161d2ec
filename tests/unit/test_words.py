"""A language is data: its words, its lists, its times."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from warnd.errors import TemplateError
from warnd.model.region import Level
from warnd.pipeline.words import CHINESE, Words, fallbacks, parse_words

SHANGHAI = ZoneInfo("Asia/Shanghai")
ENGLISH = (Path(__file__).parents[2] / "templates/words/en.toml").read_text(encoding="utf-8")


def english() -> Words:
    return parse_words("words/en.toml", "en", ENGLISH)


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("zh", ("zh",)),
        ("zh-Hant-TW", ("zh-hant-tw", "zh-hant", "zh")),
        ("en_US", ("en-us", "en")),
        ("zh-x-county", ("zh-x-county", "zh")),
    ],
)
def test_a_language_falls_back_to_wider_ones(tag: str, expected: tuple[str, ...]) -> None:
    """RFC 4647 3.4: the last subtag goes, and with it a single letter that would be left dangling."""
    assert fallbacks(tag) == expected


@pytest.mark.parametrize(
    ("words", "minute", "expected"),
    [
        pytest.param(CHINESE, 0, "2026年7月14日8时", id="Chinese, on the hour"),
        pytest.param(CHINESE, 5, "2026年7月14日8时05分", id="Chinese, with minutes"),
        pytest.param(english(), 0, "08:00 on 14 July 2026", id="English"),
    ],
)
def test_times_are_written_as_people_write_them(words: Words, minute: int, expected: str) -> None:
    """In the zone asked for, whatever zone they came in."""
    assert words.clock(datetime(2026, 7, 14, 0, minute, tzinfo=UTC), SHANGHAI) == expected
    assert words.clock(None, SHANGHAI) == ""


@pytest.mark.parametrize(
    ("words", "count", "level", "expected"),
    [
        pytest.param(CHINESE, 3, Level.TOWNSHIP, "甲、乙、丙", id="all of them"),
        pytest.param(CHINESE, 12, Level.TOWNSHIP, "甲、乙、丙等12个乡镇", id="with their level"),
        pytest.param(CHINESE, 12, None, "甲、乙、丙等12个地区", id="of mixed levels"),
        pytest.param(english(), 12, Level.TOWNSHIP, "甲, 乙, 丙 and 9 more", id="in English"),
    ],
)
def test_a_shortened_list_says_how_many(words: Words, count: int, level: Level | None, expected: str) -> None:
    """A reader must know that there are more."""
    assert words.listed(("甲", "乙", "丙"), count=count, level=level) == expected


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param('lifted = "lifted"', "", "changes.lifted is missing", id="a word is missing"),
        pytest.param(
            'lifted = "lifted"', 'lifted = "lifted"\nliftd = ""', "changes.liftd is unknown", id="misspelt"
        ),
        pytest.param('red = "red"', "red = 3", "colors.red is not a text", id="not a text"),
        pytest.param("[marks]", "[mark]", r"\[marks\] is missing", id="a table is missing"),
        pytest.param("[time]", "locale = 'xx-None'\n[time]", "xx", id="no such locale"),
        pytest.param("[time]", "[time", "line 1", id="not TOML"),
        pytest.param("HH:mm", "QQQQQQQ", "QQQQQQQ", id="not a pattern"),
    ],
)
def test_words_that_cannot_be_used_say_why(old: str, new: str, message: str) -> None:
    """Half a language would say "raised" in one tongue and the rest in another."""
    with pytest.raises(TemplateError, match=message) as caught:
        parse_words("words/en.toml", "en", ENGLISH.replace(old, new))
    assert caught.value.template == "words/en.toml"


@pytest.mark.parametrize(
    ("language", "added", "rtl"),
    [("ug", "", True), ("kk", "", False), ("kk-arab", "", True), ("en", "direction = 'rtl'", True)],
)
def test_direction_comes_from_the_locale_unless_given(language: str, added: str, rtl: bool) -> None:
    """Kazakh is written from the left in Cyrillic and from the right in Arabic letters."""
    assert parse_words("words/x.toml", language, f"{added}\n{ENGLISH}").rtl is rtl
