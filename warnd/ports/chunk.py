"""A part of a plan as it is committed, and what the commit leaves to be sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from warnd.model.content import Content
from warnd.model.delivery import Batch


class PlannedDelivery(NamedTuple):
    """A row of ``deliveries`` to be, with the recipient that stands behind it; ``due`` where it waits for its time."""

    id: str
    channel: str
    address: str
    batch_id: str | None
    content_id: str | None
    state: str
    reason: str | None
    name: str
    region: str
    subscriber_id: str
    endpoint_id: str
    reasons: str
    due: int | None = None
    quiet: str = ""


class SharedAddress(NamedTuple):
    """A further recipient behind an address that this alert reaches already."""

    channel: str
    address: str
    name: str
    region: str
    subscriber_id: str
    endpoint_id: str
    reasons: str


class Fallback(NamedTuple):
    """
    The delivery that starts when another fails or is late; with ``until`` delivered, also for want of a receipt.

    Times are microseconds: ``late_after`` is how long it waits, ``late_at`` when that is over, None as long as the
    other stands by itself.
    """

    delivery_id: str
    next_id: str
    until: str
    late_after: int
    late_at: int | None


class Gap(NamedTuple):
    """Somebody (or a division, with ``subscriber_id`` empty) who cannot be told, and why."""

    region: str
    subscriber_id: str
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """
    A part of a plan, committed with the cursor after it, if the cursor still is ``after``.

    ``planned`` counts the members it works through, of about ``plan_of`` in all; ``done`` closes the plan. ``lane`` orders
    chunks. ``contents`` are (channel, content) rendered for it. With ``up_to`` it is of the range that ends there, and so are
    its cursors; a range is over when its cursor is at its end, and ``done`` closes the plan when no other is left. A chunk
    that moves no cursor takes its range. What it ``opens`` are ranges (after, up to) that anybody may take, and so is its own
    from then on; of deliveries of an ``earlier`` alert where it names one, else of members.
    """

    alert_id: str
    round: int
    lane: int
    after: str
    cursor: str
    planned: int
    done: bool
    now: int
    contents: Sequence[tuple[str, Content]] = ()
    deliveries: Sequence[PlannedDelivery] = ()
    shared: Sequence[SharedAddress] = ()
    batches: Sequence[Batch] = ()
    fallbacks: Sequence[Fallback] = ()
    gaps: Sequence[Gap] = ()
    plan_of: int = 0
    up_to: str | None = None
    opens: Sequence[tuple[str, str]] = ()
    earlier: str = ""


@dataclass(frozen=True, slots=True)
class Committed:
    """
    ``batches`` that can be leased now (without deliveries that turned out to be there already). ``stopped``: nothing was
    committed, for the alert has stopped or another process has gone on. ``last``: no range of the plan is left.
    """

    batches: Sequence[Batch]
    stopped: bool = False
    last: bool = False
