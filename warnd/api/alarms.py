"""Alarms over REST: what a person must act on, and who took it on."""

from __future__ import annotations

from dataclasses import replace

from aiohttp import web

from warnd.api.routing import Call, Nothing, answer, listing
from warnd.api.views import alarm_view
from warnd.store import alarms


async def list_(call: Call) -> web.StreamResponse:
    """Those that are open; on the first page before all others what the store cannot take."""
    page = await call.app.store.read(alarms.list_alarms, **call.page)
    if call.page.get("cursor") is None:
        page = replace(page, items=tuple(alarms.together(call.app.alarms.unwritten, page.items)))
    return listing(page, alarm_view)


async def acknowledge(call: Call) -> web.StreamResponse:
    await call.body(Nothing)
    now = call.app.now()
    return answer(
        alarm_view(await call.app.store.record(alarms.acknowledge, call.id, by=call.actor, now=now))
    )
