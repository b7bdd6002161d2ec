"""What one check of ``warnd doctor`` found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Health(Enum):
    """``ATTENTION`` works, and may not be what was meant."""

    GOOD = "good"
    ATTENTION = "attention"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found, in a plain sentence. ``misconfigured``: it failed until someone mends the settings."""

    check: str
    health: Health
    message: str
    misconfigured: bool = False
