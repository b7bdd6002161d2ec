"""A batch as it goes through its lease."""

from __future__ import annotations

from dataclasses import fields, replace

from tests.fakes.shelf import batch
from warnd.model.color import Lane
from warnd.model.delivery import BatchState, Rank


def test_a_lease_changes_epoch_and_attempts_and_nothing_else() -> None:
    """Each field is named where it is made; one that is forgotten would fall back to what a new batch has."""
    rested = replace(
        batch("B", Lane.BLUE, due=7), state=BatchState.UNKNOWN, epoch=3, attempts=2, unknowns=1, follows=True,
        ordered=True, rank=Rank.AGAIN, quiet="public",
    )  # fmt: skip
    new = batch("B")
    plain = [one.name for one in fields(rested) if getattr(rested, one.name) == getattr(new, one.name)]
    assert not {"state", "due", "epoch", "attempts", "unknowns", "follows", "ordered", "rank", "quiet"} & {
        *plain
    }
    assert rested.leased() == replace(rested, epoch=4, attempts=3)
