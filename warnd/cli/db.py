"""``warnd db``: the database itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from warnd.app.wiring import place
from warnd.cli import configuration
from warnd.cli.configuration import ConfigFile
from warnd.cli.terminal import progress
from warnd.errors import StoreError
from warnd.settings import Settings
from warnd.store import copying, revision
from warnd.store.database import engine_over, open_writer
from warnd.store.database import upgrade as upgrade_schema
from warnd.store.postgres_writing import open_postgres
from warnd.store.sole import alone_with

db_app = typer.Typer(help="The database.", no_args_is_help=True)

Force = Annotated[bool, typer.Option("--force", help="Even over a file that is there.")]


@db_app.command()
def upgrade(config: ConfigFile = None) -> None:
    """Make the database, or bring its schema up to date, with the daemon stopped; again changes nothing."""
    settings = configuration.settings(config).store
    if settings.path is None:
        with closing(open_postgres(place(settings))) as writing:
            print(
                f"{settings.url}: schema {revision.current(writing.sqlalchemy)} (settings from {configuration.file(config)})"
            )
        return
    path = settings.path
    with alone_with(path), closing(open_writer(path)) as raw:
        engine = engine_over(raw)
        with engine.connect() as connection:
            before = revision.current(connection)
            upgrade_schema(connection)
            after = revision.current(connection)
    was = "" if before == after else f", was {before or 'empty'}"
    print(f"{path}: schema {after}{was} (settings from {configuration.file(config)})")


@db_app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="Where to.")],
    force: Force = False,
    config: ConfigFile = None,
) -> None:
    """Copy the database while it is in use; the copy is of one moment."""
    path = _file(configuration.existing_store(config))
    with _shown("copying") as told:
        copying.backup(path, file, force=force, progress=told)
    print(f"{file}: {file.stat().st_size} bytes")


@db_app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="What `warnd db backup` wrote.")],
    force: Force = False,
    config: ConfigFile = None,
) -> None:
    """Put a backup in the database's place, once it is found sound; with the daemon stopped."""
    path = _file(configuration.settings(config))
    with _shown("restoring") as told:
        copying.restore(file, path, force=force, progress=told)
    print(f"{path}: restored from {file}")


def _file(settings: Settings) -> Path:
    """Raises StoreError when a server has the store: it has its own means, which know more than we do."""
    if settings.store.path is None:
        raise StoreError(
            f"{settings.store.url}: back it up and restore it with pg_basebackup or pg_dump and pg_restore"
        )
    return settings.store.path


@contextmanager
def _shown(what: str) -> Iterator[copying.Progress]:
    with progress() as bar:
        task = bar.add_task(what, total=None)
        yield lambda so_far, total: bar.update(task, completed=so_far, total=total)
