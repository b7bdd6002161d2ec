"""Alerts over REST: taking one in, looking at it, watching it go out, deciding on it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict
from typing import Annotated, Any

import orjson
from aiohttp import web
from pydantic import Field

from warnd.api.bodies import Body
from warnd.api.routing import Call, Nothing, answer, listing, page_view
from warnd.api.views import (
    admitted_view,
    alert_view,
    counts_view,
    coverage_view,
    faults_of,
    forecast_view,
    progress_view,
    received_view,
    whole_alert_view,
)
from warnd.app import acts
from warnd.app.receiving import Received, Taken, receive
from warnd.errors import Conflict, Fault, InvalidAlert, TooMany
from warnd.intake.findings import MAX_FINDINGS
from warnd.intake.read import located
from warnd.model.alert_body import from_body
from warnd.pipeline import cap
from warnd.pipeline.admit import Speaker
from warnd.store import alert_views
from warnd.store.alert_views import AlertFilter, AlertView, Progress
from warnd.store.alerts import Admitted
from warnd.store.keys import Role
from warnd.store.releasing import Decided
from warnd.store.retention import forgotten_at

MEDIA = ("application/json", "application/cap+xml", "application/xml", "text/xml")

_LOOK_SECONDS = 0.5
_ALIVE_SECONDS = 15.0


class LinkBody(Body):
    """For whom the link is; they count as the one who decides."""

    for_: Annotated[str, Field(alias="for", min_length=1, max_length=100)]


class Decision(Body):
    """Why; kept in the journal."""

    reason: Annotated[str, Field(max_length=1000)] = ""


async def post(call: Call) -> web.StreamResponse:
    """Take a message in; with ``dry_run`` say whom it would reach, and keep nothing."""
    if call.key is not None and call.key.role is not Role.FEED:
        return await _issue(call)
    speaker = _speaker(call)
    given = call.request.headers.get("Content-Type")
    body = await call.request.read()
    if given is not None and call.request.content_type not in (*MEDIA, "application/octet-stream"):
        message = f"the body is one of {', '.join(MEDIA)}"
        if not call.query.get("dry_run"):
            intake = call.app.intake
            raw = intake.raw(body, given, speaker)
            await intake.refuse(raw, [Fault("body", "content_type", message)])
        raise web.HTTPUnsupportedMediaType(text=message)
    if call.query.get("dry_run"):
        return answer(forecast_view(*await call.app.intake.forecast(body, given, speaker)))
    received = await receive(call.app.intake, body, given, speaker)
    match received.messages:
        case [Taken(result=Admitted() as admitted)]:
            return answer(admitted_view(admitted), status=200 if admitted.repeat else 202)
        case [Taken(result=InvalidAlert() | Conflict() | TooMany() as failure)]:
            raise failure
    return _several(received)


def _several(received: Received) -> web.Response:
    """
    One answer for each message of a body.

    202 if any of them is new, 200 if there are repeats only. If none was taken in, raises TooMany when any may be
    sent again, else InvalidAlert.
    """
    admitted = [one.result for one in received.messages if isinstance(one.result, Admitted)]
    if not admitted:
        for one in received.messages:
            if isinstance(one.result, TooMany):
                raise one.result
        faults = [located(one.path, fault) for one in received.messages for fault in faults_of(one)]
        raise InvalidAlert(faults[:MAX_FINDINGS])
    status = 200 if all(one.repeat for one in admitted) else 202
    return answer(received_view(received), status=status)


async def _issue(call: Call) -> web.StreamResponse:
    """What a person issues by hand: held for another one."""
    if call.request.content_type not in ("application/json", "application/octet-stream"):
        raise web.HTTPUnsupportedMediaType(text="what is issued by hand is application/json")
    body = await call.request.read()
    if call.query.get("dry_run"):
        return answer(forecast_view(*await acts.try_issuing(call.app, body)))
    admitted = await acts.issue(call.app, body, by=call.person)
    return answer(admitted_view(admitted), status=200 if admitted.repeat else 202)


def _speaker(call: Call) -> Speaker:
    name = call.key.source if call.key is not None else None
    speaker = call.app.speakers.get(name or "")
    if speaker is None:
        raise web.HTTPForbidden(text=f"the key speaks for the source {name}, which is not configured")
    return speaker


async def list_(call: Call) -> web.StreamResponse:
    filters = AlertFilter(**call.given("state", "color", "since", "until"))
    return listing(await call.app.store.read(alert_views.list_alerts, filters, **call.page), alert_view)


async def get(call: Call) -> web.StreamResponse:
    def read(connection: Any) -> tuple[AlertView, Progress]:
        return alert_views.get_alert(connection, call.id), alert_views.progress(connection, call.id)

    return answer(whole_alert_view(*await call.app.store.read(read)))


async def forecast(call: Call) -> web.StreamResponse:
    return answer(counts_view(await call.app.foresight.of_held(call.id, call.app.now())))


async def coverage(call: Call) -> web.StreamResponse:
    levels = await call.app.store.read(alert_views.coverage, call.id)
    gaps = await call.app.store.read(alert_views.gaps, call.id, **call.page)
    forgotten = await call.app.store.read(forgotten_at, call.id)
    return answer(
        {
            "levels": [coverage_view(level) for level in levels],
            "gaps": page_view(gaps, asdict),
            "forgotten": forgotten.isoformat() if forgotten else None,
        }
    )


async def as_cap(call: Call) -> web.StreamResponse:
    view = await call.app.store.read(alert_views.get_alert, call.id)
    body = cap.as_cap(from_body(view.body), call.app.surroundings.catalogue)
    return web.Response(body=body, content_type=cap.MEDIA, charset="utf-8")


async def events(call: Call) -> web.StreamResponse:
    """Progress as server-sent events, as long as anything moves; the last one says ``settled``."""
    progress = await call.app.store.read(alert_views.progress, call.id)
    stream = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )
    await stream.prepare(call.request)
    shown: Progress | None = None
    alive = time.monotonic()
    try:
        while True:
            if progress != shown:
                body = orjson.dumps(progress_view(progress))
                await stream.write(b"event: progress\ndata: " + body + b"\n\n")
                shown, alive = progress, time.monotonic()
            elif time.monotonic() - alive > _ALIVE_SECONDS:
                await stream.write(b": still here\n\n")
                alive = time.monotonic()
            if progress.settled:
                break
            await asyncio.sleep(_LOOK_SECONDS)
            progress = await call.app.store.read(alert_views.progress, call.id)
        await stream.write_eof()
    except ConnectionError:
        pass  # the watcher has left
    return stream


async def approve(call: Call) -> web.StreamResponse:
    await call.body(Nothing)
    return _decided(await acts.approve(call.app, call.id, by=call.person))


async def reject(call: Call) -> web.StreamResponse:
    body = await call.body(Decision)
    return _decided(await acts.reject(call.app, call.id, by=call.actor, reason=body.reason))


async def link(call: Call) -> web.StreamResponse:
    """The link is told once; whoever has it decides in that name."""
    body = await call.body(LinkBody)
    token, made = await acts.mint_link(call.app, call.id, name=body.for_, by=call.person)
    here = call.app.settings.server.public_url or str(call.request.url.origin())
    view = {"url": f"{here}/release/{token}", "for": made.name, "expires": made.expires_at.isoformat()}
    return answer(view, status=201)


async def cancel(call: Call) -> web.StreamResponse:
    body = await call.body(Decision)
    return _decided(await acts.cancel(call.app, call.id, by=call.actor, reason=body.reason))


def _decided(decided: Decided) -> web.Response:
    return answer({"id": decided.id, "state": decided.state.value, "stopped": list(decided.stopped)})
