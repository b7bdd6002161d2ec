"""Known attacks on readers of XML and JSON: each does nothing, soon, in little memory (``tests/fuzz/attacks.py``)."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.once import once
from tests.fuzz.attacks import BULK
from tests.integration.door import RED, Door

ROOT = Path(__file__).parents[2]

MEGABYTES = 200
SECONDS = 2.0
"""Of the processor, twice what is promised: a slow machine is no fault."""


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each attack came to, every one in a process of its own."""

    def measure(place: Path) -> None:
        command = [sys.executable, "-m", "tests.fuzz.measure"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=600, check=True)
        (place / "lines").write_bytes(done.stdout)

    measured = once(tmp_path_factory, "attacks", measure) / "lines"
    return [json.loads(line) for line in measured.read_bytes().splitlines()]


@pytest.fixture(scope="module")
def measured(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The attacks, without what became of the bait."""
    assert len(lines) > 250
    return lines[:-1]


def test_nothing_raises_crashes_or_hangs(measured: list[dict[str, Any]]) -> None:
    """One that opened the bait, a named pipe, would hang on it."""
    assert [line for line in measured if line["outcome"].startswith(("raised", "killed"))] == []


def test_every_entity_and_every_disguise_is_refused(measured: list[dict[str, Any]]) -> None:
    """Whatever encoding hides it."""
    reading = [line for line in measured if line["expected"] == "refused" and line["door"] == "check"]
    assert len(reading) > 30
    assert [line for line in reading if line["outcome"] != "refuse"] == []


def test_no_message_makes_the_reader_call_anybody(lines: list[dict[str, Any]]) -> None:
    """The bait's port has seen no one."""
    assert lines[-1] == {"attack": "bait", "called": False}


def test_each_is_over_within_its_time(measured: list[dict[str, Any]]) -> None:
    """Two megabytes of the worst hold up nobody's red."""
    assert [line for line in measured if line["seconds"] > SECONDS] == []


def test_each_is_over_within_its_memory(measured: list[dict[str, Any]]) -> None:
    """Over what the process had before."""
    assert max(line["bytes"] for line in measured) > BULK
    assert [line for line in measured if line["megabytes"] > MEGABYTES] == []


# --- compressed bodies --------------------------------------------------------------------------------

INFLATED = 256 * 1024 * 1024


def bomb(wbits: int) -> bytes:
    """Spaces by the hundred megabytes, in some hundred kilobytes."""
    packer = zlib.compressobj(9, wbits=wbits)
    megabyte = b" " * (1024 * 1024)
    return b"".join(packer.compress(megabyte) for _ in range(INFLATED // len(megabyte))) + packer.flush()


async def test_a_compressed_warning_is_read(door: Door) -> None:
    """Some feeds send nothing else."""
    body = gzip.compress(json.dumps(RED).encode())
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    status, answer = await door.ask("POST", "alerts", role="feed", data=body, headers=headers)
    assert (status, answer["state"]) == (202, "released")


@pytest.mark.parametrize(("coding", "wbits"), [("gzip", 31), ("deflate", 15)])
async def test_a_compressed_bomb_is_refused_before_it_goes_off(door: Door, coding: str, wbits: int) -> None:
    """``server.max_body`` bounds what comes out, not what goes in."""
    body = bomb(wbits)
    tracemalloc.start()
    try:
        status, _ = await door.ask(
            "POST",
            "alerts",
            role="feed",
            data=body,
            headers={"Content-Encoding": coding, "Content-Type": "application/json"},
        )
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert status == 413
    assert peak < INFLATED // 16


async def test_a_body_that_is_not_what_its_coding_says_is_refused(door: Door) -> None:
    """As the sender's fault."""
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    status, _ = await door.ask("POST", "alerts", role="feed", data=b"{}", headers=headers)
    assert status == 400
