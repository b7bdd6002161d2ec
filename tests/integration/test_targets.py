"""Targets of several processes on one PostgreSQL: one is told that it may not be asked, and all of them know."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from tests.integration.running import until
from tests.integration.store_site import Site, everyone
from warnd.app import App
from warnd.contract.outcome import Deferred, Reason, Scope
from warnd.daemon import working
from warnd.model.color import Lane
from warnd.settings import load
from warnd.store import hints
from warnd.store.postgres_connection import Place

CONFIG = """
[store]
url = "{store}"
[channels.sms]
adapter = "sms.http"
url = "http://127.0.0.1:9/send"
token = "made-up"
"""
SLOW = Deferred(Reason.THROTTLED, Scope.TARGET, retry_after=timedelta(seconds=600))
PEOPLE = 6


@dataclass
class Two:
    """Processes at work on one database, with a warning that both try to send to nobody who answers."""

    one: App
    other: App
    site: Site

    def waits(self, address: str) -> float:
        """How long the other one leaves that address alone."""
        return self.other.lines["sms"].lanes.pace.target_wait(address, time.monotonic(), red=True)


@pytest.fixture
async def two(postgres_place: Place, tmp_path: Path) -> AsyncIterator[Two]:
    (tmp_path / "warnd.toml").write_text(CONFIG.format(store=postgres_place.url))
    settings = load(tmp_path / "warnd.toml", {})
    async with AsyncExitStack() as stack:
        apps = [await stack.enter_async_context(working(settings, name=name)) for name in ("one", "other")]
        yield Two(*apps, site=Site(apps[0].store))


async def test_what_one_process_is_told_of_a_target_all_keep_to(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In as many notifications as they take, and of nobody else."""
    monkeypatch.setattr(hints, "_IDS", 2)
    planned = await two.site.plan(await two.site.alert(), everyone(PEOPLE), lane=Lane.RED)
    for batch in planned.batches:
        outcomes = [Deferred(Reason.TEMPORARY_FAILURE), *[SLOW] * (len(batch) - 1)]
        two.one.targets.answered(batch, outcomes)
    throttled = {one for batch in planned.batches for one in batch.addresses[1:]}
    spared = {batch.addresses[0] for batch in planned.batches}

    async def all_rest() -> bool:
        return all(two.waits(address) > 0 for address in throttled)

    await until(all_rest)
    assert all(0 < two.waits(address) <= 600 for address in throttled)
    assert not any(two.waits(address) for address in spared)
