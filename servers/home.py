"""A directory for a server's files, in memory where there is such a place: they need not wait for the disk."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MEMORY = Path("/dev/shm")


@contextmanager
def home(name: str) -> Iterator[Path]:
    """It begins with that name, and is gone when the context ends."""
    path = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=_MEMORY if _MEMORY.is_dir() else None))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
