"""The promise to bring one alert to one address, and the batch that carries many of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum, IntEnum

from warnd.model.color import Lane
from warnd.model.content import Content


class State(Enum):
    """
    Where a delivery stands.

    ``SENDING`` is never stored on a delivery: it is its batch that is out.
    """

    QUEUED = "queued"
    STANDBY = "standby"
    SENDING = "sending"
    WAITING = "waiting"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"
    SUPPRESSED = "suppressed"


class Why(Enum):
    """Why a delivery is suppressed or waits for its time, or a subscriber has none."""

    BELOW_COLOR = "below_color"
    HAZARD_NOT_SUBSCRIBED = "hazard_not_subscribed"
    NOT_ON_POLICY = "not_on_policy"
    TOO_LOUD = "too_loud"
    ENDPOINT_SUSPENDED = "endpoint_suspended"
    NOT_NEEDED = "not_needed"
    FELL_OVER = "fell_over"
    QUIET_HOURS = "quiet_hours"
    DRILL_NOT_JOINED = "drill_not_joined"
    TEST = "test"
    NOT_PUBLIC = "not_public"
    NO_ENDPOINT = "no_endpoint"
    NOBODY_THERE = "nobody_there"


class BatchState(Enum):
    """``sending`` lives here alone. ``UNKNOWN`` waits to be resent byte-identical; ``SETTLED`` is final."""

    QUEUED = "queued"
    WAITING = "waiting"
    SENDING = "sending"
    UNKNOWN = "unknown"
    SETTLED = "settled"
    STOPPED = "stopped"


class Rank(IntEnum):
    """
    A batch's place within its lane.

    First notices; then later rounds, to people who were told; last what tells of less danger: lifts and lowerings.
    """

    FIRST = 0
    AGAIN = 1
    BEHIND = 2


@dataclass(frozen=True, slots=True)
class Batch:
    """
    What one ``send`` takes: one channel, one content, 1..n deliveries in a fixed order.

    ``key`` is the same for every try of this batch (a gateway may know it again), ``addresses[i]`` belongs to
    ``deliveries[i]``. ``attempts`` counts the tries so far, the one under way included; ``unknowns`` those
    of them that ended without a clear answer. ``created`` and ``deliver_until`` are microseconds since 1970.
    ``levels[i]`` is the region level (0 to 4) of ``deliveries[i]``, for counting. ``state`` is the one it rests in
    at ``epoch``, before it is leased: QUEUED, WAITING or UNKNOWN. ``due`` is when it may be tried.
    ``follows``: its alert follows another of the episode; ``ordered``: some of its deliveries have a fallback;
    ``rank`` is its place in its lane; ``quiet``: the quiet hours that its deliveries keep, "" for none.

    A bundle has ``parts``: batches of one delivery each, of several alerts and for one address, that go as one message,
    in the order of its text. Its own ``deliveries`` is then the first's alone, for what is asked is one thing.
    """

    id: str
    alert_id: str
    channel: str
    lane: Lane
    content: Content
    deliveries: tuple[str, ...]
    addresses: tuple[str, ...]
    created: int
    deliver_until: int
    levels: bytes
    state: BatchState = BatchState.QUEUED
    due: int = 0
    epoch: int = 0
    attempts: int = 0
    unknowns: int = 0
    follows: bool = False
    ordered: bool = False
    rank: Rank = Rank.FIRST
    quiet: str = ""
    parts: tuple[Batch, ...] = ()

    @property
    def key(self) -> str:
        return self.id

    @property
    def each(self) -> tuple[Batch, ...]:
        """The batches that go with one request: the parts of a bundle, else this one."""
        return self.parts or (self,)

    @property
    def cost(self) -> int:
        """Tokens of the channel's rate that sending it takes."""
        return len(self.deliveries) * self.content.segments

    def leased(self) -> Batch:
        """
        As it is once a lease on it is granted.

        Field by field: for one recipient in a request ``dataclasses.replace`` costs more than the rest of the lease does.
        """
        parts = tuple(part.leased() for part in self.parts) if self.parts else ()
        return Batch(
            self.id, self.alert_id, self.channel, self.lane, self.content, self.deliveries, self.addresses,
            self.created, self.deliver_until, self.levels, self.state, self.due, self.epoch + 1, self.attempts + 1,
            self.unknowns, self.follows, self.ordered, self.rank, self.quiet, parts,
        )  # fmt: skip

    @classmethod
    def carrying(cls, parts: Sequence[Batch], content: Content, made: int) -> Batch:
        """The bundle that asks for all of these at once, in this order, under the content's id; ``made`` in microseconds."""
        return replace(
            parts[0],
            id=content.id,
            content=content,
            created=made,
            deliver_until=min(part.deliver_until for part in parts),
            attempts=max(part.attempts for part in parts),
            unknowns=max(part.unknowns for part in parts),
            parts=tuple(parts),
        )

    def only(self, indexes: Sequence[int]) -> Batch:
        """The same batch with just these of its deliveries, in this order."""
        return replace(
            self,
            deliveries=tuple(self.deliveries[index] for index in indexes),
            addresses=tuple(self.addresses[index] for index in indexes),
            levels=bytes(self.levels[index] for index in indexes),
        )

    def __len__(self) -> int:
        return len(self.deliveries)
