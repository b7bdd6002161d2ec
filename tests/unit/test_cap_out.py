"""What warnd says as CAP 1.2 is what it was told: read back it is the same alert, and the OASIS schema takes it."""

from __future__ import annotations

import json
import os
import re
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
from warnd.intake.cap_grammar import GRAMMAR
from warnd.intake.hazards import load_hazards
from warnd.intake.read import read, read_all
from warnd.model.alert import Alert, AlertType, Area, Parsed, Reference, Resource, Status, Text, Verdict
from warnd.model.alert_body import COLOR, ENDS, EVENT, HAZARD
from warnd.model.color import Color
from warnd.model.hazard import OTHER
from warnd.pipeline.cap import as_cap, clean
from warnd.pipeline.cap_xml import link
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

MAP = Resource("雨量图", "image/png", "https://www.example.cn/map.png", 1024, "da39a3ee")

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


RESERVED = (ENDS, EVENT, COLOR, HAZARD)
"""Parameters that say how a message was read."""

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
_EVENTS = st.sampled_from(["暴雨", "Gale", "Winter Storm Watch"]) | _WORDS
_TEXTS = st.fixed_dictionaries(
    {"headline": _SAID, "description": _WORDS, "instruction": _WORDS}, optional={"event": _EVENTS}
)
_POLYGONS = st.just("33.0,104.5 33.0,105.5 33.8,105.5 33.0,104.5")
_CIRCLES = st.floats(-90, 90).map(lambda latitude: f"{latitude:.3f},104.9 20")
_CODES = st.sampled_from(["62", "6212", "621202", "621202000000", "621202101", "621202101201", "65"])
_AREAS = st.fixed_dictionaries(
    {"name": _WORDS},
    optional={
        "regions": st.lists(_CODES, max_size=3),
        "polygons": st.lists(_POLYGONS, max_size=1),
        "circles": st.lists(_CIRCLES, max_size=2),
        "geocodes": st.lists(
            st.sampled_from([["SAME", "006109"], ["UGC", "CAZ067"], ["FIPS6", "06109"]]), max_size=2
        ),
        "altitude": st.sampled_from(["", "5000", "1.5", ".5", "high"]),
        "ceiling": st.sampled_from(["", "9000"]),
    },
)
_RESOURCES = st.fixed_dictionaries(
    {},
    optional={
        "description": _WORDS,
        "mime_type": st.sampled_from(["image/png", "application/pdf"]) | _WORDS,
        "uri": st.sampled_from(["https://www.example.cn/map.png", "map.png", "no link"]) | _WORDS,
        "size": st.integers(0, 2**53),
        "digest": st.sampled_from(["", "da39a3ee5e6b4b0d3255bfef95601890afd80709"]),
    },
)


def closed(element: str) -> st.SearchStrategy[str]:
    """The words that CAP has there."""
    return st.sampled_from(
        [
            word
            for elements in GRAMMAR.values()
            for one in elements
            if one.name == element
            for word in one.values
        ]
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
            _WORDS | st.sampled_from(["color", "Color", "web", "eventCode:SAME", *RESERVED]),
            _WORDS | st.sampled_from(["true", "red", "gale", "SVR"]),
        ),
        "event": _EVENTS,
        "source": _WORDS,
        "scope": closed("scope"),
        "restriction": _WORDS,
        "addresses": _WORDS,
        "codes": st.lists(_WORDS, max_size=2),
        "note": _WORDS,
        "incidents": _WORDS,
        "categories": st.lists(closed("category"), max_size=2),
        "response_types": st.lists(closed("responseType"), max_size=2),
        "urgency": closed("urgency"),
        "severity": closed("severity"),
        "certainty": closed("certainty"),
        "audience": _WORDS,
        "resources": st.lists(_RESOURCES, max_size=2),
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
        "ends": ends(alert),
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
        "hazard": alert.hazard if alert.hazard != OTHER else "",
        "words": {
            key: plain(getattr(alert, key))
            for key in ("source", "restriction", "addresses", "note", "incidents", "audience")
        },
        "scope": alert.scope,
        "codes": [code for code in map(plain, alert.codes) if code],
    }


def plain(text: str) -> str:
    return clean(text).strip()


def ends(alert: Alert) -> bool:
    return alert.parameters.get(ENDS) == "true" and alert.type in (AlertType.ALERT, AlertType.UPDATE)


@settings(max_examples=200, deadline=None)
@given(BODIES)
def test_any_alert_read_back_from_its_cap_is_the_same(body: dict[str, Any]) -> None:
    """Identity, words, times with their offset, color and places; and nobody holds back what we let pass."""
    # Our own word for a hazard nobody knows; what a stranger writes into it names one, once it is CAP.
    assume(EVENT not in body.get("parameters", {}))
    parsed = taken_in(json.dumps(body, default=datetime.isoformat).encode())
    assume(parsed is not None)
    assert parsed is not None
    again = sent_on(parsed)
    assert facts(again.alert) == facts(parsed.alert)
    assert_kept(parsed.alert, again.alert)
    assert sent_on(again).alert == again.alert


def assert_kept(before: Alert, after: Alert) -> None:
    """What CAP wants to be said, and the issuer did not, is filled in; what the issuer said stands."""
    for key in ("categories", "urgency", "severity", "certainty"):
        said = getattr(before, key)
        if said:
            assert getattr(after, key) == (said if isinstance(said, str) else tuple(dict.fromkeys(said)))
    all_clear = (
        ("AllClear",) if before.parameters.get(ENDS) == "true" and after.texts != {"zh": Text()} else ()
    )
    assert after.response_types == tuple(dict.fromkeys((*before.response_types, *all_clear)))
    for tag, text in before.texts.items():
        assert after.texts[tag].event == plain(text.event) or not plain(text.event)
    places = [(one.geocodes, number(one.altitude), number(one.ceiling)) for one in after.areas]
    assert set(places) <= {(one.geocodes, number(one.altitude), number(one.ceiling)) for one in before.areas}
    assert [file_of(one) for one in after.resources] == list(
        dict.fromkeys(file_of(one) for one in before.resources if file_of(one) is not None)
    )


def number(said: str) -> str:
    return said if re.fullmatch(r"[0-9]*\.?[0-9]+", said) else ""


def file_of(resource: Resource) -> Resource | None:
    """As the schema of CAP 1.2 can have it; None where it cannot."""
    uri = plain(link(resource.uri))
    described = plain(resource.description) or uri
    kind = plain(resource.mime_type) or ("application/octet-stream" if uri else "")
    if not described or not kind:
        return None
    return Resource(described, kind, uri, resource.size, plain(resource.digest))


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
    assert_stays(path)


def assert_stays(path: Path) -> None:
    for parsed in messages_of(path.read_bytes()):
        again = sent_on(parsed)
        assert facts(again.alert) == facts(parsed.alert), path.name
        assert_kept(parsed.alert, again.alert)
        if parsed.kind.startswith("cap"):
            assert as_filled_in(parsed.alert, again.alert) == again.alert, path.name
        assert sent_on(again).alert == again.alert, path.name
        assert as_cap(sent_on(again).alert, CATALOGUE) == as_cap(again.alert, CATALOGUE), path.name


def messages_of(body: bytes) -> list[Parsed]:
    """Those that can be read, out of whatever they are wrapped in."""
    try:
        found = [one.result for one in read_all(body, None, CATALOGUE).messages]
    except InvalidAlert:
        return []
    return [one for one in found if isinstance(one, Parsed)]


def as_filled_in(before: Alert, after: Alert) -> Alert:
    """
    What came as CAP, with all that may be added to it on the way out.

    Its color as a parameter, AllClear to an end, a word for what CAP 1.0, 1.1 or a broken rule left unsaid. Files are
    compared by themselves.
    """
    ours = {key: value for key, value in after.parameters.items() if key in ("color", *RESERVED)}
    return replace(
        before,
        sent=before.sent.replace(microsecond=0),
        parameters={**ours, **before.parameters},
        response_types=after.response_types,
        categories=before.categories or after.categories,
        urgency=before.urgency or "Unknown" if after.texts != {"zh": Text()} else "",
        severity=before.severity or after.severity,
        certainty=before.certainty or "Unknown" if after.texts != {"zh": Text()} else "",
        resources=after.resources,
    )


SAMPLES = Path(os.environ.get("WARND_SAMPLES", "")) / "cap"


@pytest.mark.skipif(
    "WARND_SAMPLES" not in os.environ or not SAMPLES.is_dir(),
    reason="WARND_SAMPLES names no folder of sample messages: real messages were not sent on",
)
def test_real_messages_stay_the_same_too() -> None:
    """From services all over the world, with what each does in its own way."""
    for path in sorted(SAMPLES.rglob("*")):
        if path.is_file():
            assert_stays(path)


def test_a_block_that_is_over_does_not_end_the_others_at_the_next_platform() -> None:
    """What goes on is told as such; the all-clear of another place is not about it."""
    text = as_cap(BARE_IN_WUDU, CATALOGUE).decode()
    [info] = re.findall(r"<info>.*</info>", text, re.DOTALL)
    over = info.replace("<urgency>", "<responseType>AllClear</responseType><urgency>").replace(
        "621202", "621222"
    )
    for blocks in (info + over, over + info):
        [parsed] = messages_of(text.replace(info, blocks).encode())
        assert (ends(parsed.alert), parsed.alert.response_types) == (False, ())
        again = sent_on(parsed).alert
        assert (ends(again), [one.regions for one in again.areas]) == (False, [("621202",)])


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
        pytest.param({"areas": (Area("海域", geocodes=(("UGC", "CAZ067"),), altitude="500", ceiling="high"),)},
                     "info/area/geocode/value", ["CAZ067"], id="a code of others"),
        pytest.param({"areas": (Area("海域", altitude="500", ceiling="high"),)}, "info/area/altitude", ["500"],
                     id="a height"),
        pytest.param({"areas": (Area("海域", altitude="500", ceiling="high"),)}, "info/area/ceiling", [],
                     id="a height that is no number"),
        pytest.param({"severity": "Moderate"}, "info/severity", ["Moderate"], id="the issuer's severity"),
        pytest.param({}, "info/severity", ["Extreme"], id="none, so that of the color"),
        pytest.param({"categories": ("Env", "Met"), "response_types": ("Shelter",), "urgency": "Expected",
                      "certainty": "Likely"}, "info/category", ["Env", "Met"], id="all categories"),
        pytest.param({"response_types": ("Shelter",), "parameters": {ENDS: "true"}}, "info/responseType",
                     ["Shelter", "AllClear"], id="an end beside other advice"),
        pytest.param({"urgency": "Expected", "parameters": {ENDS: "true"}}, "info/urgency", ["Expected"],
                     id="the issuer's urgency, also of an end"),
        pytest.param({"texts": {"zh": Text("红", event="强降雨"), "en": Text("Red")}}, "info/event",
                     ["强降雨", "Rainstorm"], id="the issuer's name of the hazard, in its language"),
        pytest.param({"texts": {"zh": Text("红", event="天降大水")}}, "info/parameter/value", ["red", "rainstorm"],
                     id="and ours where nobody else would know"),
        pytest.param({"parameters": {"color": "3; yellow", "x": "y"}}, "info/parameter/value",
                     ["3; yellow", "y", "red"], id="a color that reads otherwise, and our reading of it"),
        pytest.param({"parameters": {"senderName": "李四", "x": "y"}}, "info/parameter/value", ["y", "red"],
                     id="not the person on duty"),
        pytest.param({"scope": "Restricted", "restriction": "duty officers"}, "restriction", ["duty officers"],
                     id="for whom"),
        pytest.param({"scope": "Private", "addresses": "a b"}, "scope", ["Private"], id="the scope"),
        pytest.param({"codes": ("IPAWSv1.0", "x")}, "code", ["IPAWSv1.0", "x"], id="all codes"),
        pytest.param({"status": Status.EXERCISE}, "note", [], id="no note that nobody wrote"),
        pytest.param({"resources": (MAP,)}, "info/resource/uri", [MAP.uri], id="a file by its link"),
        pytest.param({"resources": (MAP,)}, "info/resource/size", ["1024"], id="its size"),
        pytest.param({"resources": (replace(MAP, uri=""),)}, "info/resource/mimeType", ["image/png"],
                     id="a file whose content came along, without it"),
        pytest.param({"resources": (Resource(uri=MAP.uri),)}, "info/resource/mimeType",
                     ["application/octet-stream"], id="a link of unknown kind"),
        pytest.param({"resources": (Resource("雨量图"),)}, "info/resource", [], id="a file that is no file"),
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
