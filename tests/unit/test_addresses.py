"""Addresses are stored in one form each, and what no channel could take is refused in a plain sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warnd.audience.addresses import LONGEST, normalise


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        pytest.param("15400000001", "+8615400000001", id="eleven-digits-are-a-chinese-mobile"),
        pytest.param("+86154 0000-0001", "+8615400000001", id="blanks-and-dashes-go"),
        pytest.param("8615400000001", "+8615400000001", id="a-spreadsheet-ate-the-plus"),
        pytest.param("008615400000001", "+8615400000001", id="00-is-a-plus"),
        pytest.param("＋８６１５４００００－０００１", "+8615400000001", id="full-width-digits"),
        pytest.param("\u202d15400000001\u202c", "+8615400000001", id="invisible-marks-from-a-telephone-book"),
        pytest.param("(+86) 154.0000.0001", "+8615400000001", id="brackets-and-dots"),
        pytest.param("1064900000001", "+861064900000001", id="a-machine-has-13-digits"),
        pytest.param("+85251234567", "+85251234567", id="another-country-by-length-alone"),
    ],
)
def test_a_number_is_stored_as_e164(written: str, stored: str) -> None:
    """ITU-T E.164; without a country code eleven digits from 13 on are Chinese."""
    assert normalise("sms", written) == stored


@pytest.mark.parametrize(
    "written",
    [
        "",
        "two",
        "110",
        "12345678901",
        "+8612345678901",
        "+861540000000",
        "+86154000000012",
        "+0123456789",
        "+1234567890123456",
        "+86154٠٠٠٠٠٠٠١",
        "0939-0000001",
        "15400000001;15400000002",
    ],
)
def test_an_impossible_number_is_refused(written: str) -> None:
    """Possible, not assigned: right length, right first digits."""
    with pytest.raises(ValueError, match=r"no .*number"):
        normalise("sms", written)


def test_voice_reaches_lines_that_take_no_short_message() -> None:
    """An area code's leading 0 is for dialling inside the country only."""
    assert normalise("voice", "0939-8000001") == "+869398000001"
    assert normalise("voice", "15400000001") == "+8615400000001"
    with pytest.raises(ValueError, match="no Chinese telephone number"):
        normalise("voice", "+86110000")


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        pytest.param(" Duty.Desk@Mail.EXAMPLE ", "Duty.Desk@mail.example", id="only-the-domain-is-folded"),
        pytest.param("a@应急.example", "a@xn--extu8a.example", id="a-chinese-domain"),
        pytest.param("a＠mail。example", "a@mail.example", id="full-width-signs"),
        pytest.param('"a b"@mail.example', '"a b"@mail.example', id="a-quoted-name"),
        pytest.param("a+flood@mail.example", "a+flood@mail.example", id="a-tag"),
    ],
)
def test_a_mailbox_keeps_its_name_and_folds_its_domain(written: str, stored: str) -> None:
    """RFC 5321 2.4: only the domain compares without regard to case."""
    assert normalise("email", written) == stored


@pytest.mark.parametrize(
    "written",
    [
        "nobody",
        "@mail.example",
        "a@",
        "a@mail",
        "a@-mail.example",
        "a..b@mail.example",
        "a b@mail.example",
        "值班@mail.example",
        "A <a@mail.example>",
        "a@mail.example\r\nBcc: b@mail.example",
        "a@mail.example\n",
        "a@straße.example",
        "a@" + "b" * 64 + ".example",
        "a" * 65 + "@mail.example",
    ],
)
def test_what_is_no_mailbox_is_refused(written: str) -> None:
    """Above all nothing that could begin another mail header."""
    with pytest.raises(ValueError, match=r"mail|domain"):
        normalise("email", written)


def test_a_robot_is_known_by_its_key() -> None:
    """The key alone, not the address of its webhook."""
    key = "0a1b2c3d-0000-4000-8000-00000000abcd"
    assert normalise("wechat", f" {key}\n") == key
    for wrong in ("short", "https://robots.example/send?key=abc", "key with blank", "k" * 65):
        with pytest.raises(ValueError, match="robot's key"):
            normalise("wechat", wrong)


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        pytest.param(
            " https://Platform.Example:443/api/v1/alerts\n",
            "https://platform.example/api/v1/alerts",
            id="host",
        ),
        pytest.param("HTTP://10.0.0.5:80", "http://10.0.0.5/", id="scheme"),
        pytest.param(
            "http://10.0.0.5:8080/Alerts?To=1", "http://10.0.0.5:8080/Alerts?To=1", id="path as it is"
        ),
        pytest.param("http://[2001:DB8::1]/", "http://[2001:db8::1]/", id="six"),
    ],
)
def test_a_platform_is_one_address_however_it_is_spelt(written: str, stored: str) -> None:
    """RFC 3986 6.2: scheme and host compare without regard to case, a path does not."""
    assert normalise("cap", written) == stored


@pytest.mark.parametrize(
    "written",
    [
        "platform.example",
        "ftp://platform.example/",
        "https://warn:secret@platform.example/",
        "https://platform.example/#top",
        "https://platform.example/a b",
        "https://platform.example/\r\nHost: x",
        "https:///api",
        "https://平台.example/",
    ],
)
def test_what_is_no_platforms_url_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="platform's address"):
        normalise("cap", written)


def test_another_kind_is_only_trimmed() -> None:
    """warnd cannot know what a stranger's channel takes."""
    assert normalise("mqtt", " county/62/horn ") == "county/62/horn"
    for wrong in ("  ", "a\x00b", "a\nb", "a\u2028b", "x" * (LONGEST + 1)):
        with pytest.raises(ValueError, match=r"address"):
            normalise("mqtt", wrong)


@given(
    kind=st.sampled_from(["sms", "voice", "email", "wechat", "cap", "mqtt"]),
    text=st.text(max_size=40)
    | st.from_regex(r"\+?[0-9 -]{6,16}", fullmatch=True)
    | st.emails()
    | st.from_regex(r"[hH]ttps?://[A-Za-z0-9.]{1,9}(:(80|443|8080))?(/[a-zA-Z%?=]{0,5})?", fullmatch=True),
)
def test_normalising_twice_changes_nothing(kind: str, text: str) -> None:
    """Otherwise one address could be told twice."""
    try:
        once = normalise(kind, text)
    except ValueError:
        return
    assert normalise(kind, once) == once
