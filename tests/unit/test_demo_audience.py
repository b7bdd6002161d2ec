"""The demo's audience: every division has its group, nobody in it exists, and it is as untidy as a real one."""

from __future__ import annotations

from collections import Counter

import pytest

from warnd.audience.addresses import normalise
from warnd.demo.audience import Audience, build, place
from warnd.model.audience import AudienceClass
from warnd.model.region import Region

COUNTIES = [Region("621202", "武都区"), Region("621221", "成县")]
TOWNSHIPS = [Region(f"{county.code}{n}", f"{n}镇") for county in COUNTIES for n in (100, 101)]
VILLAGES = [Region(f"{town.code}{n}", f"{n}村村委会") for town in TOWNSHIPS for n in range(200, 300)]


@pytest.fixture(scope="module")
def audience() -> Audience:
    return build([Region("6212", "陇南市"), *COUNTIES, *TOWNSHIPS, *VILLAGES])


def test_every_county_township_and_village_has_a_group(audience: Audience) -> None:
    """A group at each division below the prefecture, so that a warning for any of them finds somebody."""
    anchored = {group.region for row in audience.rows for group in row.groups or ()}
    assert anchored == {region.code for region in (*COUNTIES, *TOWNSHIPS, *VILLAGES)}


def test_the_same_divisions_have_the_same_audience(audience: Audience) -> None:
    """No dice: two demos can be compared."""
    assert build([*COUNTIES, *TOWNSHIPS, *VILLAGES]).rows == audience.rows


def test_addresses_are_made_up_and_normal(audience: Audience) -> None:
    """Numbers that no carrier has, mailboxes of an example domain, all as the store would keep them."""
    for row in audience.rows:
        if row.endpoint is not None:
            channel, address = row.endpoint
            assert normalise(channel, address) == address
            assert channel != "sms" or address.startswith("+86154")
            assert channel != "email" or address.endswith("@example.com")


def test_some_are_in_two_groups(audience: Audience) -> None:
    """And are told once for both reasons."""
    assert any(len(row.groups or ()) == 2 for row in audience.rows)


def test_some_numbers_belong_to_two_posts(audience: Audience) -> None:
    """And get one message."""
    behind = Counter(row.endpoint for row in audience.rows if row.endpoint is not None)
    assert max(behind.values()) == 2


def test_each_county_has_a_post_that_nobody_can_reach(audience: Audience) -> None:
    """It shows up in the coverage."""
    assert [row.region for row in audience.rows if row.endpoint is None] == ["621202", "621221"]


def test_what_the_file_cannot_say_is_about_addresses_and_groups_of_the_file(audience: Audience) -> None:
    """Suspended and unknown addresses, and groups for other hazards, are all among the rows."""
    addresses = {row.endpoint for row in audience.rows}
    groups = {group for row in audience.rows for group in row.groups or ()}
    assert audience.suspended
    assert audience.suspended <= addresses
    assert audience.gone.keys() == {"sms", "wechat"}
    assert all((channel, one) in addresses for channel, gone in audience.gone.items() for one in gone)
    assert set(audience.only) < groups


def test_every_audience_class_is_there(audience: Audience) -> None:
    assert {row.audience for row in audience.rows} == set(AudienceClass)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("钟楼滩社区居委会", "钟楼滩社区", id="a residents' committee for short"),
        pytest.param("灰崖子社区居民委员会", "灰崖子社区", id="a residents' committee in full"),
        pytest.param("柳树村村民委员会", "柳树村", id="a villagers' committee in full"),
        pytest.param("张底下村委会", "张底下村", id="a villagers' committee for short"),
        pytest.param("北街", "北街", id="no committee"),
    ],
)
def test_posts_are_named_after_the_place_and_not_its_committee(name: str, said: str) -> None:
    assert place(Region("621202001001", name)) == said
