"""A source's rate: what waits when there is too much, and what never does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from warnd.app.traffic import Traffic, urgent
from warnd.errors import TooMany
from warnd.model.alert import Alert, AlertType, Status, Text
from warnd.model.alert_body import ENDS
from warnd.model.color import Color
from warnd.settings import load

BLUE = Alert(
    "A", "weather.example", datetime(2026, 7, 20, 8, tzinfo=UTC), Status.ACTUAL, AlertType.ALERT, "rainstorm",
    Color.BLUE, {"zh": Text("暴雨蓝色预警")},
)  # fmt: skip


@pytest.fixture
def traffic(tmp_path: Path) -> Traffic:
    config = tmp_path / "warnd.toml"
    config.write_text(
        '[sources.weather]\nregions = ["62"]\nrate = "3/min"\nunusual_reds = 2\n[sources.water]\nregions = ["62"]\n'
    )
    return Traffic(load(config, {}))


def test_over_the_rate_the_light_waits_and_the_grave_goes_on(traffic: Traffic) -> None:
    """The answer says when to come again; what has no form counts too."""
    for alert in (BLUE, None, replace(BLUE, color=Color.RED)):
        traffic.count("weather", alert, 10.0)
    for waiting in (BLUE, replace(BLUE, color=Color.YELLOW), None):
        with pytest.raises(TooMany) as refused:
            traffic.count("weather", waiting, 30.0)
        assert refused.value.retry_after == pytest.approx(40.0)
    traffic.count("weather", replace(BLUE, color=Color.RED), 30.0)
    traffic.count("weather", BLUE, 70.0)


def test_a_source_without_a_rate_is_never_counted(traffic: Traffic) -> None:
    """Nor does one source's flood hold up another."""
    for _ in range(100):
        traffic.count("water", BLUE, 0.0)


def test_each_source_has_its_own_measure_of_unusual(traffic: Traffic) -> None:
    """A province relays more reds than a county."""
    for source, usual in (("weather", 2), ("water", 5), ("hand", 5)):
        assert traffic.usual_reds(source) == usual


@pytest.mark.parametrize(
    ("alert", "expected"),
    [
        pytest.param(replace(BLUE, color=Color.ORANGE), True, id="orange"),
        pytest.param(replace(BLUE, color=Color.YELLOW), False, id="yellow"),
        pytest.param(replace(BLUE, type=AlertType.CANCEL, color=None), True, id="a cancel"),
        pytest.param(replace(BLUE, parameters={ENDS: "true"}), True, id="an all-clear"),
        pytest.param(replace(BLUE, type=AlertType.UPDATE, color=None), True, id="an update of some color"),
        pytest.param(replace(BLUE, color=None), False, id="a new one of no color, which nobody is told"),
    ],
)
def test_what_is_never_refused_for_being_one_too_many(alert: Alert, expected: bool) -> None:
    """Red, orange, every end, and what may be as grave as what it updates."""
    assert urgent(alert) is expected
