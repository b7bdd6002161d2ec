"""What machines ask of a daemon: whether it lives, whether it can work, and its figures."""

from __future__ import annotations

import asyncio
from collections import Counter

from aiohttp import web
from sqlalchemy import Connection, text

from warnd.api.routing import Call, answer
from warnd.errors import StoreError
from warnd.store import alarms, workers

_PATIENCE = 2.0


async def healthz(call: Call) -> web.StreamResponse:
    """The event loop runs. A daemon that cannot say so should be started anew."""
    return answer({"status": "ok"})


async def readyz(call: Call) -> web.StreamResponse:
    """The store reads and writes in time, and sending has begun; which process keeps the timers, if any does."""
    checks = {"sending": call.app.started, "store": await _store_answers(call)}
    ready = all(checks.values())
    body: dict[str, object] = {"status": "ready" if ready else "not ready", **checks}
    if checks["store"]:
        body["timers"] = await call.app.store.read(workers.keeper)
    return answer(body, status=200 if ready else 503)


async def _store_answers(call: Call) -> bool:
    if not call.app.machine.store_is_well:
        return False
    try:
        async with asyncio.timeout(_PATIENCE):
            await call.app.store.read(_nothing)
            await call.app.store.write(_nothing)
    except (TimeoutError, StoreError):
        return False
    return True


def _nothing(connection: Connection) -> None:
    connection.execute(text("SELECT 1"))


async def metrics(call: Call) -> web.StreamResponse:
    """Prometheus' text format; figures only, nobody's name or address."""
    app = call.app
    standing = await app.store.read(alarms.open_alarms)
    kinds = Counter(alarm.kind for alarm in alarms.together(app.alarms.unwritten, standing))
    app.metrics.alarms.clear()
    for kind, n in kinds.items():
        app.metrics.alarms.labels(kind).set(n)
    for name, line in app.lines.items():
        app.metrics.held.labels(name).set(len(line.lanes))
    app.metrics.commits.set(app.store.commits)
    return web.Response(
        body=app.metrics.exposition(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
    )
