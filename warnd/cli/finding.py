"""What one check of ``warnd doctor`` found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from warnd.errors import ConfigError


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


def at_fault(check: str, error: ConfigError) -> Finding:
    return Finding(check, Health.FAILED, str(error), misconfigured=True)
