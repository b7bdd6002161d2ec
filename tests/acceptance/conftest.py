"""What the acceptance tests share: two prepared stores for all of them, copied by each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.acceptance.site import Site, end_all, gateway
from tests.fakes.once import once
from tests.integration.conftest import shipped_once

__all__ = ["shipped_once"]

RECIPIENTS = 10_000
POSTS = 1_000
CHANNELS = ("sms", "wechat", "email")


@pytest.fixture(autouse=True)
def _nothing_left_running() -> Iterator[None]:
    yield
    end_all()


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a store of 10,000 posts in one county, and a feed's key."""
    return once(tmp_path_factory, "posts", lambda home: _prepare(home, RECIPIENTS, ("sms",)))


@pytest.fixture(scope="session")
def on_three_channels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same of 1,000 posts, each with a number, a group's robot and a mailbox."""
    return once(tmp_path_factory, "posts on three channels", lambda home: _prepare(home, POSTS, CHANNELS))


def _prepare(home: Path, recipients: int, channels: Sequence[str]) -> None:
    with gateway() as sms:
        Site(home, sms).prepare(recipients, channels)
