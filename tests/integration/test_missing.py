"""Who among the processes hangs or is gone, by what the store heard of each."""

from __future__ import annotations

from datetime import timedelta

from tests.integration.store_site import NOW, Site
from warnd.app.board import AlarmBoard
from warnd.app.missing import Missing
from warnd.store import alarms, workers
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


async def test_who_has_ended_is_without_redis_no_more(site: Site) -> None:
    """It comes back under another name, or not at all: nobody but the others can say that this is over."""
    own = await join(site, "own", after=0)
    other = await join(site, "other", after=0)
    theirs, ours = (AlarmBoard(site.store, now=lambda: NOW, new_id=lambda: site.new_ids(1)[0]) for _ in "ab")
    for name in ("other", "own"):
        theirs.sound("redis_away", name, why="made up")
    theirs.sound("worker_silent", "other", case="ended", host="host")
    await theirs.settle()
    missing = Missing(site.store, ours, now=lambda: NOW)
    for ended, left in ((None, {"own", "other"}), (other, {"own"}), (own, set())):
        if ended is not None:
            await site.store.write(workers.leave, ended, NOW)
        await missing.look()
        await ours.settle()
        found = await site.store.read(alarms.open_alarms)
        assert {one.subject for one in found if one.kind == "redis_away"} == left
    assert [one.kind for one in found] == ["worker_silent"]
