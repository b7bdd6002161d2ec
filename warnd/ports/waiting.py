"""Deliveries that wait: for a batch, or for what becomes of the one they stand by for."""

from __future__ import annotations

from typing import NamedTuple

from warnd.model.delivery import State


class Batchless(NamedTuple):
    """A delivery that waits for a batch. Times are microseconds."""

    id: str
    alert_id: str
    channel: str
    content_id: str
    address: str
    region: str
    lane: int
    attempts: int
    due: int
    deliver_until: int
    follows: bool
    ordered: bool
    rank: int
    quiet: str


class Standing(NamedTuple):
    """
    A delivery as it stands now, and the one that stands by for it.

    ``out``: its batch is being sent. ``told``: some attempt was not certainly refused. ``over``: its alert has stopped.
    ``last``: nothing stands by for the ``next``. Times are microseconds, see ``Fallback``.
    """

    delivery_id: str
    next_id: str
    alert_id: str
    channel: str
    lane: int
    batch_id: str | None
    state: State
    out: bool
    told: bool
    over: bool
    until: str
    late_after: int
    late_at: int
    next_channel: str
    next_state: State
    last: bool
