"""Who may see the pages, how a browser stays signed in, and which requests come from our own pages."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from aiohttp import web

from warnd.app import App
from warnd.store import keys
from warnd.store.keys import ApiKey, Purpose, Role

LIFETIME = timedelta(hours=12)

_READERS = frozenset({Role.VIEWER, Role.OPERATOR, Role.ADMIN})


class Door:
    """Sessions of one App. The cookie is strict, out of reach of scripts, and bound to https where there is https."""

    def __init__(self, app: App) -> None:
        self._app = app
        public = urlsplit(app.settings.server.public_url or "")
        self._secure = public.scheme == "https"
        self._public = public.netloc
        # The prefix makes a browser hold us to Secure and Path=/ (RFC 6265bis 4.1.3).
        self._cookie = "__Host-warnd" if self._secure else "warnd"

    async def who(self, request: web.Request) -> ApiKey | None:
        """Whose session the request carries; None when there is none that holds."""
        token = request.cookies.get(self._cookie)
        if not token:
            return None
        key = await self._app.store.read(keys.session_key, token, now=self._app.now())
        return key if key is not None and may_read(key) else None

    async def by_key(self, text: str) -> ApiKey | None:
        return await self._app.store.read(keys.key_of, text)

    async def by_link(self, token: str) -> ApiKey | None:
        """The key behind a one-time link, which is used up by this."""
        return await self._app.store.write(keys.use_link, token, now=self._app.now())

    async def let_in(self, key: ApiKey, response: web.StreamResponse) -> None:
        """Open a session and hand its token to the browser."""
        now = self._app.now()
        token = await self._app.store.write(
            keys.open_session, key.id, Purpose.PAGE, until=now + LIFETIME, now=now
        )
        response.set_cookie(
            self._cookie, token, max_age=int(LIFETIME.total_seconds()),
            path="/", httponly=True, samesite="Strict", secure=self._secure,
        )  # fmt: skip

    async def let_out(self, request: web.Request, response: web.StreamResponse) -> None:
        """End the session, here and in the browser."""
        if token := request.cookies.get(self._cookie):
            await self._app.store.write(keys.end_session, token)
        response.del_cookie(self._cookie, path="/", httponly=True, samesite="Strict", secure=self._secure)

    def is_ours(self, request: web.Request) -> bool:
        """Whether a form was sent from our own pages: browsers name the origin of every POST."""
        origin = urlsplit(request.headers.get("Origin", "")).netloc
        return bool(origin) and origin in (request.host, self._public)


def may_read(key: ApiKey) -> bool:
    """A feed sends alerts and sees nothing."""
    return key.role in _READERS


def own_path(path: str) -> str:
    """``path`` if it leads to a page of ours, else the first page: a link must not send anybody elsewhere."""
    leads_away = not path.startswith("/") or path.startswith("//") or "\\" in path or not path.isprintable()
    return "/" if leads_away else path
