"""CAP to Alert: what is taken from it, what it may get wrong, and what it may not."""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warnd.errors import Fault, InvalidAlert
from warnd.intake.hazards import load_hazards
from warnd.intake.read import read
from warnd.model.alert import AlertType, Parsed, Reference, Resource, Status, Verdict
from warnd.model.alert_body import ENDS, EVENT, as_body, from_body
from warnd.model.color import Color
from warnd.resources import config_dir

CATALOGUE = load_hazards(config_dir() / "hazards.toml")
FIXTURES = Path(__file__).parent.parent / "data" / "cap"
RED = (FIXTURES / "rainstorm-red.xml").read_text("utf-8")
TEST = (FIXTURES / "gale-test.xml").read_text("utf-8")
CAP = "urn:oasis:names:tc:emergency:cap:1.2"


def parse(text: str) -> Parsed:
    return read(text.encode(), "application/cap+xml", CATALOGUE)


def parse_file(name: str) -> Parsed:
    return read((FIXTURES / name).read_bytes(), "application/cap+xml", CATALOGUE)


def changed(old: str, new: str, text: str = TEST) -> Parsed:
    assert old in text
    return parse(text.replace(old, new))


def faults(text: str) -> list[Fault]:
    with pytest.raises(InvalidAlert) as refused:
        parse(text)
    return list(refused.value.faults)


def found(findings: tuple[Fault, ...]) -> list[tuple[str, str]]:
    return [(finding.path, finding.code) for finding in findings]


# --- what is taken ----------------------------------------------------------------------------------


def test_bilingual_red_is_read_with_its_chinese_first() -> None:
    """Issuer, words and times as they came; the color is in the title alone."""
    parsed = parse_file("rainstorm-red.xml")
    alert = parsed.alert
    assert (parsed.verdict, parsed.kind) == (Verdict.ACCEPT, "cap-1.2")
    assert (alert.status, alert.type, alert.hazard) == (Status.ACTUAL, AlertType.ALERT, "rainstorm")
    assert alert.color is Color.RED
    assert (alert.language, list(alert.texts)) == ("zh", ["zh", "en"])
    assert alert.headline == "武都区气象台发布暴雨红色预警[Ⅰ级/特别严重]"
    assert alert.sender_name == "值班预报员"
    assert alert.expires == datetime(2026, 7, 14, 6, tzinfo=UTC)
    assert [(area.name, area.regions) for area in alert.areas] == [("武都区", ("621202000000",))]


def test_update_refers_by_sender_and_identifier() -> None:
    """The time in a national reference is the message's own: advisory. Joined codes are taken apart, once each."""
    alert = parse_file("rainstorm-update.xml").alert
    assert (alert.type, alert.color) == (AlertType.UPDATE, Color.ORANGE)
    assert [(ref.sender, ref.identifier) for ref in alert.references] == [
        ("Wudu_Meteorological_Observatory", "62120241600000_20260714075412")
    ]
    assert alert.areas[0].regions == ("621202101000", "621202102000")


def test_cancel_without_any_block_is_accepted() -> None:
    """It says all it must: what it cancels."""
    parsed = parse_file("rainstorm-cancel.xml")
    assert parsed.verdict is Verdict.ACCEPT
    assert parsed.alert.color is None
    assert len(parsed.alert.references) == 2


def test_parameters_are_kept_and_one_states_the_color() -> None:
    """Polygons and circles too."""
    alert = parse_file("tailings-exercise.xml").alert
    assert (alert.status, alert.hazard, alert.color) == (Status.EXERCISE, "tailings", Color.RED)
    assert alert.parameters == {"ColorCode": "RED", "monitor": "P-07"}
    assert (len(alert.areas[0].polygons), alert.areas[0].circles) == (1, ("33.72,105.72 3",))


@pytest.mark.parametrize(
    ("name", "status"), [("gale-test.xml", Status.TEST), ("gale-draft.xml", Status.DRAFT)]
)
def test_status_is_kept_for_those_who_decide_by_it(name: str, status: Status) -> None:
    """Intake reads; who may be told is decided later."""
    parsed = parse_file(name)
    assert (parsed.verdict, parsed.alert.status, parsed.alert.event_code) == (Verdict.ACCEPT, status, "11B06")


def test_all_clear_is_an_end_that_keeps_its_type() -> None:
    """Services that never cancel end a warning so; its unknown severity is no doubt then."""
    parsed = parse_file("landslide-all-clear.xml")
    assert (parsed.verdict, parsed.alert.type) == (Verdict.ACCEPT, AlertType.UPDATE)
    assert parsed.alert.parameters == {ENDS: "true"}


@pytest.mark.parametrize(
    ("response", "urgency", "ends"),
    [
        ("AllClear", "Past", True),
        ("AllClear", "Future", True),
        ("Monitor", "Past", True),
        ("Monitor", "Future", False),
    ],
)
def test_end_of_an_update_is_told_by_all_clear_or_past(response: str, urgency: str, ends: bool) -> None:
    """Either is enough."""
    text = (FIXTURES / "landslide-all-clear.xml").read_text("utf-8")
    alert = parse(text.replace("AllClear", response).replace("Past", urgency)).alert
    assert (ENDS in alert.parameters) is ends


AREA = (
    "<area><areaDesc>文县</areaDesc><geocode><valueName>NBS</valueName><value>621222</value></geocode></area>"
)


@pytest.mark.parametrize("said", ["ended", "active"])
def test_end_is_told_by_the_status_of_its_place_too(said: str) -> None:
    """Canada's service, under the name of each of its layers."""
    text = (FIXTURES / "landslide-all-clear.xml").read_text("utf-8")
    text = text.replace("AllClear", "Monitor").replace("Past", "Expected")
    status = f"<parameter><valueName>layer:EC-MSC-SMC:1.1:Alert_Location_Status</valueName><value>{said}</value></parameter>"
    alert = parse(text.replace("<area>", f"{status}<area>")).alert
    assert (ENDS in alert.parameters) is (said == "ended")


def test_where_it_has_ended_nobody_is_warned_any_more() -> None:
    """One message may end a warning for one place and keep it up for another."""
    text = (FIXTURES / "landslide-all-clear.xml").read_text("utf-8")
    head, info, tail = re.split("(<info>.*</info>)", text, flags=re.DOTALL)
    going_on = info.replace("AllClear", "Monitor").replace("Past", "Expected")
    going_on = re.sub("<area>.*</area>", AREA, going_on, flags=re.DOTALL)
    alert = parse(head + info + going_on + tail).alert
    assert ENDS not in alert.parameters
    assert [area.regions for area in alert.areas] == [("621222",)]


@pytest.mark.parametrize(
    ("tag", "language"),
    [("zh-CN", "zh"), ("ug", "ug"), ("kk-Cyrl-KZ", "kk"), ("en-US", "en"), ("ZH", "zh")],
)
def test_language_is_the_primary_subtag(tag: str, language: str) -> None:
    """Open: a language needs templates, not code."""
    assert changed("zh-CN", tag).alert.language == language


def test_forgotten_language_of_chinese_words_is_guessed() -> None:
    """CAP would call them English."""
    parsed = changed("<language>zh-CN</language>", "")
    assert parsed.alert.language == "zh"
    assert found(parsed.warnings) == [("alert/info[1]/language", "language_guessed")]


@pytest.mark.parametrize(
    ("name", "value", "regions", "geocodes"),
    [
        pytest.param("adcode", "621202, 621221,621202", ("621202", "621221"), (), id="joined and repeated"),
        pytest.param("anything", "621202101", ("621202101",), (), id="any name"),
        pytest.param("SAME", "006109", (), (("SAME", "006109"),), id="another scheme with digits"),
        pytest.param("adcode", "GS-01", (), (("adcode", "GS-01"),), id="no code"),
        pytest.param("adcode", "6212021010001", (), (("adcode", "6212021010001"),), id="too long"),
    ],
)
def test_geocodes_become_regions_unless_of_another_scheme(
    name: str, value: str, regions: tuple[str, ...], geocodes: tuple[tuple[str, str], ...]
) -> None:
    """The rest is kept with its scheme."""
    text = TEST.replace("adcode", name).replace("621200</value>", f"{value}</value>")
    area = parse(text).alert.areas[0]
    assert (area.regions, area.geocodes) == (regions, geocodes)


WHOLE = (
    TEST.replace("</msgType>", "</msgType><source>值班席</source>")
    .replace("</scope>", "</scope><code>profile-1</code><code>profile-2</code><note>无</note><incidents>X1</incidents>")
    .replace("</event>", "</event><responseType>Prepare</responseType><responseType>Avoid</responseType>")
    .replace("</certainty>", "</certainty><audience>公众</audience>")
    .replace(
        "<area>",
        "<resource><resourceDesc>图</resourceDesc><mimeType>image/png</mimeType><size>12</size>"
        "<uri>https://example.org/a.png</uri><derefUri>AAAA</derefUri><digest>d0</digest></resource><area>",
    )
    .replace("</geocode>", "</geocode><altitude>100</altitude><ceiling>200</ceiling>")
)  # fmt: skip


def test_what_a_message_says_beside_the_warning_is_kept_too() -> None:
    """Under the name it has in CAP; who passes the alert on writes it out again. Content sent along is left out."""
    parsed = parse(WHOLE)
    alert = parsed.alert
    assert (alert.source, alert.codes, alert.note, alert.incidents) == (
        "值班席", ("profile-1", "profile-2"), "无", "X1",
    )  # fmt: skip
    assert (alert.scope, alert.categories, alert.response_types) == ("Public", ("Met",), ("Prepare", "Avoid"))
    assert (alert.urgency, alert.severity, alert.certainty) == ("Future", "Minor", "Possible")
    assert (alert.audience, alert.texts["zh"].event) == ("公众", "大风")
    assert alert.resources == (Resource("图", "image/png", "https://example.org/a.png", 12, "d0"),)
    assert (alert.areas[0].altitude, alert.areas[0].ceiling) == ("100", "200")
    assert found(parsed.warnings) == [("alert/info[1]/resource[1]/derefUri", "content_left_out")]
    assert from_body(as_body(alert)) == alert


def test_every_area_of_another_scheme_is_kept() -> None:
    """Two zones of one name are two areas, though none of them is a division."""
    zones = "".join(
        f"<area><areaDesc>Küste</areaDesc><geocode><valueName>EMMA_ID</valueName><value>DE{n}</value></geocode></area>"
        for n in (1, 2)
    )
    areas = parse(TEST.replace("</area>", f"</area>{zones}")).alert.areas
    assert [area.geocodes for area in areas] == [(), (("EMMA_ID", "DE1"),), (("EMMA_ID", "DE2"),)]


@pytest.mark.parametrize(
    ("references", "expected"),
    [
        pytest.param("a,1,2026-01-01T00:00:00+08:00", [("a", "1")], id="one"),
        pytest.param(
            "a,1,2026-01-01T00:00:00+08:00\n a,2,2026-01-02T00:00:00+08:00",
            [("a", "1"), ("a", "2")],
            id="spaces",
        ),
        pytest.param(
            "a,1,2026-01-01T00:00:00+08:00,b,2,2026-01-02T00:00:00+08:00",
            [("a", "1"), ("b", "2")],
            id="commas",
        ),
        pytest.param("old-1 old-2", [("62120041600000", "old-1"), ("62120041600000", "old-2")], id="bare"),
    ],
)
def test_references_are_read_as_services_write_them(references: str, expected: list[tuple[str, str]]) -> None:
    """Triples parted by spaces or commas, and bare identifiers of the same sender."""
    parsed = changed("<info>", f"<references>{references}</references><info>")
    assert [(ref.sender, ref.identifier) for ref in parsed.alert.references] == expected


def test_bad_time_in_a_reference_costs_only_the_time() -> None:
    """It is advisory."""
    parsed = changed("<info>", "<references>a,1,yesterday</references><info>")
    assert parsed.alert.references == (Reference("a", "1"),)
    assert found(parsed.warnings) == [("alert/references", "reference_form")]


def test_blocks_of_one_language_are_joined_and_the_highest_color_stands() -> None:
    """Later blocks may expand, not override."""
    block = TEST[TEST.index("<info>") : TEST.index("</alert>")]
    second = (
        block.replace("蓝色", "橙色")
        .replace("测试信息，请勿理会。", "补充说明。")
        .replace("621200", "621202")
    )
    parsed = parse(TEST.replace("</alert>", f"{second}</alert>"))
    assert parsed.alert.texts["zh"].description == "测试信息，请勿理会。\n\n补充说明。"
    assert parsed.alert.color is Color.ORANGE
    assert [area.regions for area in parsed.alert.areas] == [("621200",), ("621202",)]
    assert found(parsed.warnings) == [("alert", "blocks_disagree")]


def test_unknown_event_is_kept_by_name() -> None:
    """As ``other``, told all the same."""
    text = TEST.replace("11B06", "X").replace("<event>大风", "<event>极光").replace("发布大风", "发布极光")
    alert = parse(text).alert
    assert (alert.hazard, alert.parameters[EVENT]) == ("other", "极光")


# --- what it may get wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "path", "code"),
    [
        pytest.param("+08:00</sent>", "Z</sent>", "alert/sent", "time_form", id="Z for an offset"),
        pytest.param("01T10:00:00", "01 10:00:00", "alert/sent", "time_form", id="a space for T"),
        pytest.param("01T10:00:00", "01T10:00:00.5", "alert/sent", "time_form", id="a fraction"),
        pytest.param("<status>Test", "<status>test ", "alert/status", "letter_case", id="other letters"),
        pytest.param(
            "01T16:00:00",
            "01T09:00:00",
            "alert/info[1]/expires",
            "expires_before_effective",
            id="reversed times",
        ),
        pytest.param(
            "2026-03-01T16:00:00+08:00", "", "alert/info[1]/expires", "empty", id="an empty optional time"
        ),
        pytest.param(
            "<msgType>Alert",
            "<msgType>Update",
            "alert/references",
            "references_missing",
            id="update of nothing",
        ),
        pytest.param(
            "<info>",
            "<references>62120041600000,TEST_20260301100000,2026-03-01T10:00:00+08:00</references><info>",
            "alert/references",
            "refers_to_itself",
            id="reference to itself",
        ),
        pytest.param(
            "<geocode>",
            "<polygon/><geocode>",
            "alert/info[1]/area[1]/polygon[1]",
            "empty",
            id="empty polygon",
        ),
        pytest.param(
            "<geocode>",
            "<polygon>33,105 33,106 34,106</polygon><geocode>",
            "alert/info[1]/area[1]/polygon[1]",
            "shape_unusual",
            id="open polygon",
        ),
        pytest.param(
            "<geocode>",
            "<polygon>105,33 106,33 106,34 105,33</polygon><geocode>",
            "alert/info[1]/area[1]/polygon[1]",
            "bad_shape",
            id="longitude first, beside a code",
        ),
        pytest.param(
            "</info>",
            '</info><Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/>',
            "alert/Signature",
            "signature_unverified",
            id="a signature",
        ),
        pytest.param(
            "<status>Test", "<status>Exercise", "alert/note", "note_missing", id="an exercise without note"
        ),
        pytest.param(
            "<area>",
            "<resource><resourceDesc>x</resourceDesc><mimeType>y</mimeType><size>12 KB</size></resource><area>",
            "alert/info[1]/resource[1]/size",
            "schema_value",
            id="a size with its unit",
        ),
        pytest.param("<scope>", '<scope id="s">', "alert/scope", "schema_value", id="an attribute"),
        pytest.param(">Public<", "> Public <", "alert/scope", "schema_value", id="blanks around a word"),
        pytest.param(
            "</area>",
            "<ceiling>9</ceiling></area>",
            "alert/info[1]/area[1]/ceiling",
            "ceiling_alone",
            id="a ceiling without altitude",
        ),
        pytest.param(
            "<headline>",
            f"<headline>{'长' * 160}",
            "alert/info[1]/headline",
            "headline_long",
            id="an endless headline",
        ),
        pytest.param(
            "</scope>",
            "</scope><restriction>x</restriction>",
            "alert/restriction",
            "restriction_unused",
            id="a restriction of what is public",
        ),
        pytest.param("TEST_", "TEST ", "alert/identifier", "key_characters", id="a space in the identifier"),
        pytest.param("请勿理会", "请勿&lt;b&gt;理会", "alert/info[1]/description", "markup", id="markup"),
        pytest.param("zh-CN", "中文", "alert/info[1]/language", "bad_language", id="no language tag"),
        pytest.param("621200<", "LN<", "alert/info[1]/area", "area_unplaced", id="an area nobody can find"),
    ],
)
def test_small_fault_is_a_warning(old: str, new: str, path: str, code: str) -> None:
    """People can still be told, so they are."""
    parsed = changed(old, new)
    assert parsed.verdict is Verdict.ACCEPT_WITH_WARNINGS
    assert (path, code) in found(parsed.warnings)


@pytest.mark.parametrize(
    ("old", "new", "path", "code"),
    [
        pytest.param("<scope>Public</scope>", "", "alert/scope", "missing", id="no scope"),
        pytest.param("</area>", "<polygon/></area>", "alert/info[1]/area[1]/polygon[1]", "order", id="order"),
        pytest.param(
            "<info>", "<hop>1</hop><info>", "alert/hop", "unknown_element", id="an element of its own"
        ),
        pytest.param(
            "<info>",
            '<x:hop xmlns:x="urn:x"/><info>',
            "alert/hop",
            "unknown_element",
            id="an element of others",
        ),
        pytest.param("<scope>", "<source/><source/><scope>", "alert/source[2]", "repeated", id="two sources"),
        pytest.param(
            "<valueName>adcode</valueName>",
            "",
            "alert/info[1]/area[1]/geocode[1]/valueName",
            "missing",
            id="a code of no scheme",
        ),
        pytest.param(
            "<description>",
            "<description><b/>",
            "alert/info[1]/description",
            "schema_structure",
            id="an element in a text",
        ),
        pytest.param("<scope>Public", "<scope>Private", "alert/scope", "not_public", id="private"),
        pytest.param(
            "<scope>Public", "<scope>Private", "alert/addresses", "addresses_missing", id="private, to nobody"
        ),
        pytest.param("<scope>Public", "<scope>Restricted", "alert/scope", "not_public", id="restricted"),
        pytest.param("<scope>Public", "<scope>All", "alert/scope", "bad_value", id="a scope that is none"),
        pytest.param("<event>大风</event>", "", "alert/info[1]/event", "missing", id="no event"),
        pytest.param(
            "<category>Met</category>", "", "alert/info[1]/category[1]", "missing", id="no category"
        ),
        pytest.param(
            "Possible", "Very Likely", "alert/info[1]/certainty", "bad_value", id="a word of CAP 1.0"
        ),
        pytest.param(
            "<areaDesc>陇南市</areaDesc>",
            "",
            "alert/info[1]/area[1]/areaDesc",
            "missing",
            id="a nameless area",
        ),
        pytest.param("01T16:00:00+08:00", "01T16:00:00", "alert/info[1]/expires", "bad_time", id="no offset"),
        pytest.param(
            "2026-03-01T16", "2026-02-30T16", "alert/info[1]/expires", "bad_time", id="a day that is none"
        ),
        pytest.param(
            "<msgType>Alert",
            "<msgType>Cancel",
            "alert/references",
            "references_missing",
            id="cancel of nothing",
        ),
        pytest.param(
            "</scope>", "</scope><scope>Private</scope>", "alert/scope[2]", "repeated", id="two scopes"
        ),
        pytest.param(f' xmlns="{CAP}"', "", "alert", "namespace_missing", id="no namespace"),
        pytest.param(
            "<value>621200</value>",
            "<value>LN</value></geocode><geocode><valueName>x</valueName><value>y</value></geocode><polygon>1,2</polygon><geocode>",
            "alert/info[1]/area[1]/polygon[1]",
            "bad_shape",
            id="the only shape unreadable",
        ),
    ],
)
def test_doubtful_message_is_quarantined(old: str, new: str, path: str, code: str) -> None:
    """A person must look before anybody is told."""
    parsed = changed(old, new)
    assert parsed.verdict is Verdict.QUARANTINE
    assert (path, code) in found(parsed.doubts)


def test_color_nobody_can_tell_is_a_doubt() -> None:
    """Severity Unknown and a title without color."""
    parsed = parse(TEST.replace("Minor", "Unknown").replace("蓝色", ""))
    assert found(parsed.doubts) == [("alert/info[1]/severity", "color_unknown")]


# --- what it may not ------------------------------------------------------------------------------------


def test_every_fault_and_doubt_of_a_refused_message_is_named() -> None:
    """With its path, in one go."""
    with pytest.raises(InvalidAlert) as refused:
        parse_file("many-faults.xml")
    assert {fault.path for fault in refused.value.faults} == {
        "alert/identifier",
        "alert/sent",
        "alert/status",
        "alert/scope",
        "alert/info[1]/category[1]",
        "alert/info[1]/urgency",
        "alert/info[1]/severity",
        "alert/info[1]/expires",
    }


@pytest.mark.parametrize(
    ("text", "path", "code"),
    [
        pytest.param(TEST.replace("<sent>", "<sent>x"), "alert/sent", "bad_time", id="no time of issue"),
        pytest.param(
            TEST.replace("TEST_", "T" * 300), "alert/identifier", "key_length", id="endless identifier"
        ),
        pytest.param(TEST.replace("cap:1.2", "cap:9"), "alert", "not_cap", id="another namespace"),
        pytest.param("<feed><title/></feed>", "feed", "feed_without_alerts", id="a feed of nothing"),
        pytest.param("<alerts/>", "alerts", "not_an_alert", id="an empty wrapper"),
        pytest.param(TEST.replace("</alert>", ""), "body", "not_well_formed", id="cut off"),
        pytest.param(
            TEST.replace("<alert", "<cap:alert", 1), "body", "not_well_formed", id="tags that differ"
        ),
        pytest.param(TEST.replace("大风", "&wind;"), "body", "not_well_formed", id="an entity of nobody"),
        pytest.param(
            TEST.replace("<info>", "<info>" * 20).replace("</info>", "</info>" * 20),
            "body",
            "too_deep",
            id="depth",
        ),
        pytest.param(
            TEST.replace("</alert>", "<info/>" * 201 + "</alert>"),
            "alert/info",
            "too_many_blocks",
            id="blocks",
        ),
        pytest.param(
            TEST.replace("</info>", "<area><areaDesc>x</areaDesc></area>" * 5001 + "</info>"),
            "alert/info",
            "too_many_areas",
            id="areas",
        ),
        pytest.param(
            TEST.replace("</alert>", "<x/>" * 100_001 + "</alert>"),
            "body",
            "too_many_elements",
            id="elements",
        ),
    ],
)
def test_unusable_message_is_refused(text: str, path: str, code: str) -> None:
    """Naming what and where."""
    assert (path, code) in found(tuple(faults(text)))


BOMB = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
DOCTYPES = {
    "external entity": '<!DOCTYPE alert [<!ENTITY x SYSTEM "file:///etc/hostname">]>',
    "external subset": '<!DOCTYPE alert SYSTEM "http://127.0.0.1:9/alert.dtd">',
    "parameter entity": '<!DOCTYPE alert [<!ENTITY % p SYSTEM "http://127.0.0.1:9/p">%p;]>',
    "billion laughs": f'<!DOCTYPE alert [<!ENTITY l0 "lol">{BOMB}]>',
    "harmless": "<!DOCTYPE alert>",
    "spaced": "<! DOCTYPE alert>",
}


@pytest.mark.parametrize("doctype", DOCTYPES.values(), ids=DOCTYPES.keys())
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"]
)
def test_doctype_is_refused_in_every_encoding(doctype: str, encoding: str) -> None:
    """Before the parser sees it: entities are how XML is attacked, and CAP has none."""
    text = TEST.replace('<?xml version="1.0" encoding="UTF-8"?>', doctype)
    with pytest.raises(InvalidAlert) as refused:
        read(text.encode(encoding), "application/xml", CATALOGUE)
    assert [fault.code for fault in refused.value.faults] == ["doctype"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_message_is_read_in_unicode_of_any_width(encoding: str) -> None:
    """With a mark or by its zeros, whatever the declaration says."""
    assert read(TEST.encode(encoding), None, CATALOGUE).alert == parse(TEST).alert


@pytest.mark.parametrize("declared", ["GBK", "gb2312", "GB18030"])
def test_message_is_read_in_chinese_encodings(declared: str) -> None:
    """Where it declares so."""
    text = TEST.replace("UTF-8", declared)
    assert read(text.encode("gb18030"), None, CATALOGUE).alert == parse(TEST).alert


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ("windows-1251", "Сильный ветер"),
        ("ISO-8859-2", "Silný vítr"),
        ("Shift_JIS", "強風"),
        ("euc-kr", "강풍"),
    ],
)
def test_message_is_read_in_the_encodings_of_other_countries(declared: str, words: str) -> None:
    """Where it declares so."""
    foreign = re.sub("[\u3000-\uffff]", "x", TEST).replace("UTF-8", declared)
    text = foreign.replace("<senderName>xxxxxx", f"<senderName>{words}")
    assert read(text.encode(declared), None, CATALOGUE).alert.sender_name == words


@pytest.mark.parametrize("declared", ["UTF-7", "IBM037", "x-user"])
def test_exotic_encoding_is_refused(declared: str) -> None:
    """They exist to smuggle."""
    assert [fault.code for fault in faults(TEST.replace("UTF-8", declared))] == ["bad_encoding"]


# --- whatever comes ------------------------------------------------------------------------------------

SCRAPS = st.sampled_from(
    [
        "<",
        ">",
        "</info>",
        "<info>",
        "&",
        "]]>",
        "<![CDATA[",
        "<!--",
        "<!DOCTYPE a>",
        "\0",
        " ",
        ",",
        "Z",
        "-",
        "红色预警",
    ]
)


@settings(deadline=2000)
@given(st.data())
def test_mutated_message_is_read_or_refused_and_never_crashes(data: st.DataObject) -> None:
    """Cut out, put in, doubled: an alert or InvalidAlert, nothing else, and no alert that cannot be stored."""
    text = RED
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(start + 60, len(text))))
        text = text[:start] + data.draw(SCRAPS | st.just(text[start:end] * 2)) + text[end:]
    try:
        parsed = parse(text)
    except InvalidAlert as refused:
        assert refused.faults  # noqa: PT017
    else:
        assert from_body(as_body(parsed.alert)) == parsed.alert


@pytest.mark.parametrize(
    "filler",
    [
        "<info/>" * 190,
        "<x/>" * 90_000,
        "<info>" + "<area/>" * 50_000 + "</info>",
        "<note>" + " " * 3_000_000 + "</note>",
    ],
    ids=["blocks", "strangers", "areas", "blanks"],
)
def test_bulky_message_is_done_with_in_time(filler: str) -> None:
    """Nothing here grows with the square of the size."""
    started = time.process_time()
    with suppress(InvalidAlert):
        parse(TEST.replace("</alert>", f"{filler}</alert>"))
    assert time.process_time() - started < 20


# --- messages of real services ---------------------------------------------------------------------------

SAMPLES = Path(os.environ.get("WARND_SAMPLES", "")) / "cap"
needs_samples = pytest.mark.skipif(
    "WARND_SAMPLES" not in os.environ or not SAMPLES.is_dir(),
    reason="WARND_SAMPLES names no folder of sample messages: real messages were not read",
)


@needs_samples
def test_every_sample_is_read_or_refused() -> None:
    """Of fifty real files none crashes us."""
    for file in sorted(SAMPLES.iterdir()):
        try:
            read(file.read_bytes(), None, CATALOGUE)
        except InvalidAlert as refused:
            assert refused.faults, file.name  # noqa: PT017


@needs_samples
@pytest.mark.parametrize(
    ("name", "verdict", "color", "hazard"),
    [
        ("oasis12__example1.xml", Verdict.ACCEPT_WITH_WARNINGS, Color.ORANGE, "other"),
        ("oasis12__example2.xml", Verdict.ACCEPT, Color.ORANGE, "thunder-gust"),
        ("oasis12__example3.xml", Verdict.ACCEPT, Color.BLUE, "earthquake"),
        ("oasis12__example4.xml", Verdict.ACCEPT_WITH_WARNINGS, Color.ORANGE, "other"),
        ("oasiscap__v1dot0_appendix_adot2.xml", Verdict.ACCEPT, Color.ORANGE, "thunder-gust"),
        ("oasiscap__v1dot1_appendix_adot3.xml", Verdict.ACCEPT, Color.BLUE, "earthquake"),
    ],
)
def test_examples_of_the_standard_are_valid(name: str, verdict: Verdict, color: Color, hazard: str) -> None:
    """What we warn of there: hazards and areas that are not China's."""
    parsed = read((SAMPLES / name).read_bytes(), None, CATALOGUE)
    assert (parsed.verdict, parsed.alert.color, parsed.alert.hazard) == (verdict, color, hazard)


@pytest.mark.parametrize("prefix", ["x", "xy", "xyz"])
def test_an_element_with_an_endless_foreign_name_is_a_finding(prefix: str) -> None:
    """libxml2 cuts its path off after so many bytes, be it within a character."""
    element = f'<{prefix}:{"穢" * 60} xmlns:{prefix}="urn:oasis:names:tc:emergency:cap:1.2"/>'
    parsed = read(TEST.replace("<event>", f"{element}<event>").encode(), None, CATALOGUE)
    assert "unknown_element" in {one.code for one in parsed.doubts}
