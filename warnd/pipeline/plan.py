"""Recipients that share channel and content → batches of up to the channel's ``max_batch``, chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field

from warnd.model.color import Lane
from warnd.model.content import Content
from warnd.model.delivery import Batch, State
from warnd.model.region import LEVELS
from warnd.pipeline.expand import Recipient, Route
from warnd.ports import Chunk, Gap, PlannedDelivery, SharedAddress

_SOONER = {State.QUEUED: 0, State.STANDBY: 1, State.SUPPRESSED: 2}
"""Of two behind one address the one to be told sooner decides."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What every delivery of one telling has in common. Times are microseconds."""

    alert_id: str
    round: int
    lane: Lane
    deliver_until: int
    follows: bool
    routes: Mapping[str, Route]
    behind: bool = False


@dataclass(slots=True)
class _Part:
    """Recipients of one channel and content, in the order they came."""

    content: Content
    ids: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    levels: bytearray = field(default_factory=bytearray)
    ordered: bool = False


def plan_chunk(
    plan: Plan,
    found: Sequence[Recipient | Gap],
    *,
    content_of: Callable[[str, str], Content],
    new_ids: Callable[[int], list[str]],
    after: str,
    cursor: str,
    planned: int,
    done: bool,
    now: int,
) -> Chunk:
    """
    One chunk of the plan: its deliveries, their batches, shared addresses, fallbacks and gaps.

    ``content_of(channel, language)`` renders at most once each; ``new_ids(n)`` makes rising ids.
    """
    recipients, shared, gaps, chains = _by_address(found)
    ids = new_ids(len(recipients))
    parts: dict[tuple[str, str], _Part] = {}
    links = _links(found, chains, dict(zip(recipients, ids, strict=True))) if chains else []
    senders = {sender for sender, _ in links}
    content_ids: list[str | None] = []
    for id_, one in zip(ids, recipients.values(), strict=True):
        if one.state is State.SUPPRESSED:
            content_ids.append(None)
            continue
        content = content_of(one.channel, one.language)
        content_ids.append(content.id)
        if one.state is State.QUEUED:
            part = parts.get((one.channel, content.id))
            if part is None:
                part = parts[one.channel, content.id] = _Part(content)
            part.ids.append(id_)
            part.addresses.append(one.address)
            part.levels.append(LEVELS[len(one.region)])
            part.ordered = part.ordered or id_ in senders
    batches, batch_of = _batches(plan, parts, new_ids, now)
    deliveries = [
        PlannedDelivery(
            id_, one.channel, one.address, batch_of.get(id_), content_id, one.state.value,
            one.reason.value if one.reason is not None else None, one.name, one.region, one.subscriber_id,
            one.endpoint_id, one.reasons,
        )
        for id_, one, content_id in zip(ids, recipients.values(), content_ids, strict=True)
    ]  # fmt: skip
    return Chunk(
        plan.alert_id, plan.round, plan.lane.value, after, cursor, planned, done, now, deliveries=deliveries,
        shared=shared, batches=batches, fallbacks=links, gaps=gaps,
    )  # fmt: skip


def _by_address(
    found: Sequence[Recipient | Gap],
) -> tuple[dict[tuple[str, str], Recipient], list[SharedAddress], list[Gap], set[tuple[str, int]]]:
    """
    The recipient to be told soonest at each (address, channel), the further people behind it, the gaps, and
    the (subscriber, chain) pairs in which somebody stands by.
    """
    recipients: dict[tuple[str, str], Recipient] = {}
    shared: list[SharedAddress] = []
    gaps: list[Gap] = []
    chains: set[tuple[str, int]] = set()
    for one in found:
        if isinstance(one, Gap):
            gaps.append(one)
            continue
        key = (one.address, one.channel)
        if one.state is State.STANDBY:
            chains.add((one.subscriber_id, one.chain))
        if (earlier := recipients.get(key)) is None:
            recipients[key] = one
        else:
            if _SOONER[one.state] < _SOONER[earlier.state]:
                recipients[key], one = one, earlier
            if one.subscriber_id != recipients[key].subscriber_id:
                shared.append(_shared(one))
    return recipients, shared, gaps, chains


def _shared(one: Recipient) -> SharedAddress:
    return SharedAddress(
        one.channel, one.address, one.name, one.region, one.subscriber_id, one.endpoint_id, one.reasons
    )


def _links(
    found: Sequence[Recipient | Gap], chains: Container[tuple[str, int]], ids: Mapping[tuple[str, str], str]
) -> list[tuple[str, str]]:
    """
    (delivery, the one that stands by for it) for these (subscriber, chain).

    A second channel of the same kind stands by for its own address; another kind for all of the step before.
    """
    steps: dict[tuple[str, int, int], list[Recipient]] = {}
    for one in found:
        if isinstance(one, Gap) or one.state is State.SUPPRESSED:
            continue
        if (one.subscriber_id, one.chain) in chains:
            steps.setdefault((one.subscriber_id, one.chain, one.step), []).append(one)
    links: list[tuple[str, str]] = []
    for (subscriber, chain, step), standing in steps.items():
        before = steps.get((subscriber, chain, step - 1), [])
        for one in standing:
            own = [other for other in before if other.address == one.address] or before
            next_id = ids[one.address, one.channel]
            links.extend((ids[other.address, other.channel], next_id) for other in own)
    return links


def _batches(
    plan: Plan, parts: Mapping[tuple[str, str], _Part], new_ids: Callable[[int], list[str]], now: int
) -> tuple[list[Batch], dict[str, str]]:
    batches: list[Batch] = []
    batch_of: dict[str, str] = {}
    for (channel, _), part in parts.items():
        size = plan.routes[channel].capabilities.max_batch
        starts = range(0, len(part.ids), size)
        for id_, start in zip(new_ids(len(starts)), starts, strict=True):
            members = tuple(part.ids[start : start + size])
            batch_of.update(dict.fromkeys(members, id_))
            batches.append(
                Batch(
                    id=id_,
                    alert_id=plan.alert_id,
                    channel=channel,
                    lane=plan.lane,
                    content=part.content,
                    deliveries=members,
                    addresses=tuple(part.addresses[start : start + size]),
                    created=now,
                    deliver_until=plan.deliver_until,
                    levels=bytes(part.levels[start : start + size]),
                    follows=plan.follows,
                    ordered=part.ordered,
                    behind=plan.behind,
                )
            )
    return batches, batch_of
