"""What becomes of a message that was read: its identity, its place in an episode, and whether it is released."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from warnd.errors import Fault
from warnd.model.admission import Admission, Earlier, Identity, Known
from warnd.model.alert import (
    LIFT_LIFETIME,
    Alert,
    AlertState,
    AlertType,
    Change,
    Parsed,
    Status,
    Verdict,
)
from warnd.model.alert_body import ENDS
from warnd.model.audience import EVERY_HAZARD
from warnd.model.color import Color, Lane, lane_of
from warnd.model.region import covers

_NATIONAL = re.compile(r"\d{14}_\d{14}(?:_\d)?\Z", re.ASCII)
"""The national platform's identifier, of 29 or 31 characters: the same warning by whatever feed it comes."""

_CLOCKS_DIFFER = timedelta(minutes=15)
"""How far ahead of ours a sender's clock may be before it is worth a word."""

_RELAYS_DIFFER = timedelta(hours=1)
"""How far apart the times may be of one warning that a source brings by several ways."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """A source and what it may speak for; ``regions`` empty is everywhere. ``official`` releases at once."""

    name: str
    hazards: frozenset[str] = frozenset({EVERY_HAZARD})
    colors: frozenset[Color] = frozenset(Color)
    regions: tuple[str, ...] = ()
    official: bool = True


def national(identifier: str) -> bool:
    """Whether an identifier is the national platform's own."""
    return _NATIONAL.match(identifier) is not None


def admit(parsed: Parsed, known: Known, *, speaker: Speaker, now: datetime) -> Admission:
    """Decide on a message by what is known."""
    alert, regions = parsed.alert, known.regions
    if known.same is not None:
        if known.same.digest == known.digest:
            return Admission(Identity.REPEAT, alert, same=known.same)
        identity = Identity.CONFLICT if known.same.source == speaker.name else Identity.REPEAT
        return Admission(identity, alert, same=known.same, findings=(_DIFFERS,))
    ends = alert.type is AlertType.CANCEL or alert.parameters.get(ENDS) == "true"
    if known.same_national is not None and _one_warning(known.same_national, alert, speaker, ends=ends):
        return Admission(Identity.REPEAT, alert, same=known.same_national, findings=(_DIFFERS,))
    findings = [*(_unknown_region(code) for code in known.unknown_regions)]
    released = [one for one in known.episode if one.state is AlertState.RELEASED]
    live = [one for one in released if one.change is not Change.LIFTED]
    doubts = [*parsed.doubts]
    if alert.type in (AlertType.UPDATE, AlertType.CANCEL):
        if not known.episode:
            findings.append(_DANGLING)
        elif not _may_speak(alert, known.episode, speaker):
            doubts.append(_NOT_THEIR_EPISODE)
        alert = _completed(alert, known.episode)
        if alert.color is not None:
            doubts = [doubt for doubt in doubts if doubt.code not in _ABOUT_COLOR]
    where = _where(regions, known.episode)
    if alert.reaches_people and not ends and not where:
        findings.append(_NOWHERE)
        doubts.extend(_boundless(speaker))
    if alert.sent > now + _CLOCKS_DIFFER:
        findings.append(_IN_FUTURE)
    doubts.extend(_beyond(alert, regions, speaker))
    change = _change(alert, live, regions, ends=ends)
    state = _state(alert, live, doubts, speaker, ends=ends, now=now)
    stops = tuple(one.id for one in released) if state is AlertState.RELEASED else ()
    warned = bool(parsed.warnings or findings)
    verdict = Verdict.ACCEPT_WITH_WARNINGS if warned else Verdict.ACCEPT
    return Admission(
        Identity.NEW,
        alert,
        state=state,
        verdict=Verdict.QUARANTINE if doubts else verdict,
        change=change,
        lane=_lane(alert, known.episode, change),
        episode_id=known.episode[0].episode_id if known.episode else None,
        deliver_until=alert.sent + LIFT_LIFETIME if change is Change.LIFTED else alert.deliver_until,
        supersedes=stops,
        ending=AlertState.CANCELLED if change is Change.LIFTED else AlertState.SUPERSEDED,
        findings=(*parsed.warnings, *findings, *doubts),
        regions=where,
    )


def _one_warning(there: Earlier, alert: Alert, speaker: Speaker, *, ends: bool) -> bool:
    """
    Whether two messages under one national identifier are one warning, relayed twice.

    The identifier numbers the second of entry; ``sent`` is another clock, which each relay has its own way with:
    another source's does not count, the own one's by an hour at the most. What ends it, or has another color, is
    another message.
    """
    if there.sent == alert.sent:
        return True
    if (there.change is Change.LIFTED) is not ends or alert.color not in (None, there.color):
        return False
    return there.source != speaker.name or abs(there.sent - alert.sent) <= _RELAYS_DIFFER


def _where(regions: Sequence[str], episode: Sequence[Earlier]) -> tuple[str, ...]:
    """A message that names no place speaks of where its episode is."""
    if regions or not episode:
        return tuple(regions)
    return tuple(sorted(max(episode, key=lambda one: one.sent).regions))


def _state(
    alert: Alert,
    live: Sequence[Earlier],
    doubts: Sequence[Fault],
    speaker: Speaker,
    *,
    ends: bool,
    now: datetime,
) -> AlertState:
    if not alert.reaches_people:
        return AlertState.KEPT
    if doubts:
        return AlertState.QUARANTINED
    if ends and not live:
        return AlertState.KEPT  # nothing of it is in force: whoever was told has been told of the end
    limit = alert.sent + LIFT_LIFETIME if ends else alert.deliver_until
    if limit <= now:
        return AlertState.EXPIRED
    return AlertState.RELEASED if speaker.official else AlertState.HELD


def _completed(alert: Alert, episode: Sequence[Earlier]) -> Alert:
    """Hazard and color that the message leaves out are those of the latest message of its episode."""
    if not episode:
        return alert
    latest = max(episode, key=lambda one: one.sent)
    color = alert.color if alert.color is not None else latest.color
    hazard = latest.hazard if alert.hazard == "other" else alert.hazard
    return replace(alert, color=color, hazard=hazard)


def _change(alert: Alert, live: Sequence[Earlier], regions: Sequence[str], *, ends: bool) -> Change:
    if ends:
        return Change.LIFTED
    if not live or alert.type is not AlertType.UPDATE:
        return Change.ISSUED
    before = max(live, key=lambda one: one.sent)
    if before.color is not None and alert.color is not None and before.color is not alert.color:
        return Change.RAISED if alert.color > before.color else Change.LOWERED
    if _all_covered(before.regions, regions) and _all_covered(regions, before.regions):
        return Change.CONTINUED
    if _all_covered(before.regions, regions):
        return Change.WIDENED
    return Change.NARROWED if _all_covered(regions, before.regions) else Change.UPDATED


def _all_covered(inner: Sequence[str] | frozenset[str], outer: Sequence[str] | frozenset[str]) -> bool:
    return all(any(covers(big, small) for big in outer) for small in inner)


def _lane(alert: Alert, episode: Sequence[Earlier], change: Change) -> Lane:
    """A lift or a lowering travels in the lane of the highest color that people were told."""
    colors = [alert.color] if alert.color is not None else []
    if change in (Change.LIFTED, Change.LOWERED):
        colors.extend(one.color for one in episode if one.color is not None and one.state in _WENT_OUT)
    return lane_of(max(colors, default=Color.BLUE), drill=alert.status is not Status.ACTUAL)


def _may_speak(alert: Alert, episode: Sequence[Earlier], speaker: Speaker) -> bool:
    return any(alert.sender == one.sender or speaker.name == one.source for one in episode)


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
            Fault("areas", "source_region", f"source {speaker.name} does not speak for {code}")
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
    return Fault("areas", "unknown_region", f"{code} is no division that is known here")


_WENT_OUT = frozenset({AlertState.RELEASED, AlertState.SUPERSEDED, AlertState.CANCELLED, AlertState.EXPIRED})
_ABOUT_COLOR = frozenset({"color_unknown", "hazard_unknown"})
_DIFFERS = Fault("", "differs", "the same warning came with other content")
_NOWHERE = Fault(
    "areas", "area_unresolved", "it names no division that is known here, so that nobody is found"
)
_IN_FUTURE = Fault("sent", "sent_in_future", "is more than 15 minutes ahead of the clock here")
_DANGLING = Fault("references", "dangling_reference", "what it refers to has not come here")
_NOT_THEIR_EPISODE = Fault(
    "references", "not_their_episode", "neither its sender nor its source may speak for the earlier warning"
)
