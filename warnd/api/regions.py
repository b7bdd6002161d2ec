"""Divisions over REST."""

from __future__ import annotations

from aiohttp import web

from warnd.api.routing import Call, listing
from warnd.model.region import Region
from warnd.store import regions


async def list_(call: Call) -> web.StreamResponse:
    """Children of ``parent``, the provinces, or whatever the name or code ``q`` finds."""
    page = await call.app.store.read(
        regions.search, call.query.get("q", ""), **call.given("parent", "level"), **call.page
    )
    return listing(page, _view)


def _view(region: Region) -> dict[str, str]:
    return {"code": region.code, "name": region.name, "level": region.level.name.lower()}
