"""What is decided of a message that was read, and the facts it is decided from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from warnd.errors import Fault
from warnd.model.alert import Alert, AlertState, AlertType, Change, Status, Verdict
from warnd.model.color import Color, Lane
from warnd.model.release import Hold


@dataclass(frozen=True, slots=True)
class Earlier:
    """
    An alert that is there already. ``regions`` are resolved; ``hazard`` and ``color`` as admitted.

    ``went_out``: its broadcast has begun, so that people may have been told; ``all_planned``: it is
    known to whom it goes.
    ``refers_to`` are (sender, identifier), ``words`` the digest of what it tells people.
    """

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
    status: Status = Status.ACTUAL
    refers_to: frozenset[tuple[str, str]] = frozenset()
    words: str = ""
    went_out: bool = True
    all_planned: bool = True
    expires: datetime | None = None

    def follows(self, sender: str, identifier: str) -> bool:
        """Whether it refers to the message of that name; a reference without a sender is to any sender's."""
        return not self.refers_to.isdisjoint({(sender, identifier), ("", identifier)})


@dataclass(frozen=True, slots=True)
class Known:
    """
    What the store holds that bears on a message: the same identity, and whole episodes.

    ``episode`` are all messages of those that it refers to or whose identifier it uses again; ``followers`` those of
    episodes that refer to it: they came before it.
    ``regions`` are the message's codes as the tree knows them, unpadded; ``unknown_regions`` those it does not;
    ``digest`` is the message's own. Of a message that is issued by hand there are besides ``issued``, those that
    were of late and wait or are in force, and ``names``, the full names of its codes as written.
    """

    same: Earlier | None
    episode: Sequence[Earlier]
    regions: Sequence[str]
    unknown_regions: Sequence[str]
    digest: str
    followers: Sequence[Earlier] = ()
    issued: Sequence[Earlier] = ()
    names: Mapping[str, str] = field(default_factory=dict)


class Identity(Enum):
    NEW = "new"
    REPEAT = "repeat"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Admission:
    """
    The decision.

    ``alert`` is the message with what it left out filled in from its episode (a cancel may say nothing but whom
    it cancels). ``supersedes`` are ids that stop now, in ``ending`` state; ``joins`` other episodes that become one with
    its own; ``overtaken_by`` the later message it came too late for. ``findings`` are further remarks.
    ``regions`` is where it holds: the message's own divisions, or its episode's where it names no area.
    ``tied`` are ids of the messages that it is, or would be once released, of one episode with.
    ``hold`` is set of what is held.
    """

    identity: Identity
    alert: Alert
    state: AlertState = AlertState.KEPT
    verdict: Verdict = Verdict.ACCEPT
    change: Change = Change.ISSUED
    lane: Lane = Lane.BLUE
    episode_id: str | None = None
    joins: tuple[str, ...] = ()
    tied: tuple[str, ...] = ()
    overtaken_by: str | None = None
    deliver_until: datetime | None = None
    supersedes: tuple[str, ...] = ()
    ending: AlertState = AlertState.SUPERSEDED
    same: Earlier | None = None
    findings: tuple[Fault, ...] = ()
    regions: tuple[str, ...] = ()
    hold: Hold | None = None
