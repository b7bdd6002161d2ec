"""What planning reads of a store: the alert, its members, and who was told of its episode before."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from warnd.model.audience import Member
from warnd.model.color import Lane
from warnd.model.content import Content
from warnd.ports.telling import Telling


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
    """
    What is still to be planned of a part of an alert's members, or of those told an ``earlier`` one (by deliveries of that):
    after ``cursor`` up to ``last``, "" for all.
    """

    alert_id: str
    lane: Lane
    cursor: str
    last: str
    earlier: str = ""


class Planned(NamedTuple):
    """
    Of an alert so far: memberships looked at, deliveries that were to be sent, and subscribers without an endpoint to use.
    """

    members: int
    targeted: int
    unreachable: int


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
        self, earlier: str, alert_id: str, after: str, limit: int, *, untold: bool, up_to: str = ""
    ) -> tuple[list[Told], str]:
        """
        At most ``limit`` addresses, perhaps none, told one earlier alert to which nothing of this one is to be sent,
        after that delivery, and the delivery to go on from; "" ends it. With ``untold`` also those told of the episode
        before and to be told that one as well, which it stopped short of; with ``up_to`` none after that delivery.
        """

    async def boundaries_among_told(self, earlier: str, after: str, size: int) -> list[str]:
        """
        The next few deliveries of an earlier alert with which parts of about ``size`` end; none where there is less left.
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
