"""All configured feeds: their pollers by name, and how each stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from warnd.app.feeds.fetch import Fetcher, Gate
from warnd.app.feeds.poller import Poller
from warnd.app.feeds.reception import Reception
from warnd.errors import NotFound
from warnd.intake.feeds import reader_of
from warnd.settings import FeedSettings
from warnd.store import feeds
from warnd.store.feeds import FeedState


@dataclass(frozen=True, slots=True)
class FeedView:
    """A configured feed and how it stands; ``state`` is None before its first poll, ``next`` then too."""

    settings: FeedSettings
    state: FeedState | None

    @property
    def next(self) -> datetime | None:
        """When it is asked again, give or take a tenth of its interval."""
        return self.state.polled + self.settings.every if self.state is not None else None

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
    """``pollers`` go by the feed's name."""

    def __init__(self, settings: Mapping[str, FeedSettings], reception: Reception) -> None:
        self._settings = settings
        self._store = reception.store
        self.pollers = {name: _poller(one, reception) for name, one in settings.items()}

    def poller(self, name: str) -> Poller:
        """Raises NotFound."""
        if name not in self.pollers:
            raise NotFound("feed", name)
        return self.pollers[name]

    async def overview(self) -> list[FeedView]:
        """Every configured feed, in the settings' order."""
        states = await self._store.read(feeds.states)
        return [FeedView(one, states.get(name)) for name, one in self._settings.items()]


def _poller(settings: FeedSettings, reception: Reception) -> Poller:
    key = settings.key.reveal() if settings.key is not None else ""
    url = settings.url.replace("{key}", quote(key, safe=""))
    headers = {settings.key_header: key} if settings.key_header is not None else {}
    fetcher = Fetcher(
        Gate(url, settings.hosts, headers), timeout=settings.timeout, max_body=settings.max_body
    )
    return Poller(settings, reader_of(settings.kind, settings.name), fetcher, reception, url=url)
