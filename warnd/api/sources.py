"""Sources over REST: what each may speak for, as the configuration says."""

from __future__ import annotations

from aiohttp import web

from warnd.api.routing import Call, answer
from warnd.api.views import source_view


async def list_(call: Call) -> web.StreamResponse:
    """All of them; there is one page."""
    settings = call.app.settings
    items = [source_view(one, settings) for one in settings.sources.values()]
    return answer({"items": items, "next_cursor": None})
