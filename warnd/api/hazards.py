"""The hazard catalogue over REST."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from warnd.api.routing import Call, listing
from warnd.model.hazard import Hazard
from warnd.store.paging import Page


async def list_(call: Call) -> web.StreamResponse:
    """All hazards, or whatever the name or code ``q`` finds, by slug."""
    limit, cursor = call.page["limit"], call.page["cursor"] or ""
    found = call.app.surroundings.catalogue.search(call.query.get("q", ""))
    rest = sorted((one for one in found if one.slug > cursor), key=lambda one: one.slug)
    items = tuple(rest[:limit])
    return listing(Page(items, items[-1].slug if len(rest) > limit else None), hazard_view)


def hazard_view(hazard: Hazard) -> dict[str, Any]:
    """Its entry of the catalogue, with every key."""
    return {
        "slug": hazard.slug,
        "names": dict(hazard.names),
        "codes": list(hazard.codes),
        "aliases": list(hazard.aliases),
        "category": hazard.category,
        "colors": [color.value for color in hazard.colors],
        "sudden": hazard.sudden,
        "feeds": {feed: list(codes) for feed, codes in hazard.feeds.items()},
        "guidance": {color.value: dict(words) for color, words in hazard.guidance.items()},
    }
