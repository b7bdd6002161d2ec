"""One daemon to a database: the lock that says so, held for as long as the process lives."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from warnd.errors import StoreError


@contextmanager
def alone_with(database: Path) -> Iterator[None]:
    """
    Be the only daemon on this database. Raises StoreError, naming the other's process, when there is one.

    The kernel gives the lock back however the process ends, so a file that is left behind means nothing.
    Commands that read and write beside a daemon do not take it.
    """
    path = lock_path(database)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error
    with os.fdopen(descriptor, "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            other = file.read().strip() or "unknown"
            raise StoreError(f"{database}: a daemon is running on it (process {other})") from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def lock_path(database: Path) -> Path:
    """Beside the database, so that whoever has the one has the other."""
    return database.with_name(f"{database.name}.lock")
