"""What becomes of a message that was read: its identity, its place in an episode, and whether it is released."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from warnd.errors import Fault
from warnd.model.admission import Admission, Earlier, Identity, Known
from warnd.model.alert import LIFT_LIFETIME, Alert, AlertState, AlertType, Change, Parsed, Verdict
from warnd.model.audience import EVERY_HAZARD
from warnd.model.color import Color
from warnd.model.episode import (
    CLOCKS_DIFFER,
    Standing,
    awaiting,
    by_episode,
    completed,
    ends,
    gravest,
    lane_for,
    national,
    spoken_for,
    stand,
    where,
)
from warnd.model.region import covers
from warnd.model.release import DEFAULT_HOLDS, HoldRule, hold
from warnd.pipeline.by_hand import issued_again, named

_RELAYS_DIFFER = timedelta(hours=1)
"""How far apart the times may be of one warning that a source brings by several ways."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """
    A source and what it may speak for; ``regions`` empty is everywhere.

    ``official`` releases at once; what others say is held as ``holds`` has it for the color. ``by_hand``: a person
    is there to mend what cannot be released.
    """

    name: str
    hazards: frozenset[str] = frozenset({EVERY_HAZARD})
    colors: frozenset[Color] = frozenset(Color)
    regions: tuple[str, ...] = ()
    official: bool = True
    holds: Mapping[Color, HoldRule] = field(default_factory=lambda: DEFAULT_HOLDS)
    by_hand: bool = False


def admit(parsed: Parsed, known: Known, *, speaker: Speaker, now: datetime) -> Admission:
    """Decide on a message by what is known."""
    same = known.same if known.same is not None else _the_same_elsewhere(parsed.alert, known, speaker)
    if same is None and speaker.by_hand and (again := issued_again(parsed.alert, known.issued, now)):
        return Admission(Identity.REPEAT, again.alert, same=again.same)
    if same is None:
        return _new(parsed, known, speaker=speaker, now=now)
    differs = () if same.digest == known.digest else (_DIFFERS,)
    if differs and same.source == speaker.name and same is known.same:
        return Admission(Identity.CONFLICT, parsed.alert, same=same, findings=differs)
    if same.source != speaker.name and same.state in _WAITING:
        # Who may speak need not wait for one who may not.
        fresh = _new(parsed, known, speaker=speaker, now=now)
        if fresh.state is AlertState.RELEASED:
            return fresh
    return Admission(Identity.REPEAT, parsed.alert, same=same, findings=differs)


def _the_same_elsewhere(alert: Alert, known: Known, speaker: Speaker) -> Earlier | None:
    """The warning that came under the same national identifier; one that was let through before one that waits."""
    if not national(alert.identifier):
        return None
    found = [one for one in known.episode if one.identifier == alert.identifier]
    found = [one for one in found if _is_one_warning(one, alert, speaker)]
    return min(found, key=lambda one: one.state in _WAITING, default=None)


def _is_one_warning(there: Earlier, alert: Alert, speaker: Speaker) -> bool:
    """
    Whether two messages under one national identifier are one warning, relayed twice.

    The identifier numbers the second of entry; ``sent`` is another clock, which each relay has its own way with:
    another source's does not count, the own one's by an hour at the most. What ends it, or has another color, is
    another message.
    """
    if there.status is not alert.status:
        return False
    if there.sent.replace(microsecond=0) == alert.sent.replace(microsecond=0):
        return True
    if (there.change is Change.LIFTED) is not ends(alert) or alert.color not in (None, there.color):
        return False
    return there.source != speaker.name or abs(there.sent - alert.sent) <= _RELAYS_DIFFER


def _new(parsed: Parsed, known: Known, *, speaker: Speaker, now: datetime) -> Admission:
    alert, regions = named(parsed.alert, known.names), known.regions
    tie = _tie(alert, known, speaker)
    findings = [*(_unknown_region(code) for code in known.unknown_regions), *tie.findings]
    doubts = [*parsed.doubts, *tie.doubts]
    if alert.reaches_people:
        alert = completed(alert, tie.episode)
        if tie.episode and alert.color is not None:
            doubts = [doubt for doubt in doubts if doubt.code not in _ABOUT_COLOR]
    place = where(regions, tie.episode)
    if alert.reaches_people and not ends(alert) and not place:
        findings.append(_NOWHERE)
        doubts.extend(_boundless(speaker))
    if alert.sent > now + CLOCKS_DIFFER:
        findings.append(_IN_FUTURE)
    doubts.extend(_beyond(alert, regions, speaker))
    standing = stand(alert, place, tie.episode, now=now)
    state = _state(
        alert, standing, doubts, speaker, now=now, may_end=speaker.official or tie.is_of(speaker.name)
    )
    if alert.reaches_people and standing.overtaken_by is not None:
        findings.append(_OVERTAKEN)
    released = state is AlertState.RELEASED
    warned = bool(parsed.warnings or findings)
    verdict = Verdict.ACCEPT_WITH_WARNINGS if warned else Verdict.ACCEPT
    over = standing.overtaken_by if state in (AlertState.SUPERSEDED, AlertState.CANCELLED) else None
    until = _deliver_until(alert)
    rule = speaker.holds[gravest(alert, tie.episode, standing.change) or Color.RED]
    return Admission(
        Identity.NEW,
        alert,
        state=state,
        verdict=Verdict.QUARANTINE if doubts else verdict,
        change=standing.change,
        lane=lane_for(alert, tie.episode, standing.change),
        episode_id=tie.episode_ids[0] if tie.episode_ids else None,
        joins=tie.episode_ids[1:] if released else (),
        tied=tuple(one.id for one in tie.episode),
        overtaken_by=over.id if over is not None else None,
        deliver_until=until,
        supersedes=standing.stops if released else (),
        ending=standing.ending,
        findings=(*parsed.warnings, *findings, *doubts),
        regions=place,
        hold=hold(rule, now=now, until=until) if state is AlertState.HELD else None,
    )


@dataclass(frozen=True, slots=True)
class _Tie:
    """The episode a message is of: all messages of ``episode_ids``, and what is to be said of that."""

    episode_ids: tuple[str, ...]
    episode: Sequence[Earlier]
    findings: Sequence[Fault]
    doubts: Sequence[Fault]

    def is_of(self, source: str) -> bool:
        """Whether all of it that is here came from this source."""
        return bool(self.episode) and all(one.source == source for one in self.episode)


def _tie(alert: Alert, known: Known, speaker: Speaker) -> _Tie:
    """The episodes that it names and may speak for become one with it; those that name it took it in before it came."""
    referred = by_episode(alert, known.episode)
    theirs = spoken_for(alert, speaker.name, referred)
    findings: list[Fault] = []
    doubts: list[Fault] = []
    if len(referred) < len({one.episode_id for one in known.episode}):
        findings.append(_OTHER_STATUS)
    elif not referred and (alert.type in _FOLLOWING or ends(alert)):
        findings.append(_DANGLING)
    if referred and not theirs:
        theirs = dict(referred)
        if alert.reaches_people:
            doubts.append(_NOT_THEIR_EPISODE)
    elif len(theirs) < len(referred):
        findings.append(_NOT_ALL_THEIRS)
    theirs |= awaiting(alert, speaker.name, known.followers)
    return _Tie(tuple(theirs), [one for of in theirs.values() for one in of], findings, doubts)


def _state(
    alert: Alert,
    standing: Standing,
    doubts: Sequence[Fault],
    speaker: Speaker,
    *,
    now: datetime,
    may_end: bool,
) -> AlertState:
    """``may_end``: its source may take back, unasked, what nobody was told of yet."""
    if not alert.reaches_people:
        return AlertState.KEPT
    if doubts:
        return AlertState.QUARANTINED
    if standing.overtaken_by is not None:
        over = standing.overtaken_by.change is Change.LIFTED
        return AlertState.CANCELLED if over else AlertState.SUPERSEDED
    if standing.over and may_end:
        return AlertState.KEPT  # nobody was told, or whoever was has been told of the end
    if _deliver_until(alert) <= now:
        return AlertState.EXPIRED
    return AlertState.RELEASED if speaker.official else AlertState.HELD


def _deliver_until(alert: Alert) -> datetime:
    return alert.sent + LIFT_LIFETIME if ends(alert) else alert.deliver_until


def _beyond(alert: Alert, regions: Sequence[str], speaker: Speaker) -> list[Fault]:
    faults = []
    if EVERY_HAZARD not in speaker.hazards and alert.hazard not in speaker.hazards:
        faults.append(
            Fault("hazard", "source_hazard", f"source {speaker.name} does not speak for {alert.hazard}")
        )
    if alert.color is not None and alert.color not in speaker.colors:
        message = f"source {speaker.name} does not speak for {alert.color.value}"
        faults.append(Fault("color", "source_color", message))
    if speaker.regions:
        faults.extend(
            Fault("areas", "source_region", f"source {speaker.name} does not speak for {code}", code)
            for code in regions
            if not any(covers(allowed, code) for allowed in speaker.regions)
        )
    return faults


def _boundless(speaker: Speaker) -> list[Fault]:
    """What names no place cannot be seen to lie where its source may speak."""
    if not speaker.regions:
        return []
    message = f"source {speaker.name} speaks for {', '.join(speaker.regions)} only, and this names no place"
    return [Fault("areas", "source_region", message)]


def _unknown_region(code: str) -> Fault:
    return Fault("areas", "unknown_region", f"{code} is no division that is known here", code)


_WAITING = frozenset({AlertState.HELD, AlertState.QUARANTINED})
_FOLLOWING = frozenset({AlertType.UPDATE, AlertType.CANCEL})
_ABOUT_COLOR = frozenset({"color_unknown", "hazard_unknown"})
_DIFFERS = Fault("", "differs", "the same warning came with other content")
_NOWHERE = Fault(
    "areas", "area_unresolved", "it names no division that is known here, so that nobody is found"
)
_IN_FUTURE = Fault("sent", "sent_in_future", "is more than 15 minutes ahead of the clock here")
_DANGLING = Fault("references", "dangling_reference", "what it refers to has not come here")
_OVERTAKEN = Fault("sent", "overtaken", "a later message of its episode came before it")
_OTHER_STATUS = Fault(
    "references", "other_status", "a drill or test changes nothing real, and nothing real changes a drill"
)
_NOT_ALL_THEIRS = Fault(
    "references",
    "not_all_theirs",
    "it refers to another's warning too, for which neither its sender nor its source may speak",
)
_NOT_THEIR_EPISODE = Fault(
    "references", "not_their_episode", "neither its sender nor its source may speak for the earlier warning"
)
