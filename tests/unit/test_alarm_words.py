"""What alarms say: a sentence for each in either language, which needs nothing that its call does not give."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from tests.sounded import Sounding, soundings
from warnd.app.alarm_words import in_english, in_words
from warnd.app.phrases import LANGUAGES, phrases
from warnd.contract.outcome import Deferred, Reason
from warnd.intake.catalogue import CATALOGUE
from warnd.intake.findings import Weight
from warnd.intake.placing import UNPLACED
from warnd.ports import Facts
from warnd.queue.breaker import looks_dead
from warnd.store.alarms import Alarm

AT = datetime(2026, 7, 14, tzinfo=UTC)

COMPUTED = {"channel_down": {one.value for one in Reason if looks_dead(Deferred(one))}}
"""Cases that only the run tells."""

SHARED = {"with_detail", "about", "semicolon"}
"""Phrases that sentences are put together with."""


def alarm(kind: str, subject: str = "sms", message: str = "as it was said", **facts: object) -> Alarm:
    return Alarm("A", kind, subject, message, facts, AT, AT, 1, None, None, None)


def keys(one: Sounding) -> set[str]:
    """Of the sentences that a call may come to."""
    cases = COMPUTED[one.kind] if one.cases is None else one.cases
    return {f"{one.kind}.{case}" for case in cases} or {one.kind}


@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_is_sounded_has_a_title_and_its_sentence(language: str) -> None:
    """The person on duty reads no identifiers; what is never sounded needs none."""
    say, sounded = phrases(language), soundings()
    titles = {key.removeprefix("alarms.") for key in say if key.startswith("alarms.")}
    sentences = {key.removeprefix("alarm_sentences.") for key in say if key.startswith("alarm_sentences.")}
    assert titles == {one.kind for one in sounded}
    assert sentences - SHARED == {key for one in sounded for key in keys(one)}


@pytest.mark.parametrize("one", soundings(), ids=lambda one: one.where)
def test_a_sentence_asks_for_nothing_that_is_not_given(one: Sounding) -> None:
    """Or the alarm would be lost with whatever sounds it; and each fact but a provider's word is in each sentence or case."""
    for language in LANGUAGES:
        forms = [form for key in keys(one) for form in phrases(language).forms(f"alarm_sentences.{key}")]
        blanks = [set(re.findall(r"\{(\w+)\}", form)) - {"subject"} for form in forms]
        assert set().union(*blanks) == one.facts - {"detail"}, language


@pytest.mark.parametrize(
    ("case", "detail", "english", "chinese"),
    [
        pytest.param(
            "unreachable",
            "certificate: self-signed certificate",
            "sms: the provider cannot be reached (certificate: self-signed certificate)",
            "sms 渠道：连不上网关（certificate: self-signed certificate）",
            id="a certificate nobody trusts",
        ),
        pytest.param(
            "temporary_failure",
            "HTTP 503",
            "sms: the provider answers that it cannot work now (HTTP 503)",
            "sms 渠道：网关答复暂时不能工作（HTTP 503）",
            id="an answer",
        ),
        pytest.param(
            "no_reply",
            "",
            "sms: the provider takes requests and does not answer in time",
            "sms 渠道：网关收下请求后迟迟不答复",
            id="nothing to add",
        ),
    ],
)
def test_a_providers_own_word_stands_in_the_readers_sentence(
    case: str, detail: str, english: str, chinese: str
) -> None:
    """A certificate is mended here, a refused connection there; a 503 is an answer."""
    assert in_english("channel_down", "sms", {"case": case, "detail": detail}) == english
    assert in_words(alarm("channel_down", case=case, detail=detail), phrases("zh")) == chinese


@pytest.mark.parametrize(
    ("facts", "english", "chinese"),
    [
        pytest.param(
            {"case": "slow", "headline": "暴雨", "n": 1200, "channel": "sms", "seconds": 200},
            "暴雨: 1,200 wait for sms; at its pace the last are told 3 minutes late",
            "暴雨：sms 渠道还有 1,200 条未发，按目前速度，最后一条将晚 3 分钟",
            id="many, for minutes",
        ),
        pytest.param(
            {"case": "slow", "headline": "暴雨", "n": 1, "channel": "sms", "seconds": 179},
            "暴雨: 1 waits for sms; at its pace the last is told 179 seconds late",
            "暴雨：sms 渠道还有 1 条未发，按目前速度，最后一条将晚 179 秒",
            id="one, for seconds",
        ),
    ],
)
def test_numbers_and_lengths_of_time_are_written_as_the_reader_does(
    facts: Facts, english: str, chinese: str
) -> None:
    """In the largest unit of which there are three."""
    assert in_english("broadcast_late", "A", facts) == english
    assert in_words(alarm("broadcast_late", **facts), phrases("zh")) == chinese


def test_findings_are_told_by_what_they_are_about() -> None:
    """The name that was not found is what somebody telephones for; what has no words yet keeps its own."""
    findings = [
        {
            "path": "areas[0].name",
            "code": "area_name_unknown",
            "message": "无名沟 is no division that is known here",
            "about": "无名沟",
        },
        {"path": "color", "code": "color_unknown", "message": "nothing tells its color"},
        {"path": "", "code": "of_a_later_version", "message": "is as it is"},
    ]
    one = alarm("area_unknown", headline="暴雨", findings=findings)
    assert in_words(one, phrases("zh")) == "暴雨：地名无法对应到区划：无名沟；无法确定级别；is as it is"
    assert in_words(one, phrases("en")) == (
        "暴雨: 无名沟 is no division that is known here; nothing tells its color; is as it is"
    )


def test_whatever_makes_a_person_look_has_words() -> None:
    """Why an alert waits, or a place is not warned, is read by whoever has to act."""
    wanted = {code for code, one in CATALOGUE.items() if Weight.DOUBT in one.weights} | UNPLACED
    assert {code for code in wanted if f"doubts.{code}" not in phrases("zh")} == set()


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({}, id="written before there were facts"),
        pytest.param({"case": "of_a_later_version", "detail": ""}, id="a case of another version"),
        pytest.param({"case": "release", "due": "tomorrow", "headline": ""}, id="a time that is none"),
    ],
)
def test_what_the_phrases_do_not_fit_is_shown_as_it_was_said(facts: dict[str, object]) -> None:
    """The page of the worst night must not break on one row of another version."""
    for kind in ("channel_down", "alert_held", "of_a_later_version"):
        assert in_words(alarm(kind, **facts), phrases("zh")) == "as it was said"
