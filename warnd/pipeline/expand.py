"""Members → recipients: for each person which endpoints to tell, on which channel, and who is not told and why."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from warnd.contract.channel import Capabilities
from warnd.model.alert import Status
from warnd.model.audience import Endpoint, Member
from warnd.model.color import Color
from warnd.model.delivery import State, Why
from warnd.model.policy import ChannelPolicy, Mode, Patience, Policies, Until
from warnd.pipeline import cap, quiet
from warnd.pipeline.match import Reached
from warnd.ports import Gap

MOST_DECISIONS = 32_768
"""Sets of groups that are remembered: those of a whole country are too many to keep, and would be as many again."""


@dataclass(frozen=True, slots=True)
class Route:
    """A configured channel as planning sees it. ``lifts``: the word of an end or a lowering goes there too."""

    name: str
    capabilities: Capabilities
    emulated: bool = False
    quiet: bool = False
    lifts: bool = True

    @property
    def kind(self) -> str:
        return self.capabilities.kind


class Recipient(NamedTuple):
    """
    One endpoint to tell (or not: ``state`` suppressed, with the ``reason``).

    ``chain`` and ``step`` tie fallbacks: within a member's chain, the next step starts when this one fails, or
    has not succeeded within the ``patience``. ``quiet`` are the quiet hours it keeps, "" for none.
    """

    channel: str
    address: str
    language: str
    state: State
    reason: Why | None
    subscriber_id: str
    endpoint_id: str
    name: str
    region: str
    reasons: str
    chain: int = 0
    step: int = 0
    patience: Patience = Patience()
    quiet: str = ""


class _Step(NamedTuple):
    """A channel to go to; those of one chain stand by for one another, in this order. ``quiet``: the hours kept on it."""

    channel: str
    kind: str
    chain: int
    patience: Patience = Patience()
    quiet: str = ""


@dataclass(frozen=True, slots=True)
class _Decision:
    """
    What a set of groups means for whoever is in exactly these: worked out once, not once a person.

    ``loud`` are the kinds of channels that their policies use, and that are too loud for what has not changed.
    """

    steps: tuple[_Step, ...]
    why: Why | None
    language: str | None
    reasons: str
    quiet: str = ""
    loud: frozenset[str] = frozenset()


@dataclass(slots=True)
class Expander:
    """
    Turns members into recipients for one alert.

    ``groups`` is what matching said; ``routes`` are the configured channels in order. ``quiet_only``: nothing
    changed, so only channels that wake nobody. What is not ``public`` goes to no other platform: people are told of it
    one by one, a platform may pass it on to anybody. ``can_wait``: quiet hours apply.
    """

    groups: Mapping[str, tuple[Reached, ...]]
    hazard: str
    color: Color
    status: Status
    policies: Policies
    routes: Mapping[str, Route]
    default_language: str
    quiet_only: bool = False
    public: bool = True
    can_wait: bool = True
    _decisions: dict[tuple[str, ...], _Decision] = field(default_factory=dict)
    _first_route: dict[str, str] = field(init=False)
    _may_object: bool = field(init=False)

    def __post_init__(self) -> None:
        self._may_object = not self.public or self.status is not Status.ACTUAL
        self._first_route = {}
        for route in self.routes.values():
            self._first_route.setdefault(route.kind, route.name)

    def recipients(self, member: Member) -> Iterator[Recipient | Gap]:
        """Every endpoint of the member that was reached, told or not; a Gap when there is none to use."""
        decision = self._decisions.get(member.groups)
        if decision is None:
            if len(self._decisions) >= MOST_DECISIONS:
                self._decisions.clear()
            decision = self._decisions[member.groups] = self._decide(member.groups)
        language = member.language or decision.language or self.default_language
        if decision.why is not None:
            if not member.endpoints:
                yield Gap(member.region, member.id, member.name, decision.why.value)
            for endpoint in member.endpoints:
                yield self._untold(member, endpoint, language, decision, decision.why)
            return
        used: set[str] = set()
        told = False
        begun: dict[int, int] = {}
        for step in decision.steps:
            place = begun.get(step.chain, 0)
            for endpoint in member.endpoints:
                if endpoint.channel == step.kind and endpoint.active:
                    objection = self._objection(endpoint, step.channel) if self._may_object else None
                    used.add(endpoint.id)
                    if objection is None:
                        told = True
                        begun[step.chain] = place + 1
                    yield self._recipient(member, endpoint, language, decision, step, objection, place)
        for endpoint in member.endpoints:
            if endpoint.id in used:
                continue
            if not endpoint.active:
                yield self._untold(member, endpoint, language, decision, Why.ENDPOINT_SUSPENDED)
            elif not told and not used and not self.quiet_only and endpoint.channel in self._first_route:
                # No endpoint on the policy's channels: the next one there is.
                channel = self._first_route[endpoint.channel]
                step = _Step(channel, endpoint.channel, 0, quiet=self._kept_on(channel, decision.quiet))
                objection = self._objection(endpoint, step.channel)
                told = told or objection is None
                yield self._recipient(member, endpoint, language, decision, step, objection, 0)
            else:
                why = Why.TOO_LOUD if endpoint.channel in decision.loud else Why.NOT_ON_POLICY
                yield self._untold(member, endpoint, language, decision, why)
        if not used and not any(endpoint.active for endpoint in member.endpoints):
            yield Gap(member.region, member.id, member.name, Why.NO_ENDPOINT.value)

    def _objection(self, endpoint: Endpoint, channel: str) -> Why | None:
        if not self.public and endpoint.channel == cap.KIND:
            return Why.NOT_PUBLIC
        if self.status is Status.EXERCISE and not endpoint.drills:
            return Why.DRILL_NOT_JOINED
        if self.status is Status.TEST and not self.routes[channel].emulated:
            return Why.TEST
        return None

    def _recipient(
        self,
        member: Member,
        endpoint: Endpoint,
        language: str,
        decision: _Decision,
        step: _Step,
        objection: Why | None,
        place: int,
    ) -> Recipient:
        """``place`` is the member's own in the chain: a channel it has no endpoint for is no step of it."""
        state = State.STANDBY if place else State.QUEUED
        if objection is not None:
            state = State.SUPPRESSED
        return Recipient(
            step.channel, endpoint.address, language, state, objection, member.id, endpoint.id, member.name,
            member.region, decision.reasons, step.chain, place, step.patience, step.quiet,
        )  # fmt: skip

    def _untold(
        self, member: Member, endpoint: Endpoint, language: str, decision: _Decision, why: Why
    ) -> Recipient:
        return Recipient(
            self._first_route.get(endpoint.channel, endpoint.channel), endpoint.address, language,
            State.SUPPRESSED, why, member.id, endpoint.id, member.name, member.region, decision.reasons,
        )  # fmt: skip

    def _decide(self, group_ids: Sequence[str]) -> _Decision:
        reached = [one for group in group_ids for one in self.groups.get(group, ())]
        applies = [one for one in reached if one.why is None]
        reasons = json.dumps([_reason(one) for one in applies or reached], separators=(",", ":"))
        if not applies:
            why = max((one.why for one in reached if one.why), key=_closeness)
            return _Decision((), why, None, reasons)
        language = next((one.subscription.language for one in applies if one.subscription.language), None)
        hours = self._quiet(applies)
        return _Decision(
            self._steps(applies, hours), None, language, reasons, hours, frozenset(self._loud(applies))
        )

    def _policy(self, one: Reached) -> ChannelPolicy:
        return self.policies.of(one.subscription.audience, self.color, self.hazard)

    def _quiet(self, applies: Sequence[Reached]) -> str:
        return quiet.kept([self._policy(one).quiet_hours for one in applies]) if self.can_wait else ""

    def _kept_on(self, channel: str, hours: str) -> str:
        """Where nobody is woken no quiet hours are kept."""
        return "" if self.routes[channel].quiet else hours

    def _steps(self, applies: Sequence[Reached], hours: str) -> tuple[_Step, ...]:
        """
        The channels of all policies that apply, each once.

        A second channel of the same kind reaches the same addresses, so it stands by for the first; in an
        ordered policy each stands by for the one before. Where one policy is parallel, that wins.
        """
        parallel: dict[str, None] = {}
        ordered: dict[str, None] = {}
        patience: dict[str, Patience] = {}
        for one in applies:
            policy = self._policy(one)
            wanted = [name for name in policy.channels if self._allowed(name, one)]
            (parallel if policy.mode is Mode.PARALLEL else ordered).update(dict.fromkeys(wanted))
            for name in wanted:
                asked = self._patience(name, policy.patience)
                patience[name] = asked.with_(patience.get(name, asked))
        chains: dict[str, int] = {}
        for name in parallel:
            chains.setdefault(self.routes[name].kind, len(chains))
        one_by_one = len(chains)
        return tuple(
            _Step(name, kind, chains.get(kind, one_by_one), patience[name], self._kept_on(name, hours))
            for name in {**parallel, **ordered}
            for kind in (self.routes[name].kind,)
        )

    def _patience(self, name: str, asked: Patience) -> Patience:
        """Where no receipt ever comes, accepted is the last that is known."""
        return asked if self.routes[name].capabilities.receipts else asked._replace(until=Until.ACCEPTED)

    def _allowed(self, name: str, one: Reached) -> bool:
        return self._wanted(name, one) and not (self.quiet_only and not self.routes[name].quiet)

    def _wanted(self, name: str, one: Reached) -> bool:
        route = self.routes.get(name)
        narrowed = one.subscription.channels
        return route is not None and (narrowed is None or name in narrowed or route.kind in narrowed)

    def _loud(self, applies: Sequence[Reached]) -> Iterator[str]:
        for one in applies:
            for name in self._policy(one).channels:
                if self._wanted(name, one) and not self._allowed(name, one):
                    yield self.routes[name].kind


def _reason(one: Reached) -> dict[str, str | None]:
    return {
        "subscription": one.subscription.id,
        "group": one.subscription.group_id,
        "relation": one.relation.value,
        "why": one.why.value if one.why else None,
    }


def _closeness(why: Why) -> int:
    """How near the person was to being told: below the color is nearer than another hazard."""
    return 1 if why is Why.BELOW_COLOR else 0
