"""Where providers push their receipts: the address itself is the credential."""

from __future__ import annotations

import hmac

from aiohttp import web

from warnd.api.routing import Call, answer
from warnd.contract.channel import CallbackRequest
from warnd.errors import NotFound
from warnd.store.receipt_secrets import receipt_secret


async def post(call: Call) -> web.StreamResponse:
    """Every receipt is on disk when this answers. A wrong secret and a channel that is not there look alike."""
    channel, given = call.request.match_info["channel"], call.request.match_info["secret"]
    secret = await call.app.store.read(receipt_secret, channel)
    if not hmac.compare_digest(secret.encode(), given.encode("utf-8", "surrogatepass")):
        raise NotFound("place for receipts", "here")
    with call.app.pushes.admitted(channel):
        request = CallbackRequest(
            {name.lower(): value for name, value in call.request.headers.items()},
            dict(call.request.query),
            await call.request.read(),
        )
        return answer({"received": await call.app.receive_receipts(channel, request)})
