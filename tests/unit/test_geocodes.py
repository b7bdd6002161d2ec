"""The schemes of geocodes: whose values are China's division codes."""

from __future__ import annotations

import pytest

from warnd.intake.geocodes import division_code


@pytest.mark.parametrize(
    ("scheme", "value", "code"),
    [
        pytest.param("CPEAS Geographic Code", "370614000000", "370614000000", id="CMA's"),
        pytest.param("China_Administrative_Code", "621202", "621202", id="by its name"),
        pytest.param("adcode", "621202", "621202", id="map services'"),
        pytest.param("", "410000000000", "410000000000", id="the national format names none"),
        pytest.param("ISO 3166-2", "CN-GS", "62", id="ISO by letters"),
        pytest.param("ISO3166-2", "cn-62", "62", id="ISO by digits, as before 2017"),
        pytest.param("ISO 3166-2", "CN-99", None, id="ISO, no province"),
        pytest.param("ISO 3166-2", "US-62", None, id="ISO, another country"),
        pytest.param("ISO 3166-1", "62", None, id="ISO, a country's number"),
        pytest.param("SAME", "051013", None, id="the US's"),
        pytest.param("EMMA_ID", "621202", None, id="Europe's"),
        pytest.param("EXCLUDE_POLYGON", "51", None, id="DWD's holes are no Sichuan"),
        pytest.param("areaid", "101160204", None, id="weather.com.cn's own"),
        pytest.param("CPEAS Geographic Code", "none", None, id="no digits"),
    ],
)
def test_a_geocode_gives_a_division_code_or_none(scheme: str, value: str, code: str | None) -> None:
    """Digits alone do not make one."""
    assert division_code(scheme, value) == code
