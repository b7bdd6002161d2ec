"""What a mend makes of a message, and what is then decided."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warnd.app.phrases import phrases
from warnd.errors import Fault
from warnd.model.admission import Known
from warnd.model.alert import Alert, AlertState, AlertType, Area, Parsed, Reference, Status, Text, Verdict
from warnd.model.alert_body import as_body
from warnd.model.color import Color
from warnd.model.mend import BEYOND, FIELDS, NEVER_OVERRIDDEN, OVERRIDE, Mend, field_of, remedy
from warnd.pipeline.admit import Speaker
from warnd.pipeline.mend import faults, mended, readmit

NOW = datetime(2026, 7, 20, 8, tzinfo=UTC)
COUNTY, NEXT = "621202", "621221"
OFFICIAL = Speaker("weather", regions=(COUNTY,))
COLOR = Fault("alert/info[1]", "color_unknown", "no color")
SCOPE = Fault("alert/scope", "not_public", "Restricted")
EXPIRES = Fault("alert/info[1]/expires", "bad_time", "is no time")
POLYGON = Fault("alert/info[1]/area[2]/polygon[1]", "bad_shape", "does not close")

ALERT = Alert(
    "B", "weather.example", NOW, Status.ACTUAL, AlertType.ALERT, "rainstorm", None, {"zh": Text("暴雨预警")},
    sender_name="气象台", areas=(Area("两水镇", ("621202101",)), Area("汉王镇", circles=("33.4,104.9 5",))),
)  # fmt: skip


def read(*doubts: Fault, **changes: object) -> Parsed:
    return Parsed(replace(ALERT, **changes), "cap-1.2", (), doubts)  # type: ignore[arg-type]


def known(*regions: str, unknown: tuple[str, ...] = ()) -> Known:
    return Known(None, (), regions or (COUNTY,), unknown, "digest")


times = st.integers(-48, 48).map(lambda hours: NOW + timedelta(hours=hours))
mends = st.builds(
    Mend,
    color=st.none() | st.sampled_from(Color),
    hazard=st.none() | st.sampled_from(["gale", "hail"]),
    regions=st.none() | st.lists(st.sampled_from([COUNTY, NEXT]), min_size=1).map(tuple),
    references=st.none() | st.just((Reference("", "A"),)),
    effective=st.none() | times,
    expires=st.none() | times,
)


@given(mends)
def test_a_mend_changes_what_it_names_and_nothing_else(mend: Mend) -> None:
    """Identity, issuer and words are as the authority wrote them, whatever is mended."""
    before, after = as_body(ALERT), as_body(mend.apply(ALERT))
    named = {"areas" if name == "regions" else name for name in mend.fields}
    assert {key for key in before if before[key] != after[key]} <= named
    assert not named & {"identifier", "sender", "sender_name", "sent", "headline", "description", "texts"}
    assert mend.fields <= set(FIELDS)


def test_divisions_that_are_given_are_all_there_are() -> None:
    """In one area, which keeps every name and shape of those before it."""
    (area,) = Mend(regions=(NEXT, COUNTY, NEXT)).apply(ALERT).areas
    assert area == Area("两水镇、汉王镇", (NEXT, COUNTY), (), ("33.4,104.9 5",))


@pytest.mark.parametrize(
    ("doubt", "placed", "answer"),
    [
        pytest.param(COLOR, True, "color", id="a color that nothing tells is given"),
        pytest.param(EXPIRES, True, "expires", id="an end that cannot be read is given"),
        pytest.param(POLYGON, True, "regions", id="for a broken shape divisions are named"),
        pytest.param(
            Fault("references", "references_missing", ""), True, "references", id="what it ends is named"
        ),
        pytest.param(SCOPE, True, "override", id="whom it may go to is a person's word"),
        pytest.param(Fault("areas", "source_region", ""), True, "override", id="so is a place beyond"),
        pytest.param(Fault("areas", "source_region", ""), False, "regions", id="no place is named instead"),
        pytest.param(
            Fault("color", "source_color", ""), True, "override", id="a color beyond the source is true"
        ),
        pytest.param(
            Fault("references", "not_their_episode", ""),
            True,
            "references",
            id="another's warning stays theirs",
        ),
        pytest.param(Fault("headline", "nothing_to_say", ""), True, "", id="words are never made up"),
    ],
)
def test_every_doubt_has_the_answer_that_fits_it(doubt: Fault, placed: bool, answer: str) -> None:
    """A field of the mend, an override, or a rejection."""
    assert remedy(doubt, placed=placed) == answer


def test_a_finding_about_no_field_is_answered_by_none() -> None:
    """The namespace of a message is nothing that a person could give."""
    assert field_of(Fault("alert", "namespace_missing", "")) == ""


@pytest.mark.parametrize(
    ("mend", "speaker", "state"),
    [
        pytest.param(Mend(color=Color.RED), OFFICIAL, AlertState.RELEASED, id="an official one is released"),
        pytest.param(
            Mend(color=Color.RED), replace(OFFICIAL, official=False), AlertState.HELD, id="another is held"
        ),
        pytest.param(Mend(), OFFICIAL, AlertState.QUARANTINED, id="a doubt that is left keeps it"),
        pytest.param(
            Mend(color=Color.RED, effective=NOW - timedelta(days=2), expires=NOW - timedelta(days=1)),
            OFFICIAL,
            AlertState.EXPIRED,
            id="what is over tells nobody",
        ),
    ],
)
def test_a_mended_message_is_decided_like_any_other(mend: Mend, speaker: Speaker, state: AlertState) -> None:
    """One pure decision for what comes and for what was mended."""
    found = readmit(mended(read(COLOR), mend), known(), mend, speaker=speaker, now=NOW)
    assert found.state is state


def test_mending_one_thing_leaves_the_doubts_about_others() -> None:
    """Every one of them has to be answered."""
    mend = Mend(color=Color.RED)
    found = readmit(mended(read(COLOR, SCOPE), mend), known(), mend, speaker=OFFICIAL, now=NOW)
    assert (found.state, [one.code for one in found.findings]) == (AlertState.QUARANTINED, ["not_public"])


def test_an_override_stays_a_remark_on_what_is_released() -> None:
    """Whoever looks at it later sees what somebody let pass."""
    mend = Mend(color=Color.RED, overridden=("not_public", "source_region"))
    found = readmit(mended(read(COLOR, SCOPE), mend), known(NEXT), mend, speaker=OFFICIAL, now=NOW)
    assert (found.state, found.verdict) == (AlertState.RELEASED, Verdict.ACCEPT_WITH_WARNINGS)
    assert {one.code for one in found.findings} == {"not_public", "source_region"}
    assert faults(mend, found, NOW) == []


def test_an_override_of_one_bound_leaves_the_others() -> None:
    """A place beyond the source says nothing of its colors."""
    speaker = replace(OFFICIAL, colors=frozenset({Color.BLUE}))
    mend = Mend(color=Color.RED, overridden=("source_region",))
    found = readmit(mended(read(COLOR), mend), known(NEXT), mend, speaker=speaker, now=NOW)
    assert found.state is AlertState.QUARANTINED


@pytest.mark.parametrize("code", sorted(NEVER_OVERRIDDEN))
def test_what_must_be_mended_is_never_overridden(code: str) -> None:
    """Nobody lets a warning without a color pass by saying so."""
    doubt = Fault("x", code, "")
    mend = Mend(overridden=(code,))
    found = readmit(mended(read(doubt), mend), known(), mend, speaker=OFFICIAL, now=NOW)
    assert [one.path for one in faults(mend, found, NOW)] == ["override[0]"]


def test_a_warning_of_no_place_is_not_let_pass_by_an_override() -> None:
    """It would tell nobody and look released."""
    mend = Mend(color=Color.RED, overridden=("source_region",))
    facts = replace(known(), regions=())
    found = readmit(mended(read(COLOR, areas=()), mend), facts, mend, speaker=OFFICIAL, now=NOW)
    assert [one.code for one in faults(mend, found, NOW)] == ["not_overridable"]


@pytest.mark.parametrize(
    ("mend", "unknown", "path"),
    [
        pytest.param(Mend(regions=("621299",)), ("621299",), "regions", id="a division that is not known"),
        pytest.param(
            Mend(references=(Reference("", "A"),)), (), "references", id="a warning that is not here"
        ),
        pytest.param(Mend(expires=NOW), (), "expires", id="an end that is past"),
        pytest.param(Mend(overridden=("typo",)), (), "override[0]", id="a doubt that there is not"),
    ],
)
def test_a_slip_of_the_hand_is_named_by_its_path(mend: Mend, unknown: tuple[str, ...], path: str) -> None:
    """It must not decide anything."""
    found = readmit(mended(read(COLOR), mend), known(unknown=unknown), mend, speaker=OFFICIAL, now=NOW)
    assert [one.path for one in faults(mend, found, NOW)] == [path]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_can_never_be_overridden_and_what_is_beyond_a_source_is_said_in_both_languages(
    language: str,
) -> None:
    """The person on duty reads no codes; and every remedy has its words."""
    say = phrases(language)
    assert {f"doubts.{code}" for code in NEVER_OVERRIDDEN | BEYOND} <= set(say)
    assert {f"quarantine.remedy_{name}" for name in (*FIELDS, OVERRIDE, "none")} <= set(say)
    assert {f"verdicts.{verdict.value}" for verdict in Verdict} <= set(say)
