"""All configured feeds: their pollers by name, and how each stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

from warnd.app.feeds.fetch import Fetcher, Gate
from warnd.app.feeds.hook import Hook
from warnd.app.feeds.poller import Poller
from warnd.app.feeds.reception import Reception
from warnd.contract.secret import Secret
from warnd.errors import NotFound
from warnd.intake.feeds import CALLING, READERS, Reader
from warnd.settings import FeedSettings
from warnd.store import feeds, receipt_secrets
from warnd.store.feeds import FeedState


@dataclass(frozen=True, slots=True)
class FeedView:
    """A configured feed and how it stands; ``state`` is None before its first poll, ``next`` then too."""

    settings: FeedSettings
    state: FeedState | None

    @property
    def next(self) -> datetime | None:
        """When it is asked again, give or take a tenth of its interval; never, where the feed calls."""
        if self.state is None or self.settings.kind in CALLING:
            return None
        return self.state.polled + self.settings.every

    @property
    def told(self) -> dict[str, Any]:
        """As an object of JSON; without its address, which may hold a credential."""
        state = self.state
        return {
            "name": self.settings.name,
            "kind": self.settings.kind,
            "source": self.settings.source,
            "every": self.settings.every.total_seconds(),
            "polled": state.polled if state is not None else None,
            "next": self.next,
            "succeeded": state.succeeded if state is not None else None,
            "changed": state.changed if state is not None else None,
            "newest": state.newest if state is not None else None,
            "entries": state.entries if state is not None else 0,
            "admitted": state.admitted if state is not None else 0,
            "faults": state.faults if state is not None else 0,
            "trouble": state.trouble if state is not None else "",
        }


class FeedDesk:
    """``pollers`` and ``hooks``, for those that call, go by the feed's name."""

    def __init__(self, settings: Mapping[str, FeedSettings], reception: Reception) -> None:
        self._settings = settings
        self._store = reception.store
        self.pollers = {
            name: _poller(one, reception) for name, one in settings.items() if one.kind not in CALLING
        }
        self.hooks = {
            name: _hook(one, one.key, reception)
            for name, one in settings.items()
            if one.kind in CALLING and one.key is not None
        }

    def poller(self, name: str) -> Poller:
        """Raises NotFound."""
        if name not in self.pollers:
            raise NotFound("feed that is asked", name)
        return self.pollers[name]

    def hook(self, name: str) -> Hook:
        """Raises NotFound."""
        if name not in self.hooks:
            raise NotFound("feed that calls", name)
        return self.hooks[name]

    async def overview(self) -> list[FeedView]:
        """Every configured feed, in the settings' order."""
        states = await self._store.read(feeds.states)
        return [FeedView(one, states.get(name)) for name, one in self._settings.items()]

    async def path_of(self, name: str) -> str | None:
        """Where a feed that calls does so: the path's last part is a secret. None for a feed that is asked."""
        if name not in self.hooks:
            return None
        await self._store.write(receipt_secrets.make_seed)
        return f"/api/v1/feeds/{name}/{await self.secret_of(name)}"

    async def secret_of(self, name: str) -> str:
        """The secret in the address that a feed of this name calls."""
        return await self._store.read(receipt_secrets.receipt_secret, f"feeds/{name}")


def _poller(settings: FeedSettings, reception: Reception) -> Poller:
    key = settings.key.reveal() if settings.key is not None else ""
    url = settings.url.replace("{key}", quote(key, safe=""))
    headers = {settings.key_header: key} if settings.key_header is not None else {}
    return Poller(settings, _reader(settings), _fetcher(settings, url, headers), reception, url=url)


def _hook(settings: FeedSettings, key: Secret, reception: Reception) -> Hook:
    return Hook(settings, key, _reader(settings), _fetcher(settings, settings.url, {}), reception)


def _reader(settings: FeedSettings) -> Reader:
    return READERS[settings.kind](settings.name, settings.detail_url or "")


def _fetcher(settings: FeedSettings, url: str, headers: Mapping[str, str]) -> Fetcher:
    # The operator wrote the address of a row's page, so its host is one of those that may be asked.
    hosts = (
        *settings.hosts,
        *([urlsplit(settings.detail_url).netloc.lower()] if settings.detail_url else []),
    )
    return Fetcher(Gate(url, hosts, headers), timeout=settings.timeout, max_body=settings.max_body)
