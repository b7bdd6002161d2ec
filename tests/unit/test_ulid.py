"""Ids that sort by the time they were made."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from warnd.model.ulid import UlidMaker, floor, made_at

NOW = datetime(2026, 7, 20, 8, tzinfo=UTC)
moments = st.integers(31_536_000_000, 7_258_118_400_000).map(lambda n: datetime.fromtimestamp(n / 1000, UTC))


@given(st.lists(st.tuples(st.integers(-5_000, 5_000), st.integers(0, 50)), min_size=1, max_size=20))
def test_ids_rise_strictly_whatever_the_clock_does(steps: list[tuple[int, int]]) -> None:
    """Within a millisecond, over milliseconds, and when the clock steps back: readers go on from an id."""
    maker, now, ids = UlidMaker(), NOW, []
    for milliseconds, count in steps:
        now += timedelta(milliseconds=milliseconds)
        ids += [*maker.many(count, now), maker.one(now)]
    assert ids == sorted(set(ids))


@given(moments)
def test_an_id_tells_when_it_was_made(when: datetime) -> None:
    """To the millisecond, in the alphabet and width of the specification."""
    id_ = UlidMaker().one(when)
    assert re.fullmatch(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", id_)
    assert timedelta(0) <= when - made_at(id_) < timedelta(milliseconds=1, microseconds=1)


@given(moments)
def test_a_floor_is_below_every_id_of_its_moment_and_above_those_before(when: datetime) -> None:
    """Ranges over time are ranges over ids."""
    maker = UlidMaker()
    earlier = maker.one(when - timedelta(milliseconds=2))
    assert earlier < floor(when) <= maker.one(when)


def test_two_makers_do_not_meet() -> None:
    """Eighty random bits a millisecond, in processes that know nothing of each other."""
    ids = [id_ for _ in range(50) for id_ in UlidMaker().many(100, NOW)]
    assert len(set(ids)) == len(ids)
