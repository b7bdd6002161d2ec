"""The feed of warnings in force, for neighbours and sites: asked for often, made anew only when it has changed."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from aiohttp import ETag, web
from yarl import URL

from warnd.api import atom
from warnd.api.routing import Call
from warnd.model.alert_body import from_body
from warnd.pipeline import cap
from warnd.store.published import FeedFilter, one_published, published, published_ids

MEDIA = atom.MEDIA

_ENTRIES = "/feeds/cap/"

MOST_ENTRIES = 500
"""Entries of one feed: the newest."""

ENDS_SHOWN = timedelta(hours=24)
"""For how long an end stays in the feed, so that whoever was away a night still hears of it."""

_FEEDS = 8
"""Feeds that are kept ready: the whole one and those of a few neighbours."""

ENTRIES_SIZE = 32 * 1024 * 1024
"""Bytes of entries that are kept ready, so that a feed asked for in a new way is not made from nothing: some thousands."""


@dataclass(frozen=True, slots=True)
class Edition:
    """A feed as it was made: of these alerts, at this time. ``tag`` is this edition's alone, for it holds the time."""

    ids: tuple[str, ...]
    changed: datetime
    body: bytes
    tag: str

    @property
    def modified(self) -> datetime:
        """The second after the change: a date of HTTP cannot tell two changes within one."""
        return self.changed.replace(microsecond=0) + timedelta(seconds=1)


@dataclass(slots=True)
class Kept:
    """
    The latest editions by address and the entries of all by id, which never change; what is longest unasked for goes first.

    One edition is made at a time, under ``making``.
    """

    editions: OrderedDict[str, Edition] = field(default_factory=OrderedDict)
    entries: OrderedDict[str, bytes] = field(default_factory=OrderedDict)
    size: int = 0
    making: asyncio.Lock = field(default_factory=asyncio.Lock)

    def of(self, address: str, ids: tuple[str, ...]) -> Edition | None:
        """The edition of this address, if it still holds exactly these."""
        edition = self.editions.get(address)
        if edition is None or edition.ids != ids:
            return None
        self.editions.move_to_end(address)
        return edition

    def keep(self, address: str, edition: Edition) -> None:
        self.editions[address] = edition
        self.editions.move_to_end(address)
        while len(self.editions) > _FEEDS:
            self.editions.popitem(last=False)

    def known(self, ids: Iterable[str]) -> dict[str, bytes]:
        """The entries of these that are kept."""
        found = {id_: self.entries[id_] for id_ in ids if id_ in self.entries}
        for id_ in found:
            self.entries.move_to_end(id_)
        return found

    def add(self, entries: Mapping[str, bytes]) -> None:
        """Entries that were not known."""
        self.entries.update(entries)
        self.size += sum(map(len, entries.values()))
        while self.size > ENTRIES_SIZE:
            self.size -= len(self.entries.popitem(last=False)[1])


KEPT = web.AppKey("kept_feeds", Kept)


async def atom_feed(call: Call) -> web.StreamResponse:
    """Of actual warnings only; exercises and tests are nobody else's."""
    filters = FeedFilter(**call.given("region", "color"))
    now = call.app.now()
    found = await call.app.store.read(
        published_ids, filters, ends_since=now - ENDS_SHOWN, now=now, limit=MOST_ENTRIES
    )
    ids, kept = tuple(found), call.request.app[KEPT]
    link = str(_at(call, "/feeds/cap.atom").with_query(call.request.query))
    edition = kept.of(link, ids)
    if edition is None:
        # Every neighbour asks when a warning has just gone out, which is when the machine has other things to do.
        async with kept.making:
            edition = kept.of(link, ids)
            if edition is None:
                edition = await _made(call, ids, link, now)
                kept.keep(link, edition)
    return _answer(call.request, edition, now)


async def entry(call: Call) -> web.StreamResponse:
    """What the entry of the feed holds; it never changes."""
    alert = from_body((await call.app.store.read(one_published, call.id)).body)
    body = cap.as_cap(alert, call.app.surroundings.catalogue)
    return web.Response(body=body, content_type=cap.MEDIA, charset="utf-8")


async def _made(call: Call, ids: tuple[str, ...], link: str, now: datetime) -> Edition:
    kept, catalogue = call.request.app[KEPT], call.app.surroundings.catalogue
    known = kept.known(ids)
    missing = [id_ for id_ in ids if id_ not in known]
    found = await call.app.store.read(published, missing) if missing else []
    base = str(_at(call, _ENTRIES))

    def make() -> tuple[dict[str, bytes], Edition]:
        new = {one.id: atom.entry(from_body(one.body), one.received_at, catalogue) for one in found}
        every = known | new
        entries = (atom.Entry(every[id_], base + id_) for id_ in ids)
        body = atom.document(entries, link=link, updated=now)
        return new, Edition(ids, now, body, sha256(body).hexdigest()[:32])

    # In a thread: five hundred new warnings take a while, and a red may be on its way meanwhile.
    new, edition = await asyncio.to_thread(make)
    kept.add(new)
    return edition


def _answer(request: web.Request, edition: Edition, now: datetime) -> web.Response:
    """304 where the asker has this edition; its tag decides, its time only where no tag was sent (RFC 9110 13.2.2)."""
    if (tags := request.if_none_match) is not None:
        known = any(one.value in (edition.tag, "*") for one in tags)
    else:
        since = request.if_modified_since
        known = since is not None and edition.modified <= since
    response = web.Response(status=304) if known else web.Response(body=edition.body)
    if not known:
        response.content_type, response.charset = MEDIA, "utf-8"
    response.etag = ETag(edition.tag)
    response.headers["Cache-Control"] = "no-cache"
    if edition.modified <= now:
        response.last_modified = edition.modified
    return response


def _at(call: Call, path: str) -> URL:
    """The address that others know it by: ``server.public_url`` where it is set."""
    public = call.app.settings.server.public_url
    return URL(public + path) if public is not None else call.request.url.origin().with_path(path)
