"""What the commands on the store share: opening it, reading a listing, and running to the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from warnd import logs
from warnd.app import App
from warnd.cli import configuration
from warnd.store.journal import Entry
from warnd.store.paging import Page

T = TypeVar("T")

ACTOR = "cli"
"""Who the journal says did it: whoever may read the database file needs no key."""


@asynccontextmanager
async def open_store(config: Path | None) -> AsyncIterator[App]:
    """
    The application over the configured store, without channels; a daemon may run on the same file meanwhile.

    Raises ConfigError, and StoreError when there is no database: only ``serve`` and ``db upgrade`` make one.
    """
    settings = configuration.existing_store(config)
    # A command answers on standard output; of its inner life only what went wrong is worth a line.
    logs.configure(settings.logs.format, "warning")
    app = App(settings)
    await app.open()
    try:
        yield app
    finally:
        await app.close()


def run(command: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine in an event loop of its own."""
    return asyncio.run(command)


async def listed(app: App, listing: Callable[..., Page[T]], filters: object, limit: int) -> list[T]:
    """So many of what matches at the most, each page in a short read of its own."""
    found: list[T] = []
    cursor: str | None = None
    while len(found) < limit:
        page = await app.store.read(listing, filters, limit=limit - len(found), cursor=cursor)
        found += page.items
        if (cursor := page.next_cursor) is None:
            break
    return found


def by(
    actor: str, function: Callable[..., tuple[T, Sequence[Entry]]]
) -> Callable[..., tuple[T, Sequence[Entry]]]:
    """The function, for ``store.record``, with that actor's name on its journal entries."""

    def signed(*args: Any, **kwargs: Any) -> tuple[T, Sequence[Entry]]:
        result, entries = function(*args, **kwargs)
        return result, [entry._replace(actor=actor) for entry in entries]

    return signed
