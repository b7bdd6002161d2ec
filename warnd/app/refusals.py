"""What else carries a text that its channel has refused: failed in chunks, by the process that heard the refusal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from warnd.errors import StoreError
from warnd.model.delivery import Batch
from warnd.store import sweeping
from warnd.store.threads import ThreadedStore

log = structlog.get_logger()

_CHUNK = 2000
_STORE_REST = 1.0


class Refusals:
    """``clock`` gives microseconds since 1970."""

    def __init__(self, store: ThreadedStore, *, clock: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock
        self._refused: dict[str, Batch] = {}
        self._some = asyncio.Event()

    def heard(self, batch: Batch) -> None:
        """The batch's text will not pass on its channel: nothing more of it leaves there."""
        self._refused[batch.content.id] = batch
        self._some.set()

    async def run(self) -> None:
        """For ever."""
        while True:
            await self._some.wait()
            self._some.clear()
            try:
                for content_id, batch in list(self._refused.items()):
                    while await self._store.move(sweeping.stop_content, batch, self._clock(), _CHUNK):
                        pass
                    del self._refused[content_id]
            except StoreError as error:
                log.error("store.failed", by="refusals", error=str(error))
                self._some.set()
                await asyncio.sleep(_STORE_REST)
