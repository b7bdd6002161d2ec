"""What a message says, whatever form it came in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from warnd.model.alert import Alert, AlertType, Area, Reference, Status, Text
from warnd.model.alert_body import ENDS, as_body
from warnd.model.color import Color
from warnd.model.meaning import differing, digest_of, words_of

SENT = datetime(2026, 7, 14, 0, tzinfo=UTC)
BEIJING = timezone(timedelta(hours=8))
ALERT = Alert(
    "M", "weather.example", SENT, Status.ACTUAL, AlertType.ALERT, "rainstorm", Color.RED,
    {"zh": Text("暴雨红色预警", "预计有强降雨。", "立即转移。")}, areas=(Area("武都区", ("621202",)),),
    expires=SENT + timedelta(hours=6),
)  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"sent": SENT.astimezone(BEIJING)}, id="an offset"),
        pytest.param({"sent": SENT.replace(microsecond=500_000)}, id="a fraction of a second"),
        pytest.param({"effective": SENT, "onset": SENT}, id="times that say what was meant anyhow"),
        pytest.param(
            {"texts": {"zh": Text("暴雨红色预警", "预计有强降雨。\n", " 立即转移。")}}, id="white space"
        ),
        pytest.param({"areas": (Area("武都", ("621202000000",)),)}, id="a padded code, another name"),
        pytest.param(
            {"areas": (Area("武都区", ("621202",), ("33.0,104.5 33.0,105.5 33.8,105.5 33.0,104.5",)),)},
            id="a shape beside the code",
        ),
        pytest.param({"parameters": {"eventCode:profile": "x"}}, id="a parameter"),
        pytest.param({"event_code": "11B03"}, id="the code of the same hazard"),
        pytest.param({"references": (Reference("weather.example", "M"),)}, id="a reference to itself"),
        pytest.param({"sender_name": "武都区气象台"}, id="the issuer's name"),
    ],
)
def test_form_is_no_difference(change: dict[str, object]) -> None:
    """JSON and CAP write the same warning each in its own way."""
    assert digest_of(replace(ALERT, **change)) == digest_of(ALERT)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"texts": {"zh": Text("暴雨红色预警", "预计有大暴雨。", "立即转移。")}}, id="words"),
        pytest.param({"color": Color.ORANGE}, id="color"),
        pytest.param({"hazard": "flash-flood"}, id="hazard"),
        pytest.param({"areas": (Area("文县", ("621222",)),)}, id="place"),
        pytest.param(
            {"areas": (Area("", (), ("33.0,104.5 33.0,105.5 33.8,105.5 33.0,104.5",)),)}, id="shape"
        ),
        pytest.param({"expires": SENT + timedelta(hours=5)}, id="end"),
        pytest.param({"type": AlertType.UPDATE}, id="type"),
        pytest.param({"parameters": {ENDS: "true"}}, id="that it ends"),
        pytest.param({"references": (Reference("weather.example", "A"),)}, id="what it refers to"),
    ],
)
def test_what_matters_to_people_is(change: dict[str, object]) -> None:
    """Under the same identity it is a conflict."""
    assert digest_of(replace(ALERT, **change)) != digest_of(ALERT)  # type: ignore[arg-type]


def test_words_are_what_to_expect_and_to_do() -> None:
    """A new title alone tells nothing new."""
    retitled = replace(ALERT, texts={"zh": Text("继续发布", "预计有强降雨。", "立即转移。")})
    assert words_of(retitled) == words_of(ALERT) != ""
    assert words_of(replace(ALERT, texts={"zh": Text("解除")})) == ""


def test_differences_are_named_by_key() -> None:
    """What the second leaves out is none, nor is an offset."""
    kept = as_body(ALERT)
    assert differing(kept, as_body(replace(ALERT, sent=SENT.astimezone(BEIJING), expires=None))) == ()
    other = replace(ALERT, color=Color.BLUE, sender_name="气象台", expires=SENT)
    assert differing(kept, as_body(other)) == ("sender_name", "color", "expires")
