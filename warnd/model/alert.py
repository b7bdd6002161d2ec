"""One warning message as an authority issued it (预警信息): immutable, relayed unchanged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from warnd.errors import Fault
from warnd.model.color import Color

PUBLIC = "Public"
"""CAP's ``scope`` of what anybody may know."""

RESTRICTED = "Restricted"
"""Of what is for certain recipients."""

DELIVER_WITHOUT_EXPIRES = timedelta(hours=24)
"""How long a warning without ``expires`` is delivered (it stays in force until lifted)."""

LIFT_LIFETIME = timedelta(hours=6)
"""How long the word of an end is delivered, whatever the ended warning's own limit was."""


class Status(Enum):
    """CAP 1.2 ``status``, and what follows for delivery."""

    ACTUAL = "actual"
    EXERCISE = "exercise"
    TEST = "test"
    SYSTEM = "system"
    DRAFT = "draft"


class AlertType(Enum):
    """CAP 1.2 ``msgType``."""

    ALERT = "alert"
    UPDATE = "update"
    CANCEL = "cancel"
    ACK = "ack"
    ERROR = "error"


ANSWERS = frozenset({AlertType.ACK, AlertType.ERROR})
"""Types that speak of a message and not of a danger: whatever they repeat of it, nothing changes by them."""


@dataclass(frozen=True, slots=True)
class Reference:
    """
    An earlier message, found by sender and identifier; an empty sender is any, where the format names none.

    ``sent`` is advisory (CMA puts its own there).
    """

    sender: str
    identifier: str
    sent: datetime | None = None

    def names(self, sender: str, identifier: str) -> bool:
        """Whether it means the message of that sender with that identifier."""
        return self.identifier == identifier and self.sender in ("", sender)


@dataclass(frozen=True, slots=True)
class Text:
    """The issuer's words in one language; ``event`` is its own name of the hazard."""

    headline: str = ""
    description: str = ""
    instruction: str = ""
    event: str = ""


@dataclass(frozen=True, slots=True)
class Area:
    """
    Where: the union of what it names.

    ``regions`` are codes as received, maybe padded; ``polygons`` are ``lat,lon lat,lon …``, ``circles``
    ``lat,lon radius`` with the radius in kilometres, as in CAP. ``geocodes`` are (scheme, code) of divisions
    that are not China's; ``altitude`` and ``ceiling`` are feet above the sea, as received.
    """

    name: str = ""
    regions: tuple[str, ...] = ()
    polygons: tuple[str, ...] = ()
    circles: tuple[str, ...] = ()
    geocodes: tuple[tuple[str, str], ...] = ()
    altitude: str = ""
    ceiling: str = ""


@dataclass(frozen=True, slots=True)
class Resource:
    """
    A file that goes with a warning, CAP's ``resource``; ``size`` in bytes, ``digest`` SHA-1.

    Content sent along (``derefUri``) is in the raw message alone.
    """

    description: str = ""
    mime_type: str = ""
    uri: str = ""
    size: int | None = None
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """
    A warning, unique by (sender, identifier, sent).

    Times are aware. ``color`` is None when the message does not let it be known (such an alert is kept and
    not released). ``texts`` goes by BCP 47 tag and has at least one entry; ``language`` is the first.

    From ``source`` on, fields are CAP's of that name in CAP's own words (``Public``, ``Immediate``), empty where
    it does not say; ``source`` is then the desk or device that the issuer names, never a Source of warnd.
    """

    identifier: str
    sender: str
    sent: datetime
    status: Status
    type: AlertType
    hazard: str
    color: Color | None
    texts: Mapping[str, Text]
    language: str = "zh"
    sender_name: str = ""
    event_code: str | None = None
    references: tuple[Reference, ...] = ()
    effective: datetime | None = None
    onset: datetime | None = None
    expires: datetime | None = None
    areas: tuple[Area, ...] = ()
    contact: str | None = None
    web: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    scope: str = PUBLIC
    restriction: str = ""
    addresses: str = ""
    codes: tuple[str, ...] = ()
    note: str = ""
    incidents: str = ""
    categories: tuple[str, ...] = ()
    response_types: tuple[str, ...] = ()
    urgency: str = ""
    severity: str = ""
    certainty: str = ""
    audience: str = ""
    resources: tuple[Resource, ...] = ()

    @property
    def headline(self) -> str:
        return self.texts[self.language].headline

    @property
    def is_public(self) -> bool:
        """Whether others than those it is told to may know of it."""
        return self.scope == PUBLIC

    @property
    def deliver_until(self) -> datetime:
        """After this nobody is told any more: it would mislead."""
        if self.type is AlertType.CANCEL:
            return self.sent + LIFT_LIFETIME
        return self.expires if self.expires is not None else self.sent + DELIVER_WITHOUT_EXPIRES

    @property
    def reaches_people(self) -> bool:
        """Only actual, exercise and test Alerts, Updates and Cancels go anywhere at all."""
        return self.status in _GOING_OUT and self.type in _MESSAGES


_GOING_OUT = frozenset({Status.ACTUAL, Status.EXERCISE, Status.TEST})
_MESSAGES = frozenset({AlertType.ALERT, AlertType.UPDATE, AlertType.CANCEL})


class Verdict(Enum):
    """What intake thinks of a message. The first two are valid."""

    ACCEPT = "accept"
    ACCEPT_WITH_WARNINGS = "accept_with_warnings"
    QUARANTINE = "quarantine"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Parsed:
    """
    An alert read from bytes, with what was odd about it.

    ``warnings`` change nothing; ``doubts`` are why a person must look before it may be released.
    """

    alert: Alert
    kind: str
    warnings: tuple[Fault, ...] = ()
    doubts: tuple[Fault, ...] = ()

    @property
    def verdict(self) -> Verdict:
        if self.doubts:
            return Verdict.QUARANTINE
        return Verdict.ACCEPT_WITH_WARNINGS if self.warnings else Verdict.ACCEPT


class AlertState(Enum):
    """Where an alert stands; ``kept`` ones are stored and reach nobody."""

    HELD = "held"
    QUARANTINED = "quarantined"
    RELEASED = "released"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    KEPT = "kept"


class Change(Enum):
    """What a message changes in its episode, as its text tells it."""

    ISSUED = "issued"
    RAISED = "raised"
    LOWERED = "lowered"
    WIDENED = "widened"
    NARROWED = "narrowed"
    UPDATED = "updated"
    CONTINUED = "continued"
    LIFTED = "lifted"


LESS_DANGER = frozenset({Change.LIFTED, Change.LOWERED})
"""What is told to those who were told, behind the first notices of its lane."""
