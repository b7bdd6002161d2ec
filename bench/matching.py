"""
Matching against a nation: ``python -m bench.matching FILE``, in a process of its own so that its memory can be told.

The subscriptions, each of a group of its own at one of the country's divisions, are read from a store as the daemon reads them.
"""

from __future__ import annotations

import csv
import gc
import json
import lzma
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy import insert

from bench.standing import writing
from warnd.model.color import Color
from warnd.model.ulid import UlidMaker
from warnd.pipeline.match import AudienceIndex, match
from warnd.resources import config_dir
from warnd.store import tables
from warnd.store.audience import audience_snapshot, group_sizes
from warnd.store.database import engine_over, open_writer, upgrade

_WARNED = ("621202100201", "621202100", "621202", "6212", "62")
"""A village, and what is around it, level by level."""

T = TypeVar("T")

_TIMES = 7
_COLORS = ("blue", "yellow", "orange", "red")


@dataclass(frozen=True, slots=True)
class Matching:
    """Seconds of the ``slowest`` of the warnings and of ``building`` the index, which holds so much more memory."""

    divisions: int
    slowest: float
    mebibytes: float
    building: float


def measure(subscriptions: int) -> Matching:
    codes = _codes()
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        file = Path(directory, "warnd.db")
        _settle(file, codes, subscriptions)
        done = subprocess.run(
            [sys.executable, "-m", "bench.matching", str(file)], capture_output=True, text=True, check=True
        )
    return Matching(len(codes), **json.loads(done.stdout))


def _measured(file: Path) -> Mapping[str, float]:
    with closing(open_writer(file)) as raw:
        engine = engine_over(raw)
        with engine.connect() as connection:
            before = _resident()
            building, index = _timed(
                lambda: AudienceIndex.of(audience_snapshot(connection), group_sizes(connection))
            )
            gc.collect()
            mebibytes = _resident() - before
        engine.dispose()
    slowest = max(_match(code, index) for code in _WARNED)
    return {"slowest": slowest, "mebibytes": mebibytes, "building": building}


def _match(code: str, index: AudienceIndex) -> float:
    """The median of some times."""
    return sorted(_timed(lambda: match([code], "rainstorm", Color.RED, index))[0] for _ in range(_TIMES))[
        _TIMES // 2
    ]


def _timed(act: Callable[[], T]) -> tuple[float, T]:
    began = time.perf_counter()
    found = act()
    return time.perf_counter() - began, found


def _codes() -> Sequence[str]:
    with lzma.open(config_dir() / "cn-divisions-2023.csv.xz", "rt", encoding="utf-8", newline="") as lines:
        return [row["code"] for row in csv.DictReader(lines)]


def _settle(file: Path, codes: Sequence[str], subscriptions: int) -> None:
    dice = random.Random(20260714)
    with closing(open_writer(file)) as raw:
        engine = engine_over(raw)
        with engine.connect() as connection:
            upgrade(connection)
        engine.dispose()
    now = datetime.now(UTC)
    ids = UlidMaker().many(2 * subscriptions, now)
    chosen = [dice.choice(codes) for _ in range(subscriptions)]
    groups = [
        {"id": id_, "name": f"{code}/{number}", "region": code, "audience": "responsible", "created_at": now}
        for number, (id_, code) in enumerate(zip(ids[:subscriptions], chosen, strict=True))
    ]
    rules = [
        {
            "id": id_,
            "group_id": group["id"],
            "hazards": ["*"],
            "min_color": dice.choice(_COLORS),
            "relation": "both",
            "created_at": now,
        }
        for id_, group in zip(ids[subscriptions:], groups, strict=True)
    ]
    with writing(file) as connection:
        connection.execute(insert(tables.groups), groups)
        connection.execute(insert(tables.subscriptions), rules)


def _resident() -> float:
    """MiB held now without pages of files."""
    found = re.search(r"RssAnon:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_measured(Path(sys.argv[1]))))
