"""The fuzzer itself: it sees what goes wrong, makes the same message twice, and in short it runs here too."""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.sms.receipts import parse
from tests.fuzz.__main__ import Fuzzer, originals
from tests.fuzz.measure import doors
from tests.fuzz.mutate import LONGEST, spoilt
from tests.fuzz.watch import watched
from warnd.contract.channel import CallbackRequest

OWN = originals(None)
DOORS = doors()


@given(st.sampled_from(OWN), st.integers(min_value=0))
@settings(max_examples=300, deadline=None)
def test_spoilt_messages_are_read_or_refused(original: bytes, seed: int) -> None:
    """By either door: nothing but InvalidAlert, and that the doors take care of."""
    body = spoilt(original, OWN, Random(seed))
    assert len(body) <= LONGEST
    for door in DOORS.values():
        door(body)


PUSH = json.dumps(
    {
        "receipts": [
            {"id": "R1", "to": "+8615400000001", "status": "delivered", "at": "2026-07-14T08:00:09+08:00"},
            {"id": 7, "to": "15400000002", "status": "undelivered", "at": "0001-01-01T00:00:00+14:00"},
        ]
    }
).encode()


@given(st.integers(min_value=0))
@settings(max_examples=200, deadline=None)
def test_spoilt_pushes_of_receipts_are_read_or_refused(seed: int) -> None:
    """A gateway is a stranger too: by ValueError and no other way."""
    with suppress(ValueError):
        parse(CallbackRequest({}, {}, spoilt(PUSH, [PUSH], Random(seed))))


def test_the_same_seed_makes_the_same_messages(tmp_path: Path) -> None:
    """What one run found, another can look at."""
    first, second = Fuzzer(1, None, tmp_path), Fuzzer(1, None, tmp_path)
    messages = [first.message(number) for number in range(50)]
    assert messages == [second.message(number) for number in range(50)]
    assert len(set(messages)) > 45


def sleep() -> str:
    signal.pause()
    return "woken"


def burn() -> str:
    while time.process_time() < 0.3:
        pass
    return "burnt"


def eat() -> str:
    return f"ate {len(bytearray(os.urandom(1) * 60_000_000))}"


def fail() -> str:
    raise KeyError("here")


def die() -> str:
    os.kill(os.getpid(), signal.SIGKILL)
    return "lived"


@pytest.mark.parametrize(
    ("work", "outcome"),
    [(fail, "raised KeyError: 'here'"), (die, "killed by SIGKILL"), (sleep, "killed by SIGALRM")],
)
def test_a_reading_that_fails_dies_or_hangs_is_seen(work: object, outcome: str) -> None:
    """And the fuzzer lives on."""
    assert callable(work)
    assert watched(work, patience=1).outcome == outcome


def test_what_a_reading_costs_is_seen() -> None:
    """Time of the processor, and memory at its peak."""
    assert watched(burn).seconds > 0.2
    ate = watched(eat)
    assert (ate.outcome, ate.megabytes > 50) == ("ate 60000000", True)


def test_a_finding_is_written_to_a_file_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its number in the name, and only by the door it broke."""
    fuzzer = Fuzzer(1, None, tmp_path)
    broken = fuzzer.message(7)

    def breaks(body: bytes) -> str:
        return fail() if body == broken else "read"

    monkeypatch.setattr(fuzzer, "_doors", {"good": lambda body: "read", "bad": breaks})
    [line] = fuzzer.batch(0)
    assert line.startswith(f"{tmp_path}/1-7-bad: raised KeyError")
    assert (tmp_path / "1-7-bad").read_bytes() == broken
