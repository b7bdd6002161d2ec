"""``ports.PlanSource`` over the store: the reads of planning, their columns in ``telling``, ``members``, ``told``."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from warnd.model.audience import Member
from warnd.model.content import Content
from warnd.ports import Heard, Planned, Store, Telling, Told
from warnd.store import bulk, members, telling, told
from warnd.store.backlog import contents_of_alert


class StoredPlanSource:
    """Reads for planning."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def load(self, alert_id: str) -> Telling:
        return await self._store.read(telling.load, alert_id)

    async def contents(self, alert_id: str) -> dict[tuple[str, str], Content]:
        return await self._store.read(contents_of_alert, alert_id)

    async def members(
        self, groups: Collection[str], after: str, limit: int, size: int, *, up_to: str = ""
    ) -> tuple[list[Member], str]:
        if len(groups) > members.LISTED:
            return await self._store.read(members.members_among, groups, after, limit, up_to=up_to)
        listed, scan = bulk.rows(list(groups)), size >= members.SCAN_FROM
        return await self._store.read(members.members_after, listed, after, limit, scan=scan, up_to=up_to)

    async def boundaries(self, groups: Collection[str], after: str, size: int) -> list[str]:
        listed = bulk.rows(list(groups)) if len(groups) <= members.LISTED else None
        return await self._store.read(members.boundaries, listed, after, size)

    async def shared(self, endpoints: Sequence[str]) -> set[str]:
        return await self._store.read(members.shared, bulk.rows(endpoints))

    async def not_yet_followed(
        self, earlier: str, alert_id: str, after: str, limit: int, *, untold: bool, up_to: str = ""
    ) -> tuple[list[Told], str]:
        return await self._store.read(
            told.not_yet_followed, earlier, alert_id, after, limit, untold=untold, up_to=up_to
        )

    async def boundaries_among_told(self, earlier: str, after: str, size: int) -> list[str]:
        return await self._store.read(told.boundaries, earlier, after, size)

    async def stopped_short(self, alert_id: str, earlier: Sequence[str]) -> bool:
        return await self._store.read(told.stopped_short, alert_id, list(earlier))

    async def said_again(self, alert_id: str, earlier: Sequence[str]) -> list[str]:
        return await self._store.read(told.said_again, alert_id, list(earlier))

    async def heard(
        self, alert_id: str, earlier: Sequence[str], addresses: Sequence[tuple[str, str]]
    ) -> Heard:
        return await self._store.read(told.heard, alert_id, list(earlier), addresses)

    async def still_out(self, earlier: Sequence[str]) -> int:
        return await self._store.read(told.still_out, list(earlier))

    async def leasing(self) -> frozenset[str]:
        return await self._store.read(told.leasing)

    async def planned(self, alert_id: str) -> Planned:
        return await self._store.read(telling.planned, alert_id)

    async def how_many_told(self, earlier: Sequence[str]) -> int:
        return await self._store.read(told.how_many, list(earlier))
