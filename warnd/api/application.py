"""The web application: the table's routes, each behind its roles, and nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web

from warnd.api import feed
from warnd.api.auth import authorise
from warnd.api.problems import problems
from warnd.api.routes import HEALTH, ROUTES
from warnd.api.routing import Call, Route, read_query
from warnd.app import App
from warnd.store.receipt_secrets import make_seed


def build(app: App) -> web.Application:
    """The API of an application that is open (also started, if anything is to be sent)."""
    site = _site(app, ROUTES)

    async def seed(_: web.Application) -> None:
        await app.store.write(make_seed)

    site.on_startup.append(seed)
    site[feed.KEPT] = feed.Kept()
    return site


def build_health(app: App) -> web.Application:
    """Of the same only what watches over a process asks for."""
    return _site(app, HEALTH)


def _site(app: App, routes: Sequence[Route]) -> web.Application:
    site = web.Application(middlewares=[problems], client_max_size=app.settings.server.max_body)
    for route in routes:
        handler = _guarded(app, route, routes)
        site.router.add_route(route.method, route.path, handler)
        if (route.public or route.public_by is not None) and route.method == "GET":
            # What watches over a daemon, or over a feed, often asks for no body.
            site.router.add_route("HEAD", route.path, handler)
    return site


def _guarded(
    app: App, route: Route, routes: Sequence[Route]
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        key = await authorise(app, route, request)
        return await route.handler(Call(app, request, key, routes, read_query(route, request)))

    return handle
