"""What every test leaves as it found it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    """A daemon in this process sets up logging for the whole of it; the next test hears every line again."""
    yield
    structlog.reset_defaults()
