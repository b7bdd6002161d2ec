"""Groups, subscribers, endpoints and subscriptions in a store; whole files of them in and out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection, create_engine, func, insert, select

from warnd.audience.csv_rows import read_sheet, write_rows
from warnd.audience.kinds import ChannelKinds
from warnd.audience.plan import plan_import
from warnd.errors import Conflict, Invalid, NotFound
from warnd.model.audience import AudienceClass, EndpointState, Relation, SubscriberKind, Subscription
from warnd.model.audience_import import AudienceRow, GroupName, ImportPlan, ImportRow
from warnd.model.color import Color
from warnd.model.ulid import UlidMaker
from warnd.store import tables
from warnd.store.audience import audience_snapshot, group_sizes
from warnd.store.audience_export import export_page
from warnd.store.audience_import import AppliedImport, apply_import, existing_audience
from warnd.store.endpoints import (
    EndpointDraft,
    create_endpoint,
    delete_endpoint,
    get_endpoint,
    list_endpoints,
    update_endpoint,
)
from warnd.store.groups import (
    Group,
    GroupDraft,
    create_group,
    end_group,
    get_group,
    list_groups,
    update_group,
)
from warnd.store.subscribers import (
    Subscriber,
    SubscriberDraft,
    create_subscriber,
    end_subscriber,
    get_subscriber,
    list_subscribers,
    update_subscriber,
)
from warnd.store.subscriptions import (
    SubscriptionDraft,
    create_subscription,
    end_subscription,
    get_subscription,
    list_subscriptions,
    update_subscription,
)

NOW = datetime(2026, 7, 14, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
NAMES = {
    "62": "甘肃省",
    "6212": "陇南市",
    "621202": "武都区",
    "621221": "成县",
    "621202100": "城关镇",
    "621202101": "安化镇",
}
HEADER = "external_id,kind,name,region,groups,audience,channel,address,priority,language,drills\n"
KINDS = ChannelKinds.beside(["sms", "email", "wechat"])

ids = UlidMaker()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Connection]:
    engine = create_engine(f"sqlite:///{tmp_path}/warnd.db")
    tables.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(tables.regions), [{"code": c, "name": n} for c, n in NAMES.items()])
        yield connection
    engine.dispose()


def a_group(store: Connection, name: str = "山洪责任人", region: str = "621202", **more: Any) -> Group:
    draft = GroupDraft(name, region, more.pop("audience", AudienceClass.RESPONSIBLE), **more)
    return create_group(store, draft, id=ids.one(NOW), now=NOW)


def a_subscriber(store: Connection, name: str = "值班室", region: str = "621202", **more: Any) -> Subscriber:
    draft = SubscriberDraft(more.pop("kind", SubscriberKind.POST), name, region, **more)
    return create_subscriber(store, draft, id=ids.one(NOW), now=NOW)


def planned(store: Connection, body: str, *, sync: bool = False) -> ImportPlan:
    rows = read_sheet((HEADER + body).encode(), KINDS).rows
    return plan_import(rows, existing_audience(store, rows, sync=sync), sync=sync)


def imported(store: Connection, body: str, *, sync: bool = False, now: datetime = NOW) -> AppliedImport:
    return apply_import(store, planned(store, body, sync=sync), ids=ids, now=now)


# Groups


def test_a_group_is_kept_at_its_division(store: Connection) -> None:
    """A padded code is stored as the division it means."""
    group = a_group(store, region="621202000000", labels=("flood",))
    assert get_group(store, group.id) == group
    assert (group.region, group.labels, group.created_at) == ("621202", ("flood",), NOW)


def test_a_name_is_taken_once_at_a_region(store: Connection) -> None:
    """Files name groups by region and name; an ended one frees its name."""
    group = a_group(store)
    with pytest.raises(Conflict, match="山洪责任人"):
        a_group(store)
    end_group(store, group.id, now=LATER)
    assert a_group(store).id != group.id
    with pytest.raises(Invalid):
        a_group(store, region="99")


def test_a_group_can_be_changed(store: Connection) -> None:
    """The answer holds both, for the journal."""
    group = a_group(store)
    changed = update_group(store, group.id, {"name": "防汛", "region": "6212", "labels": ["x"]})
    assert changed.before == group
    assert changed.after == replace(group, name="防汛", region="6212", labels=("x",))
    assert update_group(store, group.id, {}).after == changed.after
    other = a_group(store)
    with pytest.raises(Conflict):
        update_group(store, other.id, {"name": "防汛", "region": "6212"})


def test_ending_a_group_ends_its_rules_and_frees_its_members(store: Connection) -> None:
    """The row stays for the record; the answer says who was in it."""
    group = a_group(store)
    rule = create_subscription(store, SubscriptionDraft(group.id), id=ids.one(NOW), now=NOW)
    member = a_subscriber(store, groups=(group.id,))
    ended = end_group(store, group.id, now=LATER)
    assert ended.group == replace(group, ended_at=LATER)
    assert orjson.loads(orjson.dumps(ended))["members"] == [member.id]
    assert (ended.members, ended.subscriptions) == ((member.id,), (rule.id,))
    assert get_subscriber(store, member.id).groups == ()
    assert get_subscription(store, rule.id).ended_at == LATER
    assert list_groups(store).items == ()
    for act in (lambda: end_group(store, group.id, now=LATER), lambda: update_group(store, group.id, {})):
        with pytest.raises(NotFound):
            act()


def test_groups_are_listed_by_subtree_name_and_page(store: Connection) -> None:
    """A county's list holds its townships' groups, and not its neighbour's."""
    here, below, above, beside = (
        a_group(store, f"组{code}", code) for code in ("621202", "621202101", "62", "621221")
    )
    assert list_groups(store, region="621202").items == (here, below)
    assert list_groups(store, q="6212").items == (here, below, beside)
    first = list_groups(store, limit=3)
    assert first.items == (here, below, above)
    assert list_groups(store, limit=3, cursor=first.next_cursor).items == (beside,)
    assert list_groups(store, limit=4).next_cursor is None


# Subscribers


def test_a_subscriber_is_in_the_groups_asked_for(store: Connection) -> None:
    """All of them, or nothing is kept."""
    first, second = a_group(store), a_group(store, "防汛")
    subscriber = a_subscriber(store, external_id="LSZ-001", groups=(first.id, second.id, first.id))
    assert get_subscriber(store, subscriber.id) == subscriber
    assert subscriber.groups == (first.id, second.id)
    with pytest.raises(Invalid) as refused:
        a_subscriber(store, groups=(first.id, "nowhere"))
    assert [fault.path for fault in refused.value.faults] == ["groups[1]"]
    assert len(list_subscribers(store).items) == 1


def test_a_subscriber_can_be_changed(store: Connection) -> None:
    """``groups`` replaces all memberships; what is not named stays."""
    first, second = a_group(store), a_group(store, "防汛")
    subscriber = a_subscriber(store, groups=(first.id,))
    changed = update_subscriber(store, subscriber.id, {"name": "新", "groups": [second.id]})
    assert (changed.before, changed.after) == (
        subscriber,
        replace(subscriber, name="新", groups=(second.id,)),
    )
    a_subscriber(store, external_id="A")
    with pytest.raises(Conflict):
        update_subscriber(store, subscriber.id, {"external_id": "A"})


def test_who_ends_is_reached_no_more_and_can_come_back(store: Connection) -> None:
    """Under the old id, with what the new request says and nothing else."""
    group = a_group(store)
    subscriber = a_subscriber(store, external_id="A", groups=(group.id,))
    endpoint = create_endpoint(
        store, EndpointDraft(subscriber.id, "sms", "+8615400000001"), id=ids.one(NOW), now=NOW
    )
    with pytest.raises(Conflict):
        a_subscriber(store, external_id="A")
    ended = end_subscriber(store, subscriber.id, now=LATER)
    assert (ended.subscriber, ended.endpoints) == (replace(subscriber, ended_at=LATER), (endpoint,))
    assert get_subscriber(store, subscriber.id).ended_at == LATER
    assert list_subscribers(store).items == ()
    assert list_endpoints(store).items == ()
    assert group_sizes(store) == {}
    again = a_subscriber(store, "回来", external_id="A")
    assert again == replace(subscriber, name="回来", groups=())


def test_subscribers_are_listed_by_subtree_name_group_and_page(store: Connection) -> None:
    """``q`` also finds the external id, if it is given whole."""
    group = a_group(store)
    here = a_subscriber(store, "甲", external_id="LSZ-1", groups=(group.id,))
    below = a_subscriber(store, "乙", "621202101", kind=SubscriberKind.PERSON, groups=(group.id,))
    beside = a_subscriber(store, "甲二", "621221")
    assert list_subscribers(store, region="621202").items == (here, below)
    assert list_subscribers(store, q="甲").items == (here, beside)
    assert list_subscribers(store, q="LSZ-1").items == (here,)
    assert list_subscribers(store, kind=SubscriberKind.PERSON).items == (below,)
    page = list_subscribers(store, group=group.id, limit=1)
    assert page.items == (here,)
    assert list_subscribers(store, group=group.id, limit=1, cursor=page.next_cursor).items == (below,)


# Endpoints


def test_an_endpoint_belongs_to_a_living_subscriber(store: Connection) -> None:
    """One address once for each; two people may share it."""
    one, two = a_subscriber(store), a_subscriber(store)
    draft = EndpointDraft(one.id, "sms", "+8615400000001", priority=2, drills=True)
    endpoint = create_endpoint(store, draft, id=ids.one(NOW), now=NOW)
    assert get_endpoint(store, endpoint.id) == endpoint
    create_endpoint(store, replace(draft, subscriber_id=two.id), id=ids.one(NOW), now=NOW)
    with pytest.raises(Conflict):
        create_endpoint(store, draft, id=ids.one(NOW), now=NOW)
    end_subscriber(store, two.id, now=LATER)
    with pytest.raises(Invalid):
        create_endpoint(store, replace(draft, subscriber_id=two.id), id=ids.one(NOW), now=NOW)


def test_an_endpoint_made_active_forgets_its_refusals(store: Connection) -> None:
    """An operator's word, or another address, begins anew; anything else does not."""
    subscriber = a_subscriber(store)
    endpoint = create_endpoint(
        store, EndpointDraft(subscriber.id, "sms", "+8615400000001"), id=ids.one(NOW), now=NOW
    )
    refused = {"state": "suspended", "rejections": 3}
    update_endpoint(store, endpoint.id, refused)
    assert update_endpoint(store, endpoint.id, {"priority": 5}).after.rejections == 3
    changed = update_endpoint(store, endpoint.id, {"state": "active"})
    assert changed.before.state is EndpointState.SUSPENDED
    assert (changed.after.state, changed.after.rejections) == (EndpointState.ACTIVE, 0)
    update_endpoint(store, endpoint.id, refused)
    assert update_endpoint(store, endpoint.id, {"address": "+8615400000002"}).after.rejections == 0


def test_endpoints_are_listed_and_removed(store: Connection) -> None:
    """By whose they are, where those live, channel, state and a part of the address."""
    group = a_group(store)
    one, two = a_subscriber(store, groups=(group.id,)), a_subscriber(store, region="621221")
    sms = create_endpoint(store, EndpointDraft(one.id, "sms", "+8615400000001"), id=ids.one(NOW), now=NOW)
    suspended = EndpointDraft(two.id, "email", "a@mail.example", state=EndpointState.SUSPENDED)
    mail = create_endpoint(store, suspended, id=ids.one(NOW), now=NOW)
    for filters in (
        {"subscriber": one.id},
        {"channel": "sms"},
        {"region": "621202"},
        {"group": group.id},
        {"q": "0001"},
    ):
        assert list_endpoints(store, **filters).items == (sms,)  # type: ignore[arg-type]
    assert list_endpoints(store, state=EndpointState.SUSPENDED).items == (mail,)
    assert list_endpoints(store, region="6212").items == (sms, mail)
    assert delete_endpoint(store, mail.id) == mail
    with pytest.raises(NotFound):
        get_endpoint(store, mail.id)


# Subscriptions


def test_a_subscription_is_a_rule_of_a_living_group(store: Connection) -> None:
    """It can be changed and ended; the row stays."""
    group = a_group(store)
    draft = SubscriptionDraft(
        group.id, ("rainstorm",), Color.ORANGE, Relation.WITHIN, Color.RED, "en", ("sms",)
    )
    rule = create_subscription(store, draft, id=ids.one(NOW), now=NOW)
    assert get_subscription(store, rule.id) == rule
    changed = update_subscription(store, rule.id, {"channels": None, "min_color": "blue"})
    assert changed.after == replace(rule, channels=None, min_color=Color.BLUE)
    assert list_subscriptions(store, group=group.id, region="62").items == (changed.after,)
    assert end_subscription(store, rule.id, now=LATER).ended_at == LATER
    assert list_subscriptions(store).items == ()
    with pytest.raises(NotFound):
        update_subscription(store, rule.id, {})
    end_group(store, group.id, now=LATER)
    with pytest.raises(Invalid):
        create_subscription(store, draft, id=ids.one(NOW), now=NOW)


def test_the_snapshot_holds_the_living_rules_of_living_groups(store: Connection) -> None:
    """With the region and class of the group, as matching wants them."""
    group, gone = a_group(store, audience=AudienceClass.LEADERS), a_group(store, "旧")
    draft = SubscriptionDraft(group.id, ("rainstorm", "flood"), Color.YELLOW, channels=("sms",))
    rule = create_subscription(store, draft, id=ids.one(NOW), now=NOW)
    ended = create_subscription(store, replace(draft, hazards=("*",)), id=ids.one(NOW), now=NOW)
    end_subscription(store, ended.id, now=LATER)
    create_subscription(store, SubscriptionDraft(gone.id), id=ids.one(NOW), now=NOW)
    a_subscriber(store, groups=(group.id, gone.id))
    end_group(store, gone.id, now=LATER)
    assert audience_snapshot(store) == [
        Subscription(
            rule.id,
            group.id,
            "621202",
            AudienceClass.LEADERS,
            hazards=frozenset({"rainstorm", "flood"}),
            min_color=Color.YELLOW,
            channels=frozenset({"sms"}),
        )
    ]
    assert group_sizes(store) == {group.id: 1}


# Files


TWO = (
    "A,post,值班室,621202101,621202101/山洪责任人;621202/防汛,responsible,sms,15400000001,1,zh,true\n"
    "A,,值班室,621202101,,,email,duty@mail.example,2,,\n"
    "B,person,乙,621202,621202/防汛,,sms,15400000002,,,\n"
)


def test_a_file_makes_groups_people_and_endpoints(store: Connection) -> None:
    """The groups come with a subscription to everything from blue up."""
    done = imported(store, TWO)
    assert done.counts["groups_added"] == 2
    assert set(done.group_ids) == {"621202101/山洪责任人", "621202/防汛"}
    assert {group.name: group.region for group in list_groups(store).items} == {
        "山洪责任人": "621202101",
        "防汛": "621202",
    }
    rules = audience_snapshot(store)
    assert [(rule.hazards, rule.min_color, rule.relation) for rule in rules] == [
        (frozenset({"*"}), Color.BLUE, Relation.BOTH)
    ] * 2
    post, person = list_subscribers(store).items
    assert (post.external_id, post.kind, post.language, len(post.groups)) == (
        "A",
        SubscriberKind.POST,
        "zh",
        2,
    )
    assert [
        (e.channel, e.address, e.priority, e.drills) for e in list_endpoints(store, subscriber=post.id).items
    ] == [
        ("sms", "+8615400000001", 1, True),
        ("email", "duty@mail.example", 2, False),
    ]
    assert group_sizes(store)[person.groups[0]] == 2


def test_an_audience_that_an_existing_group_does_not_take_is_warned_of(store: Connection) -> None:
    """The group keeps its class; the file's word would otherwise be lost without a sound."""
    imported(store, TWO)
    plan = planned(store, TWO.replace("responsible", "leaders"))
    assert plan.changes_nothing
    assert [(one.line, one.field, one.code) for one in plan.warnings] == [
        (2, "audience", "audience_ignored"),
        (2, "audience", "audience_ignored"),
    ]


def test_the_same_file_again_changes_nothing(store: Connection) -> None:
    """Also as a sync."""
    imported(store, TWO)
    assert planned(store, TWO).changes_nothing
    assert planned(store, TWO, sync=True).changes_nothing


def test_an_import_changes_and_a_sync_takes_away(store: Connection) -> None:
    """What went is in the answer, for the journal; who had ended comes back under the old id."""
    imported(store, TWO)
    post, person = list_subscribers(store).items
    by_hand = a_subscriber(store, "丙")
    changed = "A,post,新值班室,621202101,621202/防汛,,sms,15400000001,3,,false\n"
    done = imported(store, changed, sync=True, now=LATER)
    assert done.ended == (person.id,)
    assert len(done.left) == len(done.endpoints_removed) == 1
    now = get_subscriber(store, post.id)
    assert (now.name, now.language, len(now.groups)) == ("新值班室", "zh", 1)
    (endpoint,) = list_endpoints(store).items
    assert (endpoint.priority, endpoint.drills) == (3, False)
    assert get_subscriber(store, person.id).ended_at == LATER
    assert get_subscriber(store, by_hand.id).ended_at is None
    imported(store, TWO)
    assert get_subscriber(store, person.id).ended_at is None


def exported(store: Connection) -> list[AudienceRow]:
    """All pages."""
    page = export_page(store)
    rows = list(page.items)
    while page.next_cursor is not None:
        page = export_page(store, page.next_cursor)
        rows += page.items
    return rows


def test_an_export_is_imported_without_a_change(store: Connection) -> None:
    """People without external id, without endpoints, in groups of several classes, with names like formulas."""
    imported(store, TWO)
    leaders = a_group(store, "领导", audience=AudienceClass.LEADERS)
    public = a_group(store, "公众", audience=AudienceClass.PUBLIC)
    odd = a_subscriber(store, '=1+1,"x"', groups=(leaders.id, public.id))
    create_endpoint(store, EndpointDraft(odd.id, "wechat", "-robot-key-1"), id=ids.one(NOW), now=NOW)
    a_subscriber(store, "无地址")
    body = "".join(write_rows(exported(store)))
    assert "'=1+1" in body
    assert "'+86" not in body
    sheet = read_sheet(body.encode(), KINDS)
    existing = existing_audience(store, sheet.rows, sync=True)
    plan = plan_import(sheet.rows, existing, sync=True, warnings=sheet.warnings)
    assert plan.changes_nothing
    assert plan.warnings == ()
    assert plan.unchanged == 4


def test_an_export_makes_the_same_audience_elsewhere(store: Connection, tmp_path: Path) -> None:
    """The classes of the groups with it."""
    imported(store, TWO)
    a_subscriber(store, "丙", groups=(a_group(store, "领导", audience=AudienceClass.LEADERS).id,))
    rows = read_sheet("".join(write_rows(exported(store))).encode(), KINDS).rows
    engine = create_engine(f"sqlite:///{tmp_path}/other.db")
    tables.metadata.create_all(engine)
    with engine.begin() as other:
        other.execute(insert(tables.regions), [{"code": c, "name": n} for c, n in NAMES.items()])
        apply_import(other, plan_import(rows, existing_audience(other, rows)), ids=ids, now=NOW)
        assert exported(other) == exported(store)
    engine.dispose()


def test_an_export_goes_page_by_page(store: Connection) -> None:
    """Each in a read of its own, so that no long read holds the store."""
    imported(store, TWO)
    first = export_page(store, limit=1)
    assert [row.external_id for row in first.items] == ["A", "A"]
    last = export_page(store, first.next_cursor, limit=1)
    assert [row.external_id for row in last.items] == ["B"]
    assert last.next_cursor is None


def test_a_plan_that_is_overtaken_is_refused(store: Connection) -> None:
    """Between looking and writing somebody else may have made the same subscriber."""
    plan = planned(store, TWO)
    a_subscriber(store, external_id="B")
    with pytest.raises(Conflict, match="import again"):
        apply_import(store, plan, ids=ids, now=NOW)


def test_a_hundred_thousand_rows_are_a_matter_of_seconds(store: Connection) -> None:
    """Workload R; the bound is loose for a busy machine."""
    group = GroupName("621202", "防汛")
    rows = [
        ImportRow(n + 2, f"X{n}", None, f"人{n}", "621202", (group,), endpoint=None) for n in range(110_000)
    ]
    started = time.monotonic()
    apply_import(store, plan_import(rows, existing_audience(store, rows)), ids=ids, now=NOW)
    assert time.monotonic() - started < 30
    assert store.execute(select(func.count()).select_from(tables.memberships)).scalar_one() == 110_000
