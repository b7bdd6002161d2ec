"""Which subscriptions an alert reaches, which apply, and why the others do not."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warnd.model.audience import AudienceClass, Relation, Subscription
from warnd.model.color import Color
from warnd.model.delivery import Why
from warnd.model.region import WIDTHS, covers, level_of
from warnd.pipeline.match import COVERING_DEFAULT, AudienceIndex, Matched, match

PROVINCE, PREFECTURE, COUNTY, TOWN, VILLAGE = "62", "6212", "621202", "621202101", "621202101200"


def subscription(region: str, id: str = "S", **rule: object) -> Subscription:
    return Subscription(id, f"G{region}", region, AudienceClass.RESPONSIBLE, **rule)  # type: ignore[arg-type]


def matched(*rules: Subscription, to: str | list[str] = COUNTY, color: Color = Color.RED,
            hazard: str = "rainstorm") -> Matched:  # fmt: skip
    index = AudienceIndex.of(rules, {one.group_id: 3 for one in rules})
    return match([to] if isinstance(to, str) else to, hazard, color, index)


@pytest.mark.parametrize(
    ("group", "alert", "relation"),
    [
        pytest.param(COUNTY, COUNTY, Relation.WITHIN, id="the same region lies within"),
        pytest.param(VILLAGE, COUNTY, Relation.WITHIN, id="a village of the county lies within"),
        pytest.param(PROVINCE, COUNTY, Relation.COVERING, id="the province covers"),
        pytest.param("621203", COUNTY, None, id="the next county is not reached"),
        pytest.param("6203", PREFECTURE, None, id="nor the next prefecture"),
        pytest.param("621202102", TOWN, None, id="nor the next township"),
    ],
)
def test_how_a_group_lies_to_the_area(group: str, alert: str, relation: Relation | None) -> None:
    """Within or covering, never both."""
    found = [
        one.relation for reached in matched(subscription(group), to=alert).groups.values() for one in reached
    ]
    assert found == ([relation] if relation else [])


@pytest.mark.parametrize(
    ("group", "least"),
    [
        pytest.param(PROVINCE, Color.RED, id="the province from red"),
        pytest.param(PREFECTURE, Color.ORANGE, id="the prefecture from orange"),
        pytest.param(COUNTY, Color.BLUE, id="the county from any"),
        pytest.param(TOWN, Color.BLUE, id="the township from any"),
    ],
)
@pytest.mark.parametrize("color", Color, ids=lambda color: color.value)
def test_who_covers_hears_by_its_level(group: str, least: Color, color: Color) -> None:
    """One village's blue does not wake the province."""
    (reached,) = matched(subscription(group), to=VILLAGE, color=color).groups[f"G{group}"]
    assert reached.why is (None if color >= least else Why.BELOW_COLOR)


def test_a_subscription_may_say_its_own_covering_color() -> None:
    """Lower than the level's default, too; but never below its own least color."""
    rule = subscription(PROVINCE, covering_min_color=Color.BLUE)
    assert matched(rule, to=VILLAGE, color=Color.BLUE).groups["G62"][0].why is None
    both = subscription(PROVINCE, covering_min_color=Color.BLUE, min_color=Color.YELLOW)
    assert matched(both, to=VILLAGE, color=Color.BLUE).groups["G62"][0].why is Why.BELOW_COLOR


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        pytest.param({}, None, id="everything"),
        pytest.param({"hazards": frozenset({"rainstorm"})}, None, id="this hazard"),
        pytest.param({"hazards": frozenset({"drought"})}, Why.HAZARD_NOT_SUBSCRIBED, id="another hazard"),
        pytest.param({"min_color": Color.YELLOW}, None, id="from this color up"),
        pytest.param({"min_color": Color.RED}, Why.BELOW_COLOR, id="from a higher color up"),
    ],
)
def test_a_rule_that_does_not_apply_says_why(rule: dict[str, Any], why: Why | None) -> None:
    """ "Who was not told, and why" is a query: so the rule is reached all the same."""
    (reached,) = matched(subscription(COUNTY, **rule), color=Color.YELLOW).groups[f"G{COUNTY}"]
    assert reached.why is why


@pytest.mark.parametrize(
    ("relation", "within", "covering"),
    [
        pytest.param(Relation.BOTH, True, True, id="both"),
        pytest.param(Relation.WITHIN, True, False, id="within only"),
        pytest.param(Relation.COVERING, False, True, id="covering only"),
    ],
)
def test_a_rule_is_for_its_relation(relation: Relation, within: bool, covering: bool) -> None:
    """One that is for the other relation is not reached at all."""
    rule = subscription(COUNTY, relation=relation)
    assert bool(matched(rule, to=PREFECTURE).groups) is within
    assert bool(matched(rule, to=VILLAGE).groups) is covering


def test_rules_that_apply_come_first() -> None:
    """The first one's language is the group's."""
    rules = subscription(COUNTY, "A", min_color=Color.RED), subscription(COUNTY, "B", language="ug")
    (reached,) = matched(*rules, color=Color.BLUE).groups.values()
    assert [(one.subscription.id, one.why) for one in reached] == [("B", None), ("A", Why.BELOW_COLOR)]


def test_regions_that_overlap_reach_a_rule_once_for_each_relation() -> None:
    """A county and one of its villages may be named together."""
    found = matched(subscription(TOWN), to=[COUNTY, TOWN, VILLAGE, "621202101201"])
    assert [one.relation for one in found.groups[f"G{TOWN}"]] == [Relation.WITHIN, Relation.COVERING]
    assert found.members == 3


def test_a_region_without_any_group_is_said_to_be_empty() -> None:
    """Nobody there is a gap, not silence."""
    found = matched(subscription(TOWN), to=[TOWN, "621203", "45"])
    assert found.empty == ("621203", "45")
    assert matched(to=[]).groups == {}


codes = st.sampled_from(WIDTHS).flatmap(lambda width: st.text("12", min_size=width, max_size=width))


@given(st.lists(codes, min_size=1, max_size=30, unique=True), st.lists(codes, min_size=1, max_size=4))
def test_the_index_finds_what_comparing_each_with_each_finds(groups: list[str], regions: list[str]) -> None:
    """Bisecting sorted codes is no more and no less than asking ``covers`` of every pair."""
    found = matched(*(subscription(code, code) for code in groups), to=regions)
    wanted = {code for code in groups for region in regions if covers(region, code) or covers(code, region)}
    assert set(found.groups) == {f"G{code}" for code in wanted}


@st.composite
def rules(draw: st.DrawFn) -> list[Subscription]:
    """Some of a few groups, each at one region, with rules of all kinds."""
    found = []
    for group in range(draw(st.integers(1, 12))):
        region = draw(codes)
        for number in range(draw(st.integers(1, 3))):
            found.append(
                Subscription(
                    f"S{group}.{number}", f"G{group}", region, draw(st.sampled_from(AudienceClass)),
                    frozenset({draw(st.sampled_from(("*", "rainstorm", "drought")))}),
                    draw(st.sampled_from(Color)), draw(st.sampled_from(Relation)),
                    draw(st.none() | st.sampled_from(Color)),
                )
            )  # fmt: skip
    return found


def by_comparing(found: list[Subscription], regions: list[str], color: Color) -> dict[str, set[Any]]:
    """What matching means, said pair by pair: group → (rule, relation, why)."""
    reached: dict[str, set[Any]] = {}
    for one, region in ((one, region) for one in found for region in regions):
        lies = Relation.WITHIN if covers(region, one.region) else Relation.COVERING
        if not (covers(region, one.region) or covers(one.region, region)):
            continue
        if one.relation not in (Relation.BOTH, lies):
            continue
        least = one.min_color
        if lies is Relation.COVERING:
            least = max(least, one.covering_min_color or COVERING_DEFAULT[level_of(one.region)])
        why = None if color >= least else Why.BELOW_COLOR
        if not one.wants("rainstorm"):
            why = Why.HAZARD_NOT_SUBSCRIBED
        reached.setdefault(one.group_id, set()).add((one.id, lies, why))
    return reached


@given(rules(), st.lists(codes, min_size=1, max_size=5), st.sampled_from(Color), st.sets(st.integers(0, 11)))
def test_slices_say_what_comparing_each_rule_with_each_region_says(
    found: list[Subscription], regions: list[str], color: Color, empty: set[int]
) -> None:
    """Which groups, how many, how many are in them, and every rule with its reason; however the regions overlap."""
    sizes = {one.group_id: len(one.id) for one in found if int(one.group_id[1:]) not in empty}
    groups = match(regions, "rainstorm", color, AudienceIndex.of(found, sizes)).groups
    wanted = by_comparing(found, regions, color)
    assert {id: {(one.subscription.id, *one[1:]) for one in groups[id]} for id in groups} == wanted
    assert len(groups) == len(wanted)
    assert groups.members == sum(sizes.get(id, 0) for id in wanted)
    assert [id for id in sorted({one.group_id for one in found}) if id in groups] == sorted(wanted)


@given(rules(), rules(), st.sets(st.integers(0, 13)))
def test_an_index_brought_up_to_date_is_the_one_that_is_made_anew(
    before: list[Subscription], after: list[Subscription], numbers: set[int]
) -> None:
    """Whether groups came, went, moved or only have other rules or members."""
    changed = {f"G{number}" for number in numbers}
    new = [one for one in after if one.group_id in changed]
    kept = [one for one in before if one.group_id not in changed]
    sizes = {f"G{number}": number for number in range(12)}
    then = {id: n + 1 if id in changed else n for id, n in sizes.items()}
    fresh = {id: n for id, n in then.items() if id in changed}
    assert AudienceIndex.of(before, sizes).updated(changed, new, fresh) == AudienceIndex.of(
        [*kept, *new], then
    )


def test_a_warning_for_all_is_matched_without_a_thing_for_each_group() -> None:
    """A country has a hundred thousand rules: what each says is worked out for whom it is asked, not before."""
    rules = [subscription(f"62{number:010}", f"S{number}") for number in range(20_000)]
    index = AudienceIndex.of(rules, {one.group_id: 2 for one in rules})
    tracemalloc.start()
    try:
        found = match(["62"], "rainstorm", Color.RED, index)
        assert (len(found.groups), found.members) == (20_000, 40_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100_000
