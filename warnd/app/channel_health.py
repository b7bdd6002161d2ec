"""How a channel is, as its alarms in the store tell: it works, does not answer, or is paused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from warnd.store.alarms import Alarm


class ChannelState(Enum):
    """``PAUSED`` is for a refused account: somebody must see to it at the provider's, or to the settings."""

    WORKING = "working"
    DOWN = "down"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class ChannelHealth:
    """A channel that works has no ``since`` and no ``why``, which is the alarm's sentence."""

    state: ChannelState
    since: datetime | None = None
    why: str | None = None


_TOLD_BY = {"channel_paused": ChannelState.PAUSED, "channel_down": ChannelState.DOWN}
"""The kinds of alarms about a channel as a whole; where both stand, what needs a person goes first."""


def health_of(channel: str, standing: Iterable[Alarm]) -> ChannelHealth:
    """
    What the ``standing`` alarms say of a channel.

    One that nothing was sent on is taken to work: sending is what finds out.
    """
    about = {one.kind: one for one in standing if one.subject == channel}
    for kind, state in _TOLD_BY.items():
        if (alarm := about.get(kind)) is not None:
            return ChannelHealth(state, alarm.since, alarm.message.removeprefix(f"{channel}: "))
    return ChannelHealth(ChannelState.WORKING)
