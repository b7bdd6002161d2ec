"""Recipients that share channel and content → batches of up to the channel's ``max_batch``, chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field

from warnd.model.color import Lane
from warnd.model.content import Content
from warnd.model.delivery import Batch, Rank, State, Why
from warnd.model.region import LEVELS
from warnd.pipeline.expand import Recipient, Route
from warnd.pipeline.quiet import Night
from warnd.ports import Chunk, Fallback, Gap, PlannedDelivery, SharedAddress

_SOONER = {State.QUEUED: 0, State.STANDBY: 1, State.SUPPRESSED: 2}


@dataclass(frozen=True, slots=True)
class Plan:
    """What every delivery of one chunk has in common. Times are microseconds."""

    alert_id: str
    round: int
    lane: Lane
    deliver_until: int
    follows: bool
    routes: Mapping[str, Route]
    night: Night
    rank: Rank = Rank.FIRST


@dataclass(slots=True)
class _Part:
    """Recipients of one channel and content, in the order they came."""

    content: Content
    quiet: str
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
) -> Chunk:
    """
    One chunk of the plan: its deliveries, their batches, shared addresses, fallbacks and gaps.

    ``content_of(channel, language)`` renders at most once each; ``new_ids(n)`` makes rising ids. ``planned`` counts the
    members who are in it.
    """
    recipients, shared, gaps, chains = _by_address(found)
    ids = new_ids(len(recipients))
    parts: dict[tuple[str, str, str], _Part] = {}
    held = _Held(plan)
    links = _links(found, chains, dict(zip(recipients, ids, strict=True)), held) if chains else []
    senders = {link.delivery_id for link in links}
    content_ids: list[str | None] = []
    for id_, one in zip(ids, recipients.values(), strict=True):
        if one.state is State.SUPPRESSED:
            content_ids.append(None)
            continue
        content = content_of(one.channel, one.language)
        content_ids.append(content.id)
        if one.state is State.QUEUED and (not one.quiet or held.until(one) is None):
            part = parts.get((one.channel, content.id, one.quiet))
            if part is None:
                part = parts[one.channel, content.id, one.quiet] = _Part(content, one.quiet)
            part.ids.append(id_)
            part.addresses.append(one.address)
            part.levels.append(LEVELS[len(one.region)])
            part.ordered = part.ordered or id_ in senders
    batches, batch_of = _batches(plan, parts, new_ids)
    deliveries = [
        _delivery(id_, one, batch_of.get(id_), content_id, held.until(one) if one.quiet else None)
        for id_, one, content_id in zip(ids, recipients.values(), content_ids, strict=True)
    ]
    return Chunk(
        plan.alert_id, plan.round, plan.lane.value, after, cursor, planned, done, plan.night.now, deliveries=deliveries,
        shared=shared, batches=batches, fallbacks=links, gaps=gaps,
    )  # fmt: skip


@dataclass(slots=True)
class _Held:
    """Until when quiet hours hold up whom a plan would tell now; worked out once for all who keep the same."""

    plan: Plan
    _known: dict[str, int | None] = field(default_factory=dict)

    def until(self, one: Recipient) -> int | None:
        if not one.quiet or one.state is not State.QUEUED:
            return None
        if one.quiet not in self._known:
            self._known[one.quiet] = self.plan.night.held_until(one.quiet, self.plan.deliver_until)
        return self._known[one.quiet]


def _delivery(
    id_: str, one: Recipient, batch_id: str | None, content_id: str | None, due: int | None
) -> PlannedDelivery:
    state, reason = one.state, one.reason
    if due is not None:
        state, reason = State.WAITING, Why.QUIET_HOURS
    return PlannedDelivery(
        id_, one.channel, one.address, batch_id, content_id, state.value,
        reason.value if reason is not None else None, one.name, one.region, one.subscriber_id, one.endpoint_id,
        one.reasons, due, one.quiet,
    )  # fmt: skip


def _sooner(one: Recipient) -> tuple[int, bool]:
    """Of two behind one address the one to be told sooner decides."""
    return _SOONER[one.state], bool(one.quiet)


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
            if _sooner(one) < _sooner(earlier):
                recipients[key], one = one, earlier
            if one.subscriber_id != recipients[key].subscriber_id:
                shared.append(_shared(one))
    return recipients, shared, gaps, chains


def _shared(one: Recipient) -> SharedAddress:
    return SharedAddress(
        one.channel, one.address, one.name, one.region, one.subscriber_id, one.endpoint_id, one.reasons
    )


def _links(
    found: Sequence[Recipient | Gap],
    chains: Container[tuple[str, int]],
    ids: Mapping[tuple[str, str], str],
    held: _Held,
) -> list[Fallback]:
    """
    Each delivery with the one that stands by for it, for these (subscriber, chain).

    A second channel of the same kind stands by for its own address; another kind for all of the step before.
    """
    steps: dict[tuple[str, int, int], list[Recipient]] = {}
    for one in found:
        if isinstance(one, Gap) or one.state is State.SUPPRESSED:
            continue
        if (one.subscriber_id, one.chain) in chains:
            steps.setdefault((one.subscriber_id, one.chain, one.step), []).append(one)
    links: list[Fallback] = []
    for (subscriber, chain, step), standing in steps.items():
        before = steps.get((subscriber, chain, step - 1), [])
        for one in standing:
            own = [other for other in before if other.address == one.address] or before
            next_id = ids[one.address, one.channel]
            links.extend(_link(other, ids[other.address, other.channel], next_id, held) for other in own)
    return links


def _link(one: Recipient, id_: str, next_id: str, held: _Held) -> Fallback:
    until, late_after = one.patience
    begins = held.until(one) or held.plan.night.now
    late_at = None if one.state is State.STANDBY else begins + late_after
    return Fallback(id_, next_id, until.value, late_after, late_at)


def _batches(
    plan: Plan, parts: Mapping[tuple[str, str, str], _Part], new_ids: Callable[[int], list[str]]
) -> tuple[list[Batch], dict[str, str]]:
    batches: list[Batch] = []
    batch_of: dict[str, str] = {}
    for (channel, *_), part in parts.items():
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
                    created=plan.night.now,
                    deliver_until=plan.deliver_until,
                    levels=bytes(part.levels[start : start + size]),
                    follows=plan.follows,
                    ordered=part.ordered,
                    rank=plan.rank,
                    quiet=part.quiet,
                )
            )
    return batches, batch_of
