"""Whether the disk under the store still has room."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

LEAST_BYTES = 500 * 1024 * 1024
LEAST_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Space:
    """Of a disk, in bytes."""

    free: int
    total: int


def shortage(directory: Path) -> Space | None:
    """What there is when less than 500 MB or a twentieth of the disk is left, else None. Raises OSError."""
    total, _, free = shutil.disk_usage(directory)
    return Space(free, total) if free < LEAST_BYTES or free < total * LEAST_SHARE else None
