"""Red behind blue: how much later red's last request is when a long blue broadcast is under way."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench import engine
from bench.audience import COUNTY, NEIGHBOUR, Crowd, build
from bench.compare import p99
from bench.gateway import sms_gateway
from bench.warning import warning
from warnd.app import App

_RED = 1_000

IDLE, BEHIND = "on an idle daemon", "behind blue"
"""Where the reds are measured, as the rows call it."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Seconds from the 202 to the last request."""

    median: float
    p99: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Spread:
        return cls(median(seconds), p99(seconds))


@dataclass(frozen=True, slots=True)
class Behind:
    """The same reds on an idle daemon and behind blue; ``median`` and ``p99`` are how much longer it takes."""

    idle: Spread
    behind: Spread

    @property
    def median(self) -> float:
        return self.behind.median / self.idle.median

    @property
    def p99(self) -> float:
        return self.behind.p99 / self.idle.p99


async def red_behind_blue(queued: int, *, times: int) -> Behind:
    """``times`` red alerts, one after the other, on an idle daemon and again while blue is being sent."""
    blue = Crowd("sms", queued)
    red = Crowd("sms", _RED, county=NEIGHBOUR, first=queued)
    with TemporaryDirectory(prefix="bench-") as directory, sms_gateway(latency_ms=20) as gateway:
        audience = Path(directory, "audience.db")
        build(audience, [blue, red])
        channel = {"adapter": "sms.http", "max_batch": 100, "slots": 8, "receipts": False, **gateway.options}
        async with engine.daemon(audience, {"sms": channel}) as served:
            app = served.app
            await _reds(app, 1)
            idle = await _reds(app, times)
            admitted = await app.intake.receive(
                warning("blue", COUNTY), "application/json", app.speakers["weather"]
            )
            behind: list[float] = []
            while len(behind) < times and await _open(app, admitted.id):
                behind += await _reds(app, 1)
    return Behind(Spread.of(idle), Spread.of(behind))


async def _reds(app: App, times: int) -> list[float]:
    seconds: list[float] = []
    for _ in range(times):
        seconds.append((await engine.tell(app, {"sms": _RED}, county=NEIGHBOUR)).last_request)
        await asyncio.sleep(engine.LOOK_EVERY)
    return seconds


async def _open(app: App, alert_id: str) -> bool:
    """Whether the blue alert still has something to send."""
    return await app.store.read(
        lambda connection: bool(
            connection.exec_driver_sql(
                "SELECT NOT plan_done OR EXISTS (SELECT 1 FROM tallies WHERE alert_id = id AND state = 'queued' AND n > 0) "
                "FROM alerts WHERE id = ?",
                (alert_id,),
            ).scalar_one()
        )
    )
