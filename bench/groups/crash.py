"""A broadcast killed at three shares; many more are in ``bench.sweep``."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench import kill
from bench.audience import Crowd, build
from bench.report import Bar, Result
from bench.scale import Scale


async def killed(scale: Scale) -> Sequence[Result]:
    people = scale.pick(4_000, 20_000)
    results: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        audience = Path(directory, "audience.db")
        build(audience, [Crowd("sms", people)])
        for share in (0.05, 0.5, 0.9):
            found = await asyncio.to_thread(
                kill.kill_and_restart, audience, people, after=int(people * share)
            )
            name = f"kill -9 at {share:.0%} of {people:,} recipients, restart"
            results += [
                Result(f"{name}: lost", found.lost, "recipients", None, Bar(0, at_least=False)),
                Result(f"{name}: told twice", found.repeated, "recipients", None, Bar(found.in_flight, at_least=False)),
                Result(f"{name}: marked as possible repeats", found.marked, "recipients", None, Bar(found.repeated)),
            ]  # fmt: skip
    return results
