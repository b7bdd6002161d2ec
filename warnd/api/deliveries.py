"""The delivery log over REST: slices of it, one delivery's story, the whole as a file, and telling again."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import orjson
from aiohttp import web
from pydantic import Field

from warnd.api.audience_bodies import Id
from warnd.api.bodies import Body
from warnd.api.routing import Call, answer, listing
from warnd.api.views import delivery_view, story_view
from warnd.app import acts
from warnd.audience.cells import guarded
from warnd.model.delivery import State
from warnd.store.deliveries import DeliveryFilter, DeliveryRow, checked, export_deliveries, list_deliveries
from warnd.store.delivery_story import get_delivery
from warnd.store.resending import Resend

COLUMNS = (
    "id", "alert", "headline", "color", "channel", "address", "name", "region", "round", "state", "reason", "detail",
    "told", "attempts", "planned", "updated", "possible_repeat",
)  # fmt: skip

_FILTERS = ("alert", "state", "channel", "region", "group", "q", "since", "until")


class ResendBody(Body):
    alert: Id
    state: Annotated[tuple[State, ...], Field(min_length=1)]
    ids: Annotated[tuple[Id, ...], Field(min_length=1, max_length=10_000)] | None = None


async def list_(call: Call) -> web.StreamResponse:
    filters = await _filters(call)
    return listing(await call.app.store.read(list_deliveries, filters, **call.page), delivery_view)


async def get(call: Call) -> web.StreamResponse:
    return answer(story_view(await call.app.store.read(get_delivery, call.id)))


async def resend(call: Call) -> web.StreamResponse:
    body = await call.body(ResendBody)
    request = Resend(body.alert, frozenset(body.state), body.ids)
    round_, total = await acts.resend(call.app, request, by=call.actor)
    return answer({"alert": body.alert, "round": round_, "deliveries": total}, status=202)


async def export(call: Call) -> web.StreamResponse:
    """A stream of short reads: it neither holds the store's snapshot nor the file in memory."""
    kind: str = call.query.get("format", "csv")
    media, written = _FORMATS[kind]
    filters = await _filters(call)
    page = await call.app.store.read(export_deliveries, filters)
    stream = web.StreamResponse(
        headers={
            "Content-Type": media,
            "Content-Disposition": f'attachment; filename="deliveries.{kind}"',
            "Cache-Control": "no-store",
        }
    )
    await stream.prepare(call.request)
    if kind == "csv":
        await stream.write("\ufeff".encode() + _csv_rows([COLUMNS]))
    while True:
        await stream.write(written(page.items))
        if page.next_cursor is None:
            break
        page = await call.app.store.read(export_deliveries, filters, page.next_cursor)
    await stream.write_eof()
    return stream


async def _filters(call: Call) -> DeliveryFilter:
    filters = DeliveryFilter(**call.given(*_FILTERS))
    return await call.app.store.read(checked, filters, channels=call.app.settings.channels)


def as_csv(deliveries: Sequence[DeliveryRow]) -> bytes:
    """Lines of CSV whose cells no spreadsheet takes for a formula."""
    views = (delivery_view(delivery) for delivery in deliveries)
    return _csv_rows([[_cell(view[column]) for column in COLUMNS] for view in views])


def as_jsonl(deliveries: Sequence[DeliveryRow]) -> bytes:
    """One JSON object a line."""
    return b"".join(orjson.dumps(delivery_view(delivery)) + b"\n" for delivery in deliveries)


_FORMATS: dict[str, tuple[str, Callable[[Sequence[DeliveryRow]], bytes]]] = {
    "csv": ("text/csv; charset=utf-8", as_csv),
    "jsonl": ("application/x-ndjson", as_jsonl),
}


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return guarded(str(value))


def _csv_rows(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()
