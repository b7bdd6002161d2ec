"""What warnd says as CAP 1.2 is what it was told: read back it is the same alert, and the OASIS schema takes it."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from lxml import etree

import warnd.intake
from warnd.errors import InvalidAlert
from warnd.intake.hazards import load_hazards
from warnd.intake.read import read
from warnd.model.alert import Alert, AlertType, Area, Parsed, Reference, Status, Text, Verdict
from warnd.model.alert_body import ENDS, EVENT
from warnd.model.color import Color
from warnd.pipeline.cap import as_cap, clean
from warnd.resources import config_dir

DATA = Path(__file__).parents[1] / "data"
CATALOGUE = load_hazards(config_dir() / "hazards.toml")
SCHEMA = etree.XMLSchema(file=str(Path(warnd.intake.__file__).parent / "schema" / "CAP-v1.2.xsd"))
CST = timezone(timedelta(hours=8))
SENT = datetime(2026, 7, 14, 8, 0, tzinfo=CST)

BARE = Alert(
    identifier="62120241600000_20260714080000",
    sender="62120241600000",
    sent=SENT,
    status=Status.ACTUAL,
    type=AlertType.ALERT,
    hazard="rainstorm",
    color=Color.RED,
    texts={"zh": Text("武都区气象台发布暴雨红色预警信号", "未来三小时有大暴雨。", "请立即转移。")},
)

BARE_IN_WUDU = replace(BARE, areas=(Area("武都区", ("621202",)),))


def written(**changes: Any) -> etree._Element:
    """The document of a red alert with these changes; the schema has taken it."""
    return valid(as_cap(replace(BARE, **changes), CATALOGUE))


def valid(body: bytes) -> etree._Element:
    root = etree.fromstring(body)
    SCHEMA.assertValid(root)
    return root


def said(root: etree._Element, path: str) -> list[str]:
    """The texts at a path such as ``info/web``."""
    return [one.text or "" for one in root.iterfind("/".join(f"{{*}}{step}" for step in path.split("/")))]


# --- the same, read back -----------------------------------------------------------------------------------

_OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_YEARS = (datetime(1971, 1, 1), datetime(2998, 1, 1))  # noqa: DTZ001  hypothesis draws the zone apart
_TIMES = st.datetimes(*_YEARS, timezones=_OFFSETS)
_WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
_SAID = _WORDS.filter(lambda text: bool(clean(text).strip()))
_KEYS = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"], exclude_characters=",<&\ufffe\uffff"),
    min_size=1,
    max_size=30,
)
_TEXTS = st.fixed_dictionaries({"headline": _SAID, "description": _WORDS, "instruction": _WORDS})
_POLYGONS = st.just("33.0,104.5 33.0,105.5 33.8,105.5 33.0,104.5")
_CIRCLES = st.floats(-90, 90).map(lambda latitude: f"{latitude:.3f},104.9 20")
_CODES = st.sampled_from(["62", "6212", "621202", "621202000000", "621202101", "621202101201", "65"])
_AREAS = st.fixed_dictionaries(
    {"name": _WORDS},
    optional={
        "regions": st.lists(_CODES, max_size=3),
        "polygons": st.lists(_POLYGONS, max_size=1),
        "circles": st.lists(_CIRCLES, max_size=2),
    },
)
_REFERENCES = st.fixed_dictionaries({"sender": _KEYS, "identifier": _KEYS, "sent": st.none() | _TIMES})
_WEBS = _WORDS | st.from_regex(r"(https?://)?[a-z0-9:@%/?#.\[\]-]{0,20}", fullmatch=True)
BODIES = st.fixed_dictionaries(
    {
        "identifier": _KEYS,
        "sender": _KEYS,
        "sent": _TIMES,
        "status": st.sampled_from([one.value for one in Status]),
        "type": st.sampled_from([one.value for one in AlertType]),
        "headline": _SAID,
    },
    optional={
        "sender_name": _WORDS,
        "references": st.lists(_REFERENCES, max_size=3),
        "hazard": st.sampled_from(sorted(CATALOGUE.hazards)) | _WORDS,
        "event_code": st.sampled_from(["11B03", "OET-185"]) | _WORDS,
        "color": st.sampled_from([one.value for one in Color]),
        "description": _WORDS,
        "instruction": _WORDS,
        "language": st.sampled_from(["zh", "ug", "en"]),
        "texts": st.dictionaries(st.sampled_from(["en", "ug-Arab-CN", "zh-HK", "zh-CN", "bo"]), _TEXTS),
        "effective": _TIMES,
        "onset": _TIMES,
        "expires": _TIMES,
        "areas": st.lists(_AREAS, max_size=3),
        "contact": _WORDS,
        "web": _WEBS,
        "parameters": st.dictionaries(
            _WORDS | st.sampled_from(["color", "Color", "web", ENDS, EVENT]), _WORDS
        ),
    },
)


def taken_in(body: bytes) -> Parsed | None:
    """As intake reads it; None where it refuses."""
    try:
        return read(body, None, CATALOGUE)
    except InvalidAlert:
        return None


def whole(when: datetime | None) -> str | None:
    return when.replace(microsecond=0).isoformat() if when is not None else None


def facts(alert: Alert) -> dict[str, Any]:
    """All that must be the same at the other end, as far as XML can hold it."""
    places = [(one.regions, one.polygons, one.circles) for one in alert.areas]
    return {
        "identity": (alert.sender, alert.identifier, whole(alert.sent)),
        "kind": (alert.status, alert.type),
        "ends": alert.parameters.get(ENDS) == "true" and alert.type in (AlertType.ALERT, AlertType.UPDATE),
        "texts": {
            tag: tuple(clean(words).strip() for words in (text.headline, text.description, text.instruction))
            for tag, text in alert.texts.items()
        },
        "times": [whole(when) for when in (alert.effective, alert.onset, alert.expires)],
        "color": alert.color,
        "references": list(
            dict.fromkeys((one.sender or alert.sender, one.identifier) for one in alert.references)
        ),
        "regions": {code for regions, _, _ in places for code in regions},
        "shapes": {shape for _, polygons, circles in places for shape in (*polygons, *circles)},
        "issuer": clean(alert.sender_name).strip(),
    }


@settings(max_examples=200, deadline=None)
@given(BODIES)
def test_any_alert_read_back_from_its_cap_is_the_same(body: dict[str, Any]) -> None:
    """Identity, words, times with their offset, color and places; and nobody holds back what we let pass."""
    parsed = taken_in(json.dumps(body, default=datetime.isoformat).encode())
    assume(parsed is not None)
    assert parsed is not None
    again = sent_on(parsed)
    assert facts(again.alert) == facts(parsed.alert)


def sent_on(parsed: Parsed) -> Parsed:
    """As the next platform reads what we write of it, which the schema takes; it finds no doubt that we had not."""
    document = as_cap(parsed.alert, CATALOGUE)
    valid(document)
    again = read(document, "application/cap+xml", CATALOGUE)
    assert {one.code for one in again.doubts} <= {one.code for one in parsed.doubts}
    return again


MESSAGES = sorted(path for path in DATA.rglob("*") if path.suffix in {".xml", ".json"})


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: path.stem)
def test_a_message_sent_on_and_on_stays_the_same(path: Path) -> None:
    """A ring of platforms agrees on every byte after the first of them, so that a repeat is known for one."""
    parsed = taken_in(path.read_bytes())
    if parsed is None:
        return
    again = sent_on(parsed)
    assert facts(again.alert) == facts(parsed.alert)
    assert as_cap(sent_on(again).alert, CATALOGUE) == as_cap(again.alert, CATALOGUE)


SAMPLES = Path(os.environ.get("WARND_SAMPLES", "")) / "cap"


@pytest.mark.skipif(
    "WARND_SAMPLES" not in os.environ or not SAMPLES.is_dir(),
    reason="WARND_SAMPLES names no folder of sample messages: real messages were not sent on",
)
def test_real_messages_stay_the_same_too() -> None:
    """From services all over the world, with what each does in its own way."""
    for path in sorted(SAMPLES.rglob("*")):
        parsed = taken_in(path.read_bytes()) if path.is_file() else None
        if parsed is not None:
            again = sent_on(parsed)
            assert facts(again.alert) == facts(parsed.alert), path.name
            assert as_cap(again.alert, CATALOGUE) == as_cap(sent_on(again).alert, CATALOGUE), path.name


# --- how it is written -------------------------------------------------------------------------------------


def test_a_plain_warning_is_taken_without_a_murmur() -> None:
    """The verdict of our own check, and of whoever checks as strictly."""
    assert read(as_cap(BARE_IN_WUDU, CATALOGUE), None, CATALOGUE).verdict is Verdict.ACCEPT


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        pytest.param(SENT, "2026-07-14T08:00:00+08:00", id="the offset as issued"),
        pytest.param(SENT.replace(microsecond=900_000), "2026-07-14T08:00:00+08:00", id="no fraction"),
        pytest.param(SENT.astimezone(UTC), "2026-07-14T00:00:00-00:00", id="never a Z"),
    ],
)
def test_times_are_as_cap_wants_them(when: datetime, expected: str) -> None:
    """CAP 1.2, 3.3.2."""
    assert said(written(sent=when), "sent") == [expected]


@pytest.mark.parametrize(
    ("changes", "path", "expected"),
    [
        pytest.param({"web": "https://www.example.cn/a?b=c#d"}, "info/web", ["https://www.example.cn/a?b=c#d"],
                     id="a link"),
        pytest.param({"web": "www.example.cn"}, "info/web", ["www.example.cn"], id="a link without its scheme"),
        pytest.param({"web": "见 12379"}, "info/web", [], id="words where a link should be"),
        pytest.param({"web": "见 12379"}, "info/parameter/value", ["见 12379", "red"], id="which are not lost"),
        pytest.param({"parameters": {"Color": "Red"}}, "info/parameter/value", ["Red"],
                     id="the issuer's own word for the color"),
        pytest.param({"parameters": {ENDS: "true"}}, "info/responseType", ["AllClear"], id="an end"),
        pytest.param({"parameters": {ENDS: "true"}}, "info/urgency", ["Past"], id="of what is past"),
        pytest.param({"type": AlertType.CANCEL}, "info/responseType", [], id="a cancel may be of an error"),
        pytest.param({"hazard": "other", "parameters": {EVENT: "沙尘壁"}}, "info/event", ["沙尘壁"],
                     id="a hazard nobody knows by its own name"),
        pytest.param({"event_code": "11B03", "parameters": {"eventCode:OET": "OET-185,OET-186"}},
                     "info/eventCode/value", ["11B03", "OET-185", "OET-186"], id="all event codes"),
        pytest.param({"texts": {"zh": Text("红"), "en": Text("Red")}}, "info/language", ["zh-CN", "en-US"],
                     id="every language"),
        pytest.param({"texts": {"zh": Text("红"), "zh-cn": Text("红")}}, "info/language", ["zh", "zh-cn"],
                     id="two of a kind stay two"),
        pytest.param({"areas": (Area(circles=("33.4,104.9 20",)),)}, "info/area/areaDesc", ["33.4,104.9 20"],
                     id="a place without a name"),
        pytest.param({"areas": (Area("武都区"), Area(regions=("621202",)))}, "info/area/areaDesc",
                     ["武都区", "621202"], id="every area"),
        pytest.param({"references": (Reference("a", "b"), Reference("a", "c", SENT.astimezone(UTC)))},
                     "references", ["a,b,2026-07-14T08:00:00+08:00 a,c,2026-07-14T00:00:00-00:00"],
                     id="a reference without its time has ours"),
        pytest.param({"type": AlertType.CANCEL, "texts": {"zh": Text()}}, "info/event", [],
                     id="a bare cancel says no more"),
        pytest.param({"texts": {"zh": Text("\u3000\u3000段首\r\n次行\x0b。")}}, "info/headline",
                     ["\u3000\u3000段首\r\n次行。"], id="white space as it came"),
    ],
)  # fmt: skip
def test_each_thing_stands_where_cap_has_it(changes: dict[str, Any], path: str, expected: list[str]) -> None:
    """And nothing that nobody said."""
    assert said(written(**changes), path) == expected


def test_a_fraction_of_a_second_does_not_make_another_document() -> None:
    """What comes back without it is still the same warning."""
    fraction = replace(BARE, sent=SENT.replace(microsecond=1))
    assert as_cap(fraction, CATALOGUE) == as_cap(BARE, CATALOGUE)
