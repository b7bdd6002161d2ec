"""What a page says of an alert that is quarantined, or was: its doubts, what to do about them, what was mended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from warnd.app.phrases import Phrases
from warnd.app.quarantine import command_for, doubt_in_words, remedy_in_words, told_changes
from warnd.errors import Fault
from warnd.model.alert import AlertState
from warnd.store.alert_views import AlertView


@dataclass(frozen=True, slots=True)
class DoubtRow:
    """A doubt in the reader's words and in its own, and what to do about it."""

    title: str
    finding: Fault
    remedy: str


@dataclass(frozen=True, slots=True)
class MendRow:
    """One mend: field, what was there, what is there since."""

    at: datetime
    by: str
    reason: str
    changes: Sequence[tuple[str, str, str]]
    standing: str


@dataclass(frozen=True, slots=True)
class Quarantine:
    """``command`` is empty when only a rejection is left; ``doubts`` are empty once it is decided."""

    waits: bool
    doubts: Sequence[DoubtRow]
    command: str
    mends: Sequence[MendRow]


def quarantine(view: AlertView, say: Phrases) -> Quarantine:
    return Quarantine(
        view.alert.state is AlertState.QUARANTINED,
        [
            DoubtRow(doubt_in_words(one, say), one.finding, remedy_in_words(one, say))
            for one in view.doubts
        ],
        command_for(view) if view.doubts else "",
        [
            MendRow(
                one.at, one.by, one.reason, list(told_changes(one, say)),
                say(f"alert_states.{one.state.value}"),
            )
            for one in view.mends
        ],
    )  # fmt: skip
