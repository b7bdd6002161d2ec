"""Who asks, and whether they may: a bearer key, whose role the route must name."""

from __future__ import annotations

from aiohttp import web

from warnd.api.routing import Route
from warnd.app import App
from warnd.store import keys
from warnd.store.keys import ApiKey, Role

ALL = frozenset({Role.VIEWER, Role.OPERATOR, Role.ADMIN})
"""Everybody who looks. A feed only speaks."""

ACTING = frozenset({Role.OPERATOR, Role.ADMIN})
ARRANGING = frozenset({Role.ADMIN})
SPEAKING = frozenset({Role.FEED})

_LONGEST = 200


async def authorise(app: App, route: Route, request: web.Request) -> ApiKey | None:
    """
    The key that asks; None where none is needed.

    Raises HTTPUnauthorized without a good key and HTTPForbidden when its role is not among the route's.
    """
    if not route.needs_key(app.settings.server):
        return None
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    text = text.strip()
    if scheme.lower() != "bearer" or not text or len(text) > _LONGEST:
        raise _unauthorised("send the header Authorization: Bearer KEY")
    key = await app.store.read(keys.key_of, text)
    if key is None:
        raise _unauthorised("the key is unknown or revoked")
    if key.role not in route.roles:
        raise web.HTTPForbidden(text=f"a key of role {key.role.value} may not do this")
    return key


def _unauthorised(message: str) -> web.HTTPUnauthorized:
    return web.HTTPUnauthorized(text=message, headers={"WWW-Authenticate": 'Bearer realm="warnd"'})
