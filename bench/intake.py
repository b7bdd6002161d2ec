"""A thousand warnings come in: beside a broadcast, as fast as a minute asks and as fast as they are taken."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection

from bench.audience import Crowd, build
from bench.feeder import Posted, Pour
from bench.gateway import sms_gateway
from bench.process import Home, home
from warnd.model.ulid import UlidMaker
from warnd.store.database import engine_over, open_writer
from warnd.store.keys import Role, create_key

NEIGHBOURS = ("621221", "621222", "621223", "621224", "621225", "621226", "621227", "621228")
"""The other counties of 6212."""

_EACH = 10
"""Posts of each of them: what comes in reaches few."""

_PATIENCE = 180.0

_TOLD = """
SELECT (max(json_extract(body, '$.started')) - (SELECT received_at FROM alerts WHERE id = ?1)) / 1e6 FROM journal
WHERE kind = 'attempt.ended' AND json_extract(body, '$.alert') = ?1
"""
_OPEN = (
    "SELECT coalesce(sum(n), 0) FROM tallies WHERE alert_id = ? AND state NOT IN ('accepted', 'suppressed')"
)
_FIRST = """
SELECT json_extract(body, '$.alert'), min(json_extract(body, '$.started')) FROM journal
WHERE kind = 'attempt.ended' GROUP BY 1
"""
_UNPLANNED = "SELECT count(*) FROM alerts WHERE NOT plan_done AND stopped_at IS NULL"
_KEPT = "SELECT id FROM alerts"


@dataclass(frozen=True, slots=True)
class Taken:
    """
    What came of the messages: ``seconds`` of each post, ``took`` from the first to the last answer.

    ``lost`` were answered with 202 and were not in the store after a ``kill -9`` right after the last answer.
    ``broadcast`` is how long the one beside it took, None without one. ``first_requests`` are those of the reds, in
    seconds after their 202. ``grew`` is the memory that 1,000 planned alerts left behind, in MiB.
    """

    seconds: Sequence[float]
    took: float
    lost: int
    broadcast: float | None
    first_requests: Sequence[float]
    grew: float

    @property
    def per_minute(self) -> float:
        return len(self.seconds) / self.took * 60


def broadcast_alone(audience: Path, *, latency_ms: float) -> float:
    """Seconds from the red warning to its last request."""
    with _site(audience, latency_ms) as (here, _), here.daemon("red", "--stay"):
        return _end_of_broadcast(here)


def pour_in(
    audience: Path, count: int, *, latency_ms: float, per_minute: float | None, mix: str, beside_a_red: bool
) -> Taken:
    """Messages to a daemon that is broadcasting, or not; everything is told before it is killed."""
    arguments = ["red", "--stay"] if beside_a_red else ["--stay"]
    with _site(audience, latency_ms) as (here, key), _feeder() as feeder, here.daemon(*arguments) as running:
        before = running.resident_mebibytes()
        posted = _pour(feeder, Pour(running.url, key, count, per_minute, mix))
        broadcast = _end_of_broadcast(here) if beside_a_red else None
        _wait_for_plans(here)
        grew = running.resident_mebibytes() - before
        firsts = dict(here.rows(_FIRST))
        reds = [one for one in posted if one.color == "red" and one.id in firsts]
        return Taken(
            [one.seconds for one in posted],
            _took(posted),
            _lost(here, posted),
            broadcast,
            [max(0.0, (firsts[one.id] - one.answered) / 1e6) for one in reds],
            grew,
        )


def killed_after(audience: Path, count: int) -> int:
    """How many of the answered are not in the store after a ``kill -9`` right after the last answer."""
    with _site(audience, 0) as (here, key), _feeder() as feeder:
        with here.daemon("red", "--stay") as running:
            posted = _pour(feeder, Pour(running.url, key, count))
            running.kill()
        return _lost(here, posted)


def audience(path: Path, people: int) -> None:
    """``people`` in the county of the broadcast, a few in each of the others."""
    few = [
        Crowd("sms", _EACH, county=county, first=people + n * _EACH) for n, county in enumerate(NEIGHBOURS)
    ]
    build(path, [Crowd("sms", people), *few])


@contextmanager
def _site(audience: Path, latency_ms: float) -> Iterator[tuple[Home, str]]:
    """A home for daemons, and a feed's key."""
    with sms_gateway(latency_ms=latency_ms) as gateway:
        channel: Mapping[str, Any] = {
            "adapter": "sms.http", "max_batch": 100, "slots": 8, "receipts": False, **gateway.options,
        }  # fmt: skip
        with home(audience, {"sms": channel}) as here:
            yield here, _key(here)


def _key(here: Home) -> str:
    raw = open_writer(here.path / "warnd.db")
    engine = engine_over(raw)

    def create(connection: Connection) -> str:
        now = datetime.now(UTC)
        (text, _), _ = create_key(
            connection, "feed", Role.FEED, source="weather", id=UlidMaker().one(now), now=now
        )
        return text

    with engine.connect() as connection:
        text = create(connection)
    engine.dispose()
    raw.close()
    return text


@contextmanager
def _feeder() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.feeder"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        if process.stdout.readline().strip() != "ready":
            raise RuntimeError("the feeder did not come up; see above")
        yield process
    finally:
        process.kill()
        process.communicate()


def _pour(feeder: subprocess.Popen[str], wanted: Pour) -> list[Posted]:
    said, _ = feeder.communicate(json.dumps(asdict(wanted)) + "\n")
    posted = [Posted(**one) for one in json.loads(said)]
    if refused := [one for one in posted if one.status != 202]:
        raise RuntimeError(f"{len(refused)} of {len(posted)} were answered {refused[0].status}")
    return posted


def _took(posted: Sequence[Posted]) -> float:
    began = min(one.answered - one.seconds * 1e6 for one in posted)
    return (max(one.answered for one in posted) - began) / 1e6


def _lost(here: Home, posted: Sequence[Posted]) -> int:
    return len({one.id for one in posted} - {row[0] for row in here.rows(_KEPT)})


def _end_of_broadcast(here: Home) -> float:
    red = here.look("SELECT min(id) FROM alerts")
    give_up = time.monotonic() + _PATIENCE
    while here.look(_OPEN, red) or here.look("SELECT NOT plan_done FROM alerts WHERE id = ?", red):
        if time.monotonic() > give_up:
            raise RuntimeError("the broadcast did not end")
        time.sleep(0.1)
    return float(here.look(_TOLD, red))


def _wait_for_plans(here: Home) -> None:
    give_up = time.monotonic() + _PATIENCE
    while here.look(_UNPLANNED):
        if time.monotonic() > give_up:
            raise RuntimeError("the plans were not made")
        time.sleep(0.1)
    time.sleep(1)


if __name__ == "__main__":
    from statistics import quantiles

    sizes = int(sys.argv[1])
    modes = sys.argv[2:]
    with TemporaryDirectory(prefix="bench-") as directory:
        file = Path(directory, "a.db")
        audience(file, sizes)
        for mode in modes:
            if mode == "alone":
                print(mode, broadcast_alone(file, latency_ms=0), flush=True)
                continue
            found = pour_in(
                file,
                1000,
                latency_ms=450 if mode == "paced" else 0,
                per_minute=1000 if mode == "paced" else None,
                mix="mostly blue" if mode == "blue" else "mixed",
                beside_a_red=mode in ("paced", "fast"),
            )
            cuts = quantiles(found.seconds, n=100)
            firsts = quantiles(found.first_requests, n=100)
            print(
                mode,
                f"{found.per_minute:.0f}/min took {found.took:.1f} p50 {cuts[49] * 1e3:.0f} p99 {cuts[98] * 1e3:.0f} lost {found.lost} broadcast {found.broadcast} "
                f"red first p50 {firsts[49] * 1e3:.0f} p99 {firsts[98] * 1e3:.0f} ({len(found.first_requests)}) grew {found.grew:.0f}",
                flush=True,
            )
