"""What ``warnd doctor`` looks at: each check looks at one thing and says what it found; none sends anything."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, func, select

from warnd.app import App
from warnd.app.wiring import place, queue_address
from warnd.cli.channel_checks import channel
from warnd.cli.connections import connection, service
from warnd.cli.finding import Finding, Health, at_fault
from warnd.cli.shared_checks import connected, leases, queue, shared
from warnd.contract.channel import Rehearses
from warnd.errors import ConfigError, WarndError
from warnd.intake.boundaries import read_layer
from warnd.pipeline import trial
from warnd.settings import Settings, SourceSettings
from warnd.store import regions, revision, tables, workers
from warnd.store.database import engine_over, open_writer
from warnd.store.workers import WorkerView

OLDEST_SQLITE = (3, 38, 0)
"""The first with JSON built in."""

_MIB = 1024 * 1024
_TOO_LITTLE = 256 * _MIB
_LITTLE = 2048 * _MIB
_NAMED = 5
_SKEW = timedelta(minutes=1)


async def examine(settings: Settings, *, config: Path | None, now: datetime) -> AsyncIterator[Finding]:
    """Everything in order; what cannot be looked at because of an earlier failure is left out."""
    if (path := settings.store.path) is None:
        for finding in await asyncio.to_thread(lambda: list(server(settings, now))):
            yield finding
        if not settings.queue.is_local:
            for finding in await queue(queue_address(settings.queue)):
                yield finding
    else:
        yield directory(path.parent)
        yield space(path.parent)
        yield sqlite_version(sqlite3.sqlite_version_info)
        yield clock(now, _times([path, *_beside(path), *([config] if config else [])]))
        for finding in database(path, settings):
            yield finding
    try:
        app = App(settings)
    except ConfigError as error:
        for finding in unusable(error):
            yield finding
        return
    for finding in templates(trial.faults(app.surroundings)):
        yield finding
    yield leases({name: line.channel.capabilities.timeout for name, line in app.lines.items()})
    for name, line in app.lines.items():
        for finding in await channel(name, line.channel):
            yield finding
        if isinstance(line.channel, Rehearses):
            continue
        if (provider := service(line.settings.options)) is not None:
            yield await connection(name, provider)
    for name, feed in settings.feeds.items():
        if (provider := service({"url": feed.url})) is not None:
            yield await connection(f"feed {name}", provider)


def unusable(error: ConfigError) -> list[Finding]:
    """One for each fault of the settings."""
    return [Finding("settings", Health.FAILED, each, misconfigured=True) for each in error.faults]


def directory(path: Path) -> Finding:
    """Whether a file can be made there, and is gone again."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path, prefix=".warnd-doctor-") as file:
            file.write(b"\0")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return Finding("data directory", Health.FAILED, f"{path}: {error.strerror or error}")
    return Finding("data directory", Health.GOOD, f"{path} can be written")


def space(path: Path) -> Finding:
    """Room for the database beneath an existing directory."""
    try:
        free = shutil.disk_usage(path).free
    except OSError as error:
        return Finding("free space", Health.FAILED, f"{path}: {error.strerror or error}")
    return enough(free)


def enough(free: int) -> Finding:
    """Bytes that are free: without any, no warning can be accepted."""
    said = f"{free // _MIB} MiB"
    if free < _TOO_LITTLE:
        return Finding("free space", Health.FAILED, f"{said}, less than {_TOO_LITTLE // _MIB} MiB")
    health = Health.ATTENTION if free < _LITTLE else Health.GOOD
    return Finding("free space", health, said)


def sqlite_version(version: tuple[int, ...]) -> Finding:
    said = ".".join(map(str, version))
    if version < OLDEST_SQLITE:
        needed = ".".join(map(str, OLDEST_SQLITE))
        return Finding("SQLite", Health.FAILED, f"{said}; {needed} or later is needed")
    return Finding("SQLite", Health.GOOD, said)


def clock(now: datetime, times: Iterable[datetime]) -> Finding:
    """A clock that stands before files that were written here is wrong: an alert's end would be misjudged."""
    newest = max(times, default=now)
    if now < newest - _SKEW:
        return Finding("clock", Health.FAILED, f"{now:%F %T} UTC, but files here are of {newest:%F %T} UTC")
    return Finding("clock", Health.GOOD, f"{now:%F %T} UTC")


def database(path: Path, settings: Settings) -> Iterator[Finding]:
    """The file as the writer opens it, and what is in it."""
    if not path.exists():
        yield Finding(
            "database",
            Health.ATTENTION,
            f"{path} is not there yet: `warnd db upgrade` or the first start makes it",
        )
        return
    try:
        with closing(open_writer(path)) as raw, engine_over(raw).connect() as connection:
            yield durability(connection)
            yield from contents(connection, settings)
    except (WarndError, sqlite3.Error) as error:
        yield Finding("database", Health.FAILED, str(error))


def server(settings: Settings, now: datetime) -> Iterator[Finding]:
    """The same of a PostgreSQL database."""
    where = place(settings.store)
    session = connected(where)
    if isinstance(session, Finding):
        yield session
        return
    with closing(session):
        found = list(shared(session, where, now))
        yield from found
        if found[0].health is Health.GOOD:
            yield from contents(session.sqlalchemy, settings)
            if revision.current(session.sqlalchemy) == revision.NEWEST:
                yield processes(workers.working(session.sqlalchemy))


def contents(connection: Connection, settings: Settings) -> Iterator[Finding]:
    """The schema, which is looked at and not changed, and what must agree with what is in it."""
    found = schema(revision.current(connection), revision.NEWEST)
    yield found
    if found.health is Health.GOOD:
        yield (found := divisions(connection))
    if found.health is Health.GOOD and settings.sources:
        yield areas(connection, settings.sources)
    if settings.regions.boundaries is not None:
        yield boundaries(connection, settings.regions.boundaries, settings.regions.code_property)


def processes(working: Sequence[WorkerView]) -> Finding:
    """Who works on a shared store just now, and which of them keeps the timers."""
    if not working:
        return Finding("processes", Health.ATTENTION, "none works on this store")
    said = f"{', '.join(one.name for one in working)}; timers: "
    keeper = next((one.name for one in working if one.timers), None)
    if keeper is None:
        return Finding("processes", Health.ATTENTION, f"{said}nobody keeps them")
    if not any(one.channels for one in working):
        return Finding("processes", Health.FAILED, f"{said}{keeper}; none of them sends")
    return Finding("processes", Health.GOOD, f"{said}{keeper}")


def durability(connection: Connection) -> Finding:
    """What a commit means on this very connection: a full disk sync, and readers who never wait."""
    mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
    synchronous = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
    health = Health.GOOD if (mode, synchronous) == ("wal", 2) else Health.FAILED
    return Finding("database", health, f"journal mode {mode}, synchronous {synchronous} (2 is FULL)")


def schema(current: str | None, newest: str) -> Finding:
    if current == newest:
        return Finding("schema", Health.GOOD, current)
    if current is not None and not revision.is_known(current):
        return Finding("schema", Health.FAILED, f"{current} is of a newer warnd")
    was = current or "empty"
    return Finding("schema", Health.FAILED, f"{was}, {newest} is needed: run `warnd db upgrade`")


def divisions(connection: Connection) -> Finding:
    count = connection.execute(select(func.count()).select_from(tables.regions)).scalar_one()
    if not count:
        return Finding("divisions", Health.FAILED, "none: run `warnd regions import`")
    return Finding("divisions", Health.GOOD, f"{count}")


def areas(connection: Connection, sources: Mapping[str, SourceSettings]) -> Finding:
    """Whether the divisions that sources may warn in are in the tree: elsewhere a typing error would stay unseen."""
    missing = [
        f"{name}: {code}"
        for name, one in sources.items()
        for code in regions.resolve(connection, one.regions)[1]
    ]
    if missing:
        return Finding("sources", Health.ATTENTION, f"no such division: {', '.join(missing)}")
    return Finding("sources", Health.GOOD, ", ".join(sources))


def boundaries(connection: Connection, path: Path, code_property: str | None) -> Finding:
    """Whether the layer can be read, and how many of its features are of divisions that are known."""
    try:
        layer = read_layer(path, key=code_property)
    except ConfigError as error:
        return at_fault("boundaries", error)
    known = regions.meanings(connection, layer.codes)
    strangers = list(dict.fromkeys(code for code in layer.codes if code not in known))
    of = len(layer.codes) + layer.skipped
    said = f"{sum(code in known for code in layer.codes)} of {of} features are of known divisions"
    if strangers:
        said += f"; unknown are {', '.join(strangers[:_NAMED])}{' …' if len(strangers) > _NAMED else ''}"
    if layer.skipped:
        said += f"; {layer.skipped} have no code or no geometry"
    if not known:
        return Finding("boundaries", Health.FAILED, said)
    return Finding("boundaries", Health.ATTENTION if strangers or layer.skipped else Health.GOOD, said)


def templates(faults: Sequence[str]) -> list[Finding]:
    """One for each fault."""
    if faults:
        return [Finding("templates", Health.FAILED, each) for each in faults]
    return [Finding("templates", Health.GOOD, "every file can be used")]


def _beside(path: Path) -> list[Path]:
    return [path.with_name(path.name + ending) for ending in ("-wal", "-shm")]


def _times(paths: Iterable[Path]) -> Iterator[datetime]:
    for path in paths:
        if path.exists():
            yield datetime.fromtimestamp(path.stat().st_mtime, UTC)
