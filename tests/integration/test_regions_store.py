"""The divisions that come with warnd, in a store: all of them in, and padded codes led to their own."""

from __future__ import annotations

import lzma
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine

from warnd import resources
from warnd.errors import ConfigError, Invalid, NotFound
from warnd.model.region import Level, covers
from warnd.store import regions, tables

SHIPPED = resources.path("config", "cn-divisions-2023.csv.xz")
EVERYTHING = 665_276


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Connection]:
    engine = create_engine(f"sqlite:///{tmp_path}/warnd.db")
    tables.metadata.create_all(engine)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def test_the_whole_country_is_known(country: Connection) -> None:
    """Five levels, every one."""
    assert regions.count(country) == EVERYTHING
    assert regions.get(country, "621202").name == "武都区"
    with pytest.raises(NotFound):
        regions.get(country, "99")


def test_importing_again_changes_nothing(country: Connection) -> None:
    """So that an upgrade may always do it."""
    told: list[tuple[int, int]] = []
    done = regions.import_regions(country, SHIPPED, progress=lambda *progress: told.append(progress))
    assert done == regions.ImportedRegions(EVERYTHING, 0)
    assert told[-1] == (EVERYTHING, EVERYTHING)
    assert told == sorted(told)


def test_one_division_comes_with_what_is_above_it(empty: Connection) -> None:
    """A county needs no other county, but its full name needs the province."""
    done = regions.import_regions(empty, SHIPPED, under="621202")
    assert regions.count(empty) == done.offered == done.changed
    assert regions.full_name(empty, "621202") == "甘肃省陇南市武都区"
    assert regions.known(empty, ["62", "6212", "621202", "621221"]) == {"62", "6212", "621202"}
    for nothing in ("999", "99", "不"):
        with pytest.raises(NotFound):
            regions.import_regions(empty, SHIPPED, under=nothing)


@pytest.mark.parametrize("padded", ["621202000", "621202000000"])
def test_a_division_may_be_asked_for_with_its_padding(empty: Connection, padded: str) -> None:
    """As the statistics and most feeds write it."""
    done = regions.import_regions(empty, SHIPPED, under=padded)
    assert regions.count(empty) == done.offered
    assert regions.known(empty, ["6212", "621202", "621221"]) == {"6212", "621202"}


def test_a_renamed_division_gets_its_new_name(empty: Connection, tmp_path: Path) -> None:
    """Codes outlive names."""
    for name in ("旧县", "新区"):
        file = tmp_path / "divisions.csv.xz"
        file.write_bytes(lzma.compress(f"code,name\n62,{name}\n".encode()))
        regions.import_regions(empty, file)
    assert regions.get(empty, "62").name == "新区"


@pytest.mark.parametrize(
    "content", [b"not xz", lzma.compress(b"a,b\n1,2\n"), lzma.compress(b"code,name\n62\n")]
)
def test_another_file_is_refused(empty: Connection, tmp_path: Path, content: bytes) -> None:
    """By its name, as a fault of the configuration."""
    file = tmp_path / "divisions.csv.xz"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=r"divisions\.csv\.xz"):
        regions.import_regions(empty, file)


@pytest.mark.parametrize(
    ("raw", "meant"),
    [
        pytest.param("621202000000", "621202", id="twelve-digits-of-a-county"),
        pytest.param("370614000000", "370614", id="never-37061"),
        pytest.param("410000000000", "41", id="a-province"),
        pytest.param("441900", "4419", id="dongguan-has-no-counties"),
        pytest.param("441900000000", "4419", id="dongguan-padded"),
        pytest.param("442000", "4420", id="zhongshan-has-none-either"),
        pytest.param("460400", "4604", id="nor-danzhou"),
        pytest.param("441900003", "441900003", id="but-its-streets-hang-there"),
        pytest.param("620201", "620201", id="jiayuguans-one-county"),
        pytest.param("620200", "6202", id="jiayuguan-by-its-national-code"),
        pytest.param("500229", "500229", id="a-county-of-chongqing"),
        pytest.param("110101001", "110101001", id="ends-in-001-and-stays"),
        pytest.param("350527000000", "350527", id="a-county-that-pads-itself"),
        pytest.param("621202101200", "621202101200", id="a-village"),
        pytest.param(" 621202 ", "621202", id="blanks-around"),
    ],
)
def test_a_padded_code_finds_its_division(country: Connection, raw: str, meant: str) -> None:
    """The deepest that exists, and the city itself where the statistics invented a county for it."""
    assert regions.resolve(country, [raw]) == ([meant], [])


def test_dongguans_streets_lie_in_what_its_code_means(country: Connection) -> None:
    """Also for a group at the city and for one at the invented county."""
    (meant,), _ = regions.resolve(country, ["441900"])
    assert all(covers(meant, code) for code in ("4419", "441900", "441900003"))


def test_codes_are_taken_once_and_unknown_ones_told(country: Connection) -> None:
    """National messages repeat them; an unknown one must be looked at by a person."""
    raw = ["410000000000", "41", "410000000000", "621202", "999999", "62129", "x", "999999"]
    assert regions.resolve(country, raw) == (["41", "621202"], ["999999", "62129", "x"])


def test_a_division_of_a_body_must_exist(country: Connection) -> None:
    """A group at a misspelt code would never be told."""
    assert regions.division(country, "621202000000") == "621202"
    with pytest.raises(Invalid) as refused:
        regions.division(country, "621299")
    assert [fault.path for fault in refused.value.faults] == ["region"]


def test_a_full_name_leaves_out_what_nobody_says(country: Connection) -> None:
    """Prefectures that exist on paper only, and a city's name said twice."""
    said = regions.full_names(country, ["500229", "419001", "441900003", "110101001", "5002", "62", "99"])
    assert said == {
        "500229": "重庆市城口县",
        "419001": "河南省济源市",
        "441900003": "广东省东莞市东城街道",
        "110101001": "北京市东城区东华门街道",
        "5002": "重庆市县",
        "62": "甘肃省",
    }
    assert regions.full_name(country, "99") == "99"


def test_a_search_finds_by_name_the_widest_first(country: Connection) -> None:
    """Names are no keys: 城关镇 is there 88 times, so the page can go on."""
    assert regions.search(country, "武都").items[0].code == "621202"
    found: list[str] = []
    cursor = None
    while True:
        page = regions.search(country, "城关镇", level=Level.TOWNSHIP, limit=30, cursor=cursor)
        found += [region.code for region in page.items]
        if (cursor := page.next_cursor) is None:
            break
    assert len(found) == len(set(found)) >= 88
    assert found == sorted(found)


def test_a_search_by_digits_goes_by_code(country: Connection) -> None:
    """What one types of a code is its beginning."""
    assert [region.code for region in regions.search(country, "62120", limit=2).items] == [
        "621202",
        "621202001",
    ]


def test_browsing_goes_down_level_by_level(country: Connection) -> None:
    """From nothing to provinces, from a division to its children, from a village nowhere."""
    assert len(regions.search(country).items) == 31
    assert {region.code for region in regions.search(country, parent="6212").items} >= {"621202", "621221"}
    assert {region.level for region in regions.search(country, parent="6212").items} == {Level.COUNTY}
    assert regions.search(country, parent="621202101200").items == ()
    villages = regions.search(country, parent="621202", level=Level.VILLAGE, limit=10).items
    assert {region.level for region in villages} == {Level.VILLAGE}


def test_a_wildcard_is_only_a_character(country: Connection) -> None:
    """No search can be made to match everything."""
    assert regions.search(country, "%").items == ()
