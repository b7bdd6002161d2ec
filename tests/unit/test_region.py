"""China's five-level codes: their levels, their order, and padded ones finding their own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warnd.model.region import WIDTHS, Level, Region, ancestors, candidates, covers, level_of

codes = st.sampled_from(WIDTHS).flatmap(lambda width: st.text("0123456789", min_size=width, max_size=width))


@pytest.mark.parametrize(
    ("code", "level"),
    [
        pytest.param("62", Level.PROVINCE, id="province"),
        pytest.param("6212", Level.PREFECTURE, id="prefecture"),
        pytest.param("621202", Level.COUNTY, id="county"),
        pytest.param("621202101", Level.TOWNSHIP, id="township"),
        pytest.param("621202101200", Level.VILLAGE, id="village, ending in zeros of its own"),
    ],
)
def test_a_code_says_its_level_by_its_width(code: str, level: Level) -> None:
    """Unpadded, so that nothing has to be guessed."""
    assert level_of(code) is Region(code, "").level is level


@pytest.mark.parametrize(
    "code", ["", "6", "621", "62120", "6212021", "62120210120", "6212021012001", "62a2", "６２"]
)
def test_other_widths_and_characters_are_no_codes(code: str) -> None:
    """Full-width digits are digits to Python and not to GB/T 2260."""
    with pytest.raises(ValueError, match="division code"):
        level_of(code)


@given(codes)
def test_every_ancestor_covers_and_nothing_below_does(code: str) -> None:
    """Lying in a region is starting with its code."""
    assert all(covers(above, code) for above in ancestors(code))
    assert covers(code, code)
    assert not any(covers(code, above) for above in ancestors(code))
    assert [len(above) for above in ancestors(code)] == [width for width in WIDTHS if width < len(code)]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param("370614000000", ("370614000000", "370614000", "370614"), id="only whole levels are taken off"),
        pytest.param("460400000000", ("460400000000", "460400000", "460400", "4604"), id="Danzhou, a prefecture"),
        pytest.param("620000000000", ("620000000000", "620000000", "620000", "6200", "62"), id="a province"),
        pytest.param("621202", ("621202",), id="nothing to take off"),
        pytest.param("6212020000", ("621202000", "621202"), id="an odd width"),
        pytest.param("621202101201", ("621202101201",), id="a village"),
        pytest.param("62120210120100", (), id="too long"),
        pytest.param("6", (), id="too short"),
        pytest.param("62x202", (), id="no digits"),
    ],
)  # fmt: skip
def test_what_a_padded_code_can_mean(code: str, expected: tuple[str, ...]) -> None:
    """Deepest first; the tree says which one it is, for zeros belong to some codes."""
    assert candidates(code) == expected


@given(codes)
def test_padding_never_hides_the_code(code: str) -> None:
    """However many zeros are put behind it, it is among what it can mean."""
    for width in range(len(code), 13):
        assert code in candidates(code.ljust(width, "0"))
