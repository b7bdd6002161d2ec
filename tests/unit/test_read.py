"""The one door of intake: which format a body is in, and what is refused before anything is read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer import Typer
from typer.testing import CliRunner

from warnd.cli.check import check
from warnd.errors import ConfigError, InvalidAlert
from warnd.intake.check import check_object
from warnd.intake.hazards import load_hazards
from warnd.intake.read import MAX_BYTES, guess_kind, read
from warnd.model.color import Color
from warnd.resources import config_dir, path

CATALOGUE = load_hazards(config_dir() / "hazards.toml")
DATA = Path(__file__).parent.parent / "data"
JSON = (DATA / "json" / "rainstorm-red.json").read_bytes()
XML = (DATA / "cap" / "rainstorm-red.xml").read_bytes()
NATIONAL = (DATA / "national" / "flash-flood-red.xml").read_bytes()
HAIL = {"暴雨": "冰雹", "山洪灾害": "冰雹", "11B03": "11B15", "11A51": "11B15", '"rainstorm"': '"hail"',
        "红色": "黄色", '"red"': '"yellow"', ">Red<": ">Yellow<"}  # fmt: skip
"""What makes a yellow of hail of each of them; hail is orange or red."""


def refusal(body: bytes, content_type: str | None = None) -> str:
    """The code of the one fault a body is refused for."""
    with pytest.raises(InvalidAlert) as refused:
        read(body, content_type, CATALOGUE)
    (fault,) = refused.value.faults
    assert fault.path == "body"
    return fault.code


@pytest.mark.parametrize(
    ("body", "content_type", "kind", "contradicted"),
    [
        pytest.param(JSON, "application/json", "json", False, id="JSON said to be JSON"),
        pytest.param(XML, "application/cap+xml; charset=utf-8", "cap-1.2", False, id="CAP said to be CAP"),
        pytest.param(XML, "text/plain", "cap-1.2", False, id="CAP said to be text"),
        pytest.param(JSON, None, "json", False, id="JSON, nothing said"),
        pytest.param(b"\n\n" + XML, None, "cap-1.2", False, id="CAP after blank lines"),
        pytest.param(JSON, "application/xml", "json", True, id="JSON said to be XML"),
        pytest.param(XML, "application/json", "cap-1.2", True, id="CAP said to be JSON"),
        pytest.param(b"\xef\xbb\xbf" + JSON, None, "json", False, id="JSON with a byte order mark"),
        pytest.param(b"\xef\xbb\xbf" * 2 + XML, None, "cap-1.2", False, id="CAP with two byte order marks"),
        pytest.param(JSON.decode().encode("utf-16"), None, "json", False, id="JSON in UTF-16"),
    ],
)
def test_format_is_what_the_body_looks_like(
    body: bytes, content_type: str | None, kind: str, contradicted: bool
) -> None:
    """A content type that says otherwise costs a warning, never the alert."""
    parsed = read(body, content_type, CATALOGUE)
    assert parsed.kind == kind
    assert [warning.code for warning in parsed.warnings] == (["content_type"] if contradicted else [])


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        pytest.param(b"", None, "empty", id="nothing"),
        pytest.param(b" \r\n\t", "application/json", "empty", id="blanks"),
        pytest.param(b"\xef\xbb\xbf", None, "empty", id="a byte order mark alone"),
        pytest.param(b" " * (MAX_BYTES + 1), None, "too_large", id="too large"),
        pytest.param(b"rain", None, "unknown_format", id="words"),
        pytest.param(b"rain", "application/json", "json_invalid", id="words said to be JSON"),
        pytest.param(b"{", None, "json_invalid", id="JSON cut off"),
        pytest.param(b"[" * 100_000, None, "json_invalid", id="JSON without bottom"),
        pytest.param(b'{"identifier": "\xff"}', None, "bad_encoding", id="no UTF-8"),
        pytest.param(b'{"identifier": "\\ud800"}', None, "json_invalid", id="half a surrogate pair"),
        pytest.param(b"<alert", None, "not_well_formed", id="XML cut off"),
        pytest.param(b"\xff\xfe<\x00\xd8", None, "bad_encoding", id="UTF-16 cut off"),
    ],
)
def test_unreadable_body_is_refused(body: bytes, content_type: str | None, code: str) -> None:
    """As a whole, by one fault."""
    assert refusal(body, content_type) == code


BEGINNINGS = st.sampled_from(
    [b"", b"{", b'{"sent":', b"[", b"<", b"<alert>", b"<?xml ", b"\xff\xfe", b"\xef\xbb\xbf<"]
)


@given(BEGINNINGS, st.binary(max_size=200), st.sampled_from([None, "application/json", "text/xml"]))
def test_arbitrary_bytes_raise_nothing_but_invalid_alert(
    start: bytes, rest: bytes, content_type: str | None
) -> None:
    """No body of a feed may take the daemon down, nor ``warnd check``."""
    with pytest.raises(InvalidAlert):
        read(start + rest, content_type, CATALOGUE)
    assert check_object("x", start + rest, CATALOGUE)["valid"] is False


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from([*json.loads(JSON), "extra"]), json_values, max_size=4))
def test_any_value_under_any_key_is_read_or_refused(changes: dict[str, object]) -> None:
    """Whatever JSON can hold."""
    body = json.dumps(json.loads(JSON) | changes).encode()
    try:
        read(body, None, CATALOGUE)
    except InvalidAlert as refused:
        assert all(fault.path for fault in refused.faults)  # noqa: PT017


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (JSON, "json"),
        (XML, "cap-1.2"),
        (XML.decode().encode("utf-16"), "cap-1.2"),
        (XML.replace(b"cap:1.2", b"cap:1.1"), "cap-1.1"),
        (b"<feed/>", "atom"),
        (b"<?xml version='1.0'?><!-- <alert> --><e:EDXLDistribution", "xml"),
        (b"<?xml version='1.0'?><e:EDXLDistribution x='1'>", "edxl-de"),
        (b"<alert>", "xml"),
        (b"<alert><SENDERCODE/></alert>", "national-12379"),
        (b"\x89PNG", "unknown"),
    ],
)
def test_kind_of_a_refused_body_is_guessed(body: bytes, kind: str) -> None:
    """So that a report says what it wanted to be."""
    assert guess_kind(body) == kind


@pytest.mark.parametrize("body", [JSON, XML, NATIONAL], ids=["JSON", "CAP", "national"])
def test_an_unusual_color_is_warned_of_in_every_format(body: bytes) -> None:
    """Practice changes and issuers differ: it is never refused, nor held back."""
    text = body.decode()
    for old, new in HAIL.items():
        text = text.replace(old, new)
    parsed = read(text.encode(), None, CATALOGUE)
    assert (parsed.alert.hazard, parsed.alert.color, parsed.doubts) == ("hail", Color.YELLOW, ())
    assert "color_unusual" in [warning.code for warning in parsed.warnings]


def test_check_object_has_the_documented_keys() -> None:
    """INTERFACE: ``file, kind, valid, verdict, errors[], warnings[], alerts[]``."""
    good = check_object("good.xml", XML, CATALOGUE)
    assert list(good) == ["file", "kind", "valid", "verdict", "errors", "warnings", "alerts"]
    assert (good["valid"], good["verdict"], good["errors"]) == (True, "accept", [])
    assert good["alerts"][0]["color"] == "red"
    bad = check_object("bad.json", b"{}", CATALOGUE)
    assert (bad["kind"], bad["valid"], bad["verdict"], bad["alerts"]) == ("json", False, "refuse", [])
    assert {"path": "sender", "code": "missing", "message": "is missing"} in bad["errors"]


def test_what_only_a_release_hangs_on_does_not_make_a_message_invalid() -> None:
    """It waits for a person and breaks no rule; why it waits stands among the warnings."""
    restricted = b"<scope>Restricted</scope><restriction>duty officers</restriction>"
    checked = check_object("x", XML.replace(b"<scope>Public</scope>", restricted), CATALOGUE)
    assert (checked["valid"], checked["verdict"], checked["errors"]) == (True, "quarantine", [])
    assert [warning["code"] for warning in checked["warnings"]] == ["not_public"]
    assert len(checked["alerts"]) == 1


def test_quarantined_message_that_breaks_a_rule_is_not_valid_but_shown() -> None:
    """CAP 1.2 (3.2.1) requires the addressees of a private message."""
    checked = check_object("x", XML.replace(b"<scope>Public", b"<scope>Private"), CATALOGUE)
    assert (checked["valid"], checked["verdict"]) == (False, "quarantine")
    assert [error["code"] for error in checked["errors"]] == ["addresses_missing"]
    assert "not_public" in [warning["code"] for warning in checked["warnings"]]
    assert len(checked["alerts"]) == 1


def test_check_command_prints_one_object_a_line_and_fails_if_any_is_bad(tmp_path: Path) -> None:
    """A file that cannot be opened is a line too."""
    app = Typer()
    app.command()(check)
    good = str(DATA / "cap" / "rainstorm-red.xml")
    waits = tmp_path / "unknown.json"
    waits.write_text(json.dumps(json.loads((DATA / "json" / "rainstorm-red.json").read_text("utf-8")) | {
        "color": None, "headline": "Rain", "texts": {}}), "utf-8")  # fmt: skip
    ran = CliRunner().invoke(app, [good, str(DATA / "json" / "many-faults.json"), str(tmp_path / "absent")])
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    assert ran.exit_code == 1
    assert [(line["valid"], line["kind"]) for line in lines] == [
        (True, "cap-1.2"),
        (False, "json"),
        (False, "unknown"),
    ]
    assert CliRunner().invoke(app, [good, str(waits)]).exit_code == 0


def test_shipped_file_that_is_missing_is_named() -> None:
    """An installation without its files cannot work."""
    with pytest.raises(ConfigError, match=r"config/nothing\.toml"):
        path("config", "nothing.toml")
