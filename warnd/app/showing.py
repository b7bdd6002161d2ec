"""How an address, and what an alert is and where it stands, are shown to those who look on."""

from __future__ import annotations

from urllib.parse import urlsplit

from warnd.app.phrases import Phrases
from warnd.model.alert import ANSWERS, AlertState, AlertType, Change, Status

_TAIL = 4


def shown_address(address: str) -> str:
    """
    Numbers and mailboxes as they are, of a URL its host; of anything else only the end.

    A robot's key is address and credential in one: who can read it can post as us. Administrators see it
    where they keep endpoints.
    """
    if "://" in address:
        return _host(address) or f"…{address[-_TAIL:]}"
    if address.startswith("+") or "@" in address or len(address) <= 2 * _TAIL:
        return address
    return f"…{address[-_TAIL:]}"


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def shown_change(say: Phrases, type: AlertType, change: Change) -> str:
    """What a message changes in its episode, or that it only answers another message."""
    return say(f"types.{type.value}" if type in ANSWERS else f"changes.{change.value}")


def shown_kind(say: Phrases, status: Status, type: AlertType, change: Change) -> str:
    """The same; before that, that it is an exercise, a test or whatever else is not actual."""
    kind = shown_change(say, type, change)
    return kind if status is Status.ACTUAL else f"{say(f'statuses.{status.value}')} · {kind}"


def shown_state(say: Phrases, state: AlertState, change: Change) -> str:
    """Where it stands. Of the message that lifts a warning nobody may read that it is in force."""
    ending = state is AlertState.RELEASED and change is Change.LIFTED
    return say("alert_states.end_notice" if ending else f"alert_states.{state.value}")
