"""Which batches are whose, where several workers send."""

from __future__ import annotations

from collections import Counter

import pytest

from warnd.model.color import Lane
from warnd.model.content import Content
from warnd.model.delivery import Batch
from warnd.model.share import WHOLE, Share, number_of


def batch(id_: str, *addresses: str) -> Batch:
    deliveries = tuple(f"{id_}-{n}" for n in range(len(addresses)))
    content = Content("C", "A", "sms", "zh", "暴雨")
    return Batch(id_, "A", "sms", Lane.RED, content, deliveries, addresses, 0, 1, bytes(len(addresses)))


@pytest.mark.parametrize("workers", [1, 2, 3, 7])
def test_every_batch_is_in_one_share_and_the_shares_are_about_equal(workers: int) -> None:
    """None is left to nobody; nobody has more than a tenth over its part."""
    batches = [batch(f"01M8{n:022}", "1", "2") for n in range(7_000)]
    shares = [Share(place, workers) for place in range(workers)]
    whose = [[share.place for share in shares if share.has(one)] for one in batches]
    assert {len(places) for places in whose} == {1}
    assert max(Counter(place for (place,) in whose).values()) < 7_000 / workers * 1.1


def test_all_that_goes_to_one_address_alone_is_in_one_share() -> None:
    """Whoever counts its twenty a minute must see them all."""
    one, other = batch("01A", "robot"), batch("01B", "robot")
    assert number_of(one) == number_of(other)
    assert number_of(batch("01A", "robot", "other")) != number_of(one)


def test_whoever_is_alone_has_everything() -> None:
    """Without a look at the batch."""
    assert WHOLE.has(batch("01A", "1"))
