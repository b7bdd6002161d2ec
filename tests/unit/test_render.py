"""What goes out says all that is mandatory, fits, and never fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warnd.model.alert import Alert, AlertType, Area, Change, Status, Text
from warnd.model.color import Color
from warnd.model.content import ucs2_segments, ucs2_units
from warnd.model.hazard import Hazard
from warnd.model.region import Level
from warnd.pipeline.direction import FSI, PDI, RLM
from warnd.pipeline.render import Limits, Notice, Rendered, render
from warnd.pipeline.templates import Templates

SHIPPED = Templates.load(Path(__file__).parents[2] / "templates")
SHANGHAI = ZoneInfo("Asia/Shanghai")
NO_LIMIT = Limits()

RAINSTORM = Hazard("rainstorm", {"zh": "暴雨", "en": "Rainstorm", "ug": "قارا يامغۇر", "kk": "нөсер"})
FLASH_FLOOD = Hazard("flash-flood", {"zh": "山洪", "en": "Flash flood"})
ADVICE = "请离开沟谷。"
ADVISED = replace(FLASH_FLOOD, guidance={Color.BLUE: {"zh": ADVICE, "en": "Leave the valley."}})
SENTENCE = "预计未来六小时我县将出现强降水，山洪地质灾害风险高。"

ALERT = Alert(
    identifier="62990041600000_20260714080000",
    sender="62990041600000",
    sent=datetime(2026, 7, 14, 0, 0, tzinfo=UTC),
    status=Status.ACTUAL,
    type=AlertType.ALERT,
    hazard="rainstorm",
    color=Color.RED,
    texts={"zh": Text("青石县气象台发布暴雨红色预警信号", SENTENCE, "请注意防范。")},
    sender_name="青石县气象台",
    expires=datetime(2026, 7, 14, 6, 30, tzinfo=UTC),
    areas=(Area(name="青石县"),),
)


def told(
    alert: Alert = ALERT,
    *,
    kind: str = "sms",
    language: str | None = "zh",
    limits: Limits = NO_LIMIT,
    templates: Templates = SHIPPED,
    hazard: Hazard = RAINSTORM,
    change: Change = Change.ISSUED,
    previous_color: Color | None = None,
    area_names: Sequence[str] = (),
    added: Sequence[str] = (),
    removed: Sequence[str] = (),
) -> Rendered:
    notice = Notice(
        "01ALERT", alert, hazard, change, previous_color, area_names, Level.TOWNSHIP, added, removed
    )
    return render(
        notice,
        kind=kind,
        language=language,
        limits=limits,
        zone=SHANGHAI,
        templates=templates,
        content_id="01CONTENT",
    )


def saying(alert: Alert = ALERT, **texts: Text) -> Alert:
    return replace(alert, texts=texts)


# --- what is said -----------------------------------------------------------------------------------

STATEMENTS = {
    (Change.ISSUED, "zh"): "青石县气象台2026年7月14日8时发布暴雨红色预警。",
    (Change.RAISED, "zh"): "青石县气象台2026年7月14日8时将暴雨预警由黄色升级为红色。",
    (Change.LOWERED, "zh"): "青石县气象台2026年7月14日8时将暴雨预警由黄色降级为红色。",
    (Change.WIDENED, "zh"): "青石县气象台2026年7月14日8时扩大暴雨红色预警范围。",
    (Change.NARROWED, "zh"): "青石县气象台2026年7月14日8时缩小暴雨红色预警范围。",
    (Change.UPDATED, "zh"): "青石县气象台2026年7月14日8时更新暴雨红色预警。",
    (Change.CONTINUED, "zh"): "青石县气象台2026年7月14日8时继续发布暴雨红色预警。",
    (Change.LIFTED, "zh"): "青石县气象台2026年7月14日8时解除暴雨红色预警。",
    (Change.ISSUED, "en"): "Red rainstorm warning issued by 青石县气象台 at 08:00 on 14 July 2026.",
    (
        Change.RAISED,
        "en",
    ): "Red rainstorm warning raised from yellow by 青石县气象台 at 08:00 on 14 July 2026.",
    (
        Change.LOWERED,
        "en",
    ): "Red rainstorm warning lowered from yellow by 青石县气象台 at 08:00 on 14 July 2026.",
    (Change.WIDENED, "en"): "Red rainstorm warning widened by 青石县气象台 at 08:00 on 14 July 2026.",
    (Change.NARROWED, "en"): "Red rainstorm warning narrowed by 青石县气象台 at 08:00 on 14 July 2026.",
    (Change.UPDATED, "en"): "Red rainstorm warning updated by 青石县气象台 at 08:00 on 14 July 2026.",
    (Change.CONTINUED, "en"): "Red rainstorm warning continued by 青石县气象台 at 08:00 on 14 July 2026.",
    (Change.LIFTED, "en"): "Red rainstorm warning lifted by 青石县气象台 at 08:00 on 14 July 2026.",
}


@pytest.mark.parametrize("kind", ["sms", "wechat", "email", "console"])
@pytest.mark.parametrize(("change", "language"), STATEMENTS, ids=lambda value: getattr(value, "value", value))
def test_every_kind_says_what_changed(change: Change, language: str, kind: str) -> None:
    """In both shipped languages, word for word."""
    rendered = told(kind=kind, language=language, change=change, previous_color=Color.YELLOW)
    assert STATEMENTS[change, language] in rendered.content.body
    assert SENTENCE in rendered.content.body
    assert rendered.faults == ()


@pytest.mark.parametrize("kind", ["sms", "wechat", "email", "console"])
@pytest.mark.parametrize(
    ("language", "change", "said"),
    [
        ("zh", Change.WIDENED, "扩大暴雨红色预警范围，新增文县、成县，武都区解除。"),
        ("zh", Change.RAISED, "由黄色升级为红色，新增文县、成县，武都区解除。"),
        ("en", Change.WIDENED, "on 14 July 2026, now also for 文县, 成县, no longer for 武都区."),
    ],
)
def test_every_kind_says_which_places_came_and_went(
    kind: str, language: str, change: Change, said: str
) -> None:
    """Whoever is left out must not think that the warning still holds there."""
    rendered = told(
        kind=kind, language=language, change=change, previous_color=Color.YELLOW, area_names=("文县", "成县"),
        added=("文县", "成县", "文县"), removed=("武都区",),
    )  # fmt: skip
    assert said in rendered.content.body
    assert rendered.faults == ()


def test_places_that_came_are_shortened_as_the_places_warned_are() -> None:
    """Before the issuer's words are."""
    many = tuple(f"第{n}镇" for n in range(300))
    rendered = told(change=Change.WIDENED, area_names=many, added=many, limits=Limits(max_units=500))
    assert "新增第0镇、第1镇" in rendered.content.body
    assert "等300个地区" in rendered.content.body
    assert SENTENCE in rendered.content.body


@pytest.mark.parametrize("kind", ["sms", "wechat", "email", "console"])
@pytest.mark.parametrize(
    ("status", "language", "mark"),
    [
        (Status.EXERCISE, "zh", "【演练】"),
        (Status.EXERCISE, "en", "EXERCISE: "),
        (Status.TEST, "zh", "【测试】"),
        (Status.TEST, "en", "TEST: "),
    ],
    ids=lambda value: getattr(value, "value", value),
)
def test_a_drill_is_marked_before_anything_else(status: Status, language: str, mark: str, kind: str) -> None:
    """Nobody may run from an exercise, nor take the real thing for one."""
    content = told(replace(ALERT, status=status), kind=kind, language=language).content
    assert content.body.removeprefix("### ").startswith(mark)
    assert content.subject.startswith(mark) or kind != "email"
    assert mark not in told(kind=kind, language=language).content.body


def test_a_mail_has_a_subject_and_others_have_none() -> None:
    """The template's first line, taken off the body."""
    content = told(kind="email").content
    assert content.subject == "青石县气象台2026年7月14日8时发布暴雨红色预警"
    assert "Subject" not in content.body
    assert told(kind="sms").content.subject == ""


def test_nothing_relayed_reaches_a_subject_as_a_second_line() -> None:
    """A header injected by an issuer's name would be ours to send."""
    content = told(replace(ALERT, sender_name="青石县\r\nBcc: a@example.org\x85\u2028"), kind="email").content
    assert content.subject.splitlines() == [content.subject]
    assert "青石县 Bcc" in content.subject


def test_the_issuer_s_text_is_relayed_unchanged() -> None:
    """Line breaks, rare Han and emoji included; braces are not looked into."""
    words = "第一行。\n{{ 7*7 }} {% raw %} 𠮷村😀 5<6 # * 【注意】"
    assert words in told(saying(zh=Text("", words))).content.body


def test_our_guidance_never_stands_beside_the_issuer_s() -> None:
    """It fills a gap: where the issuer says what to do, that alone is said, and after the end nothing."""
    silent = saying(zh=Text("", SENTENCE))
    for kind in ("sms", "wechat", "email"):
        assert ADVICE in told(silent, kind=kind, hazard=ADVISED).content.body
        assert ADVICE not in told(ALERT, kind=kind, hazard=ADVISED).content.body
        assert ADVICE not in told(silent, kind=kind, hazard=ADVISED, change=Change.LIFTED).content.body


@pytest.mark.parametrize(
    ("kind", "language", "marked"),
    [
        ("email", "zh", f"一般提示，不是发布单位的原话：{ADVICE}"),
        ("wechat", "en", "General advice, not the issuer's words: Leave the valley."),
        ("sms", "zh", f"一般提示：{ADVICE}"),
        ("sms", "en", "General advice: Leave the valley."),
    ],
)
def test_our_guidance_is_marked_as_ours_on_a_line_of_its_own(kind: str, language: str, marked: str) -> None:
    """Nobody may take it for the authority's words."""
    silent = saying(zh=Text("", SENTENCE))
    assert marked in told(silent, kind=kind, language=language, hazard=ADVISED).content.body.splitlines()


def test_short_messages_carry_guidance_only_where_minutes_decide() -> None:
    """Elsewhere it would cost a segment for each person, and say little."""
    gale = replace(ADVISED, slug="gale")
    assert ADVICE not in told(saying(zh=Text("", SENTENCE)), hazard=gale).content.body


def test_our_guidance_goes_before_any_of_the_issuer_s_words() -> None:
    """When a text is too long, ours is the first to be left out."""
    silent = saying(zh=Text("", SENTENCE))
    whole = told(silent, hazard=ADVISED).content.body
    cut = told(silent, hazard=ADVISED, limits=Limits(max_units=ucs2_units(whole) - 1)).content.body
    assert SENTENCE in cut
    assert ADVICE not in cut


@pytest.mark.parametrize(
    ("color", "hazard", "template"),
    [
        (Color.RED, RAINSTORM, "sms/rainstorm.red.zh.txt"),
        (Color.ORANGE, RAINSTORM, "sms/default.zh.txt"),
        (Color.BLUE, FLASH_FLOOD, "sms/flash-flood.zh.txt"),
        (None, FLASH_FLOOD, "sms/flash-flood.zh.txt"),
    ],
)
def test_the_content_names_its_template_and_revision(
    color: Color | None, hazard: Hazard, template: str
) -> None:
    """So that the record shows by which wording people were told."""
    assert (
        told(replace(ALERT, color=color), hazard=hazard).content.template == f"{template}@{SHIPPED.revision}"
    )


def test_wechat_text_cannot_mention_or_link() -> None:
    """What is relayed is text, whatever it looks like; the template's own markup works."""
    body = told(saying(zh=Text("", "<@all> [点我](http://x.example) **快**")), kind="wechat").content.body
    assert "<@all>" not in body
    assert "](" not in body
    assert body.replace("\u200b", "").count("<@all> [点我](http://x.example) **快**") == 1
    assert '<font color="warning">红色</font>' in body


# --- languages --------------------------------------------------------------------------------------

UYGHUR_WORDS = """
[time]
pattern = "y-MM-dd HH:mm"
[colors]
blue = "كۆك"
yellow = "سېرىق"
orange = "قىزغۇچ سېرىق"
red = "قىزىل"
[changes]
issued = "تارقاتتى"
raised = "ئۆستۈردى"
lowered = "تۆۋەنلەتتى"
widened = "كېڭەيتتى"
narrowed = "تارايتتى"
updated = "يېڭىلىدى"
continued = "داۋاملاشتۇردى"
lifted = "بىكار قىلدى"
[marks]
exercise = "[مانېۋىر] "
test = "[سىناق] "
[area]
separator = "، "
shortened = "{names} قاتارلىق {count} جاي"
"""
KAZAKH_WORDS = """
[time]
pattern = "y 'ж.' d MMMM HH:mm"
[colors]
blue = "көк"
yellow = "сары"
orange = "қызғылт сары"
red = "қызыл"
[changes]
issued = "жариялады"
raised = "көтерді"
lowered = "төмендетті"
widened = "кеңейтті"
narrowed = "тарылтты"
updated = "жаңартты"
continued = "жалғастырды"
lifted = "алып тастады"
[marks]
exercise = "[ЖАТТЫҒУ] "
test = "[СЫНАҚ] "
[area]
separator = ", "
shortened = "{names} және тағы {rest}"
"""
LINE = "{{ mark }}{{ issuer }}: {{ color_name }} {{ hazard_name }} {{ change_name }} {{ sent }} {{ area }}\n{{ description }}"


@pytest.fixture
def site(tmp_path: Path) -> Templates:
    """A site that added Uyghur and Kazakh as files."""
    for path, text in {
        "words/ug.toml": UYGHUR_WORDS,
        "sms/default.ug.txt": LINE,
        "words/kk.toml": KAZAKH_WORDS,
        "sms/default.kk.txt": LINE,
    }.items():
        file = tmp_path / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return Templates.load(Path(__file__).parents[2] / "templates", tmp_path)


def test_kazakh_needs_files_not_code(site: Templates) -> None:
    """Words and one template; month names come from the locale."""
    rendered = told(saying(kk=Text("", "Қатты жаңбыр.")), language="kk-KZ", templates=site)
    assert rendered.content.body == (
        "青石县气象台: қызыл нөсер жариялады 2026 ж. 14 шілде 08:00 青石县\nҚатты жаңбыр."
    )
    assert (rendered.content.language, rendered.language_missing, rendered.faults) == ("kk", False, ())


def test_uyghur_needs_files_not_code(site: Templates) -> None:
    """Chinese names and numbers are isolated, and each line starts from the right."""
    rendered = told(saying(ug=Text("", "قاتتىق يامغۇر.\n2 سائەت.")), language="ug", templates=site)
    first, second, third = rendered.content.body.split("\n")
    assert first == (
        f"{FSI}青石县气象台{PDI}: قىزىل قارا يامغۇر تارقاتتى {FSI}2026-07-14 08:00{PDI} {FSI}青石县{PDI}"
    )
    assert second == "قاتتىق يامغۇر."
    assert third == f"{RLM}{FSI}2 سائەت.{PDI}"
    assert (rendered.language_missing, rendered.faults) == (False, ())


def test_chinese_words_in_a_uyghur_frame_keep_their_order(site: Templates) -> None:
    """A Chinese sentence with its full stop is one isolate, wherever it stands; shortening never splits one."""
    rendered = told(language="ug", templates=site, limits=Limits(max_units=90))
    assert rendered.language_missing
    assert rendered.content.body.count(FSI) == rendered.content.body.count(PDI)
    assert rendered.content.body.split("\n")[1].startswith(f"{RLM}{FSI}预计")


def test_right_to_left_names_are_isolated_in_chinese() -> None:
    """Else the digits after an Uyghur name would be drawn before it."""
    body = told(replace(ALERT, sender_name="ئۈرۈمچى 12")).content.body
    assert body.startswith(f"{FSI}ئۈرۈمچى 12{PDI}2026年7月14日8时发布")


@pytest.mark.parametrize(
    ("texts", "wanted", "frame", "language", "missing"),
    [
        pytest.param(("zh",), None, "发布暴雨", "zh", False, id="nobody asked for any"),
        pytest.param(("zh",), "zh", "发布暴雨", "zh", False, id="Chinese"),
        pytest.param(("zh-CN", "en-US"), "zh", "发布暴雨", "zh", False, id="as CAP tags it"),
        pytest.param(("zh-CN", "en-US"), "en", "issued by", "en", False, id="English, as CAP tags it"),
        pytest.param(("zh",), "en", "issued by", "en", True, id="an English frame about Chinese words"),
        pytest.param(("zh", "fr"), "fr", "发布暴雨", "fr", True, id="French words in a Chinese frame"),
        pytest.param(("zh",), "fr-CA", "发布暴雨", "zh", True, id="Chinese for want of French"),
        pytest.param(("zh",), "zh-Hant-TW", "发布暴雨", "zh", False, id="a wider tag is near enough"),
        pytest.param(("en",), "zh", "发布暴雨", "zh", True, id="the issuer spoke no Chinese"),
    ],
)
def test_a_missing_language_sends_chinese_and_says_so(
    texts: Sequence[str], wanted: str | None, frame: str, language: str, missing: bool
) -> None:
    """Words and frame fall back each for itself."""
    spoken = {tag: Text("", f"words in {tag}") for tag in texts}
    rendered = told(replace(ALERT, texts=spoken, language=texts[0]), language=wanted)
    assert frame in rendered.content.body
    assert (rendered.content.language, rendered.language_missing) == (language, missing)


# --- falling back -----------------------------------------------------------------------------------

GOOD = "good {{ mark }}{{ issuer }}{{ hazard_name }}{{ color_name }}{{ area }}{{ sent }}{{ change_name }}"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        pytest.param("{% if %}", "line 1", id="it does not compile"),
        pytest.param("{{ ''.__class__ }}", "only loop", id="it reaches for what it must not"),
        pytest.param("{{ {'blue': 1}[color] }}", "red", id="it fails on this alert"),
        pytest.param(
            "{{ issuer }}发布{{ hazard_name }}预警",
            "color_name, area, sent, change_name",
            id="it says too little",
        ),
        pytest.param(GOOD + "x" * 300, "longer than the channel takes", id="it is too long in itself"),
    ],
)
def test_a_bad_template_falls_back_and_is_reported(source: str, message: str) -> None:
    """To the next in order; the broadcast goes on, the alarm is the caller's."""
    templates = Templates({"sms/default.zh.txt": GOOD, "sms/rainstorm.zh.txt": source})
    rendered = told(templates=templates, change=Change.LIFTED, limits=Limits(max_units=300))
    assert rendered.content.body.startswith("good")
    (fault,) = rendered.faults
    assert fault.template == "sms/rainstorm.zh.txt"
    assert message in str(fault)


@pytest.mark.parametrize("kind", ["sms", "email", "carrier-pigeon"])
@pytest.mark.parametrize(
    "sources", [{}, {"sms/default.zh.txt": "{{", "email/default.zh.txt": "{{"}], ids=["none", "broken"]
)
def test_without_any_template_a_plain_text_goes_out(sources: Mapping[str, str], kind: str) -> None:
    """It needs nothing but the alert, and says everything that is mandatory."""
    rendered = told(
        replace(ALERT, status=Status.EXERCISE), kind=kind, templates=Templates(sources), change=Change.LIFTED
    )
    assert rendered.content.body.split("\n") == [
        "【演练】青石县气象台2026年7月14日8时解除暴雨红色预警，范围：青石县。",
        "青石县气象台发布暴雨红色预警信号",
        SENTENCE,
        "请注意防范。",
    ]
    assert rendered.content.subject == "【演练】青石县气象台2026年7月14日8时解除暴雨红色预警"
    assert rendered.content.template.startswith("built-in@")
    assert len(rendered.faults) == 1


def test_an_issuer_cannot_pose_as_a_subject() -> None:
    """Whether there is a subject, the template's source says: else the name would vanish from the body."""
    rendered = told(replace(ALERT, sender_name="Subject: x"))
    assert rendered.content.body.startswith("Subject: x2026年7月14日8时发布暴雨红色预警")
    assert (rendered.content.subject, rendered.faults) == ("", ())


def test_a_hazard_s_mail_has_the_subject_of_what_it_extends() -> None:
    """The first line of the template at the root decides."""
    child = "{% extends 'email/default.zh.txt' %}{% block guidance %}快走{% endblock %}"
    templates = SHIPPED.having({"email/rainstorm.zh.txt": child})
    content = told(saying(zh=Text("", SENTENCE)), kind="email", templates=templates).content
    assert content.subject == "青石县气象台2026年7月14日8时发布暴雨红色预警"
    assert "快走" in content.body


def test_a_part_of_a_name_is_not_the_name() -> None:
    """青石县 stands in 青石县气象台, and yet nobody would know where the danger is."""
    templates = Templates({"sms/default.zh.txt": GOOD.replace("{{ area }}", "")})
    assert "does not print area" in str(told(templates=templates).faults[0])


def test_what_is_mandatory_is_not_cut_by_a_template() -> None:
    """Half a name is no name."""
    templates = Templates({"sms/default.zh.txt": GOOD.replace("{{ issuer }}", "{{ issuer[:3] }}")})
    assert "does not print issuer" in str(told(templates=templates).faults[0])


# --- limits -----------------------------------------------------------------------------------------

TOWNSHIPS = tuple(f"{name}镇" for name in "甲乙丙丁戊己庚辛壬癸子丑")


def test_fewer_places_are_named_before_the_issuer_s_words_are_touched() -> None:
    """A list can be had from the map; what will happen cannot."""
    alert = saying(zh=Text("", SENTENCE, "请注意防范。"))
    whole = told(alert, area_names=TOWNSHIPS).content.body
    assert "、".join(TOWNSHIPS) in whole
    body = told(alert, area_names=TOWNSHIPS, limits=Limits(max_units=ucs2_units(whole) - 1)).content.body
    assert "甲镇、乙镇、丙镇、丁镇、戊镇等12个乡镇" in body
    assert SENTENCE in body


def test_the_description_is_shortened_at_a_sentence_s_end() -> None:
    """Then three dots; the instruction keeps its place as long as there is any."""
    rendered = told(saying(zh=Text("", SENTENCE * 50, "请注意防范。")), limits=Limits(max_units=200))
    assert f"{SENTENCE}…\n请注意防范。" in rendered.content.body
    assert 150 < ucs2_units(rendered.content.body) <= 200
    assert rendered.faults == ()


def test_wechat_fits_its_bytes_whatever_the_characters() -> None:
    """4096 bytes of UTF-8, and never half a character."""
    rendered = told(saying(zh=Text("", "𠮷一a" * 3000)), kind="wechat", limits=Limits(max_bytes=4096))
    assert 4080 < len(rendered.content.body.encode()) <= 4096


def test_the_signature_counts() -> None:
    """Gateways bill and limit it with the body."""
    limits = Limits(max_units=200, signature="【青石预警】")
    content = told(saying(zh=Text("", SENTENCE * 50)), limits=limits).content
    assert ucs2_units(limits.signature + content.body) <= 200
    assert content.segments == len(ucs2_segments(limits.signature + content.body)) == 3


def test_segments_are_counted_for_sms_alone() -> None:
    """Elsewhere a message is a message."""
    long = saying(zh=Text("", SENTENCE * 20))
    assert told(long).content.segments > 1
    assert told(long, kind="email").content.segments == 1


def test_seventy_one_characters_make_two_segments() -> None:
    """67 units and the rest: 134 octets after a 6-octet header (3GPP 23.040)."""
    assert [len(part) for part in ucs2_segments("一" * 71)] == [67, 4]
    assert len(ucs2_segments("一" * 70)) == 1
    assert [len(part) for part in ucs2_segments("一" * 66 + "𠮷" + "一" * 5)] == [66, 6]


def test_what_is_mandatory_is_sent_even_where_it_is_too_long() -> None:
    """Better a refusal by the provider, which fails over, than a warning without its place or its issuer."""
    rendered = told(limits=Limits(max_units=20))
    assert "青石县气象台2026年7月14日8时发布暴雨红色预警，范围：青石县。" in rendered.content.body
    assert "mandatory" in str(rendered.faults[-1])


def test_an_area_description_that_is_a_whole_list_is_shortened_last() -> None:
    """Some issuers write hundreds of places into one name."""
    endless = "、".join(f"第{number}号村民小组" for number in range(500))
    rendered = told(area_names=[endless], limits=Limits(max_units=300))
    assert rendered.faults == ()
    assert "范围：第0号村民小组、" in rendered.content.body
    assert ucs2_units(rendered.content.body) <= 300


RELAYED = st.text(
    alphabet=st.one_of(
        st.sampled_from("雨。！\n <@*[](){%}#>.,𠮷😀\u202e\u2068\u2069ئ1a\u0301"), st.characters()
    ),
    max_size=120,
).map(lambda text: text * 7)


@settings(max_examples=120, deadline=None)
@given(
    description=RELAYED,
    instruction=RELAYED,
    headline=RELAYED,
    names=st.lists(st.text(min_size=1, max_size=12), max_size=60),
    kind=st.sampled_from(["sms", "wechat", "email", "console", "unknown"]),
    language=st.sampled_from([None, "zh", "en", "ug"]),
    units=st.none() | st.integers(0, 700),
    octets=st.none() | st.integers(0, 4096),
    change=st.sampled_from(Change),
    status=st.sampled_from([Status.ACTUAL, Status.EXERCISE, Status.TEST]),
)
def test_what_is_mandatory_is_always_there(
    description: str,
    instruction: str,
    headline: str,
    names: list[str],
    kind: str,
    language: str | None,
    units: int | None,
    octets: int | None,
    change: Change,
    status: Status,
) -> None:
    """Whatever is relayed and however little room there is; and what is said to fit does."""
    limits = Limits(max_bytes=octets, max_units=units)
    rendered = told(
        replace(ALERT, status=status, texts={"zh": Text(headline, description, instruction)}),
        kind=kind,
        language=language,
        limits=limits,
        change=change,
        area_names=names,
    )
    body = rendered.content.body
    said = body.casefold()
    assert "青石县气象台" in body
    assert "暴雨" in body or "rainstorm" in said
    assert "红色" in body or "red" in said
    assert "2026年7月14日8时" in body or "08:00 on 14 july 2026" in said
    assert status is Status.ACTUAL or any(
        mark in body for mark in ("【演练】", "【测试】", "EXERCISE", "TEST")
    )
    body.encode("utf-8")
    body.encode("utf-16-be")
    assert limits.allow(body) or "mandatory" in str(rendered.faults[-1])
    if kind == "sms":
        assert rendered.content.segments == len(ucs2_segments(body))
