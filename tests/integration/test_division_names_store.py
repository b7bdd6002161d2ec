"""Names against the divisions that come with warnd: found, shared by many, or nobody's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection

from warnd.model.division_names import FICTIONS, means
from warnd.model.region import Level, Region
from warnd.store import division_names, regions


def everything(country: Connection, level: Level) -> Iterator[Region]:
    cursor = None
    while True:
        page = regions.search(country, level=level, limit=1000, cursor=cursor)
        yield from page.items
        if (cursor := page.next_cursor) is None:
            return


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        pytest.param("武都区", ["621202"], id="a county"),
        pytest.param("武都", ["621202"], id="short"),
        pytest.param("甘肃省陇南市武都区", ["621202"], id="its whole path"),
        pytest.param("甘肃陇南武都", ["621202"], id="all short"),
        pytest.param("武都区城关镇", ["621202100"], id="a township by its county"),
        pytest.param("两水镇两水村", ["621202103207"], id="a village"),
        pytest.param("凉山州", ["5134"], id="an autonomous prefecture"),
        pytest.param("内蒙古", ["15"], id="an autonomous region"),
        pytest.param("积石山县", ["622927"], id="an autonomous county"),
        pytest.param("东莞市", ["4419"], id="a city without counties is one place"),
        pytest.param("嘉峪关市", ["6202"], id="and so is this"),
        pytest.param("北京", ["11"], id="a municipality"),
        pytest.param("海淀", ["110108"], id="one of its districts"),
        pytest.param("济源市", ["419001"], id="a county below a fiction"),
        pytest.param("临夏", ["6229", "622901", "622921"], id="a prefecture, a city and a county"),
        pytest.param("临夏县", ["622921"], id="in full it is one of them"),
        pytest.param("吉林", ["22", "2202"], id="a province and a city"),
        pytest.param("朝阳区", ["110105", "220104"], id="of Beijing, and of Changchun"),
        pytest.param("北京市朝阳区", ["110105"], id="with its city"),
        pytest.param("西安", ["231005", "220403", "6101"], id="a provincial capital and two districts"),
        pytest.param("市辖区", [], id="a fiction"),
        pytest.param("沿海地区", [], id="nobody's name"),
        pytest.param("Wudu District", [], id="in English"),
    ],
)
def test_a_name_finds_every_division_it_may_mean(country: Connection, text: str, codes: list[str]) -> None:
    """One in full leaves no room for shortened ones."""
    found = division_names.named(country, [text]).get(text, ())
    assert {one.code for one in found} == set(codes)


def test_names_are_no_keys(country: Connection) -> None:
    """88 divisions have this one; each comes with what it lies in."""
    found = division_names.named(country, ["城关镇"])["城关镇"]
    assert len(found) == 88
    assert ("621202100", "甘肃省陇南市武都区城关镇") in {(one.code, one.full_name) for one in found}


def test_every_autonomous_division_has_a_short_name(country: Connection) -> None:
    """凉山州 and the like are how people and issuers say them."""
    upper = {one.name for level in list(Level)[:3] for one in everything(country, level)}
    autonomous = [name for name in upper - FICTIONS if "自治" in name]
    assert len(autonomous) > 150
    for name in autonomous:
        assert any(means(name[:end], [name], upper=True) == (1, 1) for end in range(2, len(name) - 2)), name


def test_children_are_found_without_reading_what_lies_below(country: Connection) -> None:
    """By leaps from one to the next; of the whole country as of one city."""
    found = division_names.children(country, ["62", "6212", "4419", "621202103207"])
    assert found["6212"] == {f"6212{n}" for n in ("02", *range(21, 29))}
    assert (len(found["62"]), found["4419"], found["621202103207"]) == (14, {"441900"}, frozenset())


def test_an_issuers_own_divisions(country: Connection) -> None:
    """By the digits with which its identifiers begin, which are padded."""
    assert [one.name for one in division_names.lineage(country, "621200")] == ["陇南市", "甘肃省"]
    assert division_names.lineage(country, "999999") == ()
    assert division_names.is_whole(country)
