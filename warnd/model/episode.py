"""
How a message stands to those of its episode: who may speak there, what it changes, what it stops, whether it came late.

Pure, and below the store, for the same rules decide when a message comes and when a person releases one that was held.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from warnd.model.admission import Earlier
from warnd.model.alert import LESS_DANGER, Alert, AlertState, AlertType, Change, Reference, Status
from warnd.model.alert_body import ENDS
from warnd.model.color import Color, Lane, lane_of
from warnd.model.meaning import words_of
from warnd.model.region import covers

CLOCKS_DIFFER = timedelta(minutes=15)
"""How far ahead of ours a sender's clock may be before it is worth a word."""

_NATIONAL = re.compile(r"\d{14}_\d{14}(?:_\d)?\Z", re.ASCII)
_CONTINUES = "继续发布"
_PASSED = frozenset({AlertState.RELEASED, AlertState.SUPERSEDED, AlertState.CANCELLED, AlertState.EXPIRED})
"""States of what has been let through: by its source's right, or by a person."""


@dataclass(frozen=True, slots=True)
class Standing:
    """
    What follows for a message from the others of its episode.

    ``change`` is against what is in force; ``stops`` are the alerts that end when it is released; ``overtaken_by``
    is the later message that it comes too late for. ``over``: it ends what has ended already, or never went out.
    """

    change: Change
    stops: tuple[str, ...] = ()
    overtaken_by: Earlier | None = None
    over: bool = False

    @property
    def ending(self) -> AlertState:
        """What becomes of those it stops."""
        return AlertState.CANCELLED if self.change is Change.LIFTED else AlertState.SUPERSEDED


def national(identifier: str) -> bool:
    """Whether it is the national platform's own, of 29 or 31 characters: the same warning by whatever feed it comes."""
    return _NATIONAL.match(identifier) is not None


def ends(alert: Alert) -> bool:
    """Whether it lifts what it refers to: a cancel, or any other message that says so."""
    return alert.type is AlertType.CANCEL or alert.parameters.get(ENDS) == "true"


def names(alert: Alert, other: Earlier) -> bool:
    """
    Whether the message refers to the other one.

    A reference without a sender is to any sender's, one by the national identifier too. Its time is advisory.
    """
    if (other.sender, other.identifier) == (alert.sender, alert.identifier):
        return False
    return any(
        one.names(other.sender, other.identifier)
        or (one.identifier == other.identifier and national(one.identifier))
        for one in alert.references
    )


def may_speak(alert: Alert, source: str, episode: Sequence[Earlier]) -> bool:
    """
    Whether the message comes from the episode's sender or one of its sources.

    Only those speak for an episode who were let through; before any was, those who wait to be, under another
    identifier than the message's. One that a stranger sent into it counts for nothing.
    """
    passed = [one for one in episode if one.state in _PASSED]
    waiting = [one for one in episode if one.state is not AlertState.QUARANTINED]
    voices = passed or [one for one in waiting if one.identifier != alert.identifier]
    return not voices or any(alert.sender == one.sender or source == one.source for one in voices)


def by_episode(alert: Alert, found: Sequence[Earlier]) -> dict[str, list[Earlier]]:
    """A drill is tied to drills alone, what is real to what is real."""
    episodes: dict[str, list[Earlier]] = {}
    for one in found:
        if one.status is alert.status:
            episodes.setdefault(one.episode_id, []).append(one)
    return episodes


def spoken_for(
    alert: Alert, source: str, named: Mapping[str, Sequence[Earlier]]
) -> dict[str, Sequence[Earlier]]:
    """Of the episodes that a message names those it may speak for: they become one with it, no others."""
    return {id: of for id, of in named.items() if may_speak(alert, source, of)}


def awaiting(alert: Alert, source: str, followers: Sequence[Earlier]) -> dict[str, Sequence[Earlier]]:
    """Episodes that named a message before it came and take it in: those of its own sender or source."""
    return {
        id: of
        for id, of in by_episode(alert, followers).items()
        if any(alert.sender == one.sender or source == one.source for one in of)
    }


def where(regions: Sequence[str], episode: Sequence[Earlier]) -> tuple[str, ...]:
    """A message that names no place speaks of where its episode is."""
    if regions or not episode:
        return tuple(regions)
    return tuple(sorted(max(episode, key=lambda one: one.sent).regions))


def completed(alert: Alert, episode: Sequence[Earlier]) -> Alert:
    """
    The message with what it leaves out as the latest of its episode that went out has it.

    An end is of what was in force, whatever color it calls itself: many ends are graded as minor. Who sent what it
    refers to, and when, is what is known of that: another platform may not know it.
    """
    if not episode:
        return alert
    latest = max(_out(episode) or episode, key=_order)
    inherits = alert.color is None or (ends(alert) and latest.color is not None)
    return replace(
        alert,
        color=latest.color if inherits else alert.color,
        hazard=latest.hazard if alert.hazard == "other" else alert.hazard,
        references=tuple(_whole(one, episode) for one in alert.references),
    )


def stand(alert: Alert, regions: Sequence[str], episode: Sequence[Earlier], *, now: datetime) -> Standing:
    """Where a message of these (unpadded) regions stands among the others of its episode."""
    overtaken = _overtaken_by(alert, episode, now)
    stops = tuple(one.id for one in episode if one.state is AlertState.RELEASED)
    if ends(alert):
        out = _out(episode)
        over = not out or _has_told_the_end(max(out, key=_order))
        return Standing(Change.LIFTED, stops, overtaken, over)
    live = [one for one in episode if one.state is AlertState.RELEASED and one.change is not Change.LIFTED]
    return Standing(_change(alert, regions, live), stops, overtaken)


def _has_told_the_end(one: Earlier) -> bool:
    """An end that a person stopped on its way has not: whoever it did not reach waits for the next one."""
    return one.change is Change.LIFTED and one.state is not AlertState.CANCELLED


def gravest(alert: Alert, episode: Sequence[Earlier], change: Change) -> Color | None:
    """A lift or a lowering goes as fast, and needs the approval, of the highest color that people were told."""
    colors = [alert.color] if alert.color is not None else []
    if change in LESS_DANGER:
        colors.extend(one.color for one in episode if one.color is not None and one.went_out)
    return max(colors, default=None)


def lane_for(alert: Alert, episode: Sequence[Earlier], change: Change) -> Lane:
    return lane_of(gravest(alert, episode, change) or Color.BLUE, drill=alert.status is not Status.ACTUAL)


def _change(alert: Alert, regions: Sequence[str], live: Sequence[Earlier]) -> Change:
    if not live:
        return Change.ISSUED
    color = max((one.color for one in live if one.color is not None), default=None)
    if color is not None and alert.color is not None and color is not alert.color:
        if alert.color > color:
            return Change.RAISED
        return Change.LOWERED if any(one.went_out for one in live) else Change.ISSUED
    before = frozenset[str]().union(*(one.regions for one in live))
    grown, kept = _all_covered(before, regions), _all_covered(regions, before)
    if grown and kept:
        return Change.CONTINUED if _says_nothing_new(alert, live) else Change.UPDATED
    if grown:
        return Change.WIDENED
    return Change.NARROWED if kept else Change.UPDATED


def _says_nothing_new(alert: Alert, live: Sequence[Earlier]) -> bool:
    """
    By its title, or because it tells people nothing but what they were told.

    While it is not known whom it continues to tell, nothing is a mere continuation: it would leave people out.
    """
    if not all(one.all_planned for one in live):
        return False
    if any(alert.hazard != one.hazard for one in live):
        return False
    return _CONTINUES in alert.headline or words_of(alert) in {one.words for one in live}


def _overtaken_by(alert: Alert, episode: Sequence[Earlier], now: datetime) -> Earlier | None:
    """
    The latest of what was let through and is later than the message, or says itself that it follows it.

    What calls itself of a time that is still to come cannot be later than what came after it: a zone that is off by
    eight hours would swallow the end. Unless the message's own clock is ahead as well.
    """
    ahead = now + CLOCKS_DIFFER
    later = [
        one
        for one in episode
        if _counts(one) and _is_later(one, alert) and (one.sent <= ahead or alert.sent > ahead)
    ]
    return max(later, key=_order, default=None)


def _counts(one: Earlier) -> bool:
    """An end that came before what it ends is kept, and ends it all the same."""
    return one.state in _PASSED or (one.state is AlertState.KEPT and one.change is Change.LIFTED)


def _is_later(one: Earlier, alert: Alert) -> bool:
    if one.sent == alert.sent:
        return one.follows(alert.sender, alert.identifier) or one.identifier == alert.identifier
    return one.sent > alert.sent and not names(alert, one)


def _out(episode: Sequence[Earlier]) -> list[Earlier]:
    """Those that people were told, or are being told."""
    return [one for one in episode if one.went_out or one.state is AlertState.RELEASED]


def _whole(reference: Reference, episode: Sequence[Earlier]) -> Reference:
    known = next((one for one in episode if reference.names(one.sender, one.identifier)), None)
    if known is None:
        return reference
    return Reference(known.sender, reference.identifier, reference.sent or known.sent)


def _all_covered(inner: Sequence[str] | frozenset[str], outer: Sequence[str] | frozenset[str]) -> bool:
    return all(any(covers(big, small) for big in outer) for small in inner)


def _order(one: Earlier) -> tuple[object, str]:
    return one.sent, one.id
