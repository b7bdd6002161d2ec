"""
One delivery's timeline as plain sentences, for the console and the command line alike.

Pure: what happened comes from ``store.delivery_story``, the words from ``app.phrases``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, assert_never

from warnd.app.phrases import Phrases, phrases
from warnd.model.delivery import State, Why
from warnd.store.delivery_story import DeliveryStory, Event, Person


class Tone(Enum):
    """How good a state is, in the few kinds that a glance tells apart; the best first."""

    DELIVERED = "delivered"
    ACCEPTED = "accepted"
    UNDERWAY = "underway"
    UNKNOWN = "unknown"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Moment:
    """A sentence of a story, with its time and how good the news is."""

    at: datetime
    tone: Tone
    sentence: str


def tone_of(state: State) -> Tone:
    """The kind a state belongs to; what could not leave before its time was over has failed somebody."""
    match state:
        case State.DELIVERED:
            return Tone.DELIVERED
        case State.ACCEPTED:
            return Tone.ACCEPTED
        case State.QUEUED | State.STANDBY | State.SENDING | State.WAITING:
            return Tone.UNDERWAY
        case State.UNKNOWN:
            return Tone.UNKNOWN
        case State.FAILED | State.UNDELIVERED | State.EXPIRED:
            return Tone.FAILED
        case State.SUPERSEDED | State.CANCELLED | State.SUPPRESSED:
            return Tone.STOPPED
        case _:
            assert_never(state)


def tell(
    story: DeliveryStory, language: str, places: Mapping[str, str] | None = None
) -> list[tuple[datetime, str]]:
    """What happened, a sentence or two for each moment, the first first. ``places`` names regions by code."""
    return [(moment.at, moment.sentence) for moment in moments(story, language, places)]


def moments(story: DeliveryStory, language: str, places: Mapping[str, str] | None = None) -> list[Moment]:
    """The same with the tone of each moment; the last one says where it stands and what to do about it."""
    teller = _Teller(story, phrases(language), places or {})
    told = [moment for event in story.events for moment in teller.moment(event)]
    return [*told, *teller.conclusion()]


def why_of(say: Phrases, state: State, reason: str | None, detail: str | None) -> str:
    """A delivery's stored reason in a few words, with what the gateway said; empty where there is none."""
    if not reason or state in _FINE:
        return ""
    if _was_held_up(state, reason):
        return say("story.held_up_note")
    ours = state is State.SUPPRESSED or reason == Why.QUIET_HOURS.value
    words = say.word("whys" if ours else "reasons", reason)
    return f"{words} ({detail})" if detail else words


def _was_held_up(state: State, reason: str | None) -> bool:
    """Whether quiet hours kept it until there was nothing to be sent any more."""
    return reason == Why.QUIET_HOURS.value and state is not State.WAITING


_FINE = frozenset({State.ACCEPTED, State.DELIVERED})
_LEFT_TO_ANOTHER = frozenset({Why.NOT_NEEDED.value, Why.FELL_OVER.value})


@dataclass(frozen=True, slots=True)
class _Teller:
    story: DeliveryStory
    say: Phrases
    places: Mapping[str, str]

    def moment(self, event: Event) -> Iterator[Moment]:
        """What one event says; some say nothing that another does not."""
        match event.kind:
            case "delivery.planned":
                yield self._planned(event)
            case "delivery.stood_by":
                beside = ["story.beside"] if event.facts.get("possible_repeat") else []
                yield Moment(event.at, Tone.UNDERWAY, self._joined(map(self.say, ["story.standby", *beside])))
            case "attempt.ended":
                yield self._attempt(event)
            case "attempt.interrupted":
                sentences = [self.say("story.interrupted"), *self._bundle(event)]
                yield Moment(event.at, Tone.UNKNOWN, self._joined(sentences))
            case "receipt.received":
                yield self._receipt(event)
            case "delivery.ended" if event.facts["state"] != State.SUPPRESSED.value:
                state = State(event.facts["state"])
                held_up = ["story.held_up"] if _was_held_up(state, event.facts["reason"]) else []
                keys = [f"story.ended_{state.value}", *held_up]
                yield Moment(event.at, tone_of(state), self._joined(map(self.say, keys)))
            case "delivery.ended" if event.facts["reason"] in _LEFT_TO_ANOTHER:
                yield Moment(event.at, Tone.STOPPED, self.say(f"story.ended_{event.facts['reason']}"))

    def conclusion(self) -> Iterator[Moment]:
        """How it stands, unless the last event said so."""
        delivery = self.story.delivery
        how = delivery.state.value
        if delivery.state is State.WAITING and delivery.reason == Why.QUIET_HOURS.value:
            how = Why.QUIET_HOURS.value
        key = f"story.stands_{how}"
        if key in self.say:
            sentence = self.say(key, end=self._hours().rpartition("-")[-1])
            yield Moment(delivery.updated, tone_of(delivery.state), sentence)

    # --- who and why ------------------------------------------------------------------------------

    def _planned(self, event: Event) -> Moment:
        delivery = self.story.delivery
        person = {"name": delivery.name, "region": self._place(delivery.region)}
        reasons = {reason: None for one in self.story.people for reason in self._reasons(one)}
        if delivery.state is State.SUPPRESSED and delivery.reason not in _LEFT_TO_ANOTHER:
            why = self.say.word("whys", delivery.reason or "")
            first = self.say("story.not_told", why=why, **person)
            return Moment(event.at, Tone.STOPPED, self._joined([first, *reasons]))
        if delivery.round:
            first = self.say("story.planned_again", n=delivery.round, channel=delivery.channel, **person)
        else:
            first = self.say("story.planned", channel=delivery.channel, **person)
        keeps = [self.say("story.quiet_hours", hours=hours)] if (hours := self._hours()) else []
        return Moment(event.at, Tone.UNDERWAY, self._joined([first, *reasons, *self._others(), *keeps]))

    def _reasons(self, person: Person) -> Iterator[str]:
        for reason in person.reasons:
            group = reason.group_name or reason.group
            if reason.why is None:
                yield self.say(f"story.because_{reason.relation}", group=group)
            else:
                yield self.say("story.not_told_group", group=group, why=self.say.word("whys", reason.why))

    def _others(self) -> Iterator[str]:
        mine = (self.story.delivery.name, self.story.delivery.region)
        for person in self.story.people:
            if (person.name, person.region) != mine:
                yield self.say("story.shared", name=person.name, region=self._place(person.region))

    # --- what came of it --------------------------------------------------------------------------

    def _attempt(self, event: Event) -> Moment:
        outcome = event.facts["outcome"] or {}
        tone, sentence = self._outcome(event, outcome)
        sentences = [sentence, *self._bundle(event)]
        if detail := outcome.get("detail"):
            sentences.append(self.say("story.said", detail=detail))
        sentences += [
            self.say(f"story.{mark}") for mark in ("possible_repeat", "late") if event.facts.get(mark)
        ]
        return Moment(event.at, tone, self._joined(sentences))

    def _bundle(self, event: Event) -> Iterator[str]:
        """With what else it went as one message."""
        if (bundle := event.facts.get("bundle")) is not None:
            others = [one["headline"] for one in bundle["with"]]
            listed = self.say("story.comma").join(others)
            yield self.say("story.bundled", n=len(others), place=bundle["place"], others=listed)

    def _outcome(self, event: Event, outcome: Mapping[str, Any]) -> tuple[Tone, str]:
        n = event.facts.get("try", 0)
        reason = self.say.word("reasons", outcome.get("reason", ""))
        match outcome:
            case _ if event.facts.get("not_sent"):
                return Tone.UNDERWAY, self.say("story.not_sent", n=n)
            case _ if event.facts.get("taken_apart"):
                return Tone.UNDERWAY, self.say("story.taken_apart", n=n, reason=reason)
            case {"outcome": "accepted"}:
                took = (event.at - datetime.fromisoformat(event.facts["started"])).total_seconds()
                channel = self.story.delivery.channel
                return Tone.ACCEPTED, self.say("story.accepted", n=n, seconds=round(took, 2), channel=channel)
            case {"outcome": "rejected", "scope": "one_of"} if event.facts.get("size", 1) == 1:
                return Tone.FAILED, self.say("story.rejected_address", n=n, reason=reason)
            case {"outcome": "rejected", "scope": scope}:
                return Tone.FAILED, self.say(f"story.rejected_{scope}", n=n, reason=reason)
            case {"outcome": "deferred", "maybe_sent": True}:
                return Tone.UNKNOWN, self.say("story.maybe_sent", n=n, reason=reason)
            case {"outcome": "deferred", "retry_after": asked} if asked:
                return Tone.UNDERWAY, self.say("story.deferred_asked", n=n, reason=reason, wait=asked)
            case {"outcome": "deferred"}:
                return Tone.UNDERWAY, self.say("story.deferred", n=n, reason=reason)
            case _:
                return Tone.UNKNOWN, self.say("story.erased", n=n)

    def _receipt(self, event: Event) -> Moment:
        status = event.facts["status"]
        sentences = [self.say(f"story.receipt_{status}")]
        if detail := event.facts.get("detail"):
            sentences.append(self.say("story.said", detail=detail))
        return Moment(event.at, tone_of(State(status)), self._joined(sentences))

    # --- words ------------------------------------------------------------------------------------

    def _hours(self) -> str:
        """The quiet hours that it keeps, such as 22:00-07:00; empty for none."""
        return next((hours for one in self.story.events if (hours := one.facts.get("quiet_hours"))), "")

    def _place(self, region: str) -> str:
        return self.places.get(region, region)

    def _joined(self, sentences: Iterable[str]) -> str:
        return self.say("story.gap").join(sentences)
