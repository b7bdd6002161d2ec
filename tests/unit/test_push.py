"""Our own JSON: what is read, what is refused and by which path, what is only warned of."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warnd.errors import InvalidAlert
from warnd.intake.hazards import load_hazards
from warnd.intake.read import read
from warnd.model.alert import Alert, AlertType, Area, Parsed, Reference, Resource, Status, Text, Verdict
from warnd.model.alert_body import ENDS, EVENT, as_body, from_body
from warnd.model.color import Color
from warnd.model.meaning import digest_of
from warnd.resources import config_dir

CATALOGUE = load_hazards(config_dir() / "hazards.toml")
FIXTURES = Path(__file__).parent.parent / "data" / "json"


def body(**changes: Any) -> dict[str, Any]:
    """The red rainstorm fixture with some keys changed."""
    return json.loads((FIXTURES / "rainstorm-red.json").read_bytes()) | changes


def push(message: object) -> Parsed:
    return read(json.dumps(message).encode(), "application/json", CATALOGUE)


def paths(message: object) -> list[str]:
    with pytest.raises(InvalidAlert) as refused:
        push(message)
    return [fault.path for fault in refused.value.faults]


def test_red_rainstorm_is_read_whole() -> None:
    """Every key of the format arrives where the model has it."""
    parsed = push(body())
    alert = parsed.alert
    assert (parsed.verdict, parsed.kind) == (Verdict.ACCEPT, "json")
    assert (alert.hazard, alert.color, alert.event_code) == ("rainstorm", Color.RED, "11B03")
    assert alert.sent == datetime(2026, 7, 14, tzinfo=UTC)
    assert alert.sent.utcoffset() == timedelta(hours=8)
    assert list(alert.texts) == ["zh", "en"]
    assert alert.areas[0].regions == ("621202",)
    assert alert.parameters == {"station": "两水"}


def test_every_fault_is_named_at_once() -> None:
    """Who mends a feed wants the whole list, each with its path."""
    with pytest.raises(InvalidAlert) as refused:
        read((FIXTURES / "many-faults.json").read_bytes(), "application/json", CATALOGUE)
    assert {fault.path for fault in refused.value.faults} == {
        "identifier",
        "sent",
        "status",
        "type",
        "color",
        "headline",
        "expires",
        "areas[0].regions[2]",
        "areas[0].polygons[0]",
        "areas[0].circles[0]",
    }


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        pytest.param({"sent": "2026-07-14T08:00:00"}, "sent", id="a time without offset"),
        pytest.param({"sent": 1784000000}, "sent", id="a time as a number"),
        pytest.param({"sent": "2026-07-14T08:00:00+25:00"}, "sent", id="an offset that does not exist"),
        pytest.param({"status": "Actual"}, "status", id="a status in other letters"),
        pytest.param({"sender": ""}, "sender", id="an empty sender"),
        pytest.param({"references": [{"sender": "a"}]}, "references[0].identifier", id="half a reference"),
        pytest.param({"texts": {"e": {}}}, "texts.e", id="a tag that is none"),
        pytest.param({"texts": {"en": {"headline": 1}}}, "texts.en.headline", id="a text that is none"),
        pytest.param({"parameters": {"a": 1}}, "parameters.a", id="a parameter that is no text"),
        pytest.param({"headline": "a\0b"}, "headline", id="a NUL character"),
    ],
)
def test_fault_is_refused_with_its_path(changes: dict[str, Any], path: str) -> None:
    """All but unknown keys is strict."""
    assert paths(body(**changes)) == [path]


@pytest.mark.parametrize("message", [[], "alert", 7, None], ids=repr)
def test_something_else_than_an_object_is_refused(message: object) -> None:
    """The whole has the path body."""
    assert paths(message) == ["body"]


def test_unknown_keys_are_kept_and_warned_of() -> None:
    """A feed that grows a field must not lose a red."""
    message = body(mood="calm", references=[{"sender": "a", "identifier": "b", "hop": 2}])
    parsed = push(message)
    assert parsed.verdict is Verdict.ACCEPT_WITH_WARNINGS
    assert [warning.path for warning in parsed.warnings] == ["mood", "references[0].hop"]
    assert parsed.alert.parameters["mood"] == "calm"
    assert parsed.alert.parameters["references[0].hop"] == "2"


def test_words_of_cap_are_taken_in_any_letters_and_others_left_out_with_a_warning() -> None:
    """Nobody's warning hangs on them."""
    parsed = push(body(urgency="immediate", certainty="sure", categories=["MET", "Fun"], scope="public"))
    assert (parsed.alert.urgency, parsed.alert.certainty, parsed.alert.categories) == (
        "Immediate",
        "",
        ("Met",),
    )
    assert [(one.path, one.code) for one in parsed.warnings] == [
        ("categories[1]", "unknown_word"),
        ("certainty", "unknown_word"),
    ]


@pytest.mark.parametrize("addresses", ["", " ", "\x01", ", ;"])
def test_a_private_message_to_nobody_is_doubted(addresses: str) -> None:
    """Blanks and what CAP cannot carry name nobody: the next platform would find none there."""
    parsed = push(body(scope="Private", addresses=addresses))
    assert {one.code for one in parsed.doubts} == {"not_public", "addresses_missing"}


def test_severity_tells_the_color_where_nothing_else_does() -> None:
    """As in CAP."""
    parsed = push(body(color=None, headline="暴雨", severity="Severe"))
    assert parsed.alert.color is Color.ORANGE


@pytest.mark.parametrize(
    ("changes", "path", "code"),
    [
        pytest.param({"codes": [1] * 100_000}, "codes[0]", "string_type", id="a list of what is no text"),
        pytest.param(
            {"parameters": dict.fromkeys(map(str, range(6000)), 1)}, "parameters", "too_many_keys", id="keys"
        ),
        pytest.param({"areas": [{}] * 6000}, "areas", "too_long", id="areas"),
        pytest.param({"x": [{}] * 20_001}, "body", "too_many_elements", id="objects"),
    ],
)
def test_bulk_is_refused_before_it_is_looked_through(changes: dict[str, Any], path: str, code: str) -> None:
    """A fault for each of a million items would fill the memory."""
    with pytest.raises(InvalidAlert) as refused:
        push(body(**changes))
    assert [(fault.path, fault.code) for fault in refused.value.faults] == [(path, code)]


def test_null_stands_for_absent() -> None:
    """Many writers of JSON have no way to leave a key out."""
    optional = ("sender_name", "references", "description", "instruction", "areas", "contact", "parameters")
    parsed = push(body(**dict.fromkeys(optional)))
    assert [warning.code for warning in parsed.warnings] == ["area_unplaced"]


@pytest.mark.parametrize(
    ("changes", "slug", "code"),
    [
        pytest.param({"hazard": "暴雨"}, "rainstorm", "hazard_guessed", id="its name for a slug"),
        pytest.param({"hazard": None}, "rainstorm", None, id="the event code"),
        pytest.param({"hazard": None, "event_code": None}, "rainstorm", None, id="the headline"),
        pytest.param({"hazard": "hail"}, "hail", "hazard_disagrees", id="a slug against the headline"),
        pytest.param(
            {"hazard": "frogs", "event_code": None, "headline": "红色预警"},
            "other",
            "hazard_unknown",
            id="nothing known",
        ),
    ],
)
def test_hazard_is_found_by_slug_code_or_headline(
    changes: dict[str, Any], slug: str, code: str | None
) -> None:
    """An unknown hazard is told all the same, as ``other``."""
    parsed = push(body(**changes))
    assert parsed.alert.hazard == slug
    assert [warning.code for warning in parsed.warnings] == ([code] if code else [])


@pytest.mark.parametrize(
    ("hazard", "message"),
    [
        pytest.param("frogs", "'frogs' is no known hazard; taken as other", id="one that is not known"),
        pytest.param(None, "it names no hazard that is known; taken as other", id="none at all"),
    ],
)
def test_a_finding_quotes_only_what_was_written(hazard: str | None, message: str) -> None:
    """Whoever wrote the message looks for the words that it quotes; "None" they never wrote."""
    parsed = push(body(hazard=hazard, event_code=None, headline="红色预警"))
    assert [warning.message for warning in parsed.warnings] == [message]


def test_unknown_hazard_keeps_its_own_name() -> None:
    """A template can still say what it is."""
    parsed = push(body(hazard="frogs", event_code=None, headline="红色预警"))
    assert parsed.alert.parameters[EVENT] == "frogs"


def test_color_none_can_tell_is_a_doubt() -> None:
    """Such an alert is kept and not released."""
    parsed = push(body(color=None, headline="暴雨"))
    assert parsed.verdict is Verdict.QUARANTINE
    assert [doubt.path for doubt in parsed.doubts] == ["color"]


def test_higher_color_stands_with_a_warning() -> None:
    """Where the key and the headline disagree."""
    parsed = push(body(color="blue"))
    assert parsed.alert.color is Color.RED
    assert [warning.code for warning in parsed.warnings] == ["color_disagrees"]


def test_lifting_title_marks_an_update_as_the_end() -> None:
    """The type stays as issued."""
    parsed = push(body(type="update", headline="武都区气象台解除暴雨红色预警信号", references=[]))
    assert parsed.alert.type is AlertType.UPDATE
    assert parsed.alert.parameters[ENDS] == "true"


def test_cancel_needs_no_words_and_no_area_but_references() -> None:
    """What it cancels tells the rest."""
    bare = {key: body()[key] for key in ("identifier", "sender", "sent", "status")} | {"type": "cancel"}
    assert [doubt.code for doubt in push(bare).doubts] == ["references_missing"]
    refers = bare | {"references": [{"sender": "a", "identifier": "b"}]}
    assert push(refers).verdict is Verdict.ACCEPT


def test_open_polygon_is_closed_with_a_warning() -> None:
    """The shape meant is plain."""
    parsed = push(body(areas=[{"name": "沟口", "polygons": ["33.0,104.5 33.0, 105.5\n33.8,105.5"]}]))
    assert parsed.alert.areas[0].polygons == ("33.0,104.5 33.0,105.5 33.8,105.5 33.0,104.5",)
    assert [warning.path for warning in parsed.warnings] == ["areas[0].polygons[0]"]


# --- the body, there and back -----------------------------------------------------------------------

# Half a surrogate pair and NUL never get in, nor does a tag that is not short.
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
keys = st.text(
    st.characters(exclude_categories=["Cs", "Z", "C"], exclude_characters=",<&"), min_size=1, max_size=20
)
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(datetime(1971, 1, 1), datetime(2900, 1, 1), timezones=zones)  # noqa: DTZ001
texts = st.builds(Text, words, words, words, words)
codes = st.sampled_from(["62", "6212", "621202", "621202101", "621202101201", "621202000000"])
areas = st.builds(
    Area,
    words,
    st.lists(codes, unique=True, max_size=3).map(tuple),
    st.sampled_from([(), ("33.0,104.5 33.0,105.5 33.8,105.5 33.0,104.5",)]),
    st.sampled_from([(), ("33.4,104.9 20",)]),
    st.lists(st.tuples(words, words), unique=True, max_size=2).map(tuple),
    words,
    words,
)
resources = st.builds(Resource, words, words, words, st.none() | st.integers(0, 2**40), words)
alerts = st.builds(
    Alert,
    identifier=keys,
    sender=keys,
    sent=times,
    status=st.sampled_from(Status),
    type=st.sampled_from(AlertType),
    hazard=st.sampled_from(sorted(CATALOGUE.hazards)),
    color=st.none() | st.sampled_from(Color),
    texts=st.fixed_dictionaries({"zh": texts}, optional={"en": texts, "ug": texts, "zh-hk": texts}),
    sender_name=words,
    event_code=st.none() | st.just("11B03"),
    references=st.lists(st.builds(Reference, keys, keys, st.none() | times), max_size=3).map(tuple),
    effective=st.none() | times,
    onset=st.none() | times,
    expires=st.none() | times,
    areas=st.lists(areas, max_size=3).map(tuple),
    contact=st.none() | words,
    web=st.none() | words,
    parameters=st.dictionaries(words.filter(lambda name: "color" not in name), words, max_size=3),
    source=words,
    scope=st.sampled_from(["Public", "Restricted", "Private"]),
    restriction=words,
    addresses=words,
    codes=st.lists(words, max_size=2).map(tuple),
    note=words,
    incidents=words,
    categories=st.lists(st.sampled_from(["Met", "Geo"]), max_size=2).map(tuple),
    response_types=st.lists(st.sampled_from(["Shelter", "AllClear"]), max_size=2).map(tuple),
    urgency=st.sampled_from(["", "Immediate", "Past"]),
    severity=st.sampled_from(["", "Unknown"]),
    certainty=st.sampled_from(["", "Observed"]),
    audience=words,
    resources=st.lists(resources, max_size=2).map(tuple),
)


@pytest.mark.parametrize("key", ["identifier", "sender"])
@pytest.mark.parametrize("character", [" ", "\u3000", "\x01", "\x7f", "\x85", "\uffff"])
def test_a_name_that_xml_or_references_cannot_hold_is_refused(key: str, character: str) -> None:
    """It could be sent on under another name only."""
    with pytest.raises(InvalidAlert) as refused:
        push(body(**{key: f"A{character}B"}))
    assert [(fault.path, fault.code) for fault in refused.value.faults] == [(key, "key_characters")]


@pytest.mark.parametrize(
    ("changes", "over"),
    [
        ({"response_types": ["Monitor", "AllClear"]}, True),
        ({"type": "update", "urgency": "Past"}, True),
        ({"urgency": "Past"}, False),
        ({"response_types": ["Monitor"]}, False),
    ],
)
def test_an_end_in_the_words_of_cap_is_one_in_json_too(changes: dict[str, object], over: bool) -> None:
    """Else it would become one at the next platform only."""
    assert (push(body(**changes)).alert.parameters.get(ENDS) == "true") is over


@given(alerts)
def test_body_comes_back_as_the_same_alert(alert: Alert) -> None:
    """What the store keeps is all there is, through real JSON."""
    returned = from_body(json.loads(json.dumps(as_body(alert))))
    assert returned == alert
    assert digest_of(returned) == digest_of(alert)


@given(alerts)
def test_body_can_be_pushed_again(alert: Alert) -> None:
    """What we write, another warnd reads; an all-clear that nobody had marked as an end is one there."""
    again = push(as_body(alert)).alert
    marks = {ENDS: "true"} if ENDS in again.parameters else {}
    assert again == replace(alert, parameters={**alert.parameters, **marks})
    assert not marks or "AllClear" in alert.response_types or alert.urgency == "Past"


def test_digest_tells_a_conflict_from_a_repeat() -> None:
    """One character of the text is another content; the order of keys is not."""
    alert = push(body()).alert
    assert digest_of(push(dict(reversed(body().items()))).alert) == digest_of(alert)
    assert digest_of(push(body(description="雨小了。")).alert) != digest_of(alert)
