"""Quiet hours through planning: whom a dry run says they would delay, and who keeps them in what follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from warnd.contract.channel import Capabilities
from warnd.model.alert import Alert, AlertType, Change, Status, Text
from warnd.model.audience import AudienceClass, Endpoint, Member, Subscription
from warnd.model.color import Color
from warnd.model.delivery import Why
from warnd.model.hazard import Hazard, HazardCatalogue
from warnd.model.policy import ChannelPolicy, Policies
from warnd.model.quiet import QuietHours
from warnd.pipeline.expand import Route
from warnd.pipeline.follow import again
from warnd.pipeline.forecast import forecast
from warnd.pipeline.match import AudienceIndex
from warnd.pipeline.surroundings import Surroundings
from warnd.pipeline.templates import Templates
from warnd.ports import Behind, PlanSource, Telling, Told

COUNTY = "621202"
NIGHT = datetime(2026, 7, 14, 15, tzinfo=UTC)
"""Eleven in the evening in Shanghai."""

PUBLIC = AudienceClass.PUBLIC
HUSHED = ChannelPolicy(("sms", "robot"), quiet_hours=QuietHours.of("22:00-07:00"))
AROUND = Surroundings(
    routes={
        "sms": Route("sms", Capabilities("sms")),
        "robot": Route("robot", Capabilities("wechat"), quiet=True),
    },
    policies=Policies({(PUBLIC, color): HUSHED for color in Color}),
    catalogue=HazardCatalogue.of(
        [
            Hazard("rainstorm", {"zh": "暴雨", "en": "Rainstorm"}),
            Hazard("flash-flood", {"zh": "山洪", "en": "Flash flood"}, sudden=True),
        ]
    ),
    templates=cast(Templates, None),
    language="zh",
    zone=ZoneInfo("Asia/Shanghai"),
)


class _Audience:
    """Three people with a number, one of them with a robot too."""

    async def members(self, groups: Sequence[str], *_: Any) -> tuple[list[Member], str]:
        numbers = [Endpoint(f"E{n}", "sms", f"+86154{n:08}") for n in range(3)]
        extra = ((Endpoint("R", "wechat", "robot"),), (), ())
        return [
            Member(f"M{n}", "", COUNTY, None, tuple(groups), (number, *more))
            for n, (number, more) in enumerate(zip(numbers, extra, strict=True))
        ], ""

    async def shared(self, endpoints: Sequence[str]) -> set[str]:
        return set()


def warning(color: Color = Color.BLUE, hazard: str = "rainstorm") -> Alert:
    return Alert("A", "S", NIGHT, Status.ACTUAL, AlertType.ALERT, hazard, color, {"zh": Text("暴雨", "", "")})


@pytest.mark.parametrize(
    ("alert", "hour", "delayed"),
    [
        pytest.param(warning(), 15, 3, id="blue at night"),
        pytest.param(warning(), 4, 0, id="by day"),
        pytest.param(warning(Color.ORANGE), 15, 0, id="orange"),
        pytest.param(warning(hazard="flash-flood"), 15, 0, id="what comes suddenly"),
    ],
)
async def test_a_dry_run_counts_whom_quiet_hours_would_delay(alert: Alert, hour: int, delayed: int) -> None:
    """They are among those it would tell; a robot that wakes nobody is not delayed."""
    index = AudienceIndex.of([Subscription("S", "G", COUNTY, PUBLIC)], {"G": 3})
    found = await forecast(
        alert, Change.ISSUED, [COUNTY], index=index, source=cast(PlanSource, _Audience()), surroundings=AROUND,
        now=NIGHT.replace(hour=hour),
    )  # fmt: skip
    assert (found.targeted, found.delayed) == (4, delayed)


@pytest.mark.parametrize(
    ("alert", "quiet"),
    [
        pytest.param(warning(Color.YELLOW), "22:00-07:00", id="what can wait"),
        pytest.param(warning(Color.RED), "", id="a raise"),
        pytest.param(warning(hazard="flash-flood"), "", id="what comes suddenly"),
    ],
)
def test_what_follows_keeps_the_hours_that_the_first_word_kept(alert: Alert, quiet: str) -> None:
    """Unless it cannot wait; who was told at any hour is told at any hour."""
    person = Behind("M", "E", "", COUNTY, "[]")
    telling = Telling.of(alert, Change.UPDATED, [COUNTY])
    for kept, expected in (("22:00-07:00", quiet), ("", "")):
        told = Told("D", True, "sms", "+86154", "zh", "", COUNTY, kept, (person,))
        (one,) = again(told, AROUND, telling)
        assert one.quiet == expected


@pytest.mark.parametrize(
    ("change", "channel", "why"),
    [
        pytest.param(Change.CONTINUED, "sms", Why.TOO_LOUD, id="a continuation wakes nobody"),
        pytest.param(Change.CONTINUED, "robot", None, id="it goes where it wakes nobody"),
        pytest.param(Change.RAISED, "sms", None, id="more danger goes everywhere"),
        pytest.param(Change.LIFTED, "siren", Why.TOO_LOUD, id="an end does not sound the siren"),
        pytest.param(Change.RAISED, "gone", Why.NOT_ON_POLICY, id="configured no more"),
    ],
)
def test_who_is_not_told_again_is_told_why(change: Change, channel: str, why: Why | None) -> None:
    """Nobody looks for a fault in a policy because a message was too slight for a channel."""
    siren = Route("siren", Capabilities("loudspeaker"), lifts=False)
    around = replace(AROUND, routes={**AROUND.routes, "siren": siren})
    told = Told("D", True, channel, "a", "zh", "", COUNTY, "", (Behind("M", "E", "", COUNTY, "[]"),))
    (one,) = again(told, around, Telling.of(warning(Color.RED), change, [COUNTY]))
    assert one.reason is why
