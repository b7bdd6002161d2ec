"""What every test finds: logs that say nothing until it asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

import pytest
import structlog


def _unheard(logger: object, method: str, event: Any) -> NoReturn:
    raise structlog.DropEvent


@pytest.fixture(autouse=True)
def quiet_logs() -> Iterator[None]:
    """A daemon in this process sets up logging for the whole of it; the next test knows nothing of that."""
    structlog.configure(processors=[_unheard])
    yield
    structlog.reset_defaults()
