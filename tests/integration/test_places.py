"""Warnings without division codes from the door to the alarm: placed by names and shapes, or loudly not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from tests.integration.conftest import CONFIG, NOW
from tests.integration.door import RED, Door
from warnd.api import build
from warnd.app import App
from warnd.cli import checks
from warnd.cli.checks import Health
from warnd.errors import ConfigError
from warnd.resources import config_dir
from warnd.settings import load
from warnd.store import keys, regions
from warnd.store.database import engine_over, open_reader, open_writer, upgrade
from warnd.store.keys import Role

WUDU, CHENG, WEN = "621202", "621221", "621222"
LONGNAN = [WUDU, CHENG, WEN, *(f"6212{n}" for n in range(23, 29))]
IN_WUDU = "33.2,104.2 33.2,104.8 33.8,104.8 33.8,104.2 33.2,104.2"


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the divisions of Longnan (6212); to be copied, not used."""
    path = tmp_path_factory.mktemp("city") / "warnd.db"
    raw = open_writer(path)
    connection = engine_over(raw).connect()
    upgrade(connection)
    regions.import_regions(connection, config_dir() / "cn-divisions-2023.csv.xz", under="6212")
    connection.close()
    raw.close()
    return path


@pytest.fixture
def boundaries(tmp_path: Path) -> Path:
    """Real counties of Longnan in made-up squares of one degree, side by side, and one that is not in the tree."""
    path = tmp_path / "counties.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": {"adcode": int(code)}, "geometry": {"type": "Polygon", "coordinates": [
            [[104 + n, 33], [105 + n, 33], [105 + n, 34], [104 + n, 34], [104 + n, 33]]]}}
        for n, code in enumerate([*LONGNAN, "620102"])
    ]}))  # fmt: skip
    return path


@pytest.fixture
async def doors(tmp_path: Path, city: Path) -> AsyncIterator[Any]:
    """Makes the API of an application over ``city``, with a boundary layer or without."""
    async with AsyncExitStack() as stack:

        async def opened(layer: Path | None) -> Door:
            shutil.copy(city, tmp_path / "warnd.db")
            config = tmp_path / "warnd.toml"
            more = f'[regions]\nboundaries = "{layer}"\n' if layer else ""
            config.write_text(CONFIG.format(store=f"sqlite:///{tmp_path}/warnd.db") + more)
            app = App(load(config, {}), wall=lambda: NOW)
            await app.open()
            stack.push_async_callback(app.close)
            client = await stack.enter_async_context(TestClient(TestServer(build(app))))
            texts = {}
            for role in Role:
                source = "weather" if role is Role.FEED else None
                texts[role.value], _ = await app.store.record(
                    keys.create_key, role.value, role, source=source, id=app.new_id(), now=NOW
                )
            return Door(app, client, texts)

        yield opened


@pytest.fixture
async def mapped(doors: Any, boundaries: Path) -> Door:
    made: Door = await doors(boundaries)
    return made


def red(*areas: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return RED | {"areas": list(areas)} | changes


async def placed(door: Door, body: dict[str, Any]) -> tuple[str, list[str], set[str]]:
    """State, divisions and findings of a warning that is taken in."""
    status, answer = await door.ask("POST", "alerts", role="feed", json=body)
    assert status == 202, answer
    _, shown = await door.ask("GET", f"alerts/{answer['id']}", role="viewer")
    assert shown["message"]["areas"][0].get("regions", []) == body["areas"][0].get("regions", [])
    return (
        answer["state"],
        sorted(one["code"] for one in shown["regions"]),
        {one["code"] for one in answer["warnings"]},
    )


async def alarms(door: Door) -> dict[str, str]:
    await door.app.alarms.settle()
    _, body = await door.ask("GET", "alarms", role="viewer")
    return {one["kind"]: one["message"] for one in body["items"]}


@pytest.mark.parametrize(
    ("area", "codes", "how"),
    [
        pytest.param({"name": "武都区"}, [WUDU], "area_from_name", id="a name"),
        pytest.param({"name": "陇南市武都区、文县"}, [WUDU, WEN], "area_from_name", id="two names"),
        pytest.param({"name": "两水镇"}, ["621202103"], "area_from_name", id="the issuer's township"),
        pytest.param({"name": "全市"}, ["6212"], "area_from_name", id="the issuer's city"),
        pytest.param({"name": "武都", "regions": ["621299"]}, [WUDU], "area_from_name", id="a code of long ago"),
        pytest.param({"polygons": [IN_WUDU]}, [WUDU], "area_from_shape", id="a polygon"),
        pytest.param({"name": "某地", "circles": ["33.5,105.0 20"]}, [WUDU, CHENG], "area_from_shape", id="a circle"),
        pytest.param({"circles": ["33.5,108.5 600"]}, LONGNAN, "area_from_shape", id="every county of a part of the tree"),
        pytest.param({"name": "文县", "regions": [WUDU], "polygons": [IN_WUDU]}, [WUDU], None, id="a code stands"),
    ],
)  # fmt: skip
async def test_a_warning_is_placed_and_says_how(
    mapped: Door, area: dict[str, Any], codes: list[str], how: str | None
) -> None:
    """It is released like any other; what it says of its areas stays as issued."""
    state, found, findings = await placed(mapped, red(area))
    assert (state, found) == ("released", codes)
    assert {"area_from_name", "area_from_shape"} & findings == ({how} if how else set())


async def test_a_dry_run_counts_those_whom_a_polygon_reaches(mapped: Door) -> None:
    """By the very same way, with nothing kept."""
    await mapped.settle_in(3)
    body = red({"polygons": [IN_WUDU]})
    _, answer = await mapped.ask("POST", "alerts?dry_run=true", role="feed", json=body)
    assert (answer["state"], answer["targeted"]) == ("released", 3)
    assert [one["code"] for one in answer["warnings"]] == ["area_from_shape"]
    elsewhere = red({"polygons": [IN_WUDU.replace(",104", ",106")]})
    _, answer = await mapped.ask("POST", "alerts?dry_run=true", role="feed", json=elsewhere)
    assert (answer["targeted"], answer["by_reason"]) == (0, {"nobody_there": 1})


@pytest.mark.parametrize(
    ("area", "finding", "word"),
    [
        pytest.param({"regions": ["621299"]}, "unknown_region", "621299", id="an unknown code"),
        pytest.param({"name": "无名沟"}, "area_name_unknown", "无名沟", id="an unknown name"),
        pytest.param({"name": "桥头镇"}, "area_ambiguous", "may be", id="an ambiguous name"),
        pytest.param({"polygons": [IN_WUDU]}, "no_boundaries", "regions.boundaries", id="a polygon, no layer"),
        pytest.param({"circles": ["33,104 5"]}, "no_boundaries", "regions.boundaries", id="a circle, no layer"),
    ],
)  # fmt: skip
async def test_what_is_placed_nowhere_is_quarantined_with_an_alarm(
    doors: Any, area: dict[str, Any], finding: str, word: str
) -> None:
    """Which names what could not be placed; never silence."""
    door = await doors(None)
    state, codes, findings = await placed(door, red(area))
    assert (state, codes) == ("quarantined", [])
    assert {finding, "area_unresolved", "source_region"} <= findings
    sounded = await alarms(door)
    assert {"area_unknown", "alert_quarantined"} <= set(sounded)
    assert word in sounded["area_unknown"]


async def test_the_rest_is_warned_when_a_part_is_placed_nowhere(doors: Any) -> None:
    """And the alarm tells a person of that part."""
    door = await doors(None)
    areas = {"regions": [WUDU]}, {"name": "桥头镇"}, {"polygons": [IN_WUDU]}, {"name": "无名沟"}
    state, codes, findings = await placed(door, red(*areas))
    assert (state, codes) == ("released", [WUDU])
    assert {"area_ambiguous", "no_boundaries", "area_name_unknown"} <= findings
    assert "无名沟" in (await alarms(door))["area_unknown"]
    _, listed = await door.ask("GET", "alarms", role="viewer")
    [facts] = [one["facts"] for one in listed["items"] if one["kind"] == "area_unknown"]
    named = {one["code"]: one.get("about", "").partition(" ")[0] for one in facts["findings"]}
    assert named == {"area_ambiguous": "桥头镇", "area_name_unknown": "无名沟", "no_boundaries": ""}


async def test_a_place_without_any_subscriber_is_an_alarm(mapped: Door) -> None:
    """The warning is in force there; somebody must telephone."""
    _, answer = await mapped.ask("POST", "alerts", role="feed", json=red({"name": "文县"}))
    await mapped.app.broadcaster.broadcast(answer["id"])
    assert {"nobody_matched", "nobody_told"} <= set(await alarms(mapped))


async def test_a_name_may_not_reach_beyond_its_source(mapped: Door) -> None:
    """What is placed by name is held against the source as codes are."""
    mapped.app.speakers["weather"] = type(mapped.app.speakers["weather"])("weather", regions=(WUDU,))
    state, _, findings = await placed(mapped, red({"name": "文县"}, sender="62122241600000"))
    assert (state, "source_region" in findings) == ("quarantined", True)


async def test_an_update_that_names_a_township_means_one_of_the_warned_county(mapped: Door) -> None:
    """What its episode warns decides between equal names."""
    first = red({"regions": [WEN]}, sender="weather.example", identifier="A")
    await placed(mapped, first)
    update = red(
        {"name": "城关镇"}, sender="weather.example", identifier="B", type="update",
        references=[{"sender": "weather.example", "identifier": "A", "sent": None}],
    )  # fmt: skip
    assert (await placed(mapped, update))[:2] == ("released", ["621222100"])


async def test_an_end_is_not_placed_and_needs_no_place(mapped: Door) -> None:
    """It reaches those who were told; an unknown name in it troubles nobody."""
    await placed(mapped, red({"regions": [WUDU]}))
    end = red(
        {"name": "无名沟"}, type="cancel", identifier="62120241600000_20260714090000",
        references=[{"sender": RED["sender"], "identifier": RED["identifier"], "sent": None}],
    )  # fmt: skip
    state, codes, findings = await placed(mapped, end)
    assert (state, codes, findings) == ("released", [WUDU], set())
    assert await alarms(mapped) == {}


# --- asking -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "codes", "findings"),
    [
        pytest.param({"name": "武都区城关镇"}, ["621202100"], ["area_from_name"], id="a name"),
        pytest.param(
            {"name": "城关镇", "sender": "62122241600000"}, ["621222100"], ["area_from_name"], id="a sender"
        ),
        pytest.param({"name": "621202000000 999999"}, [WUDU], ["unknown_region"], id="codes"),
        pytest.param({"polygon": IN_WUDU}, [WUDU], ["area_from_shape"], id="a polygon"),
        pytest.param({"circle": "33.5,105.0 20"}, [WUDU, CHENG], ["area_from_shape"], id="a circle"),
        pytest.param({"circle": "10,10 1"}, [], ["shape_unplaced"], id="far away"),
    ],
)
async def test_the_api_says_what_a_place_would_mean(
    mapped: Door, query: dict[str, str], codes: list[str], findings: list[str]
) -> None:
    """Without any warning, so that an operator can try."""
    status, answer = await mapped.ask("GET", "regions/resolve", role="viewer", params=query)
    assert status == 200
    assert [one["code"] for one in answer["regions"]] == codes
    assert [one["code"] for one in answer["findings"]] == findings


@pytest.mark.parametrize("query", [{}, {"polygon": "33,104"}, {"circle": "33,104"}, {"sender": "x"}])
async def test_the_api_refuses_what_is_no_place(mapped: Door, query: dict[str, str]) -> None:
    """By the parameter at fault."""
    status, answer = await mapped.ask("GET", "regions/resolve", role="viewer", params=query)
    assert (status, len(answer["errors"])) == (422, 1)


# --- the layer --------------------------------------------------------------------------------------


async def test_a_layer_that_cannot_be_read_stops_the_start(doors: Any, tmp_path: Path) -> None:
    """Not the first warning that needs it."""
    door = await doors(tmp_path / "missing.geojson")
    with pytest.raises(ConfigError, match=r"regions\.boundaries"):
        await door.app.places.load()


@pytest.mark.parametrize(
    ("content", "health", "said"),
    [
        pytest.param(None, Health.ATTENTION, "9 of 10 features", id="one is unknown"),
        pytest.param("{}", Health.FAILED, "FeatureCollection", id="another file"),
        pytest.param(
            '{"features": [{"properties": {"code": "99"}, "geometry": {"type": "Point", "coordinates": [1, 2]}}]}',
            Health.FAILED, "unknown are 99", id="of another country",
        ),
    ],
)  # fmt: skip
def test_doctor_looks_into_the_layer(
    city: Path, boundaries: Path, content: str | None, health: Health, said: str
) -> None:
    """How many of its features can ever be found."""
    if content is not None:
        boundaries.write_text(content)
    with closing(open_reader(city)) as raw, engine_over(raw).connect() as connection:
        finding = checks.boundaries(connection, boundaries, None)
    assert (finding.check, finding.health) == ("boundaries", health)
    assert said in finding.message
