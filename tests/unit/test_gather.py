"""Deliveries without a batch → batches."""

from __future__ import annotations

from itertools import count

from warnd.contract.channel import Capabilities
from warnd.model.content import Content
from warnd.model.delivery import Batch, Rank
from warnd.pipeline.expand import Route
from warnd.pipeline.gather import gather
from warnd.ports import Batchless

ROUTES = {"sms": Route("sms", Capabilities("sms", max_batch=3))}
CONTENTS = {id_: Content(id_, "A", "sms", "zh", "暴雨") for id_ in ("C", "K")}


def lone(id: str, *, alert: str = "A", channel: str = "sms", content: str = "C", lane: int = 0, attempts: int = 1,
         ordered: bool = False, rank: Rank = Rank.FIRST, quiet: str = "") -> Batchless:  # fmt: skip
    return Batchless(
        id,
        alert,
        channel,
        content,
        f"+86154{id}",
        "621202",
        lane,
        attempts,
        5,
        99,
        False,
        ordered,
        rank,
        quiet,
    )


def gathered(*members: Batchless) -> list[Batch]:
    serial = count()
    return gather(members, CONTENTS, ROUTES, new_ids=lambda n: [f"N{next(serial)}" for _ in range(n)], now=7)


def test_members_of_a_kind_share_batches_up_to_what_the_channel_takes() -> None:
    """In their order, under new keys."""
    batches = gathered(*(lone(f"{n}") for n in range(7)))
    assert [batch.deliveries for batch in batches] == [("0", "1", "2"), ("3", "4", "5"), ("6",)]
    assert [batch.key for batch in batches] == ["N0", "N1", "N2"]
    assert batches[0].addresses == ("+861540", "+861541", "+861542")


def test_what_differs_is_kept_apart() -> None:
    """Alert, content, lane; and tries, so that waits and counts stay each one's own."""
    members = [
        lone("0"),
        lone("1", alert="B"),
        lone("2", content="K"),
        lone("3", lane=3),
        lone("4", attempts=2),
    ]
    batches = gathered(*members)
    assert [batch.deliveries for batch in batches] == [("0",), ("1",), ("2",), ("3",), ("4",)]
    assert [batch.attempts for batch in batches] == [1, 1, 1, 1, 2]


def test_a_channel_that_is_configured_no_more_is_left_out() -> None:
    """They wait for it to come back, until the alert ends."""
    assert gathered(lone("0", channel="gone")) == []


def test_who_keeps_quiet_hours_shares_no_batch_with_who_does_not() -> None:
    """When they begin, the one batch is taken back and the other goes on."""
    batches = gathered(lone("0"), lone("1", quiet="22:00-07:00"))
    assert {batch.quiet: batch.deliveries for batch in batches} == {"": ("0",), "22:00-07:00": ("1",)}


def test_a_batch_minds_the_fallback_of_any_of_its_members() -> None:
    """Or the next channel would never wake."""
    (batch,) = gathered(lone("0"), lone("1", ordered=True))
    assert batch.ordered


def test_what_tells_of_less_danger_stays_behind_when_it_is_gathered_anew() -> None:
    """A lift that was put off does not overtake first notices."""
    (batch,) = gathered(lone("1", rank=Rank.BEHIND), lone("2", rank=Rank.BEHIND))
    assert batch.rank is Rank.BEHIND
