"""The hazard catalogue we ship, and what its loader refuses."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from warnd.errors import ConfigError
from warnd.intake.hazards import find_hazard, hazard_in, load_hazards
from warnd.model.color import Color
from warnd.model.hazard import Hazard
from warnd.resources import config_dir

CATALOGUE = load_hazards(config_dir() / "hazards.toml")

CONFIRMED = {
    "11B01": "typhoon",
    "11B03": "rainstorm",
    "11B04": "snowstorm",
    "11B05": "cold-wave",
    "11B06": "gale",
    "11B07": "sandstorm",
    "11B09": "high-temperature",
    "11B14": "lightning",
    "11B15": "hail",
    "11B16": "frost",
    "11B17": "fog",
    "11B19": "haze",
    "11B20": "thunder-gust",
    "11B21": "road-icing",
    "11B22": "drought",
    "11A51": "flash-flood",
    "11D01": "landslide",
    "11D02": "debris-flow",
    "11E02": "storm-surge",
    "11E06": "waves",
    "11G01": "forest-fire",
}


@pytest.mark.parametrize(("code", "slug"), CONFIRMED.items())
def test_national_codes_are_known(code: str, slug: str) -> None:
    """The codes seen in published messages mean what they meant there, letter case aside."""
    hazard = CATALOGUE.by_code(code.lower())
    assert hazard is not None
    assert hazard.slug == slug


@pytest.mark.parametrize("slug", ["flash-flood", "landslide", "debris-flow", "dam", "tailings"])
def test_sudden_hazards_are_marked(slug: str) -> None:
    """They never wait for quiet hours."""
    hazard = CATALOGUE.get(slug)
    assert hazard is not None
    assert hazard.sudden


@pytest.mark.parametrize(
    ("headline", "slug"),
    [
        ("康县气象台发布雷雨大风黄色预警", "thunder-gust"),
        ("康县气象台发布道路结冰橙色预警信号", "road-icing"),
        ("两当县水利局和气象局联合发布山洪灾害气象风险橙色预警", "flash-flood"),
        ("尾矿库险情红色预警：请立即撤离", "tailings"),
    ],
)
def test_hazard_is_found_in_a_title(headline: str, slug: str) -> None:
    """The longest name counts: 雷雨大风 is no 大风."""
    hazard = hazard_in(CATALOGUE, headline)
    assert hazard is not None
    assert hazard.slug == slug


def test_code_goes_before_name_and_name_before_title() -> None:
    """In that order, and None when nothing is known."""
    title = "康县气象台发布大风蓝色预警"
    found = [
        find_hazard(CATALOGUE, slug="hail", codes=["11B03"], names=["高温"], title=title),
        find_hazard(CATALOGUE, codes=["SVR", "11B03"], names=["高温"], title=title),
        find_hazard(CATALOGUE, names=["高温"], title=title),
        find_hazard(CATALOGUE, title=title),
        find_hazard(CATALOGUE, codes=["XYZ"], names=["Aurora"], title="Aurora"),
    ]
    slugs = [hazard.slug if hazard is not None else None for hazard in found]
    assert slugs == ["hail", "rainstorm", "high-temperature", "gale", None]


OTHER = '[other]\nnames = { zh = "其他", en = "Other" }\n'
SEVERITY = '[severity]\nMinor = "blue"\nModerate = "yellow"\nSevere = "orange"\nExtreme = "red"\n'
FOG = SEVERITY + OTHER + '[fog]\nnames = { zh = "雾", en = "Fog" }\n'


@pytest.mark.parametrize(
    ("text", "key"),
    [
        pytest.param("[fog", "hazards.toml", id="not TOML"),
        pytest.param('[fog]\nnames = { zh = "雾", en = "Fog" }\n', "other", id="without other"),
        pytest.param(OTHER + '[fog]\nnames = { zh = "雾" }\n', "fog.names.en", id="without an English name"),
        pytest.param(OTHER + '[fog]\nnames = { zh = "雾", en = "" }\n', "fog.names.en", id="an empty name"),
        pytest.param(OTHER + '[fog]\ncolour = ["red"]\n', "fog.names", id="without names"),
        pytest.param(
            OTHER + '[fog]\nnames = { zh = "雾", en = "Fog" }\ncolors = ["red", "pink"]\n',
            "fog.colors.1",
            id="a color that is none",
        ),
        pytest.param(
            OTHER + '[fog]\nnames = { zh = "雾", en = "Fog" }\nsuden = true\n',
            "fog.suden",
            id="an unknown key",
        ),
        pytest.param(
            SEVERITY + OTHER + '[fog]\nnames = { zh = "其他", en = "Fog" }\n',
            "hazards.toml",
            id="a name claimed twice",
        ),
        pytest.param(
            FOG + 'feeds.nmc = ["5"]\n[haze]\nnames = { zh = "霾", en = "Haze" }\nfeeds.nmc = ["5"]\n',
            "hazards.toml",
            id="a feed's code claimed twice",
        ),
        pytest.param(FOG + 'guidance.red.zh = "慢行"\n', "fog.guidance.red.en", id="advice without English"),
        pytest.param(FOG + 'guidance.pink.zh = "慢行"\n', "fog.guidance.pink.[key]", id="advice of no color"),
        pytest.param(OTHER, "severity", id="without severities"),
        pytest.param(OTHER + SEVERITY.replace("red", "blue"), "severity", id="two words for one color"),
        pytest.param(OTHER + SEVERITY.replace("Minor", "Mild"), "Mild.[key]", id="a word that CAP has not"),
    ],
)
def test_bad_catalogue_names_its_key(tmp_path: Path, text: str, key: str) -> None:
    """An operator must find the line without reading our code."""
    file = tmp_path / "hazards.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as refused:
        load_hazards(file)
    assert refused.value.key == key


def test_missing_catalogue_is_a_configuration_error(tmp_path: Path) -> None:
    """Not a traceback."""
    with pytest.raises(ConfigError, match="cannot be read"):
        load_hazards(tmp_path / "hazards.toml")


def test_usual_colors_default_to_all_four() -> None:
    """Only where practice leaves some out are they listed."""
    hazard = CATALOGUE.get("rainstorm")
    assert hazard is not None
    assert hazard.colors == tuple(Color)


@pytest.mark.parametrize(
    ("feed", "code", "slug"),
    [
        ("qweather", "1006", "gale"),
        ("weathercn", "09", "lightning"),
        ("nmc", "0007", "gale"),
        ("nmc", "0000", None),
        ("weathercn", "99", None),
        ("elsewhere", "09", None),
    ],
)
def test_a_feed_s_own_code_is_known(feed: str, code: str, slug: str | None) -> None:
    """Each feed counts in its own way; what is not certain is left to the title."""
    hazard = CATALOGUE.by_feed_code(feed, code)
    assert (hazard.slug if hazard is not None else None) == slug


def test_the_codes_of_one_feed_follow_the_national_ones_where_both_are_known() -> None:
    """11Bnn is 10nn of QWeather: a slip in either shows here."""
    for slug, hazard in CATALOGUE.hazards.items():
        for code in hazard.codes:
            if code.startswith("11B"):
                found = CATALOGUE.by_feed_code("qweather", f"10{code[3:]}")
                assert found is not None
                assert found.slug == slug


EVENTS = Path(os.environ.get("WARND_SAMPLES", "")) / "feeds" / "cn" / "qweather_alert-events.csv"
DIRECT = {"新界北部水浸特别报告", "降雨", "强烈季风信号（黑球）"}
"""Names that are known by their code alone: as a word of a title they would mean too much, or nothing."""


@pytest.mark.skipif(
    not EVENTS.is_file(), reason="WARND_SAMPLES names no folder of samples: the event table was not read"
)
def test_every_chinese_event_of_the_published_table_is_known() -> None:
    """By its code, and in a title to the same kind; below 2000 the codes are China's."""
    with EVENTS.open(encoding="utf-8", newline="") as table:
        events = {row["type"]: row["type_name_zh"] for row in csv.DictReader(table)}
    china = {code: name for code, name in events.items() if int(code) < 2000}
    assert len(china) > 120
    for code, name in china.items():
        hazard = CATALOGUE.by_feed_code("qweather", code)
        assert hazard is not None, (code, name)
        if name not in DIRECT:
            assert hazard_in(CATALOGUE, f"文县气象台发布{name}蓝色预警") is hazard, (code, name)


def test_severity_and_color_are_one_table_read_both_ways() -> None:
    """Letter case aside; what names no color is Unknown, and the other way round."""
    for word, color in CATALOGUE.severities.items():
        assert (CATALOGUE.color_of(word.upper()), CATALOGUE.severity_of(color)) == (color, word)
    assert (CATALOGUE.color_of("Unknown"), CATALOGUE.severity_of(None)) == (None, "Unknown")


def test_advice_stands_from_its_color_up_to_the_next() -> None:
    """None below the lowest, and none where the color is not known."""
    low, high = {"zh": "小心", "en": "Take care"}, {"zh": "快走", "en": "Leave"}
    hazard = Hazard("flood", {"zh": "洪水", "en": "Flood"}, guidance={Color.ORANGE: high, Color.YELLOW: low})
    found = [hazard.guidance_for(color) for color in (None, *Color)]
    assert found == [{}, {}, low, high, high]


def test_advice_is_short_and_is_there_for_whatever_people_can_act_on() -> None:
    """One or two sentences, in both languages."""
    silent = {slug for slug, hazard in CATALOGUE.hazards.items() if not hazard.guidance}
    assert silent == {"wind-shear", "space-weather", "school-closure", "work-stoppage", "other"}
    for hazard in CATALOGUE.hazards.values():
        for words in hazard.guidance.values():
            assert len(words["zh"]) <= 80
            assert len(words["en"]) <= 240


@pytest.mark.parametrize(
    ("text", "slugs"),
    [("11b06", ["gale"]), ("尾矿", ["tailings"]), ("flash", ["flash-flood"]), ("aurora", [])],
)
def test_search_finds_by_any_name_or_code(text: str, slugs: list[str]) -> None:
    """Letter case aside; nothing typed is everything."""
    assert [hazard.slug for hazard in CATALOGUE.search(text)] == slugs
    assert len(CATALOGUE.search(" ")) == len(CATALOGUE.hazards)
