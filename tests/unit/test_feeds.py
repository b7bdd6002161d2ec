"""What each kind of feed says, read: our own made-up answers in every format, and real ones where they are at hand."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.feed_server import atom, cap, embedding, linking
from warnd.errors import InvalidAlert
from warnd.intake.feeds import READERS, Entry, Reader
from warnd.intake.feeds.caiyun import event_with_alert, read_event
from warnd.intake.feeds.entry import oldest_first
from warnd.intake.feeds.notice import issuers_place, national_of
from warnd.intake.hazards import load_hazards
from warnd.model.alert import AlertType, Parsed, Verdict
from warnd.model.alert_body import ENDS
from warnd.model.color import Color
from warnd.resources import config_dir

CATALOGUE = load_hazards(config_dir() / "hazards.toml")
NATIONAL = "62120241600000_20260714080000"


def reader(kind: str) -> Reader:
    return READERS[kind]("county", "https://feed.example/pages/{file}")


def read(kind: str, told: Any) -> Parsed:
    """The one alert in what a feed shows, a row's page where the feed has such."""
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    return reader(kind).alert(body, CATALOGUE)


def codes(parsed: Parsed) -> set[str]:
    return {one.code for one in (*parsed.warnings, *parsed.doubts)}


CONTROLS = dict.fromkeys((*range(9), 11, 12, *range(14, 32), *range(55296, 57344), 65534, 65535), " ")
"""What XML cannot hold at all."""


# --- CAP over Atom and RSS ---------------------------------------------------------------------------

RSS = f"""<?xml version="1.0" encoding="gb2312"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>预警</title>
<item><guid>two</guid><pubDate>Tue, 14 Jul 2026 08:05:00 +0800</pubDate><link>https://feed.example/2.xml</link></item>
<item><guid>one</guid><pubDate>Tue, 14 Jul 2026 08:00:00 +0800</pubDate><link>https://feed.example/1</link>
  <content:encoded><![CDATA[{cap(1)}]]></content:encoded></item>
</channel></rss>""".encode("gb2312")


def entries(kind: str, answer: bytes) -> Sequence[Entry]:
    return reader(kind).entries(answer)


def test_an_atom_entry_holds_its_alert_or_links_to_it() -> None:
    """The link that says it leads to CAP, not the one to a page; the oldest comes first."""
    two, one = entries("cap.atom", atom(linking(3, "/cap/3.xml"), embedding(1, cap(1))))[::-1]
    assert (two.link, two.body) == ("/cap/3.xml", b"")
    assert one.link == ""
    assert read("cap.atom", one.body).alert.identifier == "62120241600000_20260714080001"


def test_an_rss_item_holds_its_alert_or_links_to_it() -> None:
    """In whatever encoding, as text within CDATA as well."""
    one, two = entries("cap.rss", RSS)
    assert (two.key, two.link) == ("two", "https://feed.example/2.xml")
    assert two.issued == datetime.fromisoformat("2026-07-14T08:05:00+08:00")
    assert read("cap.rss", one.body).alert.headline == "武都区气象台发布暴雨红色预警信号"


def test_an_escaped_alert_is_found() -> None:
    """As ``type="text"`` wants it."""
    escaped = cap(1).replace("&", "&amp;").replace("<", "&lt;")
    (one,) = entries("cap.atom", atom(f'<entry><id>x</id><content type="text">{escaped}</content></entry>'))
    assert read("cap.atom", one.body).alert.color is Color.RED


def test_a_text_about_an_alert_is_not_taken_for_it() -> None:
    """A description may be a web page: the alert is where the link leads."""
    about = (
        "<item><link>/1.xml</link><description>&lt;p&gt;An alert is in force.&lt;/p&gt;</description></item>"
    )
    (one,) = entries("cap.rss", f"<rss><channel>{about}</channel></rss>".encode())
    assert (one.link, one.body) == ("/1.xml", b"")


def test_an_alert_as_text_is_read_in_the_encoding_of_its_feed() -> None:
    """Whatever it declares: who wrapped it has decoded it."""
    text = f'<content><![CDATA[<?xml version="1.0" encoding="GBK"?>{cap(1)}]]></content>'
    (one,) = entries("cap.atom", atom(f"<entry><id>x</id>{text}</entry>"))
    assert read("cap.atom", one.body).alert.headline == "武都区气象台发布暴雨红色预警信号"


def test_an_entry_that_changes_has_another_stamp() -> None:
    """Under the same key; unchanged it has the same."""
    (before,) = entries("cap.atom", atom(embedding(1, cap(1))))
    (again,) = entries("cap.atom", atom(embedding(1, cap(1))))
    (after,) = entries("cap.atom", atom(embedding(1, cap(1, headline="武都区气象台发布暴雨橙色预警信号"))))
    assert before == again
    assert before.key == after.key
    assert before.stamp != after.stamp


@given(
    st.text(max_size=70)
    | st.from_regex(r"[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{1,5} [\d:]{1,9} [+-]?\d{0,9}")
)
def test_whatever_stands_for_a_time_is_one_or_none(text: str) -> None:
    """An entry is not lost to the clock of whoever wrote it."""
    written = escape(text.translate(CONTROLS))
    entry = f"<entry><id>x</id><updated>{written}</updated><link href='/1.xml'/></entry>"
    (one,) = entries("cap.atom", atom(entry))
    assert one.issued is None or one.issued.tzinfo is not None


def test_an_entry_with_nothing_in_it_is_shown_to_be_refused() -> None:
    """Left out, nobody would hear that a feed brings what cannot be read."""
    (one,) = entries("cap.atom", atom("<entry><id>x</id><title>暴雨红色预警</title></entry>"))
    with pytest.raises(InvalidAlert):
        read("cap.atom", one.body)


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        pytest.param("cap.atom", b"<html><body>login</body></html>", id="a login page"),
        pytest.param("cap.atom", b"{}", id="JSON"),
        pytest.param("cap.atom", b'<!DOCTYPE feed [<!ENTITY a "b">]><feed/>', id="a feed with entities"),
        pytest.param("weathercn", b"<html/>", id="weathercn: a page"),
        pytest.param("weathercn", b'{"result": {"data": null}}', id="weathercn: no list"),
        pytest.param("nmc", b'{"msg": "error", "code": 500}', id="nmc: an error"),
        pytest.param("qweather", b'{"code": "401"}', id="qweather: a wrong key under HTTP 200"),
        pytest.param("qweather", b"[" * 100_000, id="qweather: bottomless"),
        pytest.param("caiyun", b'{"status": "failed", "error": "token"}', id="caiyun: a wrong token"),
    ],
)
def test_what_is_no_feed_is_not_taken_for_an_empty_one(kind: str, answer: bytes) -> None:
    """Or a changed password would look like fair weather."""
    with pytest.raises(InvalidAlert):
        entries(kind, answer)


# --- weather.com.cn -----------------------------------------------------------------------------------

PAGE: dict[str, Any] = {
    "head": "甘肃省陇南市武都区发布暴雨红色预警信号",
    "ALERTID": "2026071408000012暴雨红色",
    "PROVINCE": "甘肃省",
    "CITY": "陇南市",
    "STATIONNAME": "武都区",
    "SIGNALTYPE": "暴雨",
    "TYPECODE": "02",
    "LEVELCODE": "04",
    "ISSUETIME": "2026-07-14 08:00:00",
    "ISSUECONTENT": "未来三小时有大暴雨。",
    "RELIEVETIME": "2026-07-14 14:00:00",
    "EFFECT": "101161001",
    "msgType": "Alert",
    "identifier": NATIONAL,
    "references": NATIONAL,
}


def page(**changes: Any) -> bytes:
    return f"var alarminfo={json.dumps(PAGE | changes, ensure_ascii=False)};".encode()


@pytest.mark.parametrize("written", ["var a={0};", "callback({0})", " {0} ", "a.b = {0}"])
def test_weathercn_wraps_its_json_in_many_ways(written: str) -> None:
    """A page is JavaScript, its list may be JSON."""
    assert read("weathercn", written.replace("{0}", json.dumps(PAGE)).encode()).alert.color is Color.RED


def test_rows_of_weathercn_lead_to_their_pages() -> None:
    """A name that is no page's is no way to another address."""
    rows = [["甘肃省陇南市武都区", "101161001-20260714080000-0204.html", "104.9", "33.4", NATIONAL],
            ["x", "../../secrets.html", "1", "2", "3"], "nonsense", []]  # fmt: skip
    answer = json.dumps({"status": "success", "result": {"count": "137", "data": rows}}).encode()
    (entry,) = entries("weathercn", answer)
    assert entry.link == "https://feed.example/pages/101161001-20260714080000-0204.html"
    assert entry.issued == datetime.fromisoformat("2026-07-14T08:00:00+08:00")


def test_a_page_of_weathercn() -> None:
    """Times are Beijing's, the end is the expiry, ``references`` to itself says nothing, 101… is no division."""
    parsed = read("weathercn", page())
    alert = parsed.alert
    assert parsed.verdict is Verdict.ACCEPT
    assert (alert.identifier, alert.sender) == (NATIONAL, "62120241600000")
    assert (alert.sent.isoformat(), alert.expires and alert.expires.isoformat()) == (
        "2026-07-14T08:00:00+08:00",
        "2026-07-14T14:00:00+08:00",
    )
    assert (alert.hazard, alert.color, alert.references) == ("rainstorm", Color.RED, ())
    assert [(area.name, area.regions) for area in alert.areas] == [("甘肃省陇南市武都区", ("621202",))]


def test_a_page_of_a_place_below_its_issuer_has_no_code() -> None:
    """A provincial warning shown under a county must not go to the whole province."""
    alert = read("weathercn", page(identifier="62000041600000_20260714080000")).alert
    assert [(area.name, area.regions) for area in alert.areas] == [("甘肃省陇南市武都区", ())]


@pytest.mark.parametrize("level", ["00", "91"])
def test_a_level_that_is_none_of_the_four_colors(level: str) -> None:
    """White and the like: a finding, and unless the headline tells, a person looks."""
    parsed = read("weathercn", page(LEVELCODE=level, head="武都区发布台风白色预警信号"))
    assert parsed.alert.color is None
    assert {"color_unread", "color_unknown"} <= codes(parsed)


# --- nmc ----------------------------------------------------------------------------------------------


def row(**changes: str) -> dict[str, str]:
    return {
        "alertid": NATIONAL,
        "issuetime": "2026/07/14 08:00",
        "title": "甘肃省陇南市武都区气象台发布暴雨红色预警信号",
        "url": f"/publish/alarm/{NATIONAL}.html",
        "pic": "http://image.example/p0002001.png",
    } | changes


def test_a_row_of_nmc() -> None:
    """Its icons count colors from the highest down; the place is in the title."""
    answer = json.dumps({"code": 0, "data": {"page": {"list": [row()]}}}).encode()
    (entry,) = entries("nmc", answer)
    alert = read("nmc", entry.body).alert
    assert (alert.hazard, alert.color, alert.type) == ("rainstorm", Color.RED, AlertType.ALERT)
    assert alert.sent.isoformat() == "2026-07-14T08:00:00+08:00"
    assert [(area.name, area.regions) for area in alert.areas] == [("甘肃省陇南市武都区", ("621202",))]


@pytest.mark.parametrize(
    ("act", "ends"), [("变更发布", None), ("更新", None), ("继续发布", None), ("解除", "true")]
)
def test_a_title_of_nmc_tells_a_change_from_an_end(act: str, ends: str | None) -> None:
    """Nothing else does; of what they speak is for the store to say."""
    alert = read("nmc", row(title=f"武都区气象台{act}暴雨红色预警信号")).alert
    assert (alert.type, alert.parameters.get(ENDS), alert.references) == (AlertType.UPDATE, ends, ())


@pytest.mark.parametrize(
    ("feed", "word", "color"),
    [
        *(("nmc", digit, color) for digit, color in zip("4321", Color, strict=True)),
        *(("weathercn", f"0{digit}", color) for digit, color in zip("1234", Color, strict=True)),
    ],
)
def test_each_feed_counts_colors_its_own_way(feed: str, word: str, color: Color) -> None:
    """NMC from red down, weather.com.cn from blue up."""
    if feed == "nmc":
        parsed = read(feed, row(title="暴雨预警", pic=f"http://image.example/p000200{word}.png"))
    else:
        parsed = read(feed, page(head="暴雨预警", LEVELCODE=word))
    assert parsed.alert.color is color


@pytest.mark.parametrize(
    ("issuer", "place"),
    [
        ("河南省鹤壁市淇县气象台", "河南省鹤壁市淇县"),
        ("上海中心气象台", "上海"),
        ("武都区自然资源局和武都区气象局", "武都区"),
        ("甘肃省人民政府", "甘肃省"),
    ],
)
def test_the_place_in_an_issuers_name(issuer: str, place: str) -> None:
    assert issuers_place(issuer) == place


# --- QWeather -----------------------------------------------------------------------------------------

NEWER: dict[str, Any] = {
    "id": "202607140800000000000001",
    "senderName": "武都区气象台",
    "issuedTime": "2026-07-14T08:00+08:00",
    "messageType": {"code": "alert", "supersedes": None},
    "eventType": {"name": "暴雨", "code": "1003"},
    "urgency": None,
    "severity": "extreme",
    "color": {"code": "red", "alpha": 1},
    "effectiveTime": "2026-07-14T08:00+08:00",
    "onsetTime": None,
    "expireTime": "2026-07-14T14:00+08:00",
    "headline": "武都区气象台发布暴雨红色预警信号",
    "description": "未来三小时有大暴雨。",
    "instruction": None,
}
OLDER: dict[str, Any] = {
    "id": "10116100120260714080000000000001",
    "sender": "武都区气象台",
    "pubTime": "2026-07-14T08:00+08:00",
    "title": "武都区气象台发布暴雨红色预警[Ⅰ级/特别严重]",
    "endTime": "2026-07-14T14:00+08:00",
    "status": "active",
    "level": "",
    "severity": "Extreme",
    "severityColor": "Red",
    "type": "1003",
    "typeName": "暴雨",
    "text": "未来三小时有大暴雨。",
    "related": "",
}


@pytest.mark.parametrize("told", [{"metadata": {}, "alerts": [NEWER]}, {"code": "200", "warning": [OLDER]}])
def test_both_versions_of_qweather(told: dict[str, Any]) -> None:
    """Its identifiers are its own: the sender is the feed. Nulls and empty words are nothing."""
    (entry,) = entries("qweather", json.dumps(told).encode())
    alert = read("qweather", entry.body).alert
    assert (alert.sender, alert.sender_name) == ("county", "武都区气象台")
    assert (alert.hazard, alert.color, alert.type) == ("rainstorm", Color.RED, AlertType.ALERT)
    assert alert.expires == datetime.fromisoformat("2026-07-14T14:00+08:00")


@pytest.mark.parametrize("answer", [b'{"code": "204"}', b'{"code": "200", "warning": []}', b'{"alerts": []}'])
def test_fair_weather_at_qweather(answer: bytes) -> None:
    assert entries("qweather", answer) == ()


@pytest.mark.parametrize("code", ["update", "cancel"])
def test_qweather_says_what_a_change_or_an_end_supersedes(code: str) -> None:
    """Under the same sender, so that it is found."""
    message = {"code": code, "supersedes": ["202607140500000000000001"]}
    alert = read("qweather", NEWER | {"messageType": message}).alert
    assert alert.type is AlertType(code)
    assert [(one.sender, one.identifier) for one in alert.references] == [
        ("county", "202607140500000000000001")
    ]


@pytest.mark.parametrize("color", ["white", "gray", "amber", "black"])
def test_a_color_of_qweather_that_is_none_of_the_four(color: str) -> None:
    """Its severity does not stand in for it: it has said what it means."""
    told = NEWER | {"color": {"code": color}, "headline": "武都区气象台发布预警信号"}
    parsed = read("qweather", told)
    assert parsed.alert.color is None
    assert "color_unread" in codes(parsed)


# --- Caiyun -------------------------------------------------------------------------------------------

WORDS: dict[str, Any] = {
    "province": "甘肃省",
    "city": "陇南市",
    "county": "无",
    "status": "预警中",
    "code": "0204",
    "alertId": f"ac_{NATIONAL}",
    "pubtimestamp": 1783987200,
    "adcode": "621202",
    "title": "武都区气象台发布暴雨红色预警[I级/特别严重]",
    "description": "未来三小时有大暴雨。",
}
LANGUAGES: dict[str, Any] = {
    "id": f"ALERT_CN_{NATIONAL}",
    "area_code": "621202",
    "alert_type": 156110203,
    "publish_time": 1783987200,
    "color": {"red": 250, "green": 0},
    "data": [
        {"language_code": "en-US", "title": "Red rainstorm warning", "level": "red"},
        {"language_code": "zh-CN", "title": WORDS["title"], "text": "未来三小时有大暴雨。", "level": "red"},
    ],
}
FULL: dict[str, Any] = {
    "alert_id": f"nmc_{NATIONAL}",
    "published_time": "2026-07-14T08:00:00+08:00",
    "published_timestamp": 1784505600,
    "expired_time": "2026-07-14T14:00:00+08:00",
    "ad_code": "621202",
    "code": "0204",
    "title": WORDS["title"],
    "description": "未来三小时有大暴雨。",
}


@pytest.mark.parametrize(
    "told",
    [
        pytest.param({"result": {"alert": {"content": [WORDS]}}}, id="2.6 within the weather"),
        pytest.param({"status": "ok", "content": [WORDS]}, id="2.6 alone"),
        pytest.param({"alerts": [LANGUAGES]}, id="3"),
    ],
)
def test_the_versions_of_caiyun(told: dict[str, Any]) -> None:
    """Each has a prefix before the same national identifier; 无 is no name of a county."""
    (entry,) = entries("caiyun", json.dumps(told).encode())
    alert = read("caiyun", entry.body).alert
    assert (alert.identifier, alert.sender) == (NATIONAL, "62120241600000")
    assert (alert.hazard, alert.color) == ("rainstorm", Color.RED)
    assert alert.sent == datetime.fromisoformat("2026-07-14T08:00:00+08:00")
    (area,) = alert.areas
    assert area.regions == ("621202",)
    assert area.name in ("", "甘肃省陇南市")


def called(event: str, alert: dict[str, Any], identifier: str = NATIONAL) -> Parsed:
    told = {"event": event, "alert_id": identifier, "time": "2026-07-14T10:00:00+08:00"}
    return read("caiyun", event_with_alert(json.dumps(told).encode(), json.dumps(alert).encode()))


def test_a_call_that_a_warning_is_on() -> None:
    """Its local time counts, for the timestamp beside it is another."""
    alert = called("ALERT_ON", FULL).alert
    assert (alert.identifier, alert.type) == (NATIONAL, AlertType.ALERT)
    assert alert.sent.isoformat() == "2026-07-14T08:00:00+08:00"


def test_a_call_that_a_warning_is_off_speaks_the_issuers_words_of_the_end() -> None:
    """Where there are such, under their own identifier."""
    own = f"ac_{NATIONAL[:-6]}100000"
    end = FULL | {"title": "武都区气象台解除暴雨红色预警[I级/特别严重]", "alert_id": own}
    alert = called("ALERT_OFF", end).alert
    assert (alert.identifier, alert.type) == (own.removeprefix("ac_"), AlertType.CANCEL)
    assert [one.identifier for one in alert.references] == [NATIONAL]


def test_a_call_that_a_warning_is_off_does_not_repeat_the_warning() -> None:
    """What it leads to may still be the warning itself."""
    alert = called("ALERT_OFF", FULL).alert
    assert (alert.identifier, alert.type, alert.headline) == (f"{NATIONAL}.off", AlertType.CANCEL, "")
    assert [(one.sender, one.identifier) for one in alert.references] == [("62120241600000", NATIONAL)]
    assert (alert.sender, alert.hazard) == ("62120241600000", "rainstorm")


@pytest.mark.parametrize(("secret", "good"), [("made-up", True), ("other", False), ("", False)])
def test_a_call_is_signed_over_secret_identifier_and_nonce(secret: str, good: bool) -> None:
    """SHA-1, as its manual says; nothing else opens the door."""
    signature = hashlib.sha1(f"made-up{NATIONAL}n0nce".encode()).hexdigest()
    told = {"event": "ALERT_ON", "alert_id": NATIONAL, "nonce": "n0nce", "signature": signature}
    event = read_event(json.dumps(told).encode())
    assert event.is_signed_with(secret) is good


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        pytest.param("weathercn", PAGE | {"head": "x", "SIGNALTYPE": "", "TYPECODE": "02"}, id="weathercn"),
        pytest.param("nmc", row(title="x"), id="nmc"),
        pytest.param("qweather", NEWER | {"headline": "x", "eventType": {"code": "1003"}}, id="qweather 1"),
        pytest.param("qweather", OLDER | {"title": "x", "typeName": ""}, id="qweather 7"),
        pytest.param("caiyun", WORDS | {"title": "x"}, id="caiyun"),
        pytest.param("caiyun", LANGUAGES | {"data": [{"title": "x"}]}, id="caiyun 3"),
    ],
)
def test_a_hazard_without_its_name_is_known_by_the_feeds_own_number(kind: str, told: dict[str, Any]) -> None:
    """Each has numbers of its own; Caiyun borrows them."""
    assert read(kind, told).alert.hazard == "rainstorm"


# --- all of them --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_", "found"),
    [
        (NATIONAL, NATIONAL),
        (f"ac_{NATIONAL}", NATIONAL),
        (f"ALERT_CN_{NATIONAL}", NATIONAL),
        (f"ac_{NATIONAL}_1", f"{NATIONAL}_1"),
        (f"{NATIONAL}_12", ""),
        (f"1{NATIONAL}", ""),
        ("10116100120260714080000000000001", ""),
    ],
)
def test_the_national_identifier_within_a_feeds_own(given_: str, found: str) -> None:
    assert national_of(given_) == found


def test_entries_come_in_the_order_of_their_issue() -> None:
    """Feeds show the newest first, those of one minute too: an end after its warning."""
    minute = datetime.fromisoformat("2026-07-14T08:00+08:00")
    shown = [Entry("end", "", minute), Entry("warning", "", minute), Entry("undated", "")]
    assert [one.key for one in oldest_first(shown)] == ["undated", "warning", "end"]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
SHAPES: dict[str, dict[str, Any]] = {"weathercn": PAGE, "nmc": row(), "qweather": NEWER, "caiyun": WORDS}


@pytest.mark.parametrize("kind", sorted(SHAPES))
@given(st.data())
def test_whatever_a_feed_writes_is_an_alert_or_refused(kind: str, data: st.DataObject) -> None:
    """Any of its keys may hold anything."""
    shape = SHAPES[kind]
    key = data.draw(st.sampled_from(sorted(shape)))
    told = shape | {key: data.draw(ANYTHING)}
    body = json.dumps(told).encode("utf-8", "surrogatepass")
    with suppress(InvalidAlert):
        reader(kind).entries(body)
    with suppress(InvalidAlert):
        reader(kind).alert(body, CATALOGUE)


SAMPLES = Path(os.environ.get("WARND_SAMPLES", "")) / "feeds" / "cn"


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="WARND_SAMPLES names no folder with real payloads")
@pytest.mark.parametrize(
    ("kind", "file", "hazard", "color"),
    [
        ("nmc", "nmc_findAlarm.json", "gale", Color.BLUE),
        ("qweather", "qweather_getWarningNow-zh.json", "gale", Color.BLUE),
        ("qweather", "qweather_getWeatherAlertCurrent-zh.json", "gale", Color.BLUE),
        ("caiyun", "caiyun_v26_alert.json", "gale", Color.BLUE),
        ("caiyun", "caiyun_v3_alert.json", "lightning", Color.YELLOW),
    ],
)
def test_a_real_answer(kind: str, file: str, hazard: str, color: Color) -> None:
    """One entry, read without a doubt."""
    (entry,) = entries(kind, (SAMPLES / file).read_bytes())
    parsed = read(kind, entry.body)
    assert (parsed.alert.hazard, parsed.alert.color, parsed.doubts) == (hazard, color, ())


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="WARND_SAMPLES names no folder with real payloads")
def test_a_real_page_and_a_real_call() -> None:
    """The row leads to the page; the call's alert is an end."""
    (entry,) = entries("weathercn", (SAMPLES / "weathercn_alarmMap_row.json").read_bytes())
    parsed = read("weathercn", (SAMPLES / "weathercn_detail.jsonp").read_bytes())
    assert entry.issued == parsed.alert.sent
    assert (parsed.verdict, parsed.alert.hazard, parsed.alert.color) == (
        Verdict.ACCEPT,
        "lightning",
        Color.YELLOW,
    )
    end = read("caiyun", (SAMPLES / "caiyun_v1_webhook_and_off.json").read_bytes()).alert
    assert (end.type, end.hazard, end.color) == (AlertType.CANCEL, "frost", Color.BLUE)
