"""What the acceptance tests share: one prepared store for all of them, copied by each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.site import Site, gateway

RECIPIENTS = 20_000


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a store of 20,000 posts in one county, and a feed's key."""
    home = tmp_path_factory.mktemp("prepared")
    with gateway() as sms:
        Site(home, sms).prepare(RECIPIENTS)
    return home
