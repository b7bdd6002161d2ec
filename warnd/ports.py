"""
What the pipeline needs of a store and of a queue, and the values that pass between them.

Times in these values are microseconds since 1970 (UTC): they are bound to statements as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, TypeVar

from warnd.contract.outcome import Outcome, Reason, Receipt
from warnd.model.alert import Alert, Change, Status
from warnd.model.audience import Member
from warnd.model.color import Color, Lane
from warnd.model.content import Content
from warnd.model.delivery import Batch, BatchState, State
from warnd.model.region import covers

T = TypeVar("T")


class Fate(NamedTuple):
    """What became of one delivery (or of all of a batch alike) in one attempt."""

    state: State
    reason: Reason | None = None
    detail: str = ""
    told: bool = False


class Departure(NamedTuple):
    """A delivery that leaves its batch: certainly not accepted, to be gathered into another at ``due``."""

    place: int
    fate: Fate
    due: int


class Settlement(NamedTuple):
    """
    All that one attempt changes, decided by ``pipeline.settle``, applied by the store in one commit.

    ``uniform`` speaks of every delivery of the batch; otherwise ``fates`` has those that are decided, by index,
    ``departures`` those to be gathered anew, and ``splits`` are new batches that take the rest over.
    ``receipt_keys`` are (index, key). ``rejected`` are indexes whose address was refused. ``content_refused``: the
    text will not pass on this channel.

    Of a bundle ``parts`` has a settlement for each part and says it all; its own ``state`` is what the bundle comes to:
    UNKNOWN, if it goes again as it is; STOPPED, if its parts go by themselves from now on; else SETTLED.
    """

    batch: Batch
    started: int
    ended: int
    state: BatchState
    due: int = 0
    unknowns: int = 0
    uniform: Fate | None = None
    fates: Sequence[tuple[int, Fate]] = ()
    departures: Sequence[Departure] = ()
    splits: Sequence[Batch] = ()
    receipt_keys: Sequence[tuple[int, str]] = ()
    rejected: Sequence[int] = ()
    content_refused: bool = False
    outcome: Mapping[str, Any] = MappingProxyType({})
    parts: Sequence[Settlement] = ()

    @property
    def each(self) -> Sequence[Settlement]:
        """One for each batch that the request was for."""
        return self.parts or (self,)


class Lease(NamedTuple):
    """Asks for a batch: granted only while it rests at its epoch and its alert is in force."""

    batch: Batch
    now: int
    until: int


class Leased(NamedTuple):
    """The batch, now ``sending`` under a higher epoch; or None with whether to try again a little later."""

    batch: Batch | None
    later: bool = False


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


class Gap(NamedTuple):
    """Somebody (or a division, with ``subscriber_id`` empty) who cannot be told, and why."""

    region: str
    subscriber_id: str
    name: str
    why: str


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


@dataclass(frozen=True, slots=True)
class Telling:
    """
    A released alert with all that telling people of it needs. ``deliver_until`` is in microseconds.

    ``earlier`` are the other alerts of its episode; ``previous_color`` and ``previous_regions`` those of what it took
    the place of. ``names`` calls regions, now and before, by their names. ``split``: ranges of its plan are still open.
    """

    id: str
    alert: Alert
    change: Change
    lane: Lane
    regions: tuple[str, ...]
    names: Mapping[str, str]
    deliver_until: int
    earlier: tuple[str, ...]
    previous_color: Color | None
    previous_regions: tuple[str, ...]
    cursor: str
    planned: int
    done: bool
    stopped: bool
    split: bool = False

    @property
    def region_names(self) -> tuple[str, ...]:
        return tuple(map(self._name, self.regions))

    @property
    def moved(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the places that this message adds to what it took the place of, and of those it leaves out."""
        if self.change in (Change.ISSUED, Change.LIFTED) or not self.previous_regions:
            return (), ()
        added = self.new_ground
        removed = [
            old
            for old in self.previous_regions
            if not any(covers(old, code) or covers(code, old) for code in self.regions)
        ]
        return tuple(map(self._name, added)), tuple(map(self._name, removed))

    @property
    def new_ground(self) -> list[str]:
        """Codes of the places that what it took the place of did not warn."""
        return [code for code in self.regions if not any(covers(old, code) for old in self.previous_regions)]

    def _name(self, code: str) -> str:
        return self.names.get(code, code)

    @classmethod
    def of(cls, alert: Alert, change: Change, regions: Sequence[str]) -> Telling:
        """Of an alert that is not admitted, for looking ahead."""
        return cls("", alert, change, Lane.BLUE, tuple(regions), {}, 0, (), None, (), "", 0, False, False)


class Pile(NamedTuple):
    """What rests for one address of a channel, of alerts of one status: batches of one that certainly have not left."""

    status: Status
    batches: Sequence[Batch]


class Unclear(NamedTuple):
    """
    The bundle in which something went that may have been sent: to go again as it is, or None when there is none.

    ``out``: some part of it is under way; look again later.
    """

    bundle: Batch | None
    out: bool = False


class Behind(NamedTuple):
    """Somebody who stood behind a delivery, as it was then."""

    subscriber_id: str
    endpoint_id: str
    name: str
    region: str
    reasons: str


class Told(NamedTuple):
    """
    An address that was told (or, not ``told``, was to be), by which delivery, channel, in which language and keeping which
    quiet hours; everyone behind it.
    """

    delivery: str
    told: bool
    channel: str
    address: str
    language: str
    name: str
    region: str
    quiet: str
    people: tuple[Behind, ...]


class Heard(NamedTuple):
    """
    What is known of some (channel, address): which were told of an episode, and to which the first notice was stopped
    by one message of it, in the lanes or before it was planned.
    """

    told: frozenset[tuple[str, str]]
    stopped: frozenset[tuple[str, str]]


class OpenRange(NamedTuple):
    """What is still to be planned of a part of an alert's members: those after ``cursor`` up to ``last``, "" for all."""

    alert_id: str
    lane: Lane
    cursor: str
    last: str


class Planned(NamedTuple):
    """
    Of an alert so far: memberships looked at, deliveries that were to be sent, and subscribers without an endpoint to use.
    """

    members: int
    targeted: int
    unreachable: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """
    A part of a plan, committed with the cursor after it, if the cursor still is ``after``.

    ``planned`` counts the members it works through, of about ``plan_of`` in all; ``done`` closes the plan. ``lane`` orders
    chunks. ``contents`` are (channel, content) rendered for it. With ``up_to`` it is of the range that ends there, and so are
    its cursors; a range is over when its cursor is at its end, and ``done`` closes the plan when no other is left. A chunk
    that moves no cursor takes its range. What it ``opens`` are ranges (after, up to) that anybody may take, and so is its own
    from then on.
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


@dataclass(frozen=True, slots=True)
class Committed:
    """
    ``batches`` that can be leased now (without deliveries that turned out to be there already). ``stopped``: nothing was
    committed, for the alert has stopped or another process has gone on. ``last``: no range of the plan is left.
    """

    batches: Sequence[Batch]
    stopped: bool = False
    last: bool = False


class Store(Protocol):
    """Truth. Every awaited write is on disk when it returns."""

    async def read(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run ``function(connection, …)`` in a consistent snapshot; it must be short."""

    async def write(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run ``function(connection, …)`` in the writer's next commit; an exception undoes only its own part."""

    async def turn(self, settlement: Settlement | None, lease: Lease | None) -> Leased:
        """What a slot did and what it does next, in one commit."""

    async def commit(self, chunk: Chunk) -> Committed: ...

    async def receive(self, channel: str, receipts: Sequence[Receipt], now: int) -> None:
        """Keep the receipts and apply those whose delivery is known."""


class Lanes(Protocol):
    """
    The lanes of one channel. Hints, never truth: which batches may be leased next.

    A duplicate is harmless, a lost one is re-posted from the store.
    """

    def post(self, batches: Sequence[Batch]) -> None: ...

    def put_back(self, batch: Batch, *, due: int) -> None:
        """Offer the batch again at ``due`` (microseconds)."""

    def take_now(self, slot: int) -> Batch | None:
        """The most urgent batch that is due and that pacing allows, its tokens taken; or None."""

    async def take(self, slot: int) -> Batch:
        """Wait for one."""

    def give_back(self, batch: Batch) -> None:
        """A batch that was taken was not sent: its tokens are free again."""

    def pay(self, batch: Batch, paid: int) -> None:
        """It is taken in the place of one that ``paid`` so much less for the channel."""

    def forget(self, batches: Sequence[Batch]) -> None:
        """These were leased without being taken: what is offered of them is out of date."""

    def learn(self, outcome: Outcome, address: str, *, pause: float) -> None:
        """Let the pace follow an answer; ``pause`` is the rest in seconds after a refusal of the account."""


class Alarms(Protocol):
    """Where a condition goes that a person must act on."""

    def sound(self, kind: str, subject: str, message: str) -> None:
        """It stands, as ``message`` says; the same ``subject`` again is one alarm that came twice."""


class Piles(Protocol):
    """What waits for one address, for those who would send it together."""

    async def pile(self, batch: Batch, lanes: tuple[Lane, Lane], now: int, limit: int) -> Pile | None:
        """
        At most ``limit`` that wait beside this one in the lanes from the first to the last of these, the most urgent first.

        None when the batch is not at rest any more, or may only go by itself.
        """

    async def unclear(self, batch: Batch, now: int) -> Unclear:
        """Of a batch that may have been sent; a bundle that cannot go again as it is, is no more when this returns."""


class PlanSource(Protocol):
    """What planning reads, in short reads."""

    async def load(self, alert_id: str) -> Telling:
        """Raises NotFound."""

    async def contents(self, alert_id: str) -> dict[tuple[str, str], Content]:
        """What was rendered before a restart, by (channel, language)."""

    async def members(
        self, groups: Collection[str], after: str, limit: int, size: int, *, up_to: str = ""
    ) -> tuple[list[Member], str]:
        """
        At most ``limit`` members of these groups (``size`` memberships in all) after a subscriber id, perhaps none, and
        the id to go on from; "" ends it. With ``up_to`` only those that do not come after that one.
        """

    async def boundaries(self, groups: Collection[str], after: str, size: int) -> list[str]:
        """The next few subscribers with whom parts of about ``size`` memberships end; none where there is less left."""

    async def shared(self, endpoints: Sequence[str]) -> set[str]:
        """Those of the endpoints (ids) whose address another endpoint of their kind has too."""

    async def not_yet_followed(
        self, earlier: str, alert_id: str, after: str, limit: int, *, untold: bool
    ) -> tuple[list[Told], str]:
        """
        At most ``limit`` addresses, perhaps none, told one earlier alert to which nothing of this one is to be sent,
        after that delivery, and the delivery to go on from; "" ends it. With ``untold`` also those told of the episode
        before and to be told that one as well, which it stopped short of.
        """

    async def stopped_short(self, alert_id: str, earlier: Sequence[str]) -> bool:
        """Whether this alert took the place of one that had not reached everybody it was to reach."""

    async def said_again(self, alert_id: str, earlier: Sequence[str]) -> list[str]:
        """Of the earlier alerts those that say what this continuation says: told one of them, one has heard it."""

    async def heard(
        self, alert_id: str, earlier: Sequence[str], addresses: Sequence[tuple[str, str]]
    ) -> Heard:
        """What became of these (channel, address) before this alert took the place of what was in force."""

    async def still_out(self, earlier: Sequence[str]) -> int:
        """Batches of these alerts whose outcome is not known yet."""

    async def leasing(self) -> frozenset[str]:
        """
        A name for each commit under way that may grant leases: what it grants nobody sees yet, and it may not have seen
        what has stopped since it began. None where one process writes.
        """

    async def planned(self, alert_id: str) -> Planned:
        """What has become of the plan so far, by whichever processes."""

    async def how_many_told(self, earlier: Sequence[str]) -> int:
        """About how many addresses these alerts told, without counting them."""
