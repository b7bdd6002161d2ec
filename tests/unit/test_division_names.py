"""What people call divisions: in full, in short, and as a path."""

from __future__ import annotations

import pytest

from warnd.model.division_names import endings, means, spellings

WUDU = ("甘肃省", "陇南市", "武都区")
TOWN = (*WUDU, "城关镇")


@pytest.mark.parametrize(
    ("text", "path", "said"),
    [
        pytest.param("武都区", WUDU, (1, 0), id="the name"),
        pytest.param("武都", WUDU, (1, 1), id="without its 区"),
        pytest.param("陇南市武都区", WUDU, (2, 0), id="with its city"),
        pytest.param("甘肃省陇南市武都区", WUDU, (3, 0), id="the whole path"),
        pytest.param("甘肃省武都区", WUDU, (2, 0), id="a level left out"),
        pytest.param("甘肃陇南武都", WUDU, (3, 3), id="all of it short"),
        pytest.param("成县武都区", WUDU, None, id="in another place"),
        pytest.param("区", WUDU, None, id="no name at all"),
        pytest.param("都区", WUDU, None, id="a part of the name"),
        pytest.param("陇南市", WUDU, None, id="the one above"),
        pytest.param("武都区城关镇", TOWN, (2, 0), id="a township of a county"),
        pytest.param("武都城关镇", TOWN, (2, 1), id="the county short"),
        pytest.param("城关", TOWN, None, id="a township is never shortened"),
        pytest.param("凉山州", ("四川省", "凉山彝族自治州"), (1, 1), id="an autonomous prefecture"),
        pytest.param("凉山", ("四川省", "凉山彝族自治州"), (1, 1), id="without its 州"),
        pytest.param("凉山县", ("四川省", "凉山彝族自治州"), None, id="which is no county"),
        pytest.param("内蒙古", ("内蒙古自治区",), (1, 1), id="an autonomous region"),
        pytest.param("新疆", ("新疆维吾尔自治区",), (1, 1), id="of a people without 族"),
        pytest.param(
            "积石山县", ("甘肃省", "临夏回族自治州", "积石山保安族东乡族撒拉族自治县"), (1, 1), id="of three"
        ),
        pytest.param(
            "东乡县", ("甘肃省", "临夏回族自治州", "东乡族自治县"), (1, 1), id="named by its people"
        ),
        pytest.param("黔东", ("贵州省", "黔东南苗族侗族自治州"), None, id="a part of a short name"),
        pytest.param(
            "两水镇两水村", (*WUDU, "两水镇", "两水村委会"), (2, 0), id="a village without its office"
        ),
        pytest.param("两水", (*WUDU, "两水镇", "两水村委会"), None, id="which is not shortened either"),
        pytest.param(
            "东城街道办事处", ("广东省", "东莞市", "东莞市", "东城街道"), (1, 0), id="with its office"
        ),
    ],
)
def test_what_a_text_says_of_a_division(text: str, path: tuple[str, ...], said: object) -> None:
    """How many names it says, and how many of them shortened; a path must lead there."""
    assert means(text, path, upper=len(path) <= 3) == said


def test_a_name_has_two_characters_and_several_spellings() -> None:
    """One character is found in every other text."""
    assert endings("武都区") == ("武都区", "都区")
    assert endings("县") == ()
    assert spellings("武都")[0] == "武都"
    assert {"武都区", "武都县", "武都市"} <= set(spellings("武都"))
