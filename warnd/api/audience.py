"""Groups, subscribers, endpoints and subscriptions over REST, and whole files of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from aiohttp import web
from sqlalchemy import Connection

from warnd.api import audience_bodies as bodies
from warnd.api.bodies import Body
from warnd.api.routing import Call, Handler, answer, listing
from warnd.audience.csv_rows import read_sheet
from warnd.audience.kinds import ChannelKinds
from warnd.audience.plan import plan_import
from warnd.model.audience_import import ImportPlan
from warnd.model.ulid import UlidMaker
from warnd.store import endpoints, groups, subscribers, subscriptions
from warnd.store.audience_import import AppliedImport, apply_import, existing_audience
from warnd.store.edits import Changed
from warnd.store.journal import Entry
from warnd.store.standing import audience_changed
from warnd.store.tables import micros


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of thing: its bodies, how it is shown, and the store's functions on it."""

    kind: str
    plural: str
    body: type[Body]
    patch: type[bodies.Patch]
    view: Callable[[Any], Mapping[str, Any]]
    find: Callable[..., Any]
    get: Callable[..., Any]
    create: Callable[..., Any]
    update: Callable[..., Changed[Any]]
    end: Callable[..., Any]
    filters: tuple[str, ...]
    timed_end: bool = True
    confidential: bool = False

    def listing(self) -> Handler:
        async def handle(call: Call) -> web.StreamResponse:
            page = await call.app.store.read(self.find, **call.given(*self.filters), **call.page)
            return listing(page, self.view)

        return handle

    def getting(self) -> Handler:
        async def handle(call: Call) -> web.StreamResponse:
            return answer(self.view(await call.app.store.read(self.get, call.id)))

        return handle

    def creating(self) -> Handler:
        async def handle(call: Call) -> web.StreamResponse:
            body: Any = await call.body(self.body)
            _check(call, body.model_fields_set, body)
            app = call.app
            made = await app.change_audience(
                call.actor, f"{self.kind}.created", self.create, body.draft(), id=app.new_id(), now=app.now()
            )
            return answer(self.view(made), status=201)

        return handle

    def changing(self) -> Handler:
        async def handle(call: Call) -> web.StreamResponse:
            body: Any = await call.body(self.patch)
            _check(call, body.model_fields_set, body)
            if isinstance(body, bodies.EndpointPatch):
                endpoint = await call.app.store.read(endpoints.get_endpoint, call.id)
                changes = body.changes_on(endpoint.channel)
            else:
                changes = body.changes()
            changed: Changed[Any] = await call.app.change_audience(
                call.actor, f"{self.kind}.changed", self.update, call.id, changes
            )
            return answer(self.view(changed.after))

        return handle

    def ending(self) -> Handler:
        async def handle(call: Call) -> web.StreamResponse:
            when = {"now": call.app.now()} if self.timed_end else {}
            await call.app.change_audience(call.actor, f"{self.kind}.ended", self.end, call.id, **when)
            return web.Response(status=204)

        return handle


def _check(call: Call, given: set[str], body: Any) -> None:
    if "hazards" in given:
        bodies.check_hazards(body.hazards, call.app.surroundings.catalogue)
    if "channel" in given:
        bodies.check_channel(body.channel, _kinds(call))
    if "channels" in given and body.channels is not None:
        bodies.check_channels(body.channels, call.app.routes, _kinds(call))


def _kinds(call: Call) -> ChannelKinds:
    return ChannelKinds.beside(route.kind for route in call.app.routes.values())


RESOURCES = (
    Resource(
        "group", "groups", bodies.GroupBody, bodies.GroupPatch, bodies.group_view, groups.list_groups,
        groups.get_group, groups.create_group, groups.update_group, groups.end_group,
        ("region", "q", "audience"),
    ),
    Resource(
        "subscriber", "subscribers", bodies.SubscriberBody, bodies.SubscriberPatch, bodies.subscriber_view,
        subscribers.list_subscribers, subscribers.get_subscriber, subscribers.create_subscriber,
        subscribers.update_subscriber, subscribers.end_subscriber, ("region", "q", "group", "kind"),
    ),
    Resource(
        "endpoint", "endpoints", bodies.EndpointBody, bodies.EndpointPatch, bodies.endpoint_view,
        endpoints.list_endpoints, endpoints.get_endpoint, endpoints.create_endpoint, endpoints.update_endpoint,
        endpoints.delete_endpoint, ("subscriber", "channel", "state", "region", "group", "q"), timed_end=False,
        confidential=True,
    ),
    Resource(
        "subscription", "subscriptions", bodies.SubscriptionBody, bodies.SubscriptionPatch,
        bodies.subscription_view, subscriptions.list_subscriptions, subscriptions.get_subscription,
        subscriptions.create_subscription, subscriptions.update_subscription, subscriptions.end_subscription,
        ("group", "region"),
    ),
)  # fmt: skip


async def import_(call: Call) -> web.StreamResponse:
    """All of the file or nothing; every bad row is named. With ``dry_run`` only what it would change."""
    body = await call.request.read()
    sheet, sync = read_sheet(body, _kinds(call)), bool(call.query.get("sync"))
    app = call.app
    existing = await app.store.read(existing_audience, sheet.rows, sync=sync)
    plan = plan_import(sheet.rows, existing, sync=sync, faults=sheet.faults, warnings=sheet.warnings)
    dry_run = bool(call.query.get("dry_run"))
    if not dry_run and not plan.changes_nothing:
        origin = {"sha256": hashlib.sha256(body).hexdigest(), "sync": sync}
        await app.store.record(_applied, plan, origin, call)
    warnings = [warning._asdict() for warning in plan.warnings]
    return answer({"dry_run": dry_run, **plan.counts, "warnings": warnings})


def _applied(
    connection: Connection, plan: ImportPlan, origin: dict[str, Any], call: Call
) -> tuple[AppliedImport, Sequence[Entry]]:
    now = call.app.now()
    # Here is the writer's thread; the application's own maker of ids belongs to the event loop.
    applied = apply_import(connection, plan, ids=UlidMaker(), now=now)
    audience_changed(connection)
    return applied, [
        Entry(micros(now), "audience.imported", "audience", origin | asdict(applied), call.actor)
    ]
