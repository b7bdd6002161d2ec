"""Which of the batches that are ready at one place goes next."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.shelf import batch
from warnd.model.delivery import Batch
from warnd.queue import order
from warnd.queue.order import Order

TARGETS = st.sampled_from(["robot-1", "robot-2", "robot-3", "robot-4"])


def all_of(waiting: Order) -> list[str]:
    return [next_of(waiting).id for _ in range(len(waiting))]


def next_of(waiting: Order) -> Batch:
    first = waiting.first()
    assert first is not None
    assert waiting.pop() is first
    return first


def filled(*targets: str) -> Order:
    """A batch to each of these targets, called 0, 1, 2 and so on."""
    waiting = Order()
    for n, target in enumerate(targets):
        waiting.add(batch(f"{n}", to=target))
    return waiting


def test_one_message_to_each_comes_before_a_second_to_any() -> None:
    """Ten messages to one robot do not keep nine robots waiting."""
    assert all_of(filled("a", "a", "a", "b", "c", "b")) == ["0", "3", "4", "1", "5", "2"]


def test_who_was_told_waits_for_who_was_not() -> None:
    """Also when nothing waited in between."""
    waiting = filled("a")
    next_of(waiting)
    waiting.add(batch("again", to="a"))
    waiting.add(batch("first", to="b"))
    assert all_of(waiting) == ["first", "again"]


def test_what_told_nobody_after_all_does_not_count() -> None:
    """A lease that was refused is no telling."""
    waiting = filled("a")
    waiting.untell(next_of(waiting))
    waiting.add(batch("a's first", to="a"))
    waiting.add(batch("b's first", to="b"))
    assert all_of(waiting) == ["a's first", "b's first"]


@given(st.lists(st.one_of(TARGETS, st.none()), max_size=60))
def test_rounds(steps: list[str | None]) -> None:
    """
    A batch to a target comes, or (None) the next one goes: always one of those to whom the fewest came before,
    of these the one that came first.
    """
    waiting, model = Order(), list[tuple[int, int, str]]()
    turns: Counter[str] = Counter()
    present = 0
    for n, target in enumerate(steps):
        if target is None:
            assert (waiting.first() is None) == (not model)
            if model:
                present, _, id_ = model.pop(model.index(min(model)))
                assert next_of(waiting).id == id_
            continue
        turn = max(turns[target], present)
        turns[target] = turn + 1
        model.append((turn, n, f"{n}"))
        waiting.add(batch(f"{n}", to=target))
        assert waiting.size == len(waiting) == len(model)


def test_between_two_messages_to_one_target_every_other_has_had_one() -> None:
    """Whoever waits all the while."""
    waiting = filled(*["a"] * 20, *["b"] * 20, *["c"] * 20)
    came = [next_of(waiting).addresses[0] for _ in range(60)]
    for n in range(0, 60, 3):
        assert sorted(came[n : n + 3]) == ["a", "b", "c"]


def test_what_is_known_of_targets_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broadcast to a million leaves no million behind; what is forgotten costs only the order."""
    monkeypatch.setattr(order, "_REMEMBERED", 100)
    waiting = Order()
    for n in range(1000):
        waiting.add(batch(f"{n}", to=f"phone {n}"))
        next_of(waiting)
        assert len(waiting._turns) <= 101


def test_a_batch_for_many_is_no_targets_turn() -> None:
    """It goes when it comes: a hundred people have no common round."""
    waiting = filled("a", "a")
    many = Batch(
        "many", "A", "sms", batch("x").lane, batch("x").content, ("1", "2"), ("a", "b"), 0, 9, bytes(2)
    )
    waiting.add(many)
    assert waiting.size == 4
    assert all_of(waiting) == ["0", "many", "1"]
