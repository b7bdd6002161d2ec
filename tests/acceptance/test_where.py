"""A warning that says where by a polygon alone, through a real daemon to the gateway; and one that nobody can place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.acceptance.site import Site, gateway, until

PEOPLE = 30
SQUARE = [[104, 33], [105, 33], [105, 34], [104, 34], [104, 33]]
INSIDE = "33.2,104.2 33.2,104.8 33.8,104.8 33.8,104.2 33.2,104.2"


def test_a_polygon_reaches_the_people_of_its_county(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everyone there once; what lies elsewhere or in no layer reaches nobody and alarms."""
    counties = tmp_path / "counties.geojson"
    square = {"type": "Polygon", "coordinates": [SQUARE]}
    feature = {"type": "Feature", "properties": {"code": "621202000000"}, "geometry": square}
    counties.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    monkeypatch.setenv("WARND_REGIONS__BOUNDARIES", str(counties))
    with gateway() as sms:
        site = Site(tmp_path, sms)
        site.prepare(PEOPLE)
        site.start()
        told = site.push(areas=[{"polygons": [INSIDE]}])
        until(lambda: site.settled(told["id"]), "everyone is told")
        assert [one["code"] for one in told["warnings"]] == ["area_from_shape"]
        assert site.alarms() == {}
        lost = site.push(areas=[{"circles": ["50,120 5"]}], identifier="62120241600000_20991231235959")
        until(lambda: {"area_unknown", "alert_quarantined"} <= site.alarms().keys(), "a person is called")
        assert site.stop() == 0

        assert sorted(sms.numbers().values()) == [1] * PEOPLE
        assert (lost["state"], site.states(lost["id"])) == ("quarantined", {})
