"""The hazard catalogue we ship, and what its loader refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from warnd.errors import ConfigError
from warnd.intake.hazards import find_hazard, hazard_in, load_hazards
from warnd.model.color import Color
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
            OTHER + '[fog]\nnames = { zh = "其他", en = "Fog" }\n', "hazards.toml", id="a name claimed twice"
        ),
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
