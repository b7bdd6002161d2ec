"""The demo's messages: a warning as an authority would send it, and its end, both flawless."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from warnd.demo import warning
from warnd.intake.hazards import load_hazards
from warnd.intake.read import read
from warnd.model.alert import AlertType, Parsed, Status
from warnd.model.color import Color
from warnd.model.hazard import HazardCatalogue
from warnd.resources import config_dir

ISSUED = datetime(2026, 7, 14, 0, 0, 5, 123456, tzinfo=UTC)


@pytest.fixture(scope="module")
def catalogue() -> HazardCatalogue:
    return load_hazards(config_dir() / "hazards.toml")


def parsed(body: bytes, catalogue: HazardCatalogue) -> Parsed:
    return read(body, "application/cap+xml", catalogue)


def test_the_warning_is_a_red_rainstorm_for_one_county(catalogue: HazardCatalogue) -> None:
    """In two languages, of this minute, with the national identifier."""
    alert = parsed(warning.issue(ISSUED), catalogue).alert
    assert (alert.status, alert.type, alert.hazard, alert.color) == (
        Status.ACTUAL,
        AlertType.ALERT,
        "rainstorm",
        Color.RED,
    )
    assert [area.regions for area in alert.areas] == [("621202000000",)]
    assert set(alert.texts) == {"zh", "en"}
    assert alert.identifier == "62120241600000_20260714080005"
    assert alert.sent == ISSUED.replace(microsecond=0)
    assert alert.expires == alert.sent + timedelta(hours=6)


def test_the_cancel_refers_to_the_warning(catalogue: HazardCatalogue) -> None:
    """By sender and identifier, so that it lifts it."""
    issued = parsed(warning.issue(ISSUED), catalogue).alert
    lift = parsed(warning.lift(ISSUED, ISSUED + timedelta(seconds=5)), catalogue).alert
    assert lift.type is AlertType.CANCEL
    assert [(one.sender, one.identifier, one.sent) for one in lift.references] == [
        (issued.sender, issued.identifier, issued.sent)
    ]


@pytest.mark.parametrize("body", [warning.issue(ISSUED), warning.lift(ISSUED, ISSUED + timedelta(seconds=5))])
def test_nothing_in_the_messages_is_odd(body: bytes, catalogue: HazardCatalogue) -> None:
    """A newcomer's first verdict is a plain accept."""
    found = parsed(body, catalogue)
    assert (found.warnings, found.doubts) == ((), ())
