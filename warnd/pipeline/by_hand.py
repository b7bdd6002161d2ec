"""What is special of a warning issued by hand: what is refused to its issuer, its repeats, the names of its places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from warnd.errors import Fault
from warnd.model.admission import Admission, Earlier
from warnd.model.alert import Alert, AlertState, Area
from warnd.model.hazard import OTHER
from warnd.model.meaning import digest_of

_NOWHERE = frozenset({"unknown_region", "area_unresolved"})
_NOTHING = frozenset({"hazard_unknown"})

AGAIN_WITHIN = timedelta(minutes=15)
"""How long the same words are the same warning when that is out already; and how far its end may have moved since."""


class Again(NamedTuple):
    """The warning that was issued already, and the message under that one's name and time."""

    same: Earlier
    alert: Alert


def to_be_mended(admission: Admission) -> Sequence[Fault]:
    """
    Why this is refused to a person, where a feed's would be taken in; empty when it may be issued.

    Nothing is quarantined, for one person releases that, which would be a way round the second. A division or a kind
    of hazard that is not known was mistyped, unless an episode makes up for it.
    """
    mistyped = _NOWHERE | (_NOTHING if admission.alert.hazard == OTHER else frozenset())
    found = [one for one in admission.findings if one.code in mistyped]
    if admission.state is AlertState.QUARANTINED:
        return found or admission.findings
    return found


def issued_again(alert: Alert, issued: Sequence[Earlier], now: datetime) -> Again | None:
    """
    The warning that says the same, whatever identifier either has; None if this one is new.

    It counts as long as it is held, and for some minutes when it is in force. An end may be counted from the moment of
    issuing, and then lies a little later.
    """
    for one in issued:
        if one.state is AlertState.HELD or (
            one.state is AlertState.RELEASED and now - one.sent <= AGAIN_WITHIN
        ):
            moved = alert.expires and one.expires and abs(alert.expires - one.expires) <= AGAIN_WITHIN
            expires = one.expires if moved else alert.expires
            named = replace(alert, identifier=one.identifier, sent=one.sent, expires=expires)
            if digest_of(named) == one.digest:
                return Again(one, named)
    return None


def named(alert: Alert, names: Mapping[str, str]) -> Alert:
    """The message whose areas without a name have that of their divisions: elsewhere nobody knows the codes."""
    return replace(alert, areas=tuple(_named(area, names) for area in alert.areas)) if names else alert


def _named(area: Area, names: Mapping[str, str]) -> Area:
    found = dict.fromkeys(names[code] for code in area.regions if code in names)
    return area if area.name else replace(area, name="、".join(found))
