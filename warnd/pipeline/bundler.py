"""When messages for one address are bundled: those that had to wait, at the moment at which one of them may go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import structlog

from warnd.errors import StoreError
from warnd.model.color import Lane
from warnd.model.delivery import Batch
from warnd.pipeline.bundle import Carrier, bundle, lanes_beside
from warnd.pipeline.templates import Templates
from warnd.ports import Alarms, Piles

log = structlog.get_logger()

_LOOKED_AT = 4
"""Times what one message carries: some of it may be in another language."""

_MICROSECOND = timedelta(microseconds=1)


class Bundler:
    """
    For one channel. ``after`` is how long a message has waited before it goes with others, None is never; what was sent
    in a bundle and may have arrived goes again in it in either case. ``clock`` gives microseconds since 1970.
    """

    def __init__(
        self,
        piles: Piles,
        carrier: Carrier,
        *,
        after: timedelta | None,
        templates: Templates,
        alarms: Alarms,
        clock: Callable[[], int],
        new_ids: Callable[[int], list[str]],
    ) -> None:
        self._piles = piles
        self._carrier = carrier
        self._after = after // _MICROSECOND if after is not None else None
        self._templates = templates
        self._alarms = alarms
        self._clock = clock
        self._new_ids = new_ids
        self._claimed: set[tuple[str, Lane]] = set()

    def concerns(self, batch: Batch) -> bool:
        """
        Whether to look what else waits for its address: it has been sent without a clear answer, or had to wait.

        One that was put off, or made so long ago, has found the channel or its target throttled.
        """
        if len(batch.addresses) != 1 or batch.content.template_code:
            return False
        if batch.unknowns:
            return True
        if self._after is None:
            return False
        return batch.attempts > 0 or self._clock() - batch.created >= self._after

    @contextmanager
    def claim(self, batch: Batch) -> Iterator[bool]:
        """Whether nobody else here is about to bundle what waits there: two would want the same."""
        place = batch.addresses[0], lanes_beside(batch.lane)[0]
        if place in self._claimed:
            yield False
            return
        self._claimed.add(place)
        try:
            yield True
        finally:
            self._claimed.discard(place)

    async def around(self, batch: Batch) -> Batch | None:
        """
        What to ask for in its stead: a bundle, something more urgent for the same address, or itself.

        None: not now, but a little later.
        """
        now = self._clock()
        try:
            if batch.unknowns:
                found = await self._piles.unclear(batch, now)
                return None if found.out else found.bundle or batch
            pile = await self._piles.pile(
                batch, lanes_beside(batch.lane), now, self._carrier.most * _LOOKED_AT
            )
        except StoreError as error:
            log.error("store.failed", by="bundler", error=str(error))
            return None
        if pile is None:
            return batch
        bundled = bundle(
            batch, pile, self._carrier, self._templates, new_id=lambda: self._new_ids(1)[0], made=now
        )
        for fault in bundled.faults:
            subject = self._templates.version_of(fault.template)
            self._alarms.sound("template_failed", subject, case="failed", why=str(fault))
        if bundled.batch.parts:
            log.info(
                "bundle.made", channel=batch.channel, bundle=bundled.batch.id, parts=len(bundled.batch.parts)
            )
        return bundled.batch
