"""Who has waited long enough for a channel: what stands by for them starts, and nobody is told twice without need."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from warnd.model.color import Lane
from warnd.model.delivery import State
from warnd.model.policy import Until
from warnd.ports import Standing

A_WHILE = 10
"""
A channel that is down or paused is waited for this many times shorter: what is back within seconds is no reason to
call everybody by another way. After as long one looks again at what could not be decided yet.
"""

_AT_REST = frozenset({State.QUEUED, State.WAITING})
_UNCLEAR = frozenset({State.UNKNOWN, *_AT_REST})
_SUCCEEDED = frozenset({State.ACCEPTED, State.DELIVERED})


class Verdict(Enum):
    """
    ``FALL_OVER``: it is taken back, and the next starts. ``START``: the next starts beside it. ``LOOK_AGAIN`` after a
    while; ``DECIDED``: there is nothing to wait for any more.
    """

    FALL_OVER = "fall over"
    START = "start"
    LOOK_AGAIN = "look again"
    DECIDED = "decided"


def judge(one: Standing, unfit: Mapping[str, int], now: int) -> Verdict:
    """
    What its lateness means for a delivery for which another stands by.

    ``unfit`` says since when channels are down, or paused for our account. Times are microseconds. Only what is
    certainly not accepted falls over, for it can be taken back. What may have been accepted is left as it is, and
    the next starts beside it where that is worth a repeat: for red, or where the policy wants a receipt and none came.
    """
    if one.over or one.next_state is not State.STANDBY:
        return Verdict.DECIDED
    if one.state in _SUCCEEDED:
        wanting = one.state is State.ACCEPTED and one.until == Until.DELIVERED.value
        return _when_late(one, now, Verdict.START) if wanting else Verdict.DECIDED
    if one.out:
        return Verdict.LOOK_AGAIN
    if one.state in _AT_REST and not one.told:
        if one.last and one.next_channel in unfit:
            return Verdict.LOOK_AGAIN  # nothing better is to be had there
        kept_waiting = one.channel in unfit and _waited(one, unfit[one.channel], now)
        return Verdict.FALL_OVER if kept_waiting else _when_late(one, now, Verdict.FALL_OVER)
    if one.state in _UNCLEAR and one.lane == Lane.RED.value:
        return _when_late(one, now, Verdict.START)
    return Verdict.DECIDED


def _when_late(one: Standing, now: int, verdict: Verdict) -> Verdict:
    return verdict if one.late_at <= now else Verdict.LOOK_AGAIN


def _waited(one: Standing, unfit_since: int, now: int) -> bool:
    """Whether it has been kept waiting for a while by a channel that is down or paused."""
    began = one.late_at - one.late_after
    return now - max(began, unfit_since) >= one.late_after // A_WHILE
