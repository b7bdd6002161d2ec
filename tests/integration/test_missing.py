"""Who among the processes hangs, by what the store heard of each."""

from __future__ import annotations

from datetime import timedelta

from tests.integration.store_site import NOW, Site
from warnd.store import workers
from warnd.store.workers import Joining

PATIENCE = timedelta(seconds=30)


async def join(site: Site, name: str, *, after: float) -> int:
    """Heard of last so many seconds after the beginning."""
    joining = Joining(name, "host", "worker", ("sms",), PATIENCE)
    return await site.store.write(workers.join, joining, NOW + timedelta(seconds=after), alone=False)


async def hanging(site: Site, own: int | None) -> list[str]:
    return [one.name for one in await site.store.read(workers.hanging, own)]


async def test_who_says_nothing_for_longer_than_a_batch_may_be_kept_hangs(site: Site) -> None:
    """By what the store heard of whoever asks: no other clock has a say. Who has ended does not hang."""
    ended = await join(site, "ended", after=0)
    await join(site, "hangs", after=0)
    await join(site, "slow", after=1)
    own = await join(site, "own", after=31)
    await site.store.write(workers.leave, ended, NOW)
    assert await hanging(site, own) == ["hangs"]
    assert await hanging(site, None) == []
