"""
The fuzzer: ``python -m tests.fuzz --minutes 10 --seed 1``.

Spoils our own fixtures, and real messages where ``WARND_SAMPLES`` names a folder of them, and sends them through
intake. What raises anything but InvalidAlert, takes a second of the processor or 200 MB is a finding: its bytes
are written to a file, whose path is printed, and the exit code is 1. The same seed makes the same messages.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from random import Random

from tests.fakes.signing import rsa_key, signed
from tests.fuzz.measure import DATA, PLAIN, doors
from tests.fuzz.mutate import spoilt
from tests.fuzz.watch import Reading, watched

SECONDS = 1.0
MEGABYTES = 200.0

_SUFFIXES = frozenset({".xml", ".cap", ".atom", ".edxlde", ".json"})
_LONGEST = 300_000
_BATCH = 50
_SHOWN_EVERY = 10.0

Doors = Mapping[str, Callable[[bytes], str]]


def originals(samples: str | None) -> list[bytes]:
    """What is spoilt: our fixtures, one of them signed, and the real messages of that folder."""
    own = [signed(PLAIN.decode(), rsa_key("issuer")).encode(), *_messages(DATA)]
    return own if samples is None else [*own, *_messages(Path(samples))]


def _messages(folder: Path) -> list[bytes]:
    paths = sorted(path for path in folder.rglob("*") if path.suffix in _SUFFIXES)
    return [path.read_bytes()[:_LONGEST] for path in paths]


class Fuzzer:
    """Numbered messages of one seed, through every door."""

    def __init__(self, seed: int, samples: str | None, findings: Path) -> None:
        self._seed = seed
        self._originals = originals(samples)
        self._findings = findings
        self._doors = doors()
        for door in self._doors.values():
            door(self._originals[0])  # what is loaded once is nobody's fault

    def message(self, number: int) -> bytes:
        random = Random(f"{self._seed}/{number}")
        return spoilt(random.choice(self._originals), self._originals, random)

    def batch(self, first: int) -> list[str]:
        """So many messages from that number on; what was found, one line each."""
        numbers = range(first, first + _BATCH)
        reading = watched(lambda: self._all_well(numbers), patience=4 * _BATCH)
        if reading.outcome == "well" and reading.megabytes <= MEGABYTES:
            return []
        return [found for number in numbers for found in self._examined(number)]

    def _all_well(self, numbers: Sequence[int]) -> str:
        for number in numbers:
            body = self.message(number)
            for door in self._doors.values():
                began = time.process_time()
                door(body)
                if time.process_time() - began > SECONDS:
                    return "slow"
        return "well"

    def _examined(self, number: int) -> Iterator[str]:
        """One message alone, so that it answers for nobody else."""
        body = self.message(number)
        for name, door in self._doors.items():
            reading = watched(partial(door, body))
            if reading.seconds > SECONDS or reading.megabytes > MEGABYTES or _is_wrong(reading):
                path = self._findings / f"{self._seed}-{number}-{name}"
                path.write_bytes(body)
                yield f"{path}: {reading.outcome}, {reading.seconds:.2f} s, {reading.megabytes:.0f} MB"


def _is_wrong(reading: Reading) -> bool:
    return reading.outcome.startswith(("raised", "killed"))


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description="Send spoilt messages through intake."
    )
    parser.add_argument("--minutes", type=float, default=10.0, help="how long (10)")
    parser.add_argument(
        "--seed", type=int, default=int(time.time()), help="which messages; printed, by default new ones"
    )
    parser.add_argument("--findings", type=Path, help="where the messages found go (a new directory)")
    asked = parser.parse_args()
    findings = asked.findings or Path(tempfile.mkdtemp(prefix="warnd-fuzz-"))
    findings.mkdir(parents=True, exist_ok=True)
    fuzzer = Fuzzer(asked.seed, os.environ.get("WARND_SAMPLES"), findings)
    print(f"seed {asked.seed}; findings go to {findings}", flush=True)
    began = shown = time.monotonic()
    sent = found = 0
    while time.monotonic() - began < asked.minutes * 60:
        for line in fuzzer.batch(sent):
            found += 1
            print(f"FOUND {line}", flush=True)
        sent += _BATCH
        if time.monotonic() - shown > _SHOWN_EVERY:
            shown = time.monotonic()
            minutes = (shown - began) / 60
            print(f"{minutes:.1f} of {asked.minutes:g} minutes, {sent} messages, {found} found", flush=True)
    print(f"{sent} messages, {found} found", flush=True)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
