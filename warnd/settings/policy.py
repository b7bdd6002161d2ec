"""From the file's ``[policy]`` and ``[retry]`` tables to the policies of the model."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, InstanceOf, ValidationInfo

from warnd.model.audience import AudienceClass
from warnd.model.color import Color
from warnd.model.policy import LATE_AFTER, ChannelPolicy, Mode, Policies, RetryPolicy, Until
from warnd.model.quiet import QuietHours
from warnd.settings.amounts import Duration
from warnd.settings.values import ChannelSettings, closed

FORWARDING = "cap"
"""The kind of channel that speaks to other platforms: it is no person's, so color and class do not choose it."""

_WITHOUT_SMS = ("wechat", "email", "console", FORWARDING)
_WRITTEN = ("sms", "wechat", "email", "console", FORWARDING)
_EVERYTHING = (*_WRITTEN, "voice", "loudspeaker")

DEFAULTS: Mapping[AudienceClass, Mapping[Color, tuple[str, ...]]] = {
    AudienceClass.LEADERS: {
        Color.BLUE: _WITHOUT_SMS,
        Color.YELLOW: _WRITTEN,
        Color.ORANGE: _WRITTEN,
        Color.RED: _WRITTEN,
    },
    AudienceClass.RESPONSIBLE: {
        Color.BLUE: _WRITTEN,
        Color.YELLOW: _WRITTEN,
        Color.ORANGE: _WRITTEN,
        Color.RED: _EVERYTHING,
    },
    AudienceClass.PUBLIC: {
        Color.BLUE: ("wechat", "console", FORWARDING),
        Color.YELLOW: ("wechat", "console", FORWARDING),
        Color.ORANGE: ("sms", "wechat", "console", FORWARDING),
        Color.RED: ("sms", "wechat", "console", FORWARDING),
    },
}
"""The kinds of channel each audience class is told by, when the file says nothing else."""

_RETRY = RetryPolicy()


def _configured(name: str, info: ValidationInfo) -> str:
    """``info.context`` holds the names of the configured channels."""
    if name not in (known := info.context or ()):
        raise ValueError(f"there is no channel {name!r}; configured: {', '.join(known) or 'none'}")
    return name


def _once(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise ValueError("a channel stands in it twice")
    return names


def _attainable(until: Until) -> Until:
    if until is Until.ACKNOWLEDGED:
        raise ValueError(
            'nobody can acknowledge a warning yet; "accepted" and "delivered" are what ends a policy'
        )
    return until


NONE: Literal["none"] = "none"


def _hours(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError('write them as "22:00-07:00", or "none"')  # noqa: TRY004  pydantic takes ValueError
    return NONE if value == NONE else QuietHours.of(value)


Hours = Annotated[InstanceOf[QuietHours] | Literal["none"], BeforeValidator(_hours)]
ChannelNames = Annotated[
    tuple[Annotated[str, AfterValidator(_configured)], ...], Field(min_length=1), AfterValidator(_once)
]


@closed
@dataclass(frozen=True, slots=True)
class PolicyTable:
    """A channel policy as written: what is not said stays as it was."""

    channels: ChannelNames | None = None
    mode: Mode | None = None
    until: Annotated[Until, AfterValidator(_attainable)] | None = None
    late_after: Duration | None = None
    quiet_hours: Hours | None = None

    def over(self, base: ChannelPolicy) -> ChannelPolicy:
        hours = base.quiet_hours if self.quiet_hours is None else self.quiet_hours
        return ChannelPolicy(
            channels=base.channels if self.channels is None else self.channels,
            mode=self.mode or base.mode,
            until=self.until or base.until,
            late_after=self.late_after or base.late_after,
            quiet_hours=hours if isinstance(hours, QuietHours) else None,
        )


@closed
@dataclass(frozen=True, slots=True)
class ColorTable(PolicyTable):
    """The policy of one audience class and color, and its overrides for single hazards by slug."""

    hazards: dict[str, PolicyTable] = field(default_factory=dict)


PolicyTables = dict[AudienceClass, dict[Color, ColorTable]]


@closed
@dataclass(frozen=True, slots=True)
class RetryTable:
    """``[retry]`` as written; a color that ``unknown_resends`` does not name keeps its default."""

    first: Duration = _RETRY.first
    factor: Annotated[float, Field(ge=1, le=100)] = _RETRY.factor
    ceiling: Duration = _RETRY.ceiling
    pause: Duration = _RETRY.pause
    unknown_resends: dict[Color, Annotated[int, Field(ge=0, le=100)]] = field(default_factory=dict)
    suspend_after: Annotated[int, Field(ge=1)] = _RETRY.suspend_after

    def policy(self) -> RetryPolicy:
        return RetryPolicy(
            first=self.first,
            factor=self.factor,
            ceiling=self.ceiling,
            pause=self.pause,
            unknown_resends={**_RETRY.unknown_resends, **self.unknown_resends},
            suspend_after=self.suspend_after,
        )


def check_quiet_hours(tables: PolicyTables) -> dict[str, str]:
    """What is wrong with them, by key: whoever must act, and whatever is urgent, waits for no morning."""
    faults = {}
    for audience, by_color in tables.items():
        for color, table in by_color.items():
            if audience is not AudienceClass.RESPONSIBLE and color < Color.ORANGE:
                continue
            what = "the responsible" if audience is AudienceClass.RESPONSIBLE else f"{color.value} warnings"
            for hazard, one in {"": table, **table.hazards}.items():
                if isinstance(one.quiet_hours, QuietHours):
                    inner = f".hazards.{hazard}" if hazard else ""
                    key = f"policy.{audience.value}.{color.value}{inner}.quiet_hours"
                    faults[key] = f"quiet hours never apply to {what}"
    return faults


def policies(tables: PolicyTables, channels: Mapping[str, ChannelSettings]) -> Policies:
    """The defaults, as far as their channels are configured, and over them what the file says."""
    usual = _usual_channels(channels)
    general: dict[tuple[AudienceClass, Color], ChannelPolicy] = {}
    hazards: dict[tuple[AudienceClass, Color, str], ChannelPolicy] = {}
    for audience, kinds_by_color in DEFAULTS.items():
        for color, kinds in kinds_by_color.items():
            table = tables.get(audience, {}).get(color, ColorTable())
            names = tuple(name for kind in kinds for name in usual.get(kind, ()))
            policy = table.over(ChannelPolicy(names, late_after=LATE_AFTER[color]))
            general[audience, color] = policy
            for hazard, override in table.hazards.items():
                hazards[audience, color, hazard] = override.over(policy)
    return Policies(general, hazards, _revision([*general.items(), *hazards.items()]))


def _usual_channels(channels: Mapping[str, ChannelSettings]) -> dict[str, tuple[str, ...]]:
    """
    For each kind the channel that bears its name, else the first of that kind in the file.

    Forwarding channels are all usual: each is another platform.
    """
    usual: dict[str, tuple[str, ...]] = {}
    for name, channel in channels.items():
        kind = channel.adapter.partition(".")[0]
        if kind == FORWARDING:
            usual[kind] = (*usual.get(kind, ()), name)
        elif name == kind or kind not in usual:
            usual[kind] = (name,)
    return usual


def _revision(entries: Iterable[tuple[tuple[AudienceClass | Color | str, ...], ChannelPolicy]]) -> str:
    """Twelve hexadecimal digits that change whenever a policy does, and only then."""
    lines = sorted(f"{key!r} {policy!r}" for key, policy in entries)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]
