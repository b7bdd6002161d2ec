"""Lists of places as issuers write them, and what 全市 means in whose mouth."""

from __future__ import annotations

import pytest

from warnd.intake.place_names import MOST_NAMES, chosen, parts, relative
from warnd.model.region import Region

KNOWN = {"武都区", "文县", "康县", "陇南市武都区", "甘肃省陇南市武都区", "和平区", "铁西区", "新城区"}
WUDU = (Region("621202", "武都区"), Region("6212", "陇南市"), Region("62", "甘肃省"))


def names(text: str) -> list[str]:
    return [name for readings in parts(text) for name in chosen(readings, KNOWN.__contains__)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("武都区", ["武都区"], id="one"),
        pytest.param("甘肃省陇南市武都区、文县", ["甘肃省陇南市武都区", "文县"], id="a path and a name"),
        pytest.param("武都区，文县;康县\n", ["武都区", "文县", "康县"], id="every kind of comma"),
        pytest.param("武都区和文县", ["武都区", "文县"], id="joined by 和"),
        pytest.param("和平区", ["和平区"], id="和 in a name"),
        pytest.param("和平区和铁西区", ["和平区", "铁西区"], id="和 in both senses"),
        pytest.param(
            "武都区 文县 康县 和平区 铁西区 新城区",
            [*["武都区", "文县", "康县"], "平区", "铁西区", "新城区"],
            id="too many to try them all",
        ),
        pytest.param("甘肃省 陇南市 武都区", ["甘肃省陇南市武都区"], id="blanks in a path"),
        pytest.param("武都区 文县", ["武都区", "文县"], id="blanks in a list"),
        pytest.param("武都区大部、文县东部", ["武都区", "文县"], id="a part of a county"),
        pytest.param("武都区、文县等地", ["武都区", "文县"], id="and so on"),
        pytest.param("武都区部分乡镇", ["武都区"], id="some townships"),
        pytest.param("武都区和沿海", ["武都区", "沿海"], id="what is known is not lost"),
        pytest.param("和田以西", ["和田以西"], id="unknown and left whole"),
        pytest.param("新城区", ["新城区"], id="a name that ends like a part"),
        pytest.param("、、 ", [], id="nothing"),
        pytest.param("410000,410000", ["410000"], id="said twice"),
    ],
)
def test_a_list_is_taken_apart(text: str, found: list[str]) -> None:
    """By what certainly parts names; by what only may, if that gives names that are known."""
    assert names(text) == found


def test_a_list_has_an_end() -> None:
    """A hostile one of a million names costs no more than a long one; that there is more is not lost."""
    found = parts("、".join(f"第{n}村" for n in range(5000)))
    assert len(found) == MOST_NAMES + 1
    assert all("第100村、" in name and name.endswith("…") for reading in found[-1] for name in reading)
    assert len(parts("长" * 1_000_000)[0][0][0]) < 20_000


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("全区", "621202", id="its own"),
        pytest.param("全区各乡镇", "621202", id="all its townships"),
        pytest.param("全市", "6212", id="its city"),
        pytest.param("本省", "62", id="its province"),
        pytest.param("辖区", "621202", id="whatever it is"),
        pytest.param("全境", "621202", id="all of it"),
        pytest.param("全县", None, id="it is no county"),
        pytest.param("武都区", None, id="a name"),
    ],
)
def test_a_relative_word_means_the_issuers_own(text: str, code: str | None) -> None:
    """A county that says 全市 speaks of its city."""
    assert relative(text, WUDU) == code
    assert relative(text, ()) is None
