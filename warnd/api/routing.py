"""What a route is, and what its handler is given."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar

import orjson
from aiohttp import web

from warnd.api.bodies import Body, read_body
from warnd.app import App
from warnd.errors import Fault, Invalid
from warnd.model.release import Person
from warnd.settings.values import ServerSettings
from warnd.store.keys import ApiKey, Role
from warnd.store.paging import MOST, Page

B = TypeVar("B", bound=Body)
T = TypeVar("T")

PREFIX = "/api/v1"


@dataclass(frozen=True, slots=True)
class Param:
    """A query parameter; ``parse`` raises ValueError with a sentence. ``schema`` is JSON Schema."""

    name: str
    parse: Callable[[str], Any]
    schema: Mapping[str, Any]
    about: str


ANY: tuple[Param, ...] = (Param("", str, {}, ""),)
"""The query of a route that leaves it to others to say what stands in it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A status that a route answers with when all went well."""

    status: int
    about: str
    media: str = "application/json"


@dataclass(frozen=True, slots=True)
class Route:
    """
    One thing that can be asked. ``roles`` are those who may; only ``public`` routes have none.

    ``public_by`` says whether a setting opens it to anybody all the same. ``body`` is the model of a JSON body,
    ``media`` the types of one that is read as bytes.
    """

    method: str
    path: str
    handler: Handler
    about: str
    roles: frozenset[Role]
    query: tuple[Param, ...] = ()
    body: type[Body] | None = None
    media: tuple[str, ...] = ()
    answers: tuple[Answer, ...] = (Answer(200, "Done."),)
    public: bool = False
    public_by: Callable[[ServerSettings], bool] | None = None

    def needs_key(self, server: ServerSettings) -> bool:
        return not (self.public or (self.public_by is not None and self.public_by(server)))


@dataclass(frozen=True, slots=True)
class Call:
    """A request that may be answered: who asks (nobody on a public route), and the query, read."""

    app: App
    request: web.Request
    key: ApiKey | None
    routes: Sequence[Route]
    query: Mapping[str, Any] = field(default_factory=dict)

    @property
    def actor(self) -> str:
        """Who the journal says did it."""
        return self.key.name if self.key is not None else ""

    @property
    def person(self) -> Person:
        """The same, as one who decides on a warning."""
        return Person(self.actor, self.key.id if self.key is not None else None)

    @property
    def id(self) -> str:
        return self.request.match_info["id"]

    @property
    def page(self) -> dict[str, Any]:
        """``limit`` and ``cursor`` as the store's listings take them."""
        return {"limit": self.query.get("limit", 50), "cursor": self.query.get("cursor")}

    def given(self, *names: str) -> dict[str, Any]:
        """Those of the parameters that were given."""
        return {name: self.query[name] for name in names if name in self.query}

    async def body(self, model: type[B]) -> B:
        """The JSON body. Raises Invalid; an empty one is an empty object."""
        content = await self.request.read()
        if content and self.request.content_type not in ("application/json", "application/octet-stream"):
            raise web.HTTPUnsupportedMediaType(text="the body is application/json")
        try:
            parsed = orjson.loads(content) if content.strip() else {}
        except orjson.JSONDecodeError as error:
            raise Invalid([Fault("body", "invalid_json", f"is not JSON: {error}")]) from error
        return read_body(model, parsed)


Handler = Callable[[Call], Awaitable[web.StreamResponse]]


class Nothing(Body):
    """The body of what is said by its address alone: an empty object, or none at all."""


def answer(content: Any, *, status: int = 200) -> web.Response:
    """JSON; instants with their offset."""
    return web.Response(
        body=orjson.dumps(content),
        status=status,
        content_type="application/json",
        charset="utf-8",
    )


def page_view(page: Page[T], view: Callable[[T], Any]) -> dict[str, Any]:
    """``{"items": […], "next_cursor": …}``; the cursor is opaque to whoever gets it."""
    cursor = page.next_cursor
    return {
        "items": [view(item) for item in page.items],
        "next_cursor": None if cursor is None else written_cursor(cursor),
    }


def listing(page: Page[T], view: Callable[[T], Any]) -> web.Response:
    return answer(page_view(page, view))


def written_cursor(key: str) -> str:
    """The opposite is the parameter ``cursor``."""
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def read_query(route: Route, request: web.Request) -> dict[str, Any]:
    """Every parameter by name. Raises Invalid for one that the route does not know or cannot read."""
    if route.query is ANY:
        return {}
    known = {param.name: param for param in route.query}
    values: dict[str, Any] = {}
    faults = []
    for name, text in request.query.items():
        if name not in known:
            faults.append(Fault(name, "unknown_parameter", "there is no such query parameter"))
        elif name in values:
            faults.append(Fault(name, "repeated", "is given more than once"))
        else:
            try:
                values[name] = known[name].parse(text)
            except ValueError as error:
                faults.append(Fault(name, "invalid", str(error)))
    if faults:
        raise Invalid(faults)
    return values


# --- kinds of parameters ---------------------------------------------------------------------------------


def text(name: str, about: str) -> Param:
    return Param(name, _text, {"type": "string", "maxLength": _LONGEST}, about)


def code(name: str, about: str) -> Param:
    return Param(name, _code, {"type": "string", "pattern": "^[0-9]{2,12}$"}, about)


def flag(name: str, about: str) -> Param:
    return Param(name, _flag, {"type": "boolean", "default": False}, about)


def instant(name: str, about: str) -> Param:
    return Param(name, _instant, {"type": "string", "format": "date-time"}, about)


def one_of(name: str, values: Mapping[str, Any], about: str) -> Param:
    """One of the keys; the handler gets its value."""

    def parse(given: str) -> Any:
        if given not in values:
            raise ValueError(f"is one of {', '.join(values)}")
        return values[given]

    return Param(name, parse, {"type": "string", "enum": list(values)}, about)


def member(name: str, kind: type[Enum], about: str) -> Param:
    """One of an enum's values; the handler gets the member."""
    return one_of(name, {one.value: one for one in kind}, about)


def _text(given: str) -> str:
    if not 1 <= len(given) <= _LONGEST or not _READABLE.fullmatch(given):
        raise ValueError(f"is a text of 1 to {_LONGEST} characters")
    return given


_LONGEST = 200
_READABLE = re.compile("[^\\0\ud800-\udfff]*")


def _code(given: str) -> str:
    if not (given.isascii() and given.isdigit() and 2 <= len(given) <= 12):
        raise ValueError("is a division code of 2 to 12 digits")
    return given


def _flag(given: str) -> bool:
    if given not in ("true", "false"):
        raise ValueError("is true or false")
    return given == "true"


def _instant(given: str) -> datetime:
    try:
        # A plus that was not written as %2B arrives as a blank.
        when = datetime.fromisoformat(re.sub(r" (?=\d\d:?\d\d$)", "+", given))
    except ValueError:
        when = None
    if when is None or when.tzinfo is None:
        raise ValueError("is a time with its offset, such as 2026-07-14T08:00:00+08:00")
    return when


def _limit(given: str) -> int:
    if not (given.isascii() and given.isdigit() and len(given) <= 4 and 1 <= int(given) <= MOST):
        raise ValueError(f"is a number from 1 to {MOST}")
    return int(given)


def _cursor(given: str) -> str:
    try:
        key = base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise ValueError("is no cursor of this listing") from error
    if len(key) > 64 or not key.isprintable() or written_cursor(key) != given:
        raise ValueError("is no cursor of this listing")
    return key


PAGING = (
    Param(
        "limit", _limit, {"type": "integer", "minimum": 1, "maximum": MOST, "default": 50}, "Items a page."
    ),
    Param(
        "cursor", _cursor, {"type": "string"}, "The page's beginning, from the next_cursor of the one before."
    ),
)
