"""What a warning issued by hand must not have: whoever issues it is there to mend it."""

from __future__ import annotations

from collections.abc import Sequence

from warnd.errors import Fault
from warnd.model.admission import Admission
from warnd.model.alert import AlertState
from warnd.model.hazard import OTHER

_NOWHERE = frozenset({"unknown_region", "area_unresolved"})
_NOTHING = frozenset({"hazard_unknown"})


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
