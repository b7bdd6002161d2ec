"""The audience as matching sees it, kept in memory and brought up to date when it changed."""

from __future__ import annotations

import asyncio

from sqlalchemy import Connection

from warnd.pipeline.match import AudienceIndex
from warnd.store.audience import audience_snapshot, group_sizes
from warnd.store.standing import audience_revision, groups_changed_since
from warnd.store.threads import ThreadedStore

_FEW = 400
"""Groups that are read again one by one; when more changed, everything is."""

_Read = tuple[int, AudienceIndex]
"""A revision, and the index as of then."""


class LiveAudience:
    """
    Every live subscription, as of the latest revision.

    A hundred thousand are read for seconds: the first time, and after a file of people came in. Of an edit only what
    it was about is read.
    """

    def __init__(self, store: ThreadedStore) -> None:
        self._store = store
        self._read: _Read | None = None
        self._lock = asyncio.Lock()

    async def index(self) -> AudienceIndex:
        """As of now."""
        async with self._lock:
            self._read = await self._store.read(_up_to_date, self._read)
            return self._read[1]


def _up_to_date(connection: Connection, before: _Read | None) -> _Read:
    revision = audience_revision(connection)
    if before is None:
        return revision, _whole(connection)
    known, index = before
    if revision == known:
        return before
    changed = groups_changed_since(connection, known)
    if changed is None or len(changed) > _FEW:
        return revision, _whole(connection)
    subscriptions, sizes = audience_snapshot(connection, changed), group_sizes(connection, changed)
    return revision, index.updated(changed, subscriptions, sizes)


def _whole(connection: Connection) -> AudienceIndex:
    return AudienceIndex.of(audience_snapshot(connection), group_sizes(connection))
