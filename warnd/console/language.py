"""In which language a page is written: as just asked for, as asked for before, or as the browser prefers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aiohttp import web

from warnd.app.phrases import LANGUAGES

COOKIE = "warnd_lang"
QUERY = "lang"


def language_of(request: web.Request, default: str) -> str:
    """One of ``LANGUAGES``; ``default`` where the request says nothing that helps."""
    asked = (request.query.get(QUERY, ""), request.cookies.get(COOKIE, ""), *_preferred(request), default)
    return next((tag for tag in map(_primary, asked) if tag in LANGUAGES), LANGUAGES[0])


def other_than(language: str) -> str:
    """The one to offer."""
    return next(tag for tag in LANGUAGES if tag != language)


def _preferred(request: web.Request) -> Iterator[str]:
    """The tags of Accept-Language (RFC 9110 12.5.4), the dearest first."""
    header = request.headers.get("Accept-Language", "")
    found = re.findall(r"([A-Za-z-]+)(?:\s*;\s*q=([01](?:\.\d{1,3})?))?", header)
    for tag, weight in sorted(found, key=lambda one: -float(one[1] or 1)):
        if weight != "0":
            yield tag


def _primary(tag: str) -> str:
    return tag.partition("-")[0].lower()
