"""Feeds over REST: how each stands, and the door for those that call."""

from __future__ import annotations

import hmac

from aiohttp import web

from warnd.api.routing import Call, answer
from warnd.app.feeds.fetch import FeedUnreachable
from warnd.errors import NotFound


async def list_(call: Call) -> web.StreamResponse:
    """Every configured feed; there is one page."""
    items = [view.told for view in await call.app.feeds.overview()]
    return answer({"items": items, "next_cursor": None})


async def post(call: Call) -> web.StreamResponse:
    """What a call tells of is on disk when this answers. A wrong secret and a feed that is not there look alike."""
    name, given = call.request.match_info["name"], call.request.match_info["secret"]
    secret = await call.app.feeds.secret_of(name)
    if name not in call.app.feeds.hooks or not hmac.compare_digest(secret.encode(), given.encode()):
        raise NotFound("feed", "here")
    try:
        outcome = await call.app.feeds.hook(name).receive(await call.request.read())
    except FeedUnreachable as error:
        raise web.HTTPServiceUnavailable(text=str(error), headers={"Retry-After": "5"}) from error
    return answer({"taken": outcome.taken.value})
