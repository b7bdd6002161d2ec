"""warnd itself, as ``warnd serve`` runs it, timed from the answer to an alert to the last settled delivery."""

from __future__ import annotations

import asyncio
import gc
import json
import shutil
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection

from bench.audience import COUNTY
from bench.warning import warning
from warnd.app import App
from warnd.daemon import Daemon, running
from warnd.settings import Settings, load

LOOK_EVERY = 0.03
"""Seconds between looks at the tallies: what a measured time may be too long by."""

_PATIENCE = 300.0

_SETTLED = """
SELECT channel, sum(n) FROM tallies
WHERE alert_id = ? AND state NOT IN ('queued', 'waiting', 'unknown', 'standby') GROUP BY channel
"""
_REQUESTS = """
SELECT min(json_extract(body, '$.started')), max(json_extract(body, '$.started')) FROM journal
WHERE kind = 'attempt.ended' AND json_extract(body, '$.alert') = ?
"""
_UNLIKE = (
    "SELECT coalesce(sum(n), 0) FROM tallies WHERE alert_id = ? AND state NOT IN ('accepted', 'delivered')"
)
_TEXT = "SELECT subject, body FROM contents WHERE alert_id = ? AND channel = ?"


@dataclass(frozen=True, slots=True)
class Telling:
    """
    One broadcast as it went, in seconds after ``Intake.receive`` returned, which is when the 202 is written.

    ``first`` and ``last_request`` are when requests left, ``last`` when a channel's last delivery was settled,
    ``texts`` are (subject, body) by channel.
    """

    first: float
    last_request: float
    last: Mapping[str, float]
    texts: Mapping[str, tuple[str, str]]

    @property
    def seconds(self) -> float:
        return max(self.last.values())


def settings(
    home: Path, channels: Mapping[str, Mapping[str, Any]], *, port: int = 0, **tables: Mapping[str, Any]
) -> Settings:
    """A configuration on ``home`` with these tables; pacing is unlimited, all else as shipped."""
    chosen: dict[str, Mapping[str, Any]] = {
        "server": {"port": port},
        "store": {"url": f"sqlite:///{home / 'warnd.db'}"},
        "logs": {"level": "error"},
        "sources.weather": {"regions": ["6212"], "official": True},
        **{f"channels.{name}": options for name, options in channels.items()},
        **tables,
    }
    lines: list[str] = []
    for name, options in chosen.items():
        lines.append(f"[{name}]")
        lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in options.items()]
    file = home / "warnd.toml"
    file.write_text("\n".join(lines), encoding="utf-8")
    return load(file, {})


@asynccontextmanager
async def daemon(
    audience: Path, channels: Mapping[str, Mapping[str, Any]], *, port: int = 0
) -> AsyncIterator[Daemon]:
    """A daemon in this event loop, on a fresh copy of an audience."""
    with TemporaryDirectory(prefix="bench-") as home:
        shutil.copy(audience, Path(home, "warnd.db"))
        chosen = settings(Path(home), channels, port=port)
        # What the benchmark itself keeps is no part of the daemon's heap.
        gc.collect()
        gc.freeze()
        async with running(chosen) as served:
            yield served
        gc.unfreeze()


async def tell(app: App, expected: Mapping[str, int], *, color: str = "red", county: str = COUNTY) -> Telling:
    """Broadcast and wait until as many deliveries as expected are settled on each channel, all accepted or better."""
    admitted = await app.intake.receive(warning(color, county), "application/json", app.speakers["weather"])
    began, began_wall = time.perf_counter(), app.clock()
    last: dict[str, float] = {}
    async with asyncio.timeout(_PATIENCE):
        while len(last) < len(expected):
            await asyncio.sleep(LOOK_EVERY)
            settled = await app.store.read(_settled, admitted.id)
            for channel, size in expected.items():
                if settled.get(channel, 0) >= size:
                    last.setdefault(channel, time.perf_counter() - began)
    requests, unlike, texts = await app.store.read(_looked_up, admitted.id, list(expected))
    if unlike:
        raise RuntimeError(f"{unlike} deliveries ended otherwise than well; nothing can be compared")
    first, last_request = ((at - began_wall) / 1e6 for at in requests)
    return Telling(first, last_request, last, texts)


def _settled(connection: Connection, alert_id: str) -> dict[str, int]:
    return dict(connection.exec_driver_sql(_SETTLED, (alert_id,)).tuples().all())


def _looked_up(
    connection: Connection, alert_id: str, channels: list[str]
) -> tuple[tuple[int, int], int, dict[str, tuple[str, str]]]:
    first, last = connection.exec_driver_sql(_REQUESTS, (alert_id,)).one()
    unlike = connection.exec_driver_sql(_UNLIKE, (alert_id,)).scalar_one()
    texts = {}
    for channel in channels:
        subject, body = connection.exec_driver_sql(_TEXT, (alert_id, channel)).one()
        texts[channel] = (subject, body)
    return (first, last), unlike, texts
