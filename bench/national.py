"""
A warning for the whole country: ``python -m bench.national PEOPLE RULES``, in a process of its own so that its memory can be told.

The divisions are the shipped ones, the groups one for each rule at divisions of all levels, the people made up and
spread over the groups. CPU time is taken, so that what else the machine does is left out.
"""

from __future__ import annotations

import asyncio
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
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import orjson
from sqlalchemy import Connection

from bench.audience import ADDRESSES
from bench.engine import settings
from bench.warning import warning
from warnd import logs
from warnd.app import App
from warnd.model.color import Color
from warnd.model.ulid import UlidMaker
from warnd.pipeline.match import AudienceIndex, match
from warnd.ports import Chunk, Committed
from warnd.resources import config_dir
from warnd.settings import load
from warnd.store import bulk, tables
from warnd.store.audience import audience_snapshot, group_sizes
from warnd.store.database import engine_over, open_writer, raw_of, upgrade
from warnd.store.regions import import_regions
from warnd.store.standing import audience_changed

_DIVISIONS = config_dir() / "cn-divisions-2023.csv.xz"
_LONG_LIST = 3_000
_TIMES = 7
_PIECE = 50_000
_NOWHERE = {"adapter": "sms.http", "url": "http://127.0.0.1:9/", "token": "of-nobody", "receipts": False}


@dataclass(frozen=True, slots=True)
class National:
    """
    Seconds to match the ``country`` and a ``long_list`` of divisions, to ``build`` the index and to bring it up to date
    after an ``edit``; seconds of CPU to plan for ``planned`` recipients, and MiB that memory ``grew`` in the second
    half of the plan.
    """

    country: float
    long_list: float
    build: float
    edit: float
    planned: int
    plan: float
    grew: float


def measure(people: int, rules: int) -> National:
    words = [sys.executable, "-m", "bench.national", str(people), str(rules)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return National(**json.loads(done.stdout))


async def _measured(people: int, rules: int) -> National:
    codes = _codes()
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        file = Path(directory, "warnd.db")
        with closing(open_writer(file)) as raw, engine_over(raw).connect() as connection:
            upgrade(connection)
            raw.execute("BEGIN")
            _settle(connection, codes, people, rules)
            raw.execute("COMMIT")
            matching = _matching(connection, codes)
        gc.collect()
        return National(*matching, *await _planning(Path(directory), codes, people))


def _matching(connection: Connection, codes: Sequence[str]) -> tuple[float, float, float, float]:
    began = time.process_time()
    index = AudienceIndex.of(audience_snapshot(connection), group_sizes(connection))
    build = time.process_time() - began
    country = [code for code in codes if len(code) == 2]
    long_list = random.Random(3).sample(codes, _LONG_LIST)
    edited = {index.groups[0].id}
    read = audience_snapshot(connection, edited), group_sizes(connection, edited)
    taken: list[list[float]] = [[], [], []]
    for _ in range(_TIMES):
        marks = [time.process_time()]
        for regions in (country, long_list):
            match(regions, "rainstorm", Color.RED, index)
            marks.append(time.process_time())
        index.updated(edited, *read)
        marks.append(time.process_time())
        for each, (start, end) in zip(taken, pairwise(marks), strict=True):
            each.append(end - start)
    of_country, of_list, edit = (sorted(each)[_TIMES // 2] for each in taken)
    return of_country, of_list, build, edit


async def _planning(home: Path, codes: Sequence[str], people: int) -> tuple[int, float, float]:
    country = [code for code in codes if len(code) == 2]
    settings(home, {"sms": _NOWHERE})
    file = home / "warnd.toml"
    file.write_text(
        file.read_text(encoding="utf-8").replace('["6212"]', json.dumps(country)), encoding="utf-8"
    )
    app = App(load(file, {}))
    await app.open()
    body = orjson.loads(warning("red")) | {"areas": [{"name": "", "regions": country}]}
    admitted = await app.intake.receive(orjson.dumps(body), "application/json", app.speakers["weather"])
    commit, held, planned, looked_at = app.store.commit, 0.0, 0, 0

    async def counted(chunk: Chunk) -> Committed:
        nonlocal held, planned, looked_at
        committed = await commit(chunk)
        planned += len(chunk.deliveries)
        looked_at += chunk.planned
        if not held and looked_at > people // 2:
            held = _resident()
        return committed

    app.store.commit = counted  # type: ignore[method-assign]
    await app.audience.index()
    began = time.process_time()
    await app.broadcaster.broadcast(admitted.id)
    taken, grew = time.process_time() - began, _resident() - held
    await app.close()
    return planned, taken, grew


def _settle(connection: Connection, codes: Sequence[str], people: int, rules: int) -> None:
    import_regions(connection, _DIVISIONS)
    dice, cursor, now = random.Random(20260714), raw_of(connection), datetime.now(UTC)
    ids, at = UlidMaker(), tables.micros(now)
    groups = list(zip(ids.many(rules, now), dice.choices(codes, k=rules), strict=True))
    bulk.Insert(tables.groups, ("id", "name", "region", "audience", "created_at")).run(
        cursor, [(id_, f"{code}/{n}", code, "responsible", at) for n, (id_, code) in enumerate(groups)]
    )
    bulk.Insert(
        tables.subscriptions, ("id", "group_id", "hazards", "min_color", "relation", "created_at")
    ).run(
        cursor,
        [
            (id_, group, '["*"]', "blue", "both", at)
            for id_, (group, _) in zip(ids.many(rules, now), groups, strict=True)
        ],
    )
    for first in range(0, people, _PIECE):
        piece = range(first, min(first + _PIECE, people))
        _settle_people(connection, piece, dice.choices(groups, k=len(piece)), ids, now)
    audience_changed(connection)


def _settle_people(
    connection: Connection, numbers: range, groups: Sequence[tuple[str, str]], ids: UlidMaker, now: datetime
) -> None:
    cursor, at, address = raw_of(connection), tables.micros(now), ADDRESSES["sms"]
    people, endpoints = ids.many(len(numbers), now), ids.many(len(numbers), now)
    bulk.Insert(tables.subscribers, ("id", "kind", "name", "region", "created_at")).run(
        cursor,
        [
            (id_, "post", f"值班岗{n}", code, at)
            for id_, n, (_, code) in zip(people, numbers, groups, strict=True)
        ],
    )
    bulk.Insert(tables.memberships, ("subscriber_id", "group_id")).run(
        cursor, [(id_, group) for id_, (group, _) in zip(people, groups, strict=True)]
    )
    bulk.Insert(tables.endpoints, ("id", "subscriber_id", "channel", "address", "created_at")).run(
        cursor,
        [(end, id_, "sms", address(n), at) for end, id_, n in zip(endpoints, people, numbers, strict=True)],
    )


def _codes() -> Sequence[str]:
    with lzma.open(_DIVISIONS, "rt", encoding="utf-8", newline="") as lines:
        return [row["code"] for row in csv.DictReader(lines)]


def _resident() -> float:
    """MiB held now without pages of files."""
    found = re.search(r"RssAnon:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


if __name__ == "__main__":
    logs.configure(level="error")
    sys.stdout.write(json.dumps(asdict(asyncio.run(_measured(int(sys.argv[1]), int(sys.argv[2]))))))
