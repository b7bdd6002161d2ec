"""Whole copies of the database: out of it while it is in use, and back."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from warnd.errors import Conflict, StoreError
from warnd.store import revision
from warnd.store.database import engine_over, open_reader, open_writer
from warnd.store.sole import alone_with

_PAGES = 4096
"""Pages copied between two words on progress: 16 MiB."""

Progress = Callable[[int, int], None]
"""Told of pages copied so far, and of all."""


def backup(database: Path, target: Path, *, force: bool, progress: Progress) -> None:
    """
    A consistent copy as one file, there whole or not at all; nobody who writes meanwhile is held up.

    Raises Conflict when ``target`` exists, unless ``force``, and StoreError.
    """
    if not database.is_file():
        raise StoreError(f"{database}: there is no database")
    if target.exists() and not force:
        raise Conflict(f"{target}: exists already")
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        unfinished.touch(mode=0o600)
        with closing(open_reader(database)) as source, closing(sqlite3.connect(unfinished)) as copy:
            # A snapshot held from here on: a commit of the daemon would else start the copy all over.
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM sqlite_master").fetchone()
            _copy(source, copy, progress)
            copy.execute("PRAGMA journal_mode=DELETE")
        unfinished.replace(target)
    except OSError as error:
        # Its own words name the unfinished file, which nobody asked for.
        raise StoreError(f"{target}: {error.strerror or error}") from error
    except sqlite3.Error as error:
        raise StoreError(f"{target}: {error}") from error
    finally:
        unfinished.unlink(missing_ok=True)


def restore(file: Path, database: Path, *, force: bool, progress: Progress) -> None:
    """
    Put a backup in the database's place, in one transaction.

    Raises Conflict when there is a database, unless ``force``; StoreError when a daemon is running, or the
    backup is damaged, none of ours or newer than this warnd.
    """
    with alone_with(database):
        if database.exists() and not force:
            raise Conflict(f"{database}: there is a database already")
        if not file.is_file():
            raise StoreError(f"{file}: there is no such file")
        try:
            with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as source:
                _inspect(file, source)
                with closing(open_writer(database)) as target:
                    _copy(source, target, progress)
        except sqlite3.Error as error:
            raise StoreError(f"{file}: {error}") from error


def _inspect(file: Path, source: sqlite3.Connection) -> None:
    """Raises StoreError unless it is sound and this warnd understands it."""
    found = source.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        raise StoreError(f"{file}: is damaged: {found}")
    engine = engine_over(source)
    with engine.connect() as connection:
        has = revision.current(connection)
    if has is None:
        raise StoreError(f"{file}: is not a database of warnd")
    if not revision.is_known(has):
        raise StoreError(f"{file}: is of a newer warnd (schema {has})")


def _copy(source: sqlite3.Connection, target: sqlite3.Connection, progress: Progress) -> None:
    source.backup(
        target, pages=_PAGES, progress=lambda _, remaining, total: progress(total - remaining, total)
    )
