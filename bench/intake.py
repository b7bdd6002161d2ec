"""A thousand warnings come in: beside a broadcast, as fast as a minute asks and as fast as they are taken."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from bench.audience import Crowd, build
from bench.feeder import Posted, Pour
from bench.gateway import sms_gateway
from bench.process import Home, home
from bench.standing import feed_key, writing
from warnd.model.ulid import UlidMaker
from warnd.store import tables

NEIGHBOURS = ("621221", "621222", "621223", "621224", "621225", "621226", "621227", "621228")
"""The other counties of 6212."""

_EACH = 10
"""Posts of each of them: what comes in reaches few."""

_RULES_EACH = 100
"""Subscriptions of each group in the other prefecture."""

_TOLD = """
SELECT (max(json_extract(body, '$.started')) - (SELECT received_at FROM alerts WHERE id = ?1)) / 1e6 FROM journal
WHERE kind = 'attempt.ended' AND json_extract(body, '$.alert') = ?1
"""
_ENDED = """
SELECT plan_done AND NOT EXISTS (
    SELECT 1 FROM tallies WHERE alert_id = ?1 AND n > 0 AND state NOT IN ('accepted', 'suppressed')
) FROM alerts WHERE id = ?1
"""
_FIRST = """
SELECT json_extract(body, '$.alert'), min(json_extract(body, '$.started')) FROM journal
WHERE kind = 'attempt.ended' GROUP BY 1
"""
_PLANNED = "SELECT NOT EXISTS (SELECT 1 FROM alerts WHERE NOT plan_done AND stopped_at IS NULL)"
_KEPT = "SELECT id FROM alerts"


@dataclass(frozen=True, slots=True)
class Taken:
    """
    What came of the messages: ``seconds`` of each post, ``took`` from the first post to the last answer.

    ``broadcast`` is how long the one beside it took, None without one. ``first_requests`` are those of the reds, in
    seconds after their 202.
    """

    seconds: Sequence[float]
    took: float
    broadcast: float | None
    first_requests: Sequence[float]

    @property
    def per_minute(self) -> float:
        return len(self.seconds) / self.took * 60


@dataclass(frozen=True, slots=True)
class Aged:
    """Seconds of each post of the first and of the last 1,000, and MiB that each 1,000 between left in memory."""

    young: Sequence[float]
    old: Sequence[float]
    kept: float


def broadcast_alone(audience: Path, *, latency_ms: float) -> float:
    """Seconds from the red warning to its last request."""
    with _site(audience, latency_ms) as (here, _), here.daemon("red", "--stay"):
        return _end_of_broadcast(here)


def pour_in(
    audience: Path,
    count: int,
    *,
    latency_ms: float = 0,
    per_minute: float | None = None,
    mix: str = "mixed",
    beside_a_red: bool = False,
) -> Taken:
    """Messages to a daemon that is broadcasting, or not."""
    arguments = ["red", "--stay"] if beside_a_red else ["--stay"]
    with _site(audience, latency_ms) as (here, key), here.daemon(*arguments) as running:
        posted = _pour(Pour(running.url, key, _now(), count, per_minute=per_minute, mix=mix))
        broadcast = _end_of_broadcast(here) if beside_a_red else None
        _wait_for_plans(here)
        firsts = dict(here.rows(_FIRST))
        reds = [one for one in posted if one.color == "red" and one.id in firsts]
        after = [max(0.0, (firsts[one.id] - one.answered) / 1e6) for one in reds]
        return Taken([one.seconds for one in posted], _took(posted), broadcast, after)


def killed_after(audience: Path, count: int) -> int:
    """How many that were answered are not in the store after a ``kill -9`` right after the last answer."""
    with _site(audience, 0) as (here, key):
        with here.daemon("red", "--stay") as running:
            posted = _pour(Pour(running.url, key, _now(), count))
            running.kill()
        return len({one.id for one in posted} - {row[0] for row in here.rows(_KEPT)})


def grow_old(audience: Path, count: int, *, part: int) -> Aged:
    """So many messages to one daemon, a part at a time, each part planned before the next."""
    with _site(audience, 0) as (here, key), here.daemon("--stay") as running:
        now, parts, weights = _now(), [], []
        for first in range(0, count, part):
            parts.append(_pour(Pour(running.url, key, now, part, first)))
            _wait_for_plans(here)
            weights.append(running.resident_mebibytes("RssAnon"))
        seconds = [[one.seconds for one in posted] for posted in parts]
        # The first part fills caches that have their limits.
        kept = (weights[-1] - weights[1]) / (len(parts) - 2) * 1000 / part
        return Aged(seconds[0], seconds[-1], kept)


def audience(path: Path, people: int, *, rules: int = 0) -> None:
    """``people`` in the county of the broadcast, a few in each of the others, ``rules`` in another prefecture."""
    few = [
        Crowd("sms", _EACH, county=county, first=people + n * _EACH) for n, county in enumerate(NEIGHBOURS)
    ]
    build(path, [Crowd("sms", people), *few])
    with writing(path) as connection:
        now, ids = datetime.now(UTC), UlidMaker()
        for n in range(rules // _RULES_EACH):
            group, *mine = ids.many(1 + _RULES_EACH, now)
            connection.execute(
                insert(tables.groups),
                {
                    "id": group,
                    "name": f"{n}",
                    "region": f"6211{n:08d}",
                    "audience": "responsible",
                    "created_at": now,
                },
            )
            connection.execute(
                insert(tables.subscriptions),
                [
                    {
                        "id": id_,
                        "group_id": group,
                        "hazards": ["*"],
                        "min_color": "blue",
                        "relation": "both",
                        "created_at": now,
                    }
                    for id_ in mine
                ],
            )


@contextmanager
def _site(audience: Path, latency_ms: float) -> Iterator[tuple[Home, str]]:
    """A home for daemons, and a feed's key."""
    with sms_gateway(latency_ms=latency_ms) as gateway:
        channel: Mapping[str, Any] = {
            "adapter": "sms.http", "max_batch": 100, "slots": 8, "receipts": False, **gateway.options,
        }  # fmt: skip
        with home(audience, {"sms": channel}) as here:
            yield here, feed_key(here.store)


def _pour(wanted: Pour) -> list[Posted]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.feeder"],
        input=json.dumps(asdict(wanted)),
        capture_output=True,
        text=True,
        check=True,
    )
    posted = [Posted(**one) for one in json.loads(done.stdout)]
    if refused := [one for one in posted if one.status != 202]:
        raise RuntimeError(f"{len(refused)} of {len(posted)} were answered {refused[0].status}")
    return posted


def _now() -> str:
    return datetime.now(UTC).replace(microsecond=0).isoformat()


def _took(posted: Sequence[Posted]) -> float:
    began = min(one.answered - one.seconds * 1e6 for one in posted)
    return (max(one.answered for one in posted) - began) / 1e6


def _end_of_broadcast(here: Home) -> float:
    red = here.look("SELECT min(id) FROM alerts")
    here.wait_for("the broadcast ends", _ENDED, red)
    return float(here.look(_TOLD, red))


def _wait_for_plans(here: Home) -> None:
    here.wait_for("each is planned", _PLANNED)
