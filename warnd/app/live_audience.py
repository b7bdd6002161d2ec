"""The audience as matching sees it, kept in memory and read anew when it changed."""

from __future__ import annotations

import asyncio

from sqlalchemy import Connection

from warnd.pipeline.match import AudienceIndex
from warnd.store.audience import audience_snapshot, group_sizes
from warnd.store.standing import audience_revision
from warnd.store.threads import ThreadedStore


class LiveAudience:
    """Every live subscription: a hundred thousand are read for seconds, so once for each revision."""

    def __init__(self, store: ThreadedStore) -> None:
        self._store = store
        self._read: tuple[int, AudienceIndex] | None = None
        self._lock = asyncio.Lock()

    async def index(self) -> AudienceIndex:
        """As of now."""
        async with self._lock:
            revision = await self._store.read(audience_revision)
            if self._read is None or self._read[0] != revision:
                self._read = await self._store.read(_snapshot)
            return self._read[1]


def _snapshot(connection: Connection) -> tuple[int, AudienceIndex]:
    return audience_revision(connection), AudienceIndex.of(
        audience_snapshot(connection), group_sizes(connection)
    )
