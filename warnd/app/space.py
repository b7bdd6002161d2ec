"""Whether the disk under the store still has room."""

from __future__ import annotations

import shutil
from pathlib import Path

LEAST_BYTES = 500 * 1024 * 1024
LEAST_SHARE = 0.05


def shortage(directory: Path) -> str | None:
    """A sentence when less than 500 MB or a twentieth of the disk is left, else None."""
    try:
        total, _, free = shutil.disk_usage(directory)
    except OSError as error:
        return f"the disk under {directory} cannot be looked at: {error.strerror}"
    if free < LEAST_BYTES or free < total * LEAST_SHARE:
        return f"{free / 1e6:,.0f} MB of {total / 1e6:,.0f} MB are left under {directory}"
    return None
