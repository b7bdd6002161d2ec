"""What sources sent, over REST: listed for whoever looks on, its bytes for operators, never to be rendered."""

from __future__ import annotations

from aiohttp import web

from warnd.api.routing import Call, listing
from warnd.api.views import message_view
from warnd.store import messages
from warnd.store.messages import MessageFilter, MessageRow

_ENDINGS = {
    "application/json": "json",
    "application/cap+xml": "xml",
    "application/xml": "xml",
    "text/xml": "xml",
}
"""The types that a message is handed out as; whatever else a source calls it is bytes."""

_ANY_BYTES = "application/octet-stream"

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "no-store",
}


async def list_(call: Call) -> web.StreamResponse:
    asked = MessageFilter(**call.given("verdict", "source", "since", "until"))
    filters = await call.app.store.read(messages.checked, asked, sources=call.app.settings.sources)
    return listing(await call.app.store.read(messages.list_messages, filters, **call.page), message_view)


async def get(call: Call) -> web.StreamResponse:
    return _handed_out(*await call.app.store.read(messages.get_message, call.id))


async def of_alert(call: Call) -> web.StreamResponse:
    return _handed_out(*await call.app.store.read(messages.message_of, call.id))


def _handed_out(message: MessageRow, content: bytes) -> web.Response:
    """As a file to be kept: what a stranger wrote is never a page of ours. Raises HTTPGone."""
    if not content:
        raise web.HTTPGone(text="it came without a byte, or its bytes are no longer kept")
    declared = message.content_type.partition(";")[0].strip().lower()
    kind = declared if declared in _ENDINGS else _ANY_BYTES
    name = f"{message.id}.{_ENDINGS.get(kind, 'bin')}"
    headers = _HEADERS | {"Content-Disposition": f'attachment; filename="{name}"', "Content-Type": kind}
    return web.Response(body=content, headers=headers)
