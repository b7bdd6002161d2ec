"""The schemes of CAP's geocodes: which are China's division codes, which lead to one, which are certainly none."""

from __future__ import annotations

import re

from warnd.model.region import candidates

_OTHERS = re.compile(
    r"same|fips|ugc|emma|nuts|warncell|iso\b|cap-cp|^layer:|zip|post|aemet|clc|sgc|iata|icao|exclude|area_?id|^http",
    re.IGNORECASE,
)
"""
Names of geocodes that are certainly not China's division codes, though their values may be digits too. Any other
name may be of one: CPEAS Geographic Code, China_Administrative_Code, adcode …
"""

_ISO = re.compile(r"iso.?3166", re.IGNORECASE)
_ISO_PROVINCES = {
    "BJ": "11", "TJ": "12", "HE": "13", "SX": "14", "NM": "15", "LN": "21", "JL": "22", "HL": "23",
    "SH": "31", "JS": "32", "ZJ": "33", "AH": "34", "FJ": "35", "JX": "36", "SD": "37", "HA": "41",
    "HB": "42", "HN": "43", "GD": "44", "GX": "45", "HI": "46", "CQ": "50", "SC": "51", "GZ": "52",
    "YN": "53", "XZ": "54", "SN": "61", "GS": "62", "QH": "63", "NX": "64", "XJ": "65", "TW": "71",
}  # fmt: skip
"""ISO 3166-2:CN. Until 2017 the standard had the digits of GB/T 2260 themselves: CN-62."""


def division_code(scheme: str, value: str) -> str | None:
    """The division code, maybe padded, that a geocode gives; None if it gives none."""
    if _ISO.search(scheme):
        country, _, part = value.upper().partition("-")
        if country != "CN":
            return None
        return part if part in _ISO_PROVINCES.values() else _ISO_PROVINCES.get(part)
    return value if _OTHERS.search(scheme) is None and candidates(value) else None
