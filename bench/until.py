"""Waiting for what another process brings about."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(holds: Callable[[], object], what: str, *, patience: float = 120.0, every: float = 0.01) -> None:
    """Look again until it holds. Raises TimeoutError naming what was waited for in vain."""
    give_up = time.monotonic() + patience
    while not holds():
        if time.monotonic() > give_up:
            raise TimeoutError(f"waited {patience:.0f} s in vain: {what}")
        time.sleep(every)
