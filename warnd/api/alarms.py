"""Alarms over REST: what a person must act on, and who took it on."""

from __future__ import annotations

from aiohttp import web

from warnd.api.routing import Call, Nothing, answer
from warnd.api.views import alarm_view
from warnd.store import alarms


async def list_(call: Call) -> web.StreamResponse:
    """Those that are open; there are never many, so that they come as one page."""
    found = await call.app.store.read(alarms.open_alarms)
    return answer({"items": [alarm_view(one) for one in found], "next_cursor": None})


async def acknowledge(call: Call) -> web.StreamResponse:
    await call.body(Nothing)
    now = call.app.now()
    return answer(
        alarm_view(await call.app.store.record(alarms.acknowledge, call.id, by=call.actor, now=now))
    )
