"""The issuer's words go out as they came, but for what a device would obey."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warnd.pipeline.relayed import SHORTEST, cleaned, markdown_safe, one_line, shortened


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "预计有\r\n强降水\r请注意", "预计有\n强降水\n请注意", id="line breaks are kept, in one form"
        ),
        pytest.param("a\u2028b\u2029c\x0bd", "a\nb\nc\nd", id="rarer breaks are line breaks too"),
        pytest.param("红\x00色\x1b[31m\x7f\x9b预警", "红色[31m预警", id="controls are dropped"),
        pytest.param("暴雨\t红色", "暴雨 红色", id="a tab is a space"),
        pytest.param("暴雨\ud842红色", "暴雨红色", id="half a character cannot be sent"),
        pytest.param("𠮷村😀", "𠮷村😀", id="rare Han and emoji stay"),
        pytest.param("ھاۋا \u200fرايى\u200e", "ھاۋا \u200fرايى\u200e", id="direction marks stay"),
        pytest.param("电话\u202e12379", "电话12379", id="a stray override is dropped"),
        pytest.param("A\u2067يەر\u2069B", "A\u2067يەر\u2069B", id="a closed isolate stays"),
    ],
)
def test_cleaning_drops_only_what_a_device_would_obey(text: str, expected: str) -> None:
    """What people see stays as the issuer wrote it."""
    assert cleaned(text) == expected


def test_a_name_is_one_line() -> None:
    """A line break in a title would end a mail's subject and start a header."""
    assert one_line(" 武都区\r\nBcc: x@example.org\u2028") == "武都区 Bcc: x@example.org"


@pytest.mark.parametrize(
    ("text", "forbidden"),
    [
        pytest.param("<@all>请看", "<@all>", id="mention"),
        pytest.param('<font color="info">解除</font>', "<font", id="font"),
        pytest.param("[点击](http://phish.example)", "](", id="link"),
        pytest.param("**注意**", "**", id="bold"),
    ],
)
def test_relayed_text_cannot_be_markup(text: str, forbidden: str) -> None:
    """A gap nobody sees parts what WeCom would read as markup; the characters themselves stay."""
    safe = markdown_safe(text)
    assert forbidden not in safe
    assert safe.replace("\u200b", "") == text


@pytest.mark.parametrize(
    "text", ["# 标题", "> 引用", "第一行\n  # 标题"], ids=["heading", "quote", "later line"]
)
def test_a_relayed_line_cannot_be_a_heading_or_quote(text: str) -> None:
    """Headings and quotes begin with the line's first character, so something stands before it."""
    assert all(line.lstrip(" ")[0] not in "#>" for line in markdown_safe(text).split("\n")[-1:])


@pytest.mark.parametrize(
    ("text", "room", "expected"),
    [
        pytest.param(
            "预计有暴雨。请注意防范。", 12, "预计有暴雨。请注意防范。", id="what fits is left alone"
        ),
        pytest.param("预计未来有暴雨。请注意防范。", 12, "预计未来有暴雨。…", id="at a sentence's end"),
        pytest.param(
            "雨。请注意防范山洪地质灾害。",
            12,
            "雨。请注意防范山洪地质…",
            id="not if that loses more than half",
        ),
        pytest.param("Rain of 3.5 mm per minute", 12, "Rain of 3.5…", id="a decimal point ends no sentence"),
        pytest.param("Heavy rain. Stay away.", 16, "Heavy rain.…", id="a full stop before a space does"),
        pytest.param("预计未来有大雨\n请注意防范山洪", 12, "预计未来有大雨…", id="a line's end is one"),
        pytest.param("abcdefghije\u0301klmn", 12, "abcdefghij…", id="an accent stays with its letter"),
        pytest.param("预计有暴雨。请注意防范。", SHORTEST - 1, "", id="too little says nothing"),
    ],
)
def test_shortening_goes_by_rule(text: str, room: int, expected: str) -> None:
    """To the end of a sentence if that keeps half, then an ellipsis."""
    assert shortened(text, room) == expected


@given(st.text(), st.integers(-5, 200))
def test_a_shortened_text_is_a_beginning_and_has_room(text: str, room: int) -> None:
    """Nothing is ever added but the ellipsis, and the room is never exceeded."""
    short = shortened(text, room)
    assert len(short) <= max(room, 0)
    assert text.startswith(short.removesuffix("…"))
