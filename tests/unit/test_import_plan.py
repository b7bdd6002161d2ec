"""What an import would change, decided before anything is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warnd.audience.csv_rows import CAPS
from warnd.audience.plan import MOST_WARNINGS, plan_import, preview
from warnd.errors import Invalid
from warnd.model.audience import AudienceClass, SubscriberKind
from warnd.model.audience_import import (
    Address,
    ExistingAudience,
    Finding,
    GroupName,
    ImportRow,
    Join,
    KnownEndpoint,
    KnownSubscriber,
    Leave,
    NewEndpoint,
    NewGroup,
    NewSubscriber,
)

PHONE = Address("sms", "+8615400000001")
MAILBOX = Address("email", "duty@mail.example")
FLOOD = GroupName("621202", "防汛")
REGIONS = {"62": "62", "621202": "621202", "621202000000": "621202"}

ROW = ImportRow(2, "A", SubscriberKind.POST, "值班室", "621202", (FLOOD,), endpoint=PHONE)
STORED = KnownSubscriber("S1", SubscriberKind.POST, "值班室", "621202", None)
EXISTING = ExistingAudience(
    regions=REGIONS,
    groups={FLOOD: "G1"},
    subscribers={"A": STORED},
    endpoints={"S1": {PHONE: KnownEndpoint("E1", 1, False)}},
    memberships={"S1": frozenset({"G1"})},
)
EMPTY = ExistingAudience(regions=REGIONS)


def faults(
    *rows: ImportRow, existing: ExistingAudience = EMPTY, sync: bool = False, read: tuple[Finding, ...] = ()
) -> list[str]:
    with pytest.raises(Invalid) as refused:
        plan_import(rows, existing, sync=sync, faults=read)
    return [fault.path for fault in refused.value.faults]


def test_an_empty_store_gets_everything() -> None:
    """The group too, for those who must act unless the file says otherwise."""
    plan = plan_import([ROW], EMPTY)
    assert plan.groups == (NewGroup(FLOOD, AudienceClass.RESPONSIBLE),)
    assert plan.subscribers == (NewSubscriber("A", SubscriberKind.POST, "值班室", "621202", None),)
    assert plan.endpoints == (NewEndpoint("A", PHONE, 1, False),)
    assert plan.joins == (Join("A", FLOOD),)


@pytest.mark.parametrize("sync", [False, True])
def test_the_same_again_changes_nothing(sync: bool) -> None:
    """An import may run every night."""
    plan = plan_import([ROW], EXISTING, sync=sync)
    assert plan.changes_nothing
    assert plan.unchanged == 1
    assert "Nothing changes" in preview(plan)


def test_rows_of_one_external_id_are_one_subscriber() -> None:
    """One row an endpoint; groups add up, and a repeated endpoint that says the same is no fault."""
    other = GroupName("62", "值守")
    plan = plan_import(
        [ROW, replace(ROW, number=3, endpoint=MAILBOX, groups=(other,)), replace(ROW, number=4)], EMPTY
    )
    assert len(plan.subscribers) == 1
    assert [new.address for new in plan.endpoints] == [PHONE, MAILBOX]
    assert [join.group for join in plan.joins] == [FLOOD, other]


def test_only_what_differs_is_changed() -> None:
    """An empty cell leaves what is stored."""
    plan = plan_import([replace(ROW, kind=None, name="新值班室", priority=3)], EXISTING)
    assert plan.subscribers_changed == (STORED._replace(name="新值班室"),)
    assert plan.endpoints_changed == (KnownEndpoint("E1", 3, False),)
    assert plan.unchanged == 0


def test_without_sync_nothing_is_taken_away() -> None:
    """A file of one township must not silence the others, nor anybody's second number."""
    plan = plan_import([replace(ROW, endpoint=MAILBOX, groups=())], EXISTING)
    assert (plan.endpoints_removed, plan.leaves, plan.ended) == ((), (), ())


def test_a_sync_takes_away_what_the_file_lacks() -> None:
    """Endpoints, memberships and people; the last only if they have an external id."""
    hers = KnownSubscriber("S2", SubscriberKind.PERSON, "乙", "62", None)
    by_hand = KnownSubscriber("S3", SubscriberKind.PERSON, "丙", "62", None, external=False)
    gone = KnownSubscriber("S4", SubscriberKind.PERSON, "丁", "62", None, ended=True)
    existing = replace(EXISTING, subscribers={"A": STORED, "B": hers, "S3": by_hand, "D": gone})
    plan = plan_import([replace(ROW, endpoint=MAILBOX, groups=())], existing, sync=True)
    assert plan.endpoints_removed == ("E1",)
    assert plan.leaves == (Leave("S1", "G1"),)
    assert plan.ended == (hers,)
    assert "乙" in preview(plan)


def test_a_sync_without_a_column_for_groups_leaves_them() -> None:
    """What the file cannot say it does not deny."""
    assert plan_import([replace(ROW, groups=None)], EXISTING, sync=True).leaves == ()


def test_a_sync_with_an_empty_file_is_refused() -> None:
    """A failed export upstream would silence the county."""
    assert faults(existing=EXISTING, sync=True) == ["file"]
    assert plan_import([], EXISTING).changes_nothing


def test_somebody_who_had_ended_lives_again() -> None:
    """Under the same id, so that the record stays one."""
    existing = replace(EXISTING, subscribers={"A": STORED._replace(ended=True)}, endpoints={}, memberships={})
    plan = plan_import([ROW], existing)
    assert plan.subscribers_changed == (STORED,)
    assert plan.subscriber_ids == {"A": "S1"}


def test_a_padded_region_is_the_division_it_means() -> None:
    """In the group's name as well."""
    padded = replace(ROW, region="621202000000", groups=(GroupName("621202000000", "防汛"),))
    assert plan_import([padded], EXISTING).changes_nothing


@pytest.mark.parametrize(
    ("second", "cell"),
    [
        pytest.param(replace(ROW, name="别处"), "name", id="another-name"),
        pytest.param(replace(ROW, region="62"), "region", id="another-region"),
        pytest.param(replace(ROW, kind=SubscriberKind.OFFICE), "kind", id="another-kind"),
        pytest.param(replace(ROW, priority=2), "address", id="the-same-address-otherwise"),
        pytest.param(replace(ROW, region="99"), "region", id="no-such-division"),
        pytest.param(
            replace(ROW, groups=(GroupName("99", "x"),)), "groups", id="no-such-division-of-a-group"
        ),
    ],
)
def test_a_row_that_cannot_be_right_is_named(second: ImportRow, cell: str) -> None:
    """Nobody can say which of two contradicting rows is meant."""
    assert f"rows[3].{cell}" in faults(ROW, replace(second, number=3))


def test_a_new_group_has_one_audience() -> None:
    """An existing group has its own already, whatever the file says."""
    leaders = replace(ROW, number=3, external_id="B", audience=AudienceClass.LEADERS)
    public = replace(ROW, number=4, external_id="C", audience=AudienceClass.PUBLIC)
    assert faults(leaders, public) == ["rows[4].audience"]
    assert plan_import([ROW, leaders], EMPTY).groups == (NewGroup(FLOOD, AudienceClass.LEADERS),)
    assert plan_import([leaders, public], EXISTING).groups == ()


def test_faults_of_reading_and_of_comparing_are_named_together_by_line() -> None:
    """One list to mend, in the order of the file."""
    read = (Finding(3, "kind", "invalid", "is none"), Finding(9, "", "too_few_cells", "lacks cells"))
    rows = (
        replace(ROW, region="99", groups=()),
        replace(ROW, number=3, external_id="B", kind=None, groups=(GroupName("98", "x"),)),
        replace(ROW, number=5, external_id="B", name="别处"),
    )
    assert faults(*rows, read=read) == [
        "rows[2].region",
        "rows[3].kind",
        "rows[3].groups",
        "rows[5].name",
        "rows[9]",
    ]


def test_an_empty_cell_at_fault_contradicts_nothing() -> None:
    """It has been named already; who it is cannot be compared either."""
    read = (Finding(3, "name", "missing", "is empty"), Finding(4, "external_id", "missing", "is empty"))
    rows = (
        ROW,
        replace(ROW, number=3, name="", region="", endpoint=None),
        replace(ROW, number=4, external_id="", region="62"),
        replace(ROW, number=5, external_id="", region="621202"),
    )
    assert faults(*rows, read=read) == ["rows[3].name", "rows[4].external_id"]


def test_a_million_faults_are_not_named() -> None:
    """The file of another county names no division that is here."""
    rows = [replace(ROW, number=n, external_id=str(n), region="99") for n in range(2, 2 * CAPS.faults)]
    named = faults(*rows)
    assert (len(named), named[-1]) == (CAPS.faults + 1, "file")


def test_a_repeated_row_is_warned_of() -> None:
    """It changes nothing, and maybe another was meant."""
    plan = plan_import([ROW, replace(ROW, number=3, endpoint=MAILBOX), replace(ROW, number=4)], EMPTY)
    assert plan.warnings == (Finding(4, "", "repeated_row", "says the same as line 2"),)
    assert "warning: line 4: says the same as line 2" in preview(plan)


def test_an_audience_that_is_ignored_is_warned_of() -> None:
    """A group that exists keeps its own."""
    existing = replace(EXISTING, classes={"G1": AudienceClass.PUBLIC})
    leaders = replace(ROW, audience=AudienceClass.LEADERS)
    (warning,) = plan_import([leaders], existing).warnings
    assert (warning.line, warning.field, warning.code) == (2, "audience", "audience_ignored")
    assert plan_import([replace(ROW, audience=AudienceClass.PUBLIC)], existing).warnings == ()
    assert plan_import([ROW], existing).warnings == ()


def test_warnings_are_in_the_order_of_the_file_and_not_endless() -> None:
    """Those of reading with those of comparing."""
    read = [Finding(n, "channel", "unserved_channel", "…") for n in range(9, 9 + MOST_WARNINGS)]
    plan = plan_import([ROW, replace(ROW, number=3)], EMPTY, warnings=read)
    assert plan.warnings[0].line == 3
    assert plan.warnings[-1] == Finding(None, "", "too_many_warnings", "further warnings: 1")
    assert len(plan.warnings) == MOST_WARNINGS + 1
    assert f"… and {MOST_WARNINGS - 19} more warnings" in preview(plan)


@given(st.lists(st.tuples(st.sampled_from("ABC"), st.sampled_from([PHONE, MAILBOX, None])), max_size=8))
def test_an_import_never_removes(said: list[tuple[str, Address | None]]) -> None:
    """Whatever the file; only a sync does."""
    rows = [
        replace(ROW, number=number, external_id=external_id, endpoint=endpoint)
        for number, (external_id, endpoint) in enumerate(said, start=2)
    ]
    plan = plan_import(rows, EXISTING)
    assert (plan.endpoints_removed, plan.leaves, plan.ended) == ((), (), ())
