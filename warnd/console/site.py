"""The console's routes: who is let in, what is read, which page it becomes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlencode

from aiohttp import web
from aiohttp.typedefs import Handler

from warnd.app import App
from warnd.app.phrases import phrases
from warnd.console import assets, language, pages, release
from warnd.console.asking import fields_of, filter_of, in_words
from warnd.console.door import Door, may_read, own_path
from warnd.console.headers import HEADERS
from warnd.console.live import Shown, Streams
from warnd.console.messages import messages
from warnd.console.rendering import Account, Reader, Renderer
from warnd.console.views import Home
from warnd.errors import Conflict, Fault, Invalid, NotFound, StoreError
from warnd.store.deliveries import DeliveryFilter, checked
from warnd.store.keys import ApiKey

_FOR_EVER = "public, max-age=31536000, immutable"
_LANGUAGE_KEPT = 365 * 24 * 3600

T = TypeVar("T")
Page = Callable[[web.Request, Reader], Awaitable[web.StreamResponse]]


def mount(web_app: web.Application, app: App) -> None:
    """Add the pages to an application that serves the API."""
    site = _Site(app)
    web_app.add_routes(site.routes())
    web_app.on_shutdown.append(site.end_streams)


class _Site:
    def __init__(self, app: App) -> None:
        self._app = app
        self._door = Door(app)
        self._assets = assets.load()
        self._renderer = Renderer(self._assets, app.settings.time_zone)
        self._streams = Streams(self._door, self._renderer)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self._for_readers(self._home)),
            web.get("/events", self._for_readers(self._home_events, else_refuse=True)),
            web.get("/alerts/{id}", self._for_readers(self._alert)),
            web.get("/alerts/{id}/events", self._for_readers(self._alert_events, else_refuse=True)),
            web.get("/deliveries", self._for_readers(self._log)),
            web.get("/deliveries/{id}", self._for_readers(self._delivery)),
            web.get("/messages", self._for_readers(self._messages)),
            web.get("/release/{token}", self._for_all(self._ask_to_release)),
            web.post("/release/{token}", self._for_all(self._release)),
            web.get("/signin", self._for_all(self._ask_for_key)),
            web.post("/signin", self._for_all(self._sign_in)),
            web.get("/link/{token}", self._for_all(self._follow_link), allow_head=False),
            web.post("/signout", self._for_all(self._sign_out)),
            web.get("/static/{digest}/{name}", self._asset),
        ]

    async def end_streams(self, _: web.Application) -> None:
        self._streams.end()

    # --- what is shown ----------------------------------------------------------------------------

    async def _home(self, request: web.Request, reader: Reader) -> web.Response:
        return self._page(reader, "home.html", section="alerts", view=await self._at_home(reader))

    async def _at_home(self, reader: Reader) -> Home:
        return await self._read(pages.home, self._desk(reader), self._app.alarms.unwritten)

    async def _alert(self, request: web.Request, reader: Reader) -> web.Response:
        id = request.match_info["id"]
        view = await self._read(pages.alert, self._desk(reader), id)
        held = await release.held(self._app, reader.phrases, id)
        return self._page(reader, "alert.html", section="alerts", view=view, held=held)

    async def _log(self, request: web.Request, reader: Reader) -> web.Response:
        fields = fields_of(request.query)
        faults: tuple[Fault, ...] = ()
        filters = DeliveryFilter()
        try:
            asked = filter_of(fields, self._app.settings.time_zone, reader.phrases)
            filters = await self._read(checked, asked, channels=self._app.settings.channels)
        except Invalid as error:
            faults = in_words(error.faults, reader.phrases)
        view = await self._read(
            pages.log, self._desk(reader), fields, filters, faults=faults, address=request.rel_url,
            channels=tuple(self._app.settings.channels),
        )  # fmt: skip
        return self._page(reader, "deliveries.html", 422 if faults else 200, section="deliveries", view=view)

    async def _delivery(self, request: web.Request, reader: Reader) -> web.Response:
        view = await self._read(pages.delivery, self._desk(reader), request.match_info["id"])
        return self._page(reader, "delivery.html", section="deliveries", view=view)

    async def _messages(self, request: web.Request, reader: Reader) -> web.Response:
        view = await self._read(messages, reader.phrases, request.rel_url)
        return self._page(reader, "messages.html", section="messages", view=view)

    # --- what changes while one looks ---------------------------------------------------------------

    async def _home_events(self, request: web.Request, reader: Reader) -> web.StreamResponse:
        async def live() -> Shown:
            return Shown("home_live.html", {"view": await self._at_home(reader)})

        return await self._streams.stream(request, reader, live)

    async def _alert_events(self, request: web.Request, reader: Reader) -> web.StreamResponse:
        async def live() -> Shown:
            view = await self._read(pages.broadcast, self._desk(reader), request.match_info["id"])
            return Shown("alert_live.html", {"view": view})

        await live()
        return await self._streams.stream(request, reader, live)

    # --- the second person ------------------------------------------------------------------------

    async def _ask_to_release(self, request: web.Request, reader: Reader) -> web.Response:
        view = await release.page(self._app, self._desk(reader), request.match_info["token"])
        if view is None:
            return self._fault(reader, "over", 410)
        return self._page(
            reader, "release.html", section="", view=view, longest_reason=release.LONGEST_REASON
        )

    async def _release(self, request: web.Request, reader: Reader) -> web.Response:
        if not self._door.is_ours(request):
            return self._fault(reader, "refused", 403)
        try:
            told = await release.follow(self._app, request.match_info["token"], await request.post())
        except (NotFound, Conflict):
            return self._fault(reader, "over", 410)
        except ValueError:
            return self._fault(reader, "refused", 400)
        return self._page(reader, "decided.html", section="", outcome="released" if told else "rejected")

    # --- in and out -------------------------------------------------------------------------------

    async def _ask_for_key(self, request: web.Request, reader: Reader) -> web.Response:
        return self._at_the_door(reader, own_path(request.query.get("next", "/")))

    async def _sign_in(self, request: web.Request, reader: Reader) -> web.StreamResponse:
        if not self._door.is_ours(request):
            return self._fault(reader, "refused", 403)
        form = await request.post()
        goal = own_path(str(form.get("next", "/")))
        key = await self._door.by_key(str(form.get("key", "")).strip())
        if key is None:
            return self._at_the_door(reader, goal, refusal="unknown_key")
        if not may_read(key):
            return self._at_the_door(reader, goal, refusal="feed_key")
        response = _see(goal)
        await self._door.let_in(key, response)
        return response

    async def _follow_link(self, request: web.Request, reader: Reader) -> web.Response:
        key = await self._door.by_link(request.match_info["token"])
        if key is None or not may_read(key):
            return self._at_the_door(reader, "/", refusal="used_link")
        response = self._page(reader, "opening.html", section="")
        await self._door.let_in(key, response)
        return response

    async def _sign_out(self, request: web.Request, reader: Reader) -> web.StreamResponse:
        if not self._door.is_ours(request):
            return self._fault(reader, "refused", 403)
        response = _see("/signin")
        await self._door.let_out(request, response)
        return response

    def _at_the_door(self, reader: Reader, goal: str, *, refusal: str = "") -> web.Response:
        return self._page(
            reader, "signin.html", 403 if refusal else 200, section="", next=goal, refusal=refusal
        )

    # --- around every page --------------------------------------------------------------------------

    def _for_all(self, page: Page) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._answer(request, page, None)

        return handle

    def _for_readers(self, page: Page, *, else_refuse: bool = False) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                key = await self._door.who(request)
            except StoreError:
                return self._fault(self._reader(request, None), "store", 503)
            if key is not None:
                return await self._answer(request, page, key)
            if else_refuse:
                return web.Response(status=401, headers=HEADERS)
            return _see("/signin?" + urlencode({"next": request.path_qs}))

        return handle

    async def _answer(self, request: web.Request, page: Page, key: ApiKey | None) -> web.StreamResponse:
        reader = self._reader(request, key)
        try:
            response = await page(request, reader)
        except NotFound:
            response = self._fault(reader, "not_found", 404)
        except StoreError:
            response = self._fault(reader, "store", 503)
        if language.QUERY in request.query and not response.prepared:
            response.set_cookie(
                language.COOKIE, reader.phrases.language, max_age=_LANGUAGE_KEPT, path="/", samesite="Lax"
            )
        return response

    def _reader(self, request: web.Request, key: ApiKey | None) -> Reader:
        mine = language.language_of(request, self._app.settings.language)
        other = language.other_than(mine)
        here = request.rel_url if request.method == "GET" else request.rel_url.with_path("/signin")
        account = Account(key.name, key.role.value) if key is not None else None
        return Reader(phrases(mine), account, other, str(here.update_query({language.QUERY: other})))

    def _desk(self, reader: Reader) -> pages.Desk:
        return pages.Desk(reader.phrases, self._app.surroundings.catalogue)

    async def _read(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        return await self._app.store.read(partial(function, **kwargs), *args)

    def _page(self, reader: Reader, template: str, status: int = 200, /, **values: Any) -> web.Response:
        text = self._renderer.render(template, reader, **values)
        return web.Response(text=text, status=status, content_type="text/html", headers=HEADERS)

    def _fault(self, reader: Reader, fault: str, status: int) -> web.Response:
        return self._page(reader, "fault.html", status, section="", fault=fault)

    async def _asset(self, request: web.Request) -> web.Response:
        asset = self._assets.get(request.match_info["name"])
        if asset is None or asset.url != request.path:
            raise web.HTTPNotFound
        headers = HEADERS | {"Cache-Control": _FOR_EVER}
        return web.Response(
            body=asset.body, content_type=asset.content_type, charset="utf-8", headers=headers
        )


def _see(path: str) -> web.Response:
    """Go there with a GET."""
    return web.Response(status=303, headers=HEADERS | {"Location": path})
