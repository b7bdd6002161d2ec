"""What is decided of a message that was read, and the facts it is decided from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from warnd.errors import Fault
from warnd.model.alert import Alert, AlertState, AlertType, Change, Verdict
from warnd.model.color import Color, Lane
from warnd.model.release import Hold


@dataclass(frozen=True, slots=True)
class Earlier:
    """An alert that is there already. ``regions`` are resolved; ``hazard`` and ``color`` as admitted."""

    id: str
    episode_id: str
    sender: str
    identifier: str
    source: str
    sent: datetime
    state: AlertState
    type: AlertType
    hazard: str
    color: Color | None
    regions: frozenset[str]
    digest: str
    change: Change = Change.ISSUED


@dataclass(frozen=True, slots=True)
class Known:
    """
    What the store holds that bears on a message: the same identity, and the episode it refers to.

    ``regions`` are the message's codes as the tree knows them, unpadded; ``unknown_regions`` those it does not;
    ``digest`` is the message's own.
    """

    same: Earlier | None
    same_national: Earlier | None
    episode: Sequence[Earlier]
    regions: Sequence[str]
    unknown_regions: Sequence[str]
    digest: str


class Identity(Enum):
    NEW = "new"
    REPEAT = "repeat"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Admission:
    """
    The decision.

    ``alert`` is the message with what it left out filled in from its episode (a cancel may say nothing but whom
    it cancels). ``supersedes`` are ids that stop now, in ``ending`` state. ``findings`` are further remarks.
    ``regions`` is where it holds: the message's own divisions, or its episode's where it names no area.
    ``hold`` is set of what is held.
    """

    identity: Identity
    alert: Alert
    state: AlertState = AlertState.KEPT
    verdict: Verdict = Verdict.ACCEPT
    change: Change = Change.ISSUED
    lane: Lane = Lane.BLUE
    episode_id: str | None = None
    deliver_until: datetime | None = None
    supersedes: tuple[str, ...] = ()
    ending: AlertState = AlertState.SUPERSEDED
    same: Earlier | None = None
    findings: tuple[Fault, ...] = ()
    regions: tuple[str, ...] = ()
    hold: Hold | None = None
