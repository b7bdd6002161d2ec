"""What warnd says to the people on duty: nothing is missing in either language."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import warnd.console
from warnd.app.phrases import LANGUAGES, phrases
from warnd.contract.outcome import Reason
from warnd.model.alert import AlertState, Change, Status
from warnd.model.color import Color
from warnd.model.delivery import State, Why
from warnd.model.region import Level

SPOKEN: dict[str, type[Enum]] = {
    "states": State,
    "reasons": Reason,
    "whys": Why,
    "alert_states": AlertState,
    "changes": Change,
    "statuses": Status,
    "colors": Color,
    "grades": Color,
    "levels": Level,
}


def test_every_language_has_the_same_phrases() -> None:
    """A phrase that one lacks would be missed by half of the people only."""
    first, *others = (set(phrases(language)) for language in LANGUAGES)
    assert all(first == other for other in others)


def test_every_language_fills_in_the_same_values() -> None:
    """A sentence that leaves out the name in one language says less there."""

    def blanks(language: str, key: str) -> set[str]:
        return set(re.findall(r"\{(\w+)\}", phrases(language).forms(key)[-1]))

    for key in phrases(LANGUAGES[0]):
        assert len({frozenset(blanks(language, key)) for language in LANGUAGES}) == 1, key


@pytest.mark.parametrize("group", SPOKEN)
def test_every_value_has_a_word(group: str) -> None:
    """A new reason or state must not reach an operator as a program's own name."""
    missing = [one.value for one in SPOKEN[group] if f"{group}.{one.value}" not in phrases("zh")]
    assert missing == []


def test_every_phrase_that_a_template_names_is_there() -> None:
    """A misspelt key would break a page only when it is shown."""
    templates = Path(warnd.console.__file__).with_name("templates").glob("*.html")
    named = {key for file in templates for key in re.findall(r"\bt\('([\w.]+)'[,)]", file.read_text("utf-8"))}
    assert named
    assert [key for key in named if key not in phrases("zh")] == []


@pytest.mark.parametrize(
    ("n", "said"),
    [(1, "1 alert is in force"), (2, "2 alerts are in force"), (1200, "1,200 alerts are in force")],
)
def test_a_phrase_follows_its_number(n: int, said: str) -> None:
    """Plural forms go by CLDR, thousands are grouped."""
    assert phrases("en")("home.in_force", n=n) == said


def test_values_are_only_filled_in() -> None:
    """Braces in a name are a part of the name."""
    assert phrases("en")("delivery.title", name="{n} {0.__class__}") == "To {n} {0.__class__}"


@pytest.mark.parametrize(
    ("language", "said"), [("zh", "7月14日 08:00:59.999"), ("en", "14 Jul, 08:00:59.999")]
)
def test_milliseconds_are_cut_and_never_rounded_up(language: str, said: str) -> None:
    """What happened at the end of a second did not happen in the next one."""
    when = datetime(2026, 7, 14, 0, 0, 59, 999_900, tzinfo=UTC)
    assert phrases(language).clock(when, ZoneInfo("Asia/Shanghai"), milliseconds=True) == said
