"""
Process life: start, serve, drain, stop.

``running`` is the daemon inside anybody's event loop, ``working`` one that only sends; ``serve`` and ``work`` are the
processes around them.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
    nullcontext,
)
from dataclasses import dataclass

import structlog
import uvloop
from aiohttp import web

from warnd import api, console, logs
from warnd.app import App
from warnd.errors import ConfigError, WarndError
from warnd.schedule import scheduled
from warnd.settings import Settings
from warnd.store.sole import alone_with

log = structlog.get_logger()

SWITCH_AFTER = 0.0003
"""
Seconds that a thread waits for the interpreter before whoever has it must let go.

Python's own five milliseconds are as long as a commit: the writer lost that after a statement to whatever the event loop or a
reader was at (ADR 2).
"""

COLLECT_AFTER = 20_000
"""
Objects made and not yet freed before the youngest are searched for cycles.

Python's own 700 are a batch or two: a broadcast would spend a tenth of its time looking for cycles where there are none.
"""

_REPORT_SECONDS = 60.0
_DRAIN_SECONDS = 2.0
"""For requests to our own API; an event stream never ends by itself, and what it tells is in the store."""


@dataclass(frozen=True, slots=True)
class Daemon:
    """A daemon that serves. ``url`` is where it listens, as it is reached on this machine."""

    app: App
    url: str


@asynccontextmanager
async def running(settings: Settings, *, name: str = "") -> AsyncIterator[Daemon]:
    """
    Serve, and send unless that is left to others, for as long as the context lasts; leaving it loses nothing.

    Should a part of the daemon break, the body is cancelled and the context raises that part's error. Raises
    ConfigError, and StoreError when another daemon has the database to itself.
    """
    async with (
        _started(settings, role="serve", name=name, sends=settings.workers.serve_sends) as app,
        _serving(app) as url,
    ):
        log.info("daemon.started", url=url, store=settings.store.url)
        yield Daemon(app, url)


@asynccontextmanager
async def working(settings: Settings, *, name: str = "") -> AsyncIterator[App]:
    """
    Only send, beside daemons that serve, for as long as the context lasts; leaving it loses nothing.

    Raises as ``running`` does, and ConfigError on a store that one process has to itself.
    """
    if settings.store.path is not None:
        raise ConfigError(
            "store.url",
            "a worker needs a store that processes share: PostgreSQL; on an SQLite file `warnd serve` sends",
        )
    async with _started(settings, role="worker", name=name, sends=True) as app, _watched(app) as metrics:
        reporting = asyncio.create_task(_report(app))
        try:
            log.info("worker.started", store=settings.store.url, channels=list(app.lines), metrics=metrics)
            yield app
        finally:
            reporting.cancel()


@asynccontextmanager
async def _started(settings: Settings, *, role: str, name: str, sends: bool) -> AsyncIterator[App]:
    """The application at work, in a process that is set for broadcasts."""
    with _alone(settings), tuned():
        app = App(settings)
        await app.open()
        try:
            async with asyncio.TaskGroup() as group:
                try:
                    await app.start(group, role=role, name=name, sends=sends, schedule=lambda: scheduled(app))
                    yield app
                finally:
                    await app.stop()
        except BaseExceptionGroup as failed:
            # A task group wraps whatever went wrong first; the caller wants to hear of that.
            raise _innermost(failed) from None
        finally:
            await app.close()
        log.info("daemon.stopped")


def _alone(settings: Settings) -> AbstractContextManager[None]:
    """One daemon to a file; a PostgreSQL database has any number."""
    return nullcontext() if settings.store.path is None else alone_with(settings.store.path)


async def _report(app: App) -> None:
    """A line every minute, and one at the end, that says how the work goes: a worker has no page to look at."""
    try:
        while True:
            await asyncio.sleep(_REPORT_SECONDS)
            _count(app)
    finally:
        _count(app)


def _count(app: App) -> None:
    asked, granted = app.sending.leases
    held = sum(len(line.lanes) for line in app.lines.values())
    log.info("worker.reported", leases_asked=asked, leases_granted=granted, batches_held=held)


def serve(settings: Settings, *, name: str = "") -> None:
    """
    The process: until SIGTERM or SIGINT; a second one ends it at once.

    Raises ConfigError and WarndError.
    """
    _run(settings, running(settings, name=name))


def work(settings: Settings, *, name: str = "") -> None:
    """The same of a process that only sends."""
    _run(settings, working(settings, name=name))


def _run(settings: Settings, life: AbstractAsyncContextManager[object]) -> None:
    logs.configure(settings.logs.format, settings.logs.level)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_until_told(life))


async def _until_told(life: AbstractAsyncContextManager[object]) -> None:
    told = asyncio.Event()
    with _hearing(told):
        async with life:
            await told.wait()
            log.info("drain.began")


@contextmanager
def _hearing(told: asyncio.Event) -> Iterator[None]:
    """Set ``told`` at the first signal to stop; the second finds the system's own way of ending a process."""
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGTERM, signal.SIGINT)

    def hear() -> None:
        told.set()
        for number in numbers:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    for number in numbers:
        loop.add_signal_handler(number, hear)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


def _serving(app: App) -> AbstractAsyncContextManager[str]:
    """The API and the console on one address. Raises WarndError when it cannot be had."""
    site = api.build(app)
    console.mount(site, app)
    return _listening(site, app.settings.server.host, app.settings.server.port)


def _watched(app: App) -> AbstractAsyncContextManager[str | None]:
    """A worker's figures, where they are wanted. Raises WarndError when that address cannot be had."""
    if (at := app.settings.workers.metrics_at) is None:
        return nullcontext()
    return _listening(api.build_health(app), *at)


@asynccontextmanager
async def _listening(site: web.Application, host: str, port: int) -> AsyncIterator[str]:
    runner = web.AppRunner(site, access_log=None, shutdown_timeout=_DRAIN_SECONDS)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            reason = error.strerror or str(error)
            raise WarndError(f"cannot listen on {host}:{port}: {reason}") from error
        yield _url(runner)
    finally:
        await runner.cleanup()


def _url(runner: web.AppRunner) -> str:
    """Where the runner listens: an address for everybody is reached on loopback."""
    host, port = runner.addresses[0][:2]
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  compared, not bound
    return f"http://[{reached}]:{port}" if ":" in reached else f"http://{reached}:{port}"


@contextmanager
def tuned() -> Iterator[None]:
    """The interpreter set for broadcasts; as it was afterwards."""
    thresholds, interval = gc.get_threshold(), sys.getswitchinterval()
    gc.set_threshold(COLLECT_AFTER, *thresholds[1:])
    sys.setswitchinterval(SWITCH_AFTER)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        sys.setswitchinterval(interval)


def _innermost(failed: BaseExceptionGroup[BaseException]) -> BaseException:
    first = failed.exceptions[0]
    return _innermost(first) if isinstance(first, BaseExceptionGroup) else first
