"""A warning issued by hand gets its identity from warnd, and cannot take another's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from warnd.errors import InvalidAlert
from warnd.intake.issue import completed
from warnd.model.ulid import UlidMaker

NOW = datetime(2026, 7, 20, 8, 0, 0, 250_000, tzinfo=UTC)
ULID = UlidMaker().one(NOW)
GIVEN = {"hazard": "rainstorm", "color": "red", "headline": "暴雨红色预警"}


def complete(given: Any, now: datetime = NOW) -> dict[str, Any]:
    body = given if isinstance(given, bytes) else orjson.dumps(given)
    found: dict[str, Any] = orjson.loads(
        completed(body, sender="duty.example", sender_name="县应急局", ulid=ULID, now=now)
    )
    return found


def test_what_is_left_out_is_given() -> None:
    """Sender, identifier, time; an actual alert unless it says otherwise."""
    assert complete(GIVEN) == GIVEN | {
        "status": "actual", "type": "alert", "identifier": f"hand-{ULID}", "sender": "duty.example",
        "sender_name": "县应急局", "sent": "2026-07-20T08:00:00+00:00",
    }  # fmt: skip


def test_what_is_said_stands() -> None:
    """Status, type and the name of the issuer; also keys that nobody knows."""
    said = {
        "status": "exercise",
        "type": "update",
        "sender_name": "值班室",
        "sender": "duty.example",
        "novel": 1,
    }
    assert complete(GIVEN | said).items() >= (GIVEN | said).items()


def test_a_repeat_says_the_same() -> None:
    """An identifier made by whoever asks is the time as well: later, the same request has the same identity."""
    given = GIVEN | {"identifier": f"hand-{ULID}"}
    assert complete(given) == complete(given, NOW + timedelta(minutes=10))


@pytest.mark.parametrize(
    ("given", "path"),
    [
        pytest.param(b"{", "body", id="no JSON"),
        pytest.param([GIVEN], "body", id="a list"),
        pytest.param(GIVEN | {"sender": "62120241600000"}, "sender", id="another's sender"),
        pytest.param(GIVEN | {"sent": "2026-07-20T08:00:00Z"}, "sent", id="a time of its own"),
        pytest.param(GIVEN | {"identifier": "62120041600000_20260720080000"}, "identifier", id="another's"),
        pytest.param(GIVEN | {"identifier": 7}, "identifier", id="a number"),
        pytest.param(GIVEN | {"identifier": f"hand-{'Z' * 26}"}, "identifier", id="a ULID beyond all times"),
        pytest.param(
            GIVEN | {"identifier": "hand-" + UlidMaker().one(NOW - timedelta(minutes=16))}, "identifier",
            id="made long ago",
        ),
    ],
)  # fmt: skip
def test_another_identity_is_refused_by_its_path(given: Any, path: str) -> None:
    """Whoever issues must not be able to take a feed's place: its warning would then be a repeat."""
    with pytest.raises(InvalidAlert) as refused:
        complete(given)
    assert [one.path for one in refused.value.faults] == [path]
