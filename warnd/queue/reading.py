"""How far the store has been read for one place, and what of it is in the store alone."""

from __future__ import annotations

from dataclasses import dataclass

from warnd.queue.later import NEVER

_LEAST_REST = 2.0
_REST_SHARE = 4
"""A pass over all that was left takes at most a fifth of a reader's time."""

_AHEAD = 30_000_000
"""Microseconds: what waits for a far time is fetched so long before."""


@dataclass(slots=True)
class Reading:
    """
    See the module. ``spilled``: beyond ``cursor`` the store may have batches that were never here.

    ``missed`` is the lowest id of what found no room since the reading began, and which reading on may not find; ``left``
    that of what is to be looked at again: some of it as soon as there is room, if ``hurried``, else what waits for a target
    or for its time, the earliest being ``left_due`` (microseconds), and not before ``rest_until`` (monotonic seconds).
    """

    spilled: bool = True
    cursor: str = ""
    missed: str | None = None
    left: str | None = None
    left_due: int = NEVER
    hurried: bool = False
    rest_until: float = 0.0

    def spill(self, id_: str) -> None:
        """It was posted and there is no room; what comes after it goes the same way, for the order's sake."""
        if self.spilled:
            self.missed = min(self.missed or id_, id_)
        else:
            self.spilled, self.cursor = True, just_before(id_)

    def leave(self, id_: str, due: int = 0) -> None:
        """It waits for a target, or until ``due``, and can do so in the store."""
        self.left = min(self.left or id_, id_)
        self.left_due = min(self.left_due, due)

    def come_back_to(self, id_: str) -> None:
        """From there on there may be some that wait for nothing but room."""
        self.left = min(self.left or id_, id_)
        self.hurried = True

    def begin(self) -> str:
        """Where to read on from: what was missed beyond that will be found."""
        if self.missed is not None and self.missed > self.cursor:
            self.missed = None
        return self.cursor

    def end(self) -> None:
        """There was nothing more."""
        self.spilled, self.cursor = False, ""
        if self.missed is not None:
            self.come_back_to(self.missed)
            self.missed = None

    def start_over(self) -> None:
        """Nothing is here, and nothing is known to be there: look whether a hint was lost."""
        self.spilled = True

    def wants_pass(self, now: int, monotonic: float) -> bool:
        """Whether what was left is to be looked at again."""
        if self.spilled or self.left is None:
            return False
        return self.hurried or (monotonic >= self.rest_until and now >= self.left_due - _AHEAD)

    def begin_pass(self) -> str:
        """From where to read; whatever cannot be taken in is left anew."""
        assert self.left is not None  # noqa: S101  wants_pass has looked
        start = just_before(self.left)
        self.left, self.left_due, self.hurried = None, NEVER, False
        return start

    def end_pass(self, began: float, ended: float) -> None:
        """All was looked at (monotonic seconds)."""
        self.rest_until = ended + max(_LEAST_REST, _REST_SHARE * (ended - began))


def just_before(id_: str) -> str:
    """Less than this id and than any that is above it; few that are below it are not less."""
    return id_[:-1]
