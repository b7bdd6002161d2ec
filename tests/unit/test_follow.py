"""Whom a lowering would leave without a word: who was still to be told, and who is warned for the first time."""

from __future__ import annotations

import pytest

from warnd.model.delivery import State, Why
from warnd.pipeline.expand import Recipient
from warnd.pipeline.follow import beside, left_out
from warnd.ports import Gap, Heard

NOBODY: frozenset[tuple[str, str]] = frozenset()


def _recipient(
    channel: str, *, person: str = "P1", chain: int = 0, state: State = State.QUEUED, address: str = "a"
) -> Recipient:
    why = Why.NOT_ON_POLICY if state is State.SUPPRESSED else None
    return Recipient(channel, address, "zh", state, why, person, f"E-{channel}", "", "621202", "[]", chain)


FIRST = _recipient("sms")
BETWEEN = _recipient("wechat", chain=1)
SECOND = _recipient("backup", state=State.STANDBY)
NOTICES = [FIRST, BETWEEN, SECOND, _recipient("email", state=State.SUPPRESSED), Gap("621202", "P2", "", "x")]


def _of(*channels: str) -> frozenset[tuple[str, str]]:
    return frozenset((channel, "a") for channel in channels)


@pytest.mark.parametrize(
    ("told", "stopped", "expected"),
    [
        pytest.param([], [], [], id="who was never meant hears nothing"),
        pytest.param([], ["sms", "backup"], [FIRST, SECOND], id="what was stopped goes, with what stands by for it"),
        pytest.param([], ["backup"], [FIRST, SECOND], id="stopped at what stands by: from the beginning"),
        pytest.param(["sms"], ["backup"], [], id="told by the first: what stood by is not called on"),
        pytest.param(["backup"], ["sms"], [], id="told by what stood by: that was the notice"),
        pytest.param(["wechat"], ["sms", "backup"], [FIRST, SECOND], id="told beside it by another channel: not by this"),
        pytest.param([], ["email"], [], id="a channel that the lower color does not use is not called on"),
    ],
)  # fmt: skip
def test_a_lowering_is_the_first_word_where_it_stopped_the_first_word(
    told: list[str], stopped: list[str], expected: list[Recipient]
) -> None:
    """By channel and those that stand by for it; what is not to be told by this color's rules is left alone."""
    found = left_out(NOTICES, Heard(_of(*told), _of(*stopped)), newly_warned=())
    assert list(found) == expected


def test_who_is_warned_for_the_first_time_hears_of_it_whatever_it_lowers() -> None:
    """A lower color elsewhere is no lower danger here; but an address that was told is told as one."""
    other = _recipient("sms", person="P3", address="b")
    found = left_out([FIRST, other], Heard(_of("sms"), NOBODY), newly_warned={"P1", "P3"})
    assert list(found) == [other]


def test_a_continuation_says_the_first_word_once_and_ties_it_to_nothing_quiet() -> None:
    """What stands by does so for its own notice; a quiet channel of it is not asked twice for the same person."""
    quiet = [
        _recipient("wechat"),
        _recipient("backup"),
        _recipient("wechat", person="P3", address="b"),
        Gap(*"abcd"),
    ]
    found = list(beside([FIRST, SECOND], quiet))
    assert found[:2] == [FIRST, SECOND]
    assert [one.channel for one in found[2:] if isinstance(one, Recipient)] == ["wechat", "wechat"]
    assert {one.chain for one in found[2:] if isinstance(one, Recipient)}.isdisjoint(
        {FIRST.chain, BETWEEN.chain}
    )
    assert found[-1] == Gap(*"abcd")
