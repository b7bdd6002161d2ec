"""Processes of an engine: started with a line to say when they are ready, weighed with their children, killed."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class Processes:
    """Those of one engine; what they print goes to a file of its home."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._running: list[subprocess.Popen[str]] = []

    def start(self, *command: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """One more, its input and output ours, its complaints in a file."""
        with (self._home / "errors.log").open("a") as errors:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment
            )  # fmt: skip
        self._running.append(process)
        return process

    def kill(self) -> None:
        """``kill -9``, all at once, and wait until they are gone."""
        for process in self._running:
            process.kill()
        for process in self._running:
            process.communicate()
        self._running.clear()

    def ids(self) -> Sequence[int]:
        return [process.pid for process in self._running]


def say(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()


def hear(process: subprocess.Popen[str], word: str) -> None:
    """Wait for the line that says this. Raises RuntimeError when the process says another, or ends."""
    assert process.stdout is not None
    if (said := process.stdout.readline().strip()) != word:
        raise RuntimeError(f"{process.args!r} said {said!r} and not {word!r}")


def peak_mebibytes(ids: Sequence[int]) -> float:
    """The highest resident size of each of these processes and their children (VmHWM), added up."""
    kilobytes = 0
    for id_ in _with_children(ids):
        status = Path(f"/proc/{id_}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        kilobytes += int(found[1]) if found else 0
    return kilobytes / 1024


def _with_children(ids: Sequence[int]) -> list[int]:
    found: list[int] = []
    for id_ in ids:
        tasks = Path(f"/proc/{id_}/task").glob("*/children")
        children = [int(child) for task in tasks for child in task.read_text().split()]
        found += [id_, *_with_children(children)]
    return found
