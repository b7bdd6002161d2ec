"""The catalogue of findings, held to the code that makes them and to the page that explains them."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warnd.errors import InvalidAlert
from warnd.intake.catalogue import CATALOGUE, SECTIONS, Finding
from warnd.intake.findings import Weight
from warnd.intake.hazards import load_hazards
from warnd.intake.read import read
from warnd.resources import config_dir

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "findings.md").read_text(encoding="utf-8")
SOURCES = [*(ROOT / "warnd" / "intake").rglob("*.py"), *(ROOT / "warnd" / "app" / "feeds").rglob("*.py"), ROOT / "warnd" / "pipeline" / "admit.py",
           ROOT / "warnd" / "app" / "intake.py", ROOT / "warnd" / "api" / "alerts.py", ROOT / "warnd" / "cli" / "check.py"]  # fmt: skip

POSITIONS = {"warn": 1, "doubt": 1, "fault": 1, "refuse": 1, "Fault": 1, "add": 2, "PydanticCustomError": 0}
"""Where the code stands among the arguments of what makes a finding."""

FIXTURES = Path(__file__).parent.parent / "data"
HAZARDS = load_hazards(config_dir() / "hazards.toml")


def codes_in(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            at = POSITIONS.get(name)
            if at is not None and at < len(node.args) and isinstance(node.args[at], ast.Constant):
                yield str(node.args[at].value)  # type: ignore[attr-defined]


def used() -> set[str]:
    return {code for path in SOURCES for code in codes_in(path.read_text(encoding="utf-8"))}


def test_every_code_that_is_used_is_in_the_catalogue() -> None:
    """A finding nobody explains is a riddle to whoever feeds us."""
    assert used() - set(CATALOGUE) == set()


def test_every_code_of_the_catalogue_is_used() -> None:
    """Those of the JSON library are named by it and not by us: one that none of our types can give is no use."""
    of_the_library = {one.code for one in SECTIONS["The JSON format"]} - used()
    assert set(CATALOGUE) - used() == of_the_library
    assert of_the_library == {
        "dict_type", "list_type", "string_type", "int_type", "int_parsing_size",
        "greater_than_equal",
        "less_than_equal", "enum", "datetime_type", "too_short", "too_long",
    }  # fmt: skip


def test_no_code_stands_twice() -> None:
    """One code, one meaning."""
    assert sum(map(len, SECTIONS.values())) == len(CATALOGUE)


def test_what_is_only_of_the_release_never_refuses() -> None:
    """A message that is refused is not read to its end: nothing can be said for it."""
    assert [one.code for one in CATALOGUE.values() if one.of_release and Weight.FAULT in one.weights] == []


def row(finding: Finding) -> str:
    weights = ", ".join(weight.value for weight in finding.weights)
    weights += " (release)" if finding.of_release else ""
    return f"| `{finding.code}` | {weights} | {finding.means} |"


@pytest.mark.parametrize("title", SECTIONS)
def test_the_page_of_findings_says_what_the_catalogue_says(title: str) -> None:
    """Row by row, in its order; what a failure shows as missing can be pasted there."""
    section = PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]
    assert re.findall(r"^\| `.*$", section, re.MULTILINE) == [row(one) for one in SECTIONS[title]]


def test_the_page_of_findings_has_no_other_section_with_codes() -> None:
    """Nor a code that is gone."""
    assert set(re.findall(r"^\| `([a-z_]+)` \|", PAGE, re.MULTILINE)) == set(CATALOGUE)


MESSAGES = [path.read_text("utf-8") for path in sorted((FIXTURES / "cap").glob("*.xml"))]
SCRAPS = st.sampled_from(["<x/>", "<info/>", "<area/>", "红色预警", "Z", "<scope>Private</scope>", "<expires/>", " ", "&lt;b>"])  # fmt: skip


def weigh(body: bytes) -> Iterator[tuple[str, Weight]]:
    """What reading it finds, each code with its weight; of a refused one faults and doubts cannot be told apart."""
    try:
        parsed = read(body, None, HAZARDS)
    except InvalidAlert as refused:
        yield from ((fault.code, Weight.FAULT) for fault in refused.faults[:1])
    else:
        yield from ((doubt.code, Weight.DOUBT) for doubt in parsed.doubts)
        yield from ((warning.code, Weight.WARNING) for warning in parsed.warnings)


@settings(deadline=2000)
@given(st.sampled_from(MESSAGES), st.data())
def test_a_finding_weighs_what_the_catalogue_says(text: str, data: st.DataObject) -> None:
    """Whatever is done to a message, and whichever code comes of it."""
    for _ in range(data.draw(st.integers(1, 3))):
        places = [match.start() for match in re.finditer("<", text)][2:]
        start = data.draw(st.sampled_from(places))
        end = data.draw(st.sampled_from([start, *(place for place in places if place > start)][:3]))
        text = text[:start] + data.draw(SCRAPS) + text[end:]
    for code, weight in weigh(text.encode()):
        assert weight in CATALOGUE[code].weights, code


JSON = json.loads((FIXTURES / "json" / "rainstorm-red.json").read_bytes())
VALUES = st.sampled_from([None, 1, -1, 1.5, "", "x", [], [1], ["1,2"], {}, {"x": 1}, [{"size": -1}], [{"size": 2**60}], 10**30, True, [["a"]]])  # fmt: skip
KEYS = st.sampled_from([*JSON, "resources", "codes", "categories", "urgency", "scope", "extra"])


@settings(deadline=2000)
@given(st.dictionaries(KEYS, VALUES, max_size=3))
def test_a_finding_in_json_weighs_what_the_catalogue_says(changes: dict[str, object]) -> None:
    """So do those that the JSON library names."""
    for code, weight in weigh(json.dumps(JSON | changes).encode()):
        assert weight in CATALOGUE[code].weights, code
