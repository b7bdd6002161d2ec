"""The national platform's XML to Alert: told apart from CAP, and read however a producer spells it."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warnd.errors import InvalidAlert
from warnd.intake.hazards import load_hazards
from warnd.intake.read import read
from warnd.intake.times import read_beijing_time
from warnd.model.alert import AlertType, Area, Parsed, Reference, Status, Text, Verdict
from warnd.model.alert_body import ENDS, EVENT, as_body, from_body
from warnd.model.color import Color
from warnd.resources import config_dir

CATALOGUE = load_hazards(config_dir() / "hazards.toml")
FIXTURES = Path(__file__).parent.parent / "data" / "national"
RED = (FIXTURES / "flash-flood-red.xml").read_text("utf-8")
CANCEL = (FIXTURES / "flash-flood-cancel.xml").read_text("utf-8")
FIRST = "62120233200000_20260714075412"


def parse(text: str) -> Parsed:
    return read(text.encode(), "application/xml", CATALOGUE)


def changed(old: str, new: str, text: str = RED) -> Parsed:
    assert old in text
    return parse(text.replace(old, new))


def faults(text: str) -> list[tuple[str, str]]:
    with pytest.raises(InvalidAlert) as refused:
        parse(text)
    return [(fault.path, fault.code) for fault in refused.value.faults]


def warned(parsed: Parsed) -> list[tuple[str, str]]:
    return [(found.path, found.code) for found in parsed.warnings]


def doubted(parsed: Parsed) -> list[tuple[str, str]]:
    return [(found.path, found.code) for found in parsed.doubts]


# --- what is taken ----------------------------------------------------------------------------------


def test_a_whole_message_is_read_without_a_murmur() -> None:
    """The code is the sender, the office its name, the severity the color; what is doubled counts once."""
    parsed = parse(RED)
    alert = parsed.alert
    assert (parsed.kind, parsed.verdict) == ("national-12379", Verdict.ACCEPT)
    assert (alert.identifier, alert.sender, alert.sender_name) == (FIRST, "62120233200000", "武都区水务局")
    assert (alert.status, alert.type) == (Status.ACTUAL, AlertType.ALERT)
    assert (alert.hazard, alert.event_code, alert.color) == ("flash-flood", "11A51", Color.RED)
    assert alert.sent == datetime(2026, 7, 14, 0, tzinfo=UTC)
    assert (alert.onset, alert.expires) == (None, datetime(2026, 7, 14, 6, tzinfo=UTC))
    assert alert.areas == (Area("武都区", ("621202000000",)),)
    assert alert.texts == {
        "zh": Text(
            "武都区水务局发布山洪灾害红色预警[Ⅰ级/特别严重]", "未来三小时两水镇沟谷发生山洪的可能性很大。"
        )
    }


def test_the_person_on_duty_is_kept_and_is_not_the_issuer() -> None:
    """And of the methods their words are kept, never the telephone numbers they were to reach."""
    alert = parse(RED).alert
    assert alert.parameters["senderName"] == "张三"
    assert alert.parameters["methods"] == "SMS,SPEAKER"
    assert alert.parameters["message:SPEAKER"] == "请立即转移。"
    assert "154" not in str(as_body(alert))


def test_a_cancel_refers_by_a_bare_identifier() -> None:
    """Its sender is not said: any. Basic times are Beijing's, the serial belongs to the identifier."""
    parsed = parse(CANCEL)
    alert = parsed.alert
    assert (parsed.verdict, alert.type, alert.color) == (Verdict.ACCEPT, AlertType.CANCEL, Color.RED)
    assert alert.identifier == "62120233200000_20260714120500_1"
    assert alert.references == (Reference("", FIRST),)
    assert alert.sent == datetime(2026, 7, 14, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "identifiers"),
    [
        pytest.param("", [], id="none"),
        pytest.param(f" {FIRST}\n", [FIRST], id="one between blanks"),
        pytest.param(f"{FIRST},{FIRST}_1", [FIRST, f"{FIRST}_1"], id="two, of 29 and of 31 characters"),
        pytest.param(f"{FIRST}；{FIRST}", [FIRST], id="one twice, parted in Chinese"),
        pytest.param(
            f"62120233200000,{FIRST},2026-07-14T08:00:00+08:00", [FIRST], id="as CAP would write it"
        ),
        pytest.param("WD-7;WD-8", ["WD-7", "WD-8"], id="identifiers of another make"),
    ],
)
def test_references_are_found_whatever_parts_them(said: str, identifiers: list[str]) -> None:
    """Real producers agree on nothing here."""
    alert = changed("<references/>", f"<references>{said}</references>").alert
    assert alert.references == tuple(Reference("", identifier) for identifier in identifiers)


@pytest.mark.parametrize(
    ("severity", "headline", "color", "findings"),
    [
        pytest.param("Yellow", "甲发布山洪灾害黄色预警", Color.YELLOW, [], id="both say it"),
        pytest.param("ORANGE", "甲山洪预警", Color.ORANGE, [], id="in capitals"),
        pytest.param("蓝色", "甲山洪预警", Color.BLUE, [], id="in Chinese"),
        pytest.param("Extreme", "甲山洪预警", Color.RED, [], id="a word of CAP"),
        pytest.param("Unknown", "甲发布山洪灾害橙色预警", Color.ORANGE, [], id="only the headline says it"),
        pytest.param(
            "Blue", "甲发布山洪灾害红色预警", Color.RED, ["color_disagrees"], id="the higher stands"
        ),
        pytest.param(
            "Purple", "甲发布山洪灾害红色预警", Color.RED, [], id="another color, the headline tells"
        ),
        pytest.param("Purple", "甲山洪预警", None, ["color_unread"], id="nothing tells"),
    ],
)
def test_severity_is_the_color(
    severity: str, headline: str, color: Color | None, findings: list[str]
) -> None:
    """Its own words, CAP's, Chinese; the headline where it says nothing."""
    text = RED.replace("<severity>Red<", f"<severity>{severity}<")
    parsed = changed("武都区水务局发布山洪灾害红色预警[Ⅰ级/特别严重]", headline, text)
    assert (parsed.alert.color, [code for _, code in warned(parsed)]) == (color, findings)
    assert doubted(parsed) == ([] if color else [("alert/info[1]/severity", "color_unknown")])


@pytest.mark.parametrize(
    ("code", "headline", "hazard", "findings"),
    [
        pytest.param("11B06", "甲发布大风红色预警", "gale", [], id="by code"),
        pytest.param("大风", "甲发布红色预警", "gale", [], id="by name"),
        pytest.param("11Z99", "甲发布大风红色预警", "gale", [], id="by title"),
        pytest.param("11B06", "甲发布暴雨红色预警", "gale", ["hazard_disagrees"], id="code against title"),
        pytest.param("11Z99", "甲发布蝗灾红色预警", "other", ["hazard_unknown"], id="by nothing"),
        pytest.param("11B15", "甲发布冰雹蓝色预警", "hail", ["color_unusual"], id="in a color it never has"),
    ],
)
def test_event_type_is_the_hazard(code: str, headline: str, hazard: str, findings: list[str]) -> None:
    """Whatever is odd about it costs a warning, never the alert."""
    text = RED.replace("11A51", code).replace("武都区水务局发布山洪灾害红色预警[Ⅰ级/特别严重]", headline)
    if "蓝色" in headline:
        text = text.replace("<severity>Red<", "<severity>Blue<")
    parsed = parse(text)
    assert (parsed.alert.hazard, parsed.alert.event_code) == (hazard, code)
    assert [found for _, found in warned(parsed)] == findings
    assert parsed.alert.parameters.get(EVENT) == ("蝗灾" if hazard == "other" else None)


def test_an_update_whose_title_lifts_is_an_end() -> None:
    """Its type stays as issued."""
    alert = changed("Cancel", "Update", CANCEL).alert
    assert (alert.type, alert.parameters[ENDS]) == (AlertType.UPDATE, "true")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Test", Status.TEST),
        ("EXERCISE", Status.EXERCISE),
        ("draft", Status.DRAFT),
        ("System", Status.SYSTEM),
    ],
)
def test_status_is_kept_for_those_who_decide_by_it(written: str, said: Status) -> None:
    """In whatever letter case."""
    assert changed("<status>Actual<", f"<status>{written}<").alert.status is said


def test_further_blocks_add_to_the_first() -> None:
    """Areas unite, words follow one another, the highest color stands for all."""
    start, end = RED.index("<info>"), RED.index("</info>") + len("</info>")
    second = (
        RED[start:end].replace("Red", "Orange").replace("红色", "橙色").replace("未来三小时", "随后")
        .replace("621202000000,621202000000", "621221101000,621221102000")
    )  # fmt: skip
    parsed = parse(RED[:end] + second + RED[end:])
    alert = parsed.alert
    assert alert.color is Color.RED
    assert warned(parsed) == [("alert", "blocks_disagree")]
    assert [area.regions for area in alert.areas] == [("621202000000",), ("621221101000", "621221102000")]
    assert alert.texts["zh"].description.split("\n\n")[1].startswith("随后")


# --- however it is spelled ----------------------------------------------------------------------------


@pytest.mark.parametrize("declared", ["GBK", "gb2312", "GB18030"])
def test_a_message_is_read_in_chinese_encodings(declared: str) -> None:
    """As most producers write it."""
    body = RED.replace('encoding="UTF-8"', f'encoding="{declared}"').encode("gb18030")
    assert read(body, None, CATALOGUE).alert == parse(RED).alert


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("senderCode>", "SENDERCODE>", id="a name in capitals"),
        pytest.param("<alert>", '<alert xmlns="http://www.example.com/emergency">', id="a namespace"),
        pytest.param(
            "<status>Actual</status>\n  <msgType>Alert</msgType>",
            "<msgType>Alert</msgType><status>Actual</status>",
            id="another order",
        ),
        pytest.param("<severity>Red<", "<severity>\n RED <", id="blanks around a word"),
        pytest.param("<scope>Public</scope>", "", id="no scope"),
        pytest.param("2026-07-14 08:00:00+08:00", "2026-07-14T08:00:00+08:00", id="times as CAP has them"),
        pytest.param("2026-07-14 08:00:00+08:00", "2026-07-14 08:00:00", id="times without an offset"),
        pytest.param("2026-07-14 08:00:00+08:00", "20260714080000", id="basic times"),
        pytest.param("<language>zh-CN</language>", "", id="no language"),
        pytest.param("621202000000,621202000000", " 621202000000 ，621202000000 ", id="blanks around codes"),
    ],
)
def test_spelling_changes_nothing(old: str, new: str) -> None:
    """The same alert comes of it, without a murmur."""
    parsed = changed(old, new)
    assert (parsed.alert, parsed.warnings) == (parse(RED).alert, ())


def test_without_a_code_the_identifier_tells_the_sender_and_without_a_time_its_entry() -> None:
    """A red must not be lost to a field left empty."""
    text = RED.replace("62120233200000</senderCode>", "</senderCode>")
    parsed = changed("<sendTime>2026-07-14 08:00:00+08:00", "<sendTime>", text)
    assert (parsed.alert.sender, parsed.alert.sent) == (
        "62120233200000",
        datetime(2026, 7, 13, 23, 54, 12, tzinfo=UTC),
    )
    assert warned(parsed) == [("alert/senderCode", "missing"), ("alert/sendTime", "time_guessed")]


def test_what_the_format_does_not_know_is_warned_of() -> None:
    """A producer that grows a field must not lose a red."""
    assert warned(changed("<note/>", "<flag>1</flag>")) == [("alert/flag", "unknown_element")]


# --- what a person must look at, and what is refused ------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "doubt"),
    [
        ("<scope>Public<", "<scope>Restricted<", ("alert/scope", "not_public")),
        ("fication>None<", "fication>秘密<", ("alert/secClassification", "classified")),
        ("2026-07-14 14:00:00+08:00", "14时", ("alert/info[1]/expires", "bad_time")),
    ],
)
def test_a_person_must_look(old: str, new: str, doubt: tuple[str, str]) -> None:
    """Before anybody is told."""
    assert doubted(changed(old, new)) == [doubt]


@pytest.mark.parametrize(
    ("old", "new", "scope"),
    [
        ("<scope>Public<", "<scope>Public<", "Public"),
        ("<scope>Public<", "<scope><", "Public"),
        ("<scope>Public<", "<scope>private<", "Private"),
        ("<scope>Public<", "<scope>内部<", "Restricted"),
        ("fication>None<", "fication>秘密<", "Restricted"),
    ],
)
def test_what_is_not_for_everybody_is_not_public(old: str, new: str, scope: str) -> None:
    """Nor whatever is classified, so that no platform is given it."""
    assert changed(old, new).alert.scope == scope


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (f"<identifier>{FIRST}<", "<identifier><", ("alert/identifier", "missing")),
        (FIRST, "x" * 300, ("alert/identifier", "key_length")),
        ("<status>Actual<", "<status><", ("alert/status", "missing")),
        ("<status>Actual<", "<status>Real<", ("alert/status", "bad_value")),
        ("<msgType>Alert<", "<msgType>Resend<", ("alert/msgType", "bad_value")),
        ("<status>", "<status>Test</status><status>", ("alert/status", "repeated")),
    ],
)
def test_a_fault_is_refused_by_its_path(old: str, new: str, fault: tuple[str, str]) -> None:
    """What it is and for whom must be known."""
    assert fault in faults(RED.replace(old, new))


def test_a_time_that_nothing_tells_is_refused() -> None:
    """Neither the message nor its identifier."""
    text = RED.replace(FIRST, "WD-1").replace("<sendTime>2026-07-14 08", "<sendTime>soon 08")
    assert faults(text) == [("alert/sendTime", "bad_time")]


@pytest.mark.parametrize("text", ["2026-13-14 08:00:00", "20261314080000", "2026071408", "", "08:00"])
def test_a_time_that_does_not_exist_is_none(text: str) -> None:
    """Whether written out or basic."""
    with pytest.raises(ValueError, match=r"."):
        read_beijing_time(text)


# --- whatever comes ------------------------------------------------------------------------------------

SCRAPS = st.sampled_from(
    [
        "<",
        ">",
        "</info>",
        "<info>",
        "<severity>",
        "&",
        "]]>",
        "<!--",
        "\0",
        " ",
        ",",
        "_",
        "红色预警",
        "x" * 300,
    ]
)


@settings(deadline=2000)
@given(st.data())
def test_a_mutated_message_is_read_or_refused_and_never_crashes(data: st.DataObject) -> None:
    """Cut out, put in, doubled: an alert or InvalidAlert, nothing else, and no alert that cannot be stored."""
    text = data.draw(st.sampled_from([RED, CANCEL]))
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


FIELDS = (
    "identifier",
    "sender",
    "senderCode",
    "sendTime",
    "status",
    "msgType",
    "scope",
    "references",
    "note",
)
FIELDS_OF_INFO = (
    *("language", "eventType", "severity", "effective", "onset", "expires", "senderName", "headline"),
    *("description", "area"),
)
WORDS = st.sampled_from(
    ["", "Actual", "Cancel", "Red", "20260714080000", FIRST, "621202,621202", "解除"]
) | st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="<&"), max_size=40)


def elements(names: tuple[str, ...]) -> st.SearchStrategy[str]:
    one = st.builds("<{0}>{1}</{0}>".format, st.sampled_from(names), WORDS)
    return st.lists(one, max_size=12).map("".join)


@settings(deadline=2000)
@given(elements(FIELDS), st.lists(elements(FIELDS_OF_INFO), max_size=3))
def test_elements_in_any_order_and_number_are_read_or_refused(envelope: str, infos: list[str]) -> None:
    """Well-formed, and otherwise whatever a producer may think of."""
    blocks = "".join(f"<info>{info}</info>" for info in infos)
    try:
        parse(f"<alert><sendTime/>{envelope}{blocks}</alert>")
    except InvalidAlert as refused:
        assert refused.faults  # noqa: PT017


SAMPLES = Path(os.environ.get("WARND_SAMPLES", "")) / "cap"


@pytest.mark.skipif(
    "WARND_SAMPLES" not in os.environ or not SAMPLES.is_dir(),
    reason="WARND_SAMPLES names no folder of sample messages: the real message was not read",
)
def test_the_published_message_is_read_without_a_murmur() -> None:
    """The only one there is."""
    parsed = read((SAMPLES / "cn__henan_12379_wind_blue_update.xml").read_bytes(), None, CATALOGUE)
    alert = parsed.alert
    assert (parsed.verdict, alert.hazard, alert.color) == (Verdict.ACCEPT, "gale", Color.BLUE)
    assert alert.areas == (Area("河南省", ("410000000000",)),)
    assert alert.references == (Reference("", "41000041600000_20200204121842"),)
