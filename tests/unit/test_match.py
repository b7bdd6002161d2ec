"""Which subscriptions an alert reaches, which apply, and why the others do not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warnd.model.audience import AudienceClass, Relation, Subscription
from warnd.model.color import Color
from warnd.model.delivery import Why
from warnd.model.region import WIDTHS, covers
from warnd.pipeline.match import AudienceIndex, Matched, match

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
