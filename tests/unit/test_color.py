"""The color of a warning: parameter before headline before severity."""

from __future__ import annotations

import pytest

from warnd.intake.color import read_color
from warnd.intake.title import color_in, read_title
from warnd.model.alert import Change
from warnd.model.color import Color


@pytest.mark.parametrize(
    ("headline", "color"),
    [
        pytest.param("武都区气象台发布暴雨红色预警信号", Color.RED, id="plain title"),
        pytest.param("黄山市气象台发布大风蓝色预警", Color.BLUE, id="a color character in a place name"),
        pytest.param(
            "由红色变更为橙色，变更发布暴雨橙色预警", Color.ORANGE, id="changed from one to another"
        ),
        pytest.param("解除暴雨红色预警，发布暴雨黄色预警信号", Color.YELLOW, id="the last of two"),
        pytest.param("发布高温橙色（Ⅱ级）预警", Color.ORANGE, id="grade in brackets between"),
        pytest.param("发布危险化学品事故预警[Ⅱ级/严重]", Color.ORANGE, id="a level alone"),
        pytest.param("发布洪水预警信号【IV/一般】", Color.BLUE, id="a level in other letters"),
        pytest.param("发布暴雨黄色预警[II级/严重]", Color.YELLOW, id="a color before its level"),
        pytest.param("启动防汛Ⅳ级应急响应", None, id="the level of something else"),
        pytest.param("红色景区今日关闭", None, id="a color of something else"),
        pytest.param("Red rainstorm warning", None, id="another language"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_headline_tells_the_color_that_yujing_follows(headline: str, color: Color | None) -> None:
    """The last [蓝黄橙红]色 followed by 预警 is the color; where there is none, the level in brackets after it."""
    assert color_in(headline) is color


@pytest.mark.parametrize(
    ("parameters", "headline", "severity", "color"),
    [
        pytest.param({"ColorCode": "RED"}, "", Color.BLUE, Color.RED, id="parameter over severity"),
        pytest.param({"预警颜色": "橙色"}, "", None, Color.ORANGE, id="Chinese parameter"),
        pytest.param({"severityColor": "Blue"}, "", Color.RED, Color.BLUE, id="severity never overrides"),
        pytest.param(
            {"awareness_level": "3; orange; Severe"}, "", None, Color.ORANGE, id="one of several words"
        ),
        pytest.param({}, "发布暴雨黄色预警", Color.RED, Color.YELLOW, id="headline over severity"),
        pytest.param({"station": "red"}, "", Color.YELLOW, Color.YELLOW, id="other parameters say nothing"),
        pytest.param({}, "", Color.ORANGE, Color.ORANGE, id="severity when nothing else"),
        pytest.param({}, "", None, None, id="unknown with neither"),
    ],
)
def test_parameter_then_headline_then_severity_decide(
    parameters: dict[str, str], headline: str, severity: Color | None, color: Color | None
) -> None:
    """Each is asked only when the ones before it are silent."""
    reading = read_color(parameters, headline, severity)
    assert (reading.color, reading.disagreement) == (color, "")


@pytest.mark.parametrize(("stated", "titled"), [("red", "橙"), ("orange", "红")])
def test_higher_stands_where_parameter_and_headline_disagree(stated: str, titled: str) -> None:
    """Which of them is wrong cannot be known; telling of the lower might kill."""
    reading = read_color({"color": stated}, f"发布暴雨{titled}色预警")
    assert reading.color is Color.RED
    assert "headline says" in reading.disagreement


def test_unread_color_parameter_is_named_and_passed_over() -> None:
    """Colors beyond the four exist abroad; the headline may still tell."""
    reading = read_color({"color": "purple"}, "发布暴雨红色预警")
    assert (reading.color, reading.unread) == (Color.RED, "purple")


@pytest.mark.parametrize(
    ("headline", "issuer", "act", "kind"),
    [
        ("武都区气象台发布暴雨红色预警信号", "武都区气象台", Change.ISSUED, "暴雨"),
        ("市预警信息发布中心发布大雾黄色预警", "市预警信息发布中心", Change.ISSUED, "大雾"),
        ("文县气象台变更发布雷雨大风橙色预警[Ⅱ级/严重]", "文县气象台", Change.UPDATED, "雷雨大风"),
        ("文县气象台继续发布高温橙色预警", "文县气象台", Change.CONTINUED, "高温"),
        ("文县气象台解除大风蓝色预警", "文县气象台", Change.LIFTED, "大风"),
        ("文县解除暴雨红色预警，发布暴雨橙色预警", "文县", Change.ISSUED, "暴雨"),
    ],
)
def test_title_grammar_tells_issuer_act_and_kind(headline: str, issuer: str, act: Change, kind: str) -> None:
    """〈issuer〉〈act〉〈kind〉〈color〉色预警; of two titles in one headline the last holds."""
    title = read_title(headline)
    assert title is not None
    assert (title.issuer, title.act, title.kind) == (issuer, act, kind)


def test_headline_without_the_grammar_is_no_title() -> None:
    """Then the words are searched instead."""
    assert read_title("今天有雨") is None
