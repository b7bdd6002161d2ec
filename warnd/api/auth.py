"""Who asks, and whether they may: a bearer key, whose role the route must name, or a feed's signature."""

from __future__ import annotations

from aiohttp import web

from warnd.api.routing import Route
from warnd.app import App
from warnd.intake import proof
from warnd.store import keys, nonces
from warnd.store.keys import ApiKey, Role

ALL = frozenset({Role.VIEWER, Role.OPERATOR, Role.ADMIN})
"""Everybody who looks. A feed only speaks."""

ACTING = frozenset({Role.OPERATOR, Role.ADMIN})
ARRANGING = frozenset({Role.ADMIN})
SPEAKING = frozenset({Role.FEED, *ACTING})
"""Feeds say what comes from their sources, people issue by hand."""

_LONGEST = 200


async def authorise(app: App, route: Route, request: web.Request) -> ApiKey | None:
    """
    The key that asks; None where none is needed.

    Raises HTTPUnauthorized without a good key or signature, and HTTPForbidden when its role is not among the
    route's. What a signed request carries counts as a feed's key of its source.
    """
    if not route.needs_key(app.settings.server):
        return None
    if proof.is_signed(request.headers) and Role.FEED in route.roles:
        return await _by_signature(app, request)
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


async def _by_signature(app: App, request: web.Request) -> ApiKey:
    """Nothing of a request whose proof fails is kept, not even its nonce: anybody could send it."""
    now = app.now()
    try:
        found = proof.read_proof(request.headers, now=now)
    except ValueError as error:
        raise _unauthorised(str(error)) from error
    source = app.settings.sources.get(found.source)
    if source is None or source.hmac_secret is None:
        raise _unauthorised(_NO_PROOF)
    body = await request.read()
    if not proof.holds(found, source.hmac_secret.reveal(), body, query=request.raw_path.partition("?")[2]):
        raise _unauthorised(_NO_PROOF)
    if not await app.store.write(nonces.use, source.name, found.nonce, until=found.usable_until, now=now):
        raise _unauthorised("the nonce was used before: sign every request anew")
    return ApiKey("", source.name, Role.FEED, source.name, now, None)


_NO_PROOF = "the source is not known to sign, or the signature is not its own"


def _unauthorised(message: str) -> web.HTTPUnauthorized:
    return web.HTTPUnauthorized(text=message, headers={"WWW-Authenticate": 'Bearer realm="warnd"'})
