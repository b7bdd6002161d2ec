"""Where an alert holds without codes: what context decides, what is refused, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest

from warnd.intake.placing import UNPLACED, Lookup, Placed, finest, gathered, looked_at, needs_place, place
from warnd.model.alert import Alert, AlertType, Area, Status, Text
from warnd.model.alert_body import ENDS
from warnd.model.division_names import Candidate
from warnd.model.region import Region

WUDU, WEN, CHENG = "621202", "621222", "621221"
TOWNS = ("120114110", "621202100", "621222100")
HOME = (Region(WUDU, "武都区"), Region("6212", "陇南市"), Region("62", "甘肃省"))
POLYGON = "33,104 33,105 34,105 33,104"


def candidates(*codes: str, by_path: bool = False) -> tuple[Candidate, ...]:
    return tuple(Candidate(code, f"全名{code}", by_path) for code in codes)


NAMED: Mapping[str, Sequence[Candidate]] = {
    "武都区": candidates(WUDU),
    "文县": candidates(WEN),
    "武都区城关镇": candidates("621202100", by_path=True),
    "城关镇": candidates(*TOWNS),
    "两水镇": candidates("621202103"),
}


def placed(*areas: Area, shaped: Mapping[int, Sequence[Region]] | None = None, **more: object) -> Placed:
    context = {key: more.pop(key) for key in ("beside", "source", "episode") if key in more}
    lookup = Lookup(dict(enumerate(areas)), NAMED, shaped or {}, **more)  # type: ignore[arg-type]
    return place(lookup, **context)  # type: ignore[arg-type]


def said(found: Placed) -> list[str]:
    return [one.code for one in (*found.findings, *found.doubts)]


# --- names ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "context", "regions"),
    [
        pytest.param("武都区", {}, (WUDU,), id="there once"),
        pytest.param("武都区、文县", {}, (WUDU, WEN), id="a list"),
        pytest.param("城关镇", {"home": HOME}, ("621202100",), id="the issuer's own"),
        pytest.param("城关镇", {"source": [WEN]}, ("621222100",), id="where the source may speak"),
        pytest.param("城关镇", {"episode": [WEN]}, ("621222100",), id="where the warning was before"),
        pytest.param("城关镇", {"beside": ["621202103"]}, ("621202100",), id="beside a sibling's code"),
        pytest.param("两水镇、城关镇", {}, ("621202103", "621202100"), id="beside a sibling's name"),
        pytest.param("城关镇、两水镇", {}, ("621202100", "621202103"), id="in whatever order"),
        pytest.param("城关镇", {"home": HOME[1:]}, (), id="two of the issuer's own city"),
        pytest.param("文县、城关镇", {"home": HOME[1:]}, (WEN,), id="a county beside is no parent"),
        pytest.param("全市", {"home": HOME}, ("6212",), id="the issuer's city"),
        pytest.param("全市", {}, (), id="of an unknown issuer"),
    ],
)
def test_a_name_is_placed_by_its_context_or_not_at_all(
    name: str, context: dict[str, object], regions: tuple[str, ...]
) -> None:
    """Nearest to the list, the issuer, the codes beside it, the source, the episode; never the first of many."""
    found = placed(Area(name), **context)
    assert found.regions == regions
    assert ("area_from_name" in said(found)) is bool(regions)


def test_an_ambiguous_name_is_a_doubt_that_names_its_candidates() -> None:
    """A person must decide, and needs the codes for it."""
    found = placed(Area("城关镇"))
    assert [one.code for one in found.doubts] == ["area_ambiguous"]
    assert all(code in found.doubts[0].message for code in TOWNS)


def test_an_ambiguous_name_keeps_nothing_waiting_that_is_certain() -> None:
    """Then it is a remark, which sounds an alarm."""
    for found in (placed(Area("城关镇"), Area("文县")), placed(Area("城关镇"), beside=["11"])):
        assert found.doubts == ()
        assert "area_ambiguous" in said(found)
    assert {"area_ambiguous", "area_name_unknown", "unknown_region"} <= UNPLACED


def test_a_name_that_is_none_is_said() -> None:
    """What is known of the list is warned all the same."""
    found = placed(Area("武都区、无名沟"))
    assert found.regions == (WUDU,)
    assert said(found) == ["area_from_name", "area_name_unknown"]
    assert "无名沟" in found.findings[1].message
    assert found.findings[1].about == "无名沟"


@pytest.mark.parametrize(
    ("code", "regions"),
    [
        pytest.param("621203", (WUDU,), id="a sibling's, as after renumbering"),
        pytest.param("621203000000", (WUDU,), id="padded"),
        pytest.param("620199", (), id="of another city"),
        pytest.param("621202999", (), id="of another level"),
    ],
)
def test_a_name_beside_an_unknown_code_must_be_of_a_sibling(code: str, regions: tuple[str, ...]) -> None:
    """The one 城关镇 of a small tree is not that of a county which is not in it."""
    found = placed(Area("武都区", (code,)))
    assert found.regions == regions
    assert "area_name_unknown" not in said(found)  # the code is reported by whoever knows codes


@pytest.mark.parametrize(
    ("name", "context", "regions"),
    [
        pytest.param("武都区", {}, (), id="nothing says in which city"),
        pytest.param("武都区", {"source": ["6212"]}, (WUDU,), id="the source speaks for its city only"),
        pytest.param("武都区", {"source": ["62"]}, (), id="the source speaks for a province"),
        pytest.param("两水镇", {"source": ["6212"]}, (), id="a township needs its county"),
        pytest.param("两水镇", {"home": HOME}, ("621202103",), id="which the issuer is"),
        pytest.param("武都区城关镇", {}, ("621202100",), id="or the path says"),
    ],
)
def test_in_a_part_of_the_tree_a_name_counts_only_with_its_parent(
    name: str, context: dict[str, object], regions: tuple[str, ...]
) -> None:
    """There once may be elsewhere in the country again."""
    found = placed(Area(name), whole=False, **context)
    assert found.regions == regions
    assert [one.code for one in found.doubts] == ([] if regions else ["area_ambiguous"])


def test_a_message_of_ten_thousand_names_is_not_looked_at_whole() -> None:
    """The store waits meanwhile; but that some were left out is said."""
    areas = {n: Area("、".join(f"{n}号{m}村" for m in range(80))) for n in range(50)}
    seen = looked_at(areas)
    assert sorted(seen) == [0, 1, 2]
    assert [one.code for one in place(Lookup(seen, more=47)).findings][-1] == "area_name_unknown"


# --- shapes -----------------------------------------------------------------------------------------

SHAPED = {0: (Region(WUDU, "甘肃省陇南市武都区"),)}


@pytest.mark.parametrize(
    ("name", "regions", "codes"),
    [
        pytest.param("", (WUDU,), ["area_from_shape"], id="no name"),
        pytest.param("某地", (WUDU,), ["area_from_shape"], id="an unknown name"),
        pytest.param("城关镇", (WUDU,), ["area_from_shape"], id="an ambiguous name"),
        pytest.param("文县", (WEN,), ["area_from_name"], id="a name that tells"),
        pytest.param(
            "文县、某地", (WEN, WUDU), ["area_from_name", "area_from_shape"], id="a name that tells a part"
        ),
    ],
)
def test_a_shape_is_asked_only_where_the_name_does_not_tell(
    name: str, regions: tuple[str, ...], codes: list[str]
) -> None:
    """Words are the issuer's; what a shape touches is reckoned."""
    found = placed(Area(name, polygons=(POLYGON,)), shaped=SHAPED, layer=True)
    assert (found.regions, said(found)) == (regions, codes)


@pytest.mark.parametrize(("layer", "code"), [(False, "no_boundaries"), (True, "shape_unplaced")])
def test_a_shape_that_is_placed_nowhere_is_said(layer: bool, code: str) -> None:
    """And whether a boundary layer is missing, which is the operator's to mend."""
    found = placed(Area("", circles=("33,104 5",)), layer=layer)
    assert (found.regions, said(found)) == ((), [code])
    assert code in UNPLACED


def test_of_a_layer_with_several_levels_the_finest_counts() -> None:
    """The province is touched by whatever touches its villages."""
    assert finest(["62", "6212", WUDU, WEN, "11"]) == {WUDU, WEN, "11"}


def test_all_children_are_their_parent() -> None:
    """Up to where one is missing."""
    children = {
        "62": frozenset({"6201", "6212"}),
        "6212": frozenset({WUDU, WEN}),
        "6201": frozenset({"620102"}),
    }
    assert gathered({WUDU, WEN}, children) == ("6212",)
    assert gathered({WUDU, WEN, "620102"}, children) == ("62",)
    assert gathered({WUDU, "620102"}, children) == ("6201", WUDU)
    assert gathered({WUDU}, {}) == (WUDU,)


@pytest.mark.parametrize(
    ("type_", "status", "parameters", "needs"),
    [
        pytest.param(AlertType.ALERT, Status.ACTUAL, {}, True, id="a warning"),
        pytest.param(AlertType.UPDATE, Status.EXERCISE, {}, True, id="a drill's update"),
        pytest.param(AlertType.CANCEL, Status.ACTUAL, {}, False, id="a cancel"),
        pytest.param(AlertType.UPDATE, Status.ACTUAL, {ENDS: "true"}, False, id="an end"),
        pytest.param(AlertType.ALERT, Status.DRAFT, {}, False, id="a draft"),
    ],
)
def test_only_what_warns_people_is_placed(
    type_: AlertType, status: Status, parameters: dict[str, str], needs: bool
) -> None:
    """An end reaches exactly those who were told, wherever they are."""
    when = datetime(2026, 7, 14, tzinfo=UTC)
    alert = Alert("A", "s", when, status, type_, "rainstorm", None, {"zh": Text()}, parameters=parameters)
    assert needs_place(alert) is needs
