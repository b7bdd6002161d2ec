"""Messages in what they come wrapped in: each found, each judged by itself, none lost to another."""

from __future__ import annotations

from html import escape
from pathlib import Path

import pytest
from lxml import etree

from warnd.errors import Fault, InvalidAlert
from warnd.intake.check import check_object
from warnd.intake.envelope import MAX_MESSAGES
from warnd.intake.hazards import load_hazards
from warnd.intake.read import Message, Reading, located, read, read_all
from warnd.model.alert import Parsed, Verdict
from warnd.resources import config_dir

CATALOGUE = load_hazards(config_dir() / "hazards.toml")
DOCUMENT = (Path(__file__).parent.parent / "data" / "cap" / "gale-test.xml").read_text("utf-8")
ALERT = DOCUMENT[DOCUMENT.index("<alert") :].strip()
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
EDXL = "urn:oasis:names:tc:emergency:EDXL:DE:1.0"
COMPLETE = (
    "<distributionID>d</distributionID><senderID>s</senderID><dateTimeSent>2026-03-01T10:00:00+08:00</dateTimeSent>"
    "<distributionStatus>Actual</distributionStatus><distributionType>Report</distributionType>"
    "<combinedConfidentiality>UNCLASSIFIED</combinedConfidentiality>"
)


def alert(number: int, text: str = ALERT) -> str:
    return text.replace("TEST_", f"N{number}_")


def read_text(text: str) -> tuple[Reading, list[Message]]:
    reading = read_all(text.encode(), None, CATALOGUE)
    return reading, list(reading.messages)


def identifiers(messages: list[Message]) -> list[str]:
    return [one.result.alert.identifier for one in messages if isinstance(one.result, Parsed)]


def edxl(*contents: str, head: str = COMPLETE) -> str:
    objects = "".join(
        f"<contentObject><xmlContent><embeddedXMLContent>{one}</embeddedXMLContent></xmlContent></contentObject>"
        for one in contents
    )
    return f'<EDXLDistribution xmlns="{EDXL}">{head}{objects}</EDXLDistribution>'


def atom(*contents: str) -> str:
    about = "<id>i</id><title>t</title><updated>2026-03-01T10:00:00+08:00</updated>"
    entries = "".join(f"<entry>{about}{one}</entry>" for one in contents)
    return f'<feed xmlns="http://www.w3.org/2005/Atom">{about}{entries}</feed>'


def rss(*descriptions: str) -> str:
    items = "".join(f"<item><description>{one}</description></item>" for one in descriptions)
    return f'<rss version="2.0"><channel><title>t</title>{items}</channel></rss>'


ONE, TWO = alert(1), alert(2)


@pytest.mark.parametrize(
    ("text", "kind", "paths"),
    [
        pytest.param(
            edxl(ONE, TWO),
            "edxl-de",
            [f"EDXLDistribution/contentObject[{n}]/xmlContent/embeddedXMLContent/alert" for n in (1, 2)],
            id="an EDXL-DE distribution",
        ),
        pytest.param(
            atom(f'<content type="text/xml">{ONE}</content>', f"<content>{TWO}</content>"),
            "atom",
            ["feed/entry[1]/content/alert", "feed/entry[2]/content/alert"],
            id="an Atom feed",
        ),
        pytest.param(
            rss(escape(ONE), f"<![CDATA[{alert(2, DOCUMENT)}]]>"),
            "rss",
            [f"rss/channel/item[{n}]/description/alert" for n in (1, 2)],
            id="an RSS feed with alerts written out in texts",
        ),
        pytest.param(
            f"<alerts>{ONE}{TWO}</alerts>", "xml", ["alerts/alert[1]", "alerts/alert[2]"], id="a root of its own"
        ),
        pytest.param(
            f'<s:Envelope xmlns:s="{SOAP}"><s:Body><push>{ONE}</push><push>{TWO}</push></s:Body></s:Envelope>',
            "soap",
            ["Envelope/Body/push[1]/alert", "Envelope/Body/push[2]/alert"],
            id="a SOAP call",
        ),
        pytest.param(
            f"{alert(1, DOCUMENT)}\n{alert(2, DOCUMENT)}",
            "xml",
            ["messages/alert[1]", "messages/alert[2]"],
            id="two documents",
        ),
        pytest.param(
            edxl(ONE).replace("</EDXLDistribution>", f"<x>{atom(f'<content>{TWO}</content>')}</x></EDXLDistribution>"),
            "edxl-de",
            [
                "EDXLDistribution/contentObject/xmlContent/embeddedXMLContent/alert",
                "EDXLDistribution/x/feed/entry/content/alert",
            ],
            id="one envelope in another",
        ),
    ],
)  # fmt: skip
def test_every_message_is_found_in_its_order(text: str, kind: str, paths: list[str]) -> None:
    """Whatever wraps them, with the way to each from the root of the document."""
    reading, messages = read_text(text)
    assert (reading.kind, reading.count) == (kind, 2)
    assert [one.path for one in messages] == paths
    assert identifiers(messages) == ["N1_20260301100000", "N2_20260301100000"]


def test_a_message_in_an_envelope_reads_as_it_would_alone() -> None:
    """The same alert, with its own bytes to show for it."""
    _, messages = read_text(f"<alerts>{ONE}{TWO}</alerts>")
    for text, message in zip((ONE, TWO), messages, strict=True):
        assert message.result == read(text.encode(), None, CATALOGUE)
        assert message.result == read(message.body, None, CATALOGUE)
        assert isinstance(message.result, Parsed)
        assert message.result.kind == "cap-1.2"


def test_a_bad_message_among_several_costs_the_others_nothing() -> None:
    """Of each its own faults are named, from the root of the document."""
    bad = TWO.replace("<sent>", "<sent>soon ")
    _, messages = read_text(
        atom(*(f"<content>{one}</content>" for one in (ONE, bad, escape("<alert>"), alert(3))))
    )
    assert identifiers(messages) == ["N1_20260301100000", "N3_20260301100000"]
    faults = [
        (located(message.path, fault).path, fault.code)
        for message in messages
        if isinstance(message.result, InvalidAlert)
        for fault in message.result.faults
    ]
    assert faults == [
        ("feed/entry[2]/content/alert/sent", "bad_time"),
        ("feed/entry[3]/content", "not_well_formed"),
    ]
    assert messages[2].body == b"<alert>"


def test_one_message_in_an_envelope_may_stand_for_itself() -> None:
    """``read`` takes exactly one, wrapped or not."""
    assert read(edxl(ONE).encode(), None, CATALOGUE) == read(ONE.encode(), None, CATALOGUE)
    with pytest.raises(InvalidAlert) as refused:
        read(edxl(ONE, TWO).encode(), None, CATALOGUE)
    assert [fault.code for fault in refused.value.faults] == ["several_messages"]


INDEX = '<cap:event xmlns:cap="urn:oasis:names:tc:emergency:cap:1.1">x</cap:event><link href="https://example.org/1"/>'


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param(atom(INDEX, INDEX), "feed_without_alerts", id="an index with parts of alerts"),
        pytest.param(rss("words"), "feed_without_alerts", id="a feed of words"),
        pytest.param(edxl("<report/>"), "not_an_alert", id="a distribution of something else"),
        pytest.param("<html><body><p>alert</p></body></html>", "not_an_alert", id="a page"),
    ],
)
def test_a_document_without_any_alert_is_refused_and_said_so(text: str, code: str) -> None:
    """What is only an index says where the alerts are; it is none."""
    with pytest.raises(InvalidAlert) as refused:
        read_all(text.encode(), None, CATALOGUE)
    assert [fault.code for fault in refused.value.faults] == [code]


def test_an_entry_without_its_alert_is_named_beside_those_that_have_one() -> None:
    """Nothing that was left out goes unsaid."""
    reading, messages = read_text(atom(f"<content>{ONE}</content>", INDEX))
    assert identifiers(messages) == ["N1_20260301100000"]
    assert [(one.path, one.code) for one in reading.warnings] == [("feed/entry[2]", "entry_without_alert")]


def test_what_an_envelope_lacks_is_a_warning() -> None:
    """Its messages are whole."""
    head = COMPLETE.replace("<senderID>s</senderID>", "")
    reading, messages = read_text(edxl(ONE, head=head))
    assert [(one.path, one.code) for one in reading.warnings] == [
        ("EDXLDistribution/senderID", "envelope_incomplete")
    ]
    assert len(messages) == 1


@pytest.mark.parametrize(
    ("said", "own", "verdict"),
    [
        ("Exercise", "Actual", Verdict.QUARANTINE),
        ("Actual", "Actual", Verdict.ACCEPT),
        ("Exercise", "Test", Verdict.ACCEPT),
    ],
)
def test_an_actual_alert_in_an_envelope_that_is_not_waits_for_a_person(
    said: str, own: str, verdict: Verdict
) -> None:
    """Somebody exercises, and forgot to say so inside."""
    head = COMPLETE.replace(">Actual<", f">{said}<")
    result = read(edxl(ONE.replace(">Test<", f">{own}<"), head=head).encode(), None, CATALOGUE)
    assert result.verdict is verdict


def prefixed(text: str) -> str:
    """As some services write it: every element with a prefix that nothing declares."""
    return text.replace("</", "\0").replace("<", "<cap:").replace("\0", "</cap:")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(prefixed(ONE), id="alone"),
        pytest.param(
            f'<?xml version="1.0"?><?style a="<b>"?><!-- <c> -->{prefixed(ONE)}', id="after a prolog"
        ),
        pytest.param(rss().replace("</channel>", f"{prefixed(ONE)}</channel>"), id="in a feed"),
    ],
)
def test_a_prefix_that_nothing_declares_is_read_and_doubted(text: str) -> None:
    """No namespace-aware parser would read it; a person can, and so it waits for one."""
    parsed = read(text.encode(), None, CATALOGUE)
    assert parsed.verdict is Verdict.QUARANTINE
    assert [(one.path, one.code) for one in parsed.doubts] == [("alert", "unbound_prefix")]
    assert parsed.alert == read(ONE.encode(), None, CATALOGUE).alert


def test_a_prefix_of_somebody_elses_is_bound_to_nothing_that_is_known() -> None:
    """What carries it is an element that CAP does not know."""
    parsed = read(ONE.replace("</info>", "<x:y/></info>", 1).encode(), None, CATALOGUE)
    assert {one.code for one in parsed.doubts} == {"unbound_prefix", "unknown_element"}


def test_a_doctype_in_a_text_is_refused_with_its_message_alone() -> None:
    """Texts are parsed as documents are."""
    bad = escape('<?xml version="1.0"?><alert><!DOCTYPE a></alert>')
    _, messages = read_text(rss(escape(ONE), bad))
    assert identifiers(messages) == ["N1_20260301100000"]
    result = messages[1].result
    assert isinstance(result, InvalidAlert)
    assert [fault.code for fault in result.faults] == ["doctype"]


def test_the_cap_on_elements_holds_for_texts_too() -> None:
    """Wrapped twice, a bulky document is still one."""
    bulky = escape(f"<alert>{'<x/>' * 60_000}</alert>")
    _, messages = read_text(rss(bulky, bulky))
    refused = [one.result.faults[0].code for one in messages if isinstance(one.result, InvalidAlert)]
    assert refused == ["not_cap", "too_many_elements"]


def test_more_messages_than_are_read_at_once_are_refused_as_a_whole() -> None:
    """Half a feed would be worse than none: nobody would miss the rest."""
    with pytest.raises(InvalidAlert) as refused:
        read_all(
            f"<alerts>{'<alert><identifier/></alert>' * (MAX_MESSAGES + 1)}</alerts>".encode(),
            None,
            CATALOGUE,
        )
    assert [fault.code for fault in refused.value.faults] == ["too_many_messages"]


def test_an_alert_within_a_signature_is_nobodys_message() -> None:
    """What a signature carries along was not sent as an alert."""
    wrapped = f'<Object xmlns="http://www.w3.org/2000/09/xmldsig#">{TWO}</Object>'
    _, messages = read_text(f"<alerts>{ONE}{wrapped}</alerts>")
    assert identifiers(messages) == ["N1_20260301100000"]


def test_the_bytes_of_a_message_bring_the_namespaces_of_their_envelope() -> None:
    """So that they can be read, mended and verified by themselves."""
    bound = prefixed(ONE).replace(' xmlns="urn:oasis:names:tc:emergency:cap:1.2"', "")
    text = f'<x xmlns:cap="urn:oasis:names:tc:emergency:cap:1.2">{bound}{bound}</x>'
    _, messages = read_text(text)
    assert etree.fromstring(messages[0].body).tag == "{urn:oasis:names:tc:emergency:cap:1.2}alert"
    assert read(messages[0].body, None, CATALOGUE) == messages[0].result


def test_check_says_the_worst_of_several_and_shows_every_alert() -> None:
    """Paths lead from the root of the file."""
    doubtful = alert(2).replace("<scope>Public", "<scope>Private")
    checked = check_object("x.xml", f"<alerts>{ONE}{doubtful}</alerts>".encode(), CATALOGUE)
    assert (checked["kind"], checked["valid"], checked["verdict"]) == ("xml", False, "quarantine")
    assert [one["identifier"] for one in checked["alerts"]] == ["N1_20260301100000", "N2_20260301100000"]
    assert checked["errors"][0]["path"] == "alerts/alert[2]/addresses"
    worse = check_object(
        "x.xml", f"<alerts>{ONE}{doubtful}<alert><identifier/></alert></alerts>".encode(), CATALOGUE
    )
    assert (worse["verdict"], len(worse["alerts"])) == ("refuse", 2)


def test_a_fault_of_the_whole_body_keeps_its_path() -> None:
    """There is no document to lead through."""
    assert located("body", Fault("body", "empty", "")).path == "body"
    assert located("body", Fault("areas[0]", "x", "")).path == "areas[0]"
