"""What warnd says as CAP 1.2 is what it was told: read back it is the same alert, and the OASIS schema takes it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from lxml import etree

import warnd.intake
from warnd.errors import InvalidAlert
from warnd.intake.hazards import load_hazards
from warnd.intake.read import read
from warnd.model.alert import Alert, AlertType, Area, Reference, Status, Text, Verdict
from warnd.model.alert_body import ENDS, EVENT
from warnd.model.color import Color
from warnd.pipeline.cap import as_cap, clean
from warnd.resources import config_dir

DATA = Path(__file__).parents[1] / "data"
CATALOGUE = load_hazards(config_dir() / "hazards.toml")
SCHEMA = etree.XMLSchema(file=str(Path(warnd.intake.__file__).parent / "schema" / "cap-1.2.xsd"))
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


def written(**changes: Any) -> etree._Element:
    """The document of a red alert with these changes; the schema has taken it."""
    values = {name: getattr(BARE, name) for name in Alert.__dataclass_fields__}
    return valid(as_cap(Alert(**values | changes), CATALOGUE))


def valid(body: bytes) -> etree._Element:
    root = etree.fromstring(body)
    SCHEMA.assertValid(root)
    return root


def said(root: etree._Element, path: str) -> list[str]:
    """The texts at a path such as ``info/web``."""
    return [one.text or "" for one in root.iterfind("/".join(f"{{*}}{step}" for step in path.split("/")))]


# --- the same, read back -----------------------------------------------------------------------------------

_OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_TIMES = st.datetimes(datetime(1971, 1, 1), datetime(2998, 1, 1), timezones=_OFFSETS)
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
        "parameters": st.dictionaries(_WORDS | st.sampled_from(["color", "Color", "web", ENDS, EVENT]), _WORDS),
    },
)


def taken_in(body: dict[str, Any]) -> Any:
    """As intake reads it."""
    try:
        return read(json.dumps(body, default=datetime.isoformat).encode(), None, CATALOGUE)
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
        "references": [(one.sender, one.identifier) for one in dict.fromkeys(alert.references)],
        "regions": {code for regions, _, _ in places for code in regions},
        "shapes": {shape for _, polygons, circles in places for shape in (*polygons, *circles)},
        "issuer": clean(alert.sender_name).strip(),
    }


@settings(max_examples=300, deadline=None)
@given(BODIES)
def test_any_alert_read_back_from_its_cap_is_the_same(body: dict[str, Any]) -> None:
    """Identity, words, times with their offset, color and places; and nobody holds back what we let pass."""
    parsed = taken_in(body)
    assume(parsed is not None)
    document = as_cap(parsed.alert, CATALOGUE)
    valid(document)
    again = read(document, "application/cap+xml", CATALOGUE)
    assert facts(again.alert) == facts(parsed.alert)
    assert {one.code for one in again.doubts} <= {one.code for one in parsed.doubts}
