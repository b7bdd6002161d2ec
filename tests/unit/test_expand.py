"""Members → recipients: whom an alert tells, on which channel, and who is not told and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from warnd.contract.channel import Capabilities
from warnd.model.alert import Status
from warnd.model.audience import AudienceClass, Endpoint, Member, Relation, Subscription
from warnd.model.color import Color
from warnd.model.delivery import State, Why
from warnd.model.policy import ChannelPolicy, Mode, Patience, Policies, Until
from warnd.model.quiet import QuietHours
from warnd.pipeline.expand import Expander, Recipient, Route
from warnd.pipeline.match import Reached
from warnd.ports import Gap

RESPONSIBLE, LEADERS = AudienceClass.RESPONSIBLE, AudienceClass.LEADERS
ROUTES = {
    "sms": Route("sms", Capabilities("sms")),
    "sms2": Route("sms2", Capabilities("sms"), emulated=True),
    "robot": Route("robot", Capabilities("wechat"), quiet=True),
    "mail": Route("mail", Capabilities("email"), emulated=True, quiet=True),
    "voice": Route("voice", Capabilities("voice")),
}
NUMBER = Endpoint("E1", "sms", "+8615400000001")
CHAT = Endpoint("E2", "wechat", "robot-1")
MAIL = Endpoint("E3", "email", "duty@mail.example")
VOICE = Endpoint("E4", "voice", "+8615400000001")


def reached(group: str = "G", why: Why | None = None, audience: AudienceClass = RESPONSIBLE,
            **rule: object) -> Reached:  # fmt: skip
    subscription = Subscription(f"S{group}", group, "621202", audience, **rule)  # type: ignore[arg-type]
    return Reached(subscription, Relation.WITHIN, why)


def member(*endpoints: Endpoint, groups: tuple[str, ...] = ("G",), language: str | None = None) -> Member:
    return Member("M", "两水镇值班室", "621202101", language, groups, endpoints)


def expander(*channels: str, mode: Mode = Mode.PARALLEL, reached_by: tuple[Reached, ...] = (reached(),),
             leaders: ChannelPolicy | None = None, **changes: object) -> Expander:  # fmt: skip
    general = {(RESPONSIBLE, Color.RED): ChannelPolicy(channels, mode)}
    if leaders is not None:
        general[LEADERS, Color.RED] = leaders
    groups = {one.subscription.group_id: (one,) for one in reached_by}
    one = Expander(groups, "rainstorm", Color.RED, Status.ACTUAL, Policies(general), ROUTES, "zh")
    return replace(one, **changes)  # type: ignore[arg-type]


def told(made: Expander, who: Member) -> dict[str, str]:
    """Channel → its state, and for those not told the reason."""
    return {
        one.channel: one.reason.value if one.reason else one.state.value
        for one in made.recipients(who)
        if isinstance(one, Recipient)
    }


def gaps(made: Expander, who: Member) -> list[str]:
    return [one.why for one in made.recipients(who) if isinstance(one, Gap)]


def test_an_actual_alert_reaches_people() -> None:
    """By every channel of a parallel policy for which they have an endpoint; no others."""
    assert told(expander("sms", "robot"), member(NUMBER, CHAT, MAIL)) == {
        "sms": "queued",
        "robot": "queued",
        "mail": "not_on_policy",
    }


PLATFORM = Endpoint("E5", "cap", "https://platform.example/api/v1/alerts")


def test_what_is_not_public_goes_to_people_and_to_no_platform() -> None:
    """A platform may publish what it gets; the log says why it got nothing."""
    made = expander(
        "sms", "north", routes=ROUTES | {"north": Route("north", Capabilities("cap"), quiet=True)}
    )
    assert told(made, member(NUMBER, PLATFORM)) == {"sms": "queued", "north": "queued"}
    assert told(replace(made, public=False), member(NUMBER, PLATFORM)) == {
        "sms": "queued",
        "north": "not_public",
    }


def test_an_exercise_reaches_enrolled_endpoints_only() -> None:
    """Nobody who did not join is frightened."""
    made = expander("sms", "mail", status=Status.EXERCISE)
    assert told(made, member(NUMBER, MAIL._replace(drills=True))) == {
        "sms": "drill_not_joined",
        "mail": "queued",
    }


def test_a_test_goes_to_emulated_channels_only() -> None:
    """Whatever is real stays silent, and says why."""
    made = expander("sms", "mail", status=Status.TEST)
    assert told(made, member(NUMBER, MAIL)) == {"sms": "test", "mail": "queued"}


@pytest.mark.parametrize(
    ("endpoints", "expected"),
    [
        pytest.param([NUMBER, CHAT, MAIL], {"sms": "queued", "robot": "standby", "mail": "standby"}, id="all three"),
        pytest.param([CHAT, MAIL], {"robot": "queued", "mail": "standby"}, id="no endpoint for the first"),
        pytest.param([NUMBER, MAIL], {"sms": "queued", "mail": "standby"}, id="no endpoint for the second"),
        pytest.param([MAIL], {"mail": "queued"}, id="an endpoint for the last only"),
        pytest.param([NUMBER._replace(active=False), CHAT], {"sms": "endpoint_suspended", "robot": "queued"},
                     id="the first is suspended"),
    ],
)  # fmt: skip
def test_an_ordered_policy_starts_with_the_first_channel_one_can_be_told_by(
    endpoints: list[Endpoint], expected: dict[str, str]
) -> None:
    """Whoever lacks the first channel does not stand by for it."""
    made = expander("sms", "robot", "mail", mode=Mode.ORDERED)
    assert told(made, member(*endpoints)) == expected


def test_the_steps_of_a_chain_leave_no_gap() -> None:
    """Each stands by for the one before it that this person has."""
    made = expander("sms", "robot", "mail", mode=Mode.ORDERED)
    steps = [
        (one.channel, one.step) for one in made.recipients(member(NUMBER, MAIL)) if isinstance(one, Recipient)
    ]
    assert steps == [("sms", 0), ("mail", 1)]


def test_in_a_drill_an_ordered_chain_starts_with_the_first_enrolled() -> None:
    """An endpoint that stays out of it does not hold up the one that is in it."""
    made = expander("sms", "robot", mode=Mode.ORDERED, status=Status.EXERCISE)
    assert told(made, member(NUMBER, CHAT._replace(drills=True))) == {
        "sms": "drill_not_joined",
        "robot": "queued",
    }


def test_a_second_channel_of_a_kind_stands_by_for_the_first() -> None:
    """They reach the same number, and nobody is told twice without need."""
    assert told(expander("sms", "sms2"), member(NUMBER)) == {"sms": "queued", "sms2": "standby"}


def test_where_one_policy_is_parallel_that_wins() -> None:
    """And an ordered one's second channel of the same kind stands by all the same."""
    ordered = ChannelPolicy(("sms2", "robot", "mail"), Mode.ORDERED)
    made = expander("sms", "mail", leaders=ordered, reached_by=(reached("G"), reached("L", audience=LEADERS)))
    found = told(made, member(NUMBER, CHAT, MAIL, groups=("G", "L")))
    assert found == {"sms": "queued", "sms2": "standby", "robot": "queued", "mail": "queued"}


def test_a_person_in_several_groups_is_told_once_with_all_the_reasons() -> None:
    """Once per channel and address."""
    made = expander("sms", reached_by=(reached("G"), reached("H")))
    (one,) = made.recipients(member(NUMBER, groups=("G", "H")))
    assert isinstance(one, Recipient)
    assert one.reasons.count('"why":null') == 2


def test_without_an_endpoint_on_the_policy_the_next_one_is_used() -> None:
    """One, not all of the rest."""
    assert told(expander("sms"), member(MAIL, CHAT)) == {"mail": "queued", "robot": "not_on_policy"}


def test_a_suspended_endpoint_is_not_told_and_the_next_one_is() -> None:
    """Its row says why."""
    assert told(expander("sms"), member(NUMBER._replace(active=False), MAIL)) == {
        "sms": "endpoint_suspended",
        "mail": "queued",
    }


@pytest.mark.parametrize(
    "endpoints", [[], [NUMBER._replace(active=False)]], ids=["no endpoint", "only a suspended one"]
)
def test_whoever_has_no_usable_endpoint_is_a_gap(endpoints: list[Endpoint]) -> None:
    """To be looked after by a person."""
    assert gaps(expander("sms"), member(*endpoints)) == ["no_endpoint"]


@pytest.mark.parametrize("why", [Why.BELOW_COLOR, Why.HAZARD_NOT_SUBSCRIBED], ids=lambda why: why.value)
def test_whoever_did_not_subscribe_has_a_row_that_says_so(why: Why) -> None:
    """For every endpoint; without one, a gap."""
    made = expander("sms", reached_by=(reached(why=why),))
    assert told(made, member(NUMBER, MAIL)) == {"sms": why.value, "mail": why.value}
    assert gaps(made, member()) == [why.value]


def test_the_nearest_reason_is_given() -> None:
    """Below the color is nearer to being told than another hazard."""
    made = expander(
        "sms", reached_by=(reached("G", Why.HAZARD_NOT_SUBSCRIBED), reached("H", Why.BELOW_COLOR))
    )
    assert told(made, member(NUMBER, groups=("G", "H"))) == {"sms": "below_color"}


def test_a_mere_continuation_goes_to_quiet_channels_only() -> None:
    """It wakes nobody, not even whoever has nothing quieter, and says so of what the policy would else use."""
    made = expander("sms", "robot", quiet_only=True)
    assert told(made, member(NUMBER, CHAT)) == {"sms": "too_loud", "robot": "queued"}
    assert told(made, member(NUMBER, MAIL)) == {"sms": "too_loud", "mail": "not_on_policy"}


@pytest.mark.parametrize("narrowed", ["wechat", "robot"], ids=["to a kind", "to a channel"])
def test_a_subscription_narrows_the_channels(narrowed: str) -> None:
    """By kind or by configured name; it never widens them."""
    made = expander("sms", "robot", reached_by=(reached(channels=frozenset({narrowed, "email"})),))
    assert told(made, member(NUMBER, CHAT, MAIL)) == {
        "robot": "queued",
        "sms": "not_on_policy",
        "mail": "not_on_policy",
    }


@pytest.mark.parametrize(
    ("own", "rule", "expected"),
    [
        pytest.param("kk", "ug", "kk", id="a subscriber's own wins"),
        pytest.param(None, "ug", "ug", id="then the subscription's"),
        pytest.param(None, None, "zh", id="then the default"),
    ],
)
def test_the_language(own: str | None, rule: str | None, expected: str) -> None:
    """Open BCP 47 tags."""
    made = expander("sms", reached_by=(reached(language=rule),))
    (one,) = made.recipients(member(NUMBER, language=own))
    assert isinstance(one, Recipient)
    assert one.language == expected


def test_two_numbers_of_a_person_are_both_told() -> None:
    """An endpoint is an address, not a person."""
    both = [one.address for one in expander("sms").recipients(member(NUMBER, NUMBER._replace(id="E9", address="2")))
            if isinstance(one, Recipient) and one.state is State.QUEUED]  # fmt: skip
    assert both == [NUMBER.address, "2"]


def patience(made: Expander, who: Member) -> dict[str, Patience]:
    return {one.channel: one.patience for one in made.recipients(who) if isinstance(one, Recipient)}


def test_of_two_policies_the_less_patient_counts() -> None:
    """The shorter wait, and a receipt where either wants one."""
    mine = ChannelPolicy(("sms", "sms2"), late_after=timedelta(seconds=90))
    leaders = ChannelPolicy(("sms", "robot"), Mode.ORDERED, Until.DELIVERED, timedelta(seconds=120))
    routes = {**ROUTES, "sms": Route("sms", Capabilities("sms", receipts=True))}
    made = expander(
        "sms", leaders=leaders, reached_by=(reached("G"), reached("L", audience=LEADERS)), routes=routes
    )
    made = replace(made, policies=Policies({(RESPONSIBLE, Color.RED): mine, (LEADERS, Color.RED): leaders}))
    found = patience(made, member(NUMBER, CHAT, groups=("G", "L")))
    assert found["sms"] == Patience(Until.DELIVERED, 90_000_000)
    assert found["sms2"] == Patience(Until.ACCEPTED, 90_000_000)


def test_nobody_waits_for_receipts_that_never_come() -> None:
    """Where a channel gives none, accepted is the last that is known."""
    policy = Policies({(RESPONSIBLE, Color.RED): ChannelPolicy(("sms", "sms2"), until=Until.DELIVERED)})
    found = patience(expander(policies=policy), member(NUMBER))
    assert found["sms"].until is Until.ACCEPTED


HUSHED = ChannelPolicy(("sms", "robot"), quiet_hours=QuietHours.of("22:00-07:00"))


@pytest.mark.parametrize(
    ("changes", "quiet"),
    [
        pytest.param({}, {"sms": "22:00-07:00", "robot": ""}, id="what wakes nobody keeps none"),
        pytest.param({"can_wait": False}, {"sms": "", "robot": ""}, id="nor does what cannot wait"),
    ],
)
def test_who_keeps_quiet_hours_does_so_where_they_would_be_woken(
    changes: dict[str, object], quiet: dict[str, str]
) -> None:
    """By the policy that is theirs."""
    made = expander(policies=Policies({(RESPONSIBLE, Color.RED): HUSHED}), **changes)
    found = {
        one.channel: one.quiet for one in made.recipients(member(NUMBER, CHAT)) if isinstance(one, Recipient)
    }
    assert found == quiet


def test_one_group_that_is_told_at_any_time_is_enough() -> None:
    """The same person in both is woken."""
    policies = Policies({(RESPONSIBLE, Color.RED): ChannelPolicy(("sms",)), (LEADERS, Color.RED): HUSHED})
    made = expander(reached_by=(reached("G"), reached("L", audience=LEADERS)), policies=policies)
    for groups, expected in ((("G", "L"), ""), (("L",), "22:00-07:00")):
        (one, *_) = made.recipients(member(NUMBER, groups=groups))
        assert isinstance(one, Recipient)
        assert one.quiet == expected
