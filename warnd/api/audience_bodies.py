"""Bodies of groups, subscribers, endpoints and subscriptions over REST: as they come in and as they go out."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StrictBool, ValidationInfo, field_validator

from warnd.api.bodies import Body
from warnd.audience.addresses import LONGEST, normalise
from warnd.audience.kinds import ChannelKinds
from warnd.errors import Fault, Invalid
from warnd.model.audience import (
    EVERY_HAZARD,
    AudienceClass,
    EndpointState,
    Relation,
    SubscriberKind,
)
from warnd.model.color import Color
from warnd.model.hazard import HazardCatalogue
from warnd.settings.values import LanguageTag
from warnd.store.endpoints import EndpointDraft, StoredEndpoint
from warnd.store.groups import Group, GroupDraft
from warnd.store.subscribers import Subscriber, SubscriberDraft
from warnd.store.subscriptions import StoredSubscription, SubscriptionDraft


def _one_line(text: str) -> str:
    if any(unicodedata.category(character) in {"Cc", "Zl", "Zp"} for character in text):
        raise ValueError("holds no line breaks and no control characters")
    return text


def _nameable(name: str) -> str:
    if ";" in name or "；" in name:
        raise ValueError("holds no semicolon: it separates groups in files")
    return name


def _some(values: tuple[str, ...]) -> tuple[str, ...]:
    if not values:
        raise ValueError("names at least one")
    return values


Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_one_line)]
GroupName = Annotated[Name, AfterValidator(_nameable)]
Label = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_one_line)]
Id = Annotated[str, Field(pattern=r"^[0-9A-Z]{26}$")]
RegionCode = Annotated[str, Field(pattern=r"^[0-9]{2,12}$")]
HazardSlug = Annotated[str, Field(pattern=r"^(\*|[a-z0-9]+(-[a-z0-9]+)*)$")]
Kind = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
ChannelName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9._-]{0,63}$")]
Hazards = Annotated[tuple[HazardSlug, ...], AfterValidator(_some)]
Channels = Annotated[tuple[ChannelName, ...], AfterValidator(_some)]
Priority = Annotated[int, Field(strict=True, ge=1, le=99)]
AddressText = Annotated[str, Field(min_length=1, max_length=LONGEST)]


class Patch(Body):
    """Keys that are given change, the others stay; a default only says that the key was not given."""

    def changes(self) -> dict[str, Any]:
        """What was given, as plain values by column."""
        return self.model_dump(mode="json", exclude_unset=True)


class GroupBody(Body):
    name: GroupName
    region: RegionCode
    audience: AudienceClass = AudienceClass.RESPONSIBLE
    labels: tuple[Label, ...] = ()

    def draft(self) -> GroupDraft:
        return GroupDraft(self.name, self.region, self.audience, self.labels)


class GroupPatch(Patch):
    name: GroupName = ""
    region: RegionCode = ""
    audience: AudienceClass = AudienceClass.RESPONSIBLE
    labels: tuple[Label, ...] = ()


class SubscriptionBody(Body):
    group: Id
    hazards: Hazards = (EVERY_HAZARD,)
    min_color: Color = Color.BLUE
    relation: Relation = Relation.BOTH
    covering_min_color: Color | None = None
    language: LanguageTag | None = None
    channels: Channels | None = None

    def draft(self) -> SubscriptionDraft:
        return SubscriptionDraft(
            group_id=self.group,
            hazards=self.hazards,
            min_color=self.min_color,
            relation=self.relation,
            covering_min_color=self.covering_min_color,
            language=self.language,
            channels=self.channels,
        )


class SubscriptionPatch(Patch):
    hazards: Hazards = (EVERY_HAZARD,)
    min_color: Color = Color.BLUE
    relation: Relation = Relation.BOTH
    covering_min_color: Color | None = None
    language: LanguageTag | None = None
    channels: Channels | None = None


class SubscriberBody(Body):
    kind: SubscriberKind
    name: Name
    region: RegionCode
    language: LanguageTag | None = None
    external_id: Name | None = None
    groups: tuple[Id, ...] = ()

    def draft(self) -> SubscriberDraft:
        return SubscriberDraft(
            kind=self.kind,
            name=self.name,
            region=self.region,
            language=self.language,
            external_id=self.external_id,
            groups=self.groups,
        )


class SubscriberPatch(Patch):
    kind: SubscriberKind = SubscriberKind.PERSON
    name: Name = ""
    region: RegionCode = ""
    language: LanguageTag | None = None
    external_id: Name | None = None
    groups: tuple[Id, ...] = ()


class EndpointBody(Body):
    """``channel`` stands before ``address``, whose form depends on it."""

    subscriber: Id
    channel: Kind
    address: AddressText
    priority: Priority = 1
    state: EndpointState = EndpointState.ACTIVE
    drills: StrictBool = False

    @field_validator("address")
    @classmethod
    def _normalised(cls, address: str, info: ValidationInfo) -> str:
        channel = info.data.get("channel")
        # A channel with a fault of its own has been named already.
        return address if channel is None else normalise(channel, address)

    def draft(self) -> EndpointDraft:
        return EndpointDraft(
            subscriber_id=self.subscriber,
            channel=self.channel,
            address=self.address,
            priority=self.priority,
            state=self.state,
            drills=self.drills,
        )


class EndpointPatch(Patch):
    address: AddressText = ""
    priority: Priority = 1
    state: EndpointState = EndpointState.ACTIVE
    drills: StrictBool = False

    def changes_on(self, channel: str) -> dict[str, Any]:
        """``changes`` with the address as that kind of channel takes it. Raises Invalid."""
        changes = self.changes()
        if "address" in changes:
            try:
                changes["address"] = normalise(channel, changes["address"])
            except ValueError as error:
                raise Invalid([Fault("address", "invalid", str(error))]) from error
        return changes


def check_hazards(hazards: Sequence[str], catalogue: HazardCatalogue) -> None:
    """Raises Invalid for slugs that are in no catalogue: such a rule would never apply."""
    faults = [
        Fault(f"hazards[{index}]", "unknown_hazard", f"there is no hazard {slug}")
        for index, slug in enumerate(hazards)
        if slug != EVERY_HAZARD and catalogue.get(slug) is None
    ]
    if faults:
        raise Invalid(faults)


def check_channel(channel: str, kinds: ChannelKinds) -> None:
    """Raises Invalid for an endpoint on a kind of channel that nobody knows: it would never be told."""
    if channel not in kinds.known:
        raise Invalid([Fault("channel", "unknown_channel", kinds.unknown(channel))])


def check_channels(channels: Sequence[str], names: Collection[str], kinds: ChannelKinds) -> None:
    """Raises Invalid for what is neither a kind nor the name of a configured channel: the rule would tell nobody."""
    configured = ", ".join(sorted(names)) or "none"
    faults = [
        Fault(
            f"channels[{index}]",
            "unknown_channel",
            f"{kinds.unknown(channel)}; and no channel of that name, configured are: {configured}",
        )
        for index, channel in enumerate(channels)
        if channel not in kinds.known and channel not in names
    ]
    if faults:
        raise Invalid(faults)


def group_view(group: Group) -> dict[str, Any]:
    return {
        "id": group.id,
        "name": group.name,
        "region": group.region,
        "audience": group.audience.value,
        "labels": list(group.labels),
        "created_at": group.created_at.isoformat(),
        "ended_at": _time(group.ended_at),
    }


def subscription_view(subscription: StoredSubscription) -> dict[str, Any]:
    covering = subscription.covering_min_color
    channels = subscription.channels
    return {
        "id": subscription.id,
        "group": subscription.group_id,
        "hazards": list(subscription.hazards),
        "min_color": subscription.min_color.value,
        "relation": subscription.relation.value,
        "covering_min_color": None if covering is None else covering.value,
        "language": subscription.language,
        "channels": None if channels is None else list(channels),
        "created_at": subscription.created_at.isoformat(),
        "ended_at": _time(subscription.ended_at),
    }


def subscriber_view(subscriber: Subscriber) -> dict[str, Any]:
    return {
        "id": subscriber.id,
        "kind": subscriber.kind.value,
        "name": subscriber.name,
        "region": subscriber.region,
        "language": subscriber.language,
        "external_id": subscriber.external_id,
        "groups": list(subscriber.groups),
        "created_at": subscriber.created_at.isoformat(),
        "ended_at": _time(subscriber.ended_at),
    }


def endpoint_view(endpoint: StoredEndpoint) -> dict[str, Any]:
    return {
        "id": endpoint.id,
        "subscriber": endpoint.subscriber_id,
        "channel": endpoint.channel,
        "address": endpoint.address,
        "priority": endpoint.priority,
        "state": endpoint.state.value,
        "drills": endpoint.drills,
        "created_at": endpoint.created_at.isoformat(),
    }


def _time(when: datetime | None) -> str | None:
    return None if when is None else when.isoformat()
