"""Feeds over REST: how each stands."""

from __future__ import annotations

from aiohttp import web

from warnd.api.routing import Call, answer


async def list_(call: Call) -> web.StreamResponse:
    """Every configured feed; there is one page."""
    items = [view.told for view in await call.app.feeds.overview()]
    return answer({"items": items, "next_cursor": None})
