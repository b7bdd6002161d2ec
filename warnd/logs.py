"""The log: structured lines, one set-up for our own events and for those of libraries."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from enum import Enum

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

PRIVATE = frozenset({"address", "addresses", "body", "token", "password", "secret", "authorization"})
"""Keys that are dropped from every line above debug, whatever their value."""

_QUIET = ("aiohttp.access", "alembic", "apscheduler", "asyncio", "mail.log")
"""Libraries whose every step at info would drown what happened."""


class Format(Enum):
    """``AUTO`` is for people on a terminal and JSON everywhere else."""

    AUTO = "auto"
    JSON = "json"
    CONSOLE = "console"


def configure(format: Format = Format.AUTO, level: str = "info") -> None:
    """
    Send every log line, structlog's and the standard library's, to standard error in one form.

    Called once by a process, again by tests. ``level`` is debug, info, warning or error.
    """
    threshold = logging.getLevelNamesMapping()[level.upper()]
    shared = _shared()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(format)],
        )
    )
    root = logging.getLogger()
    for former in [*root.handlers]:
        root.removeHandler(former)
    root.addHandler(handler)
    root.setLevel(threshold)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(threshold, logging.WARNING))


def drop_private(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Above debug a line names no address, no text and no credential."""
    if event.get("level") == "debug":
        return event
    return {key: value for key, value in event.items() if key.lower() not in PRIVATE}


def _shared() -> Sequence[Processor]:
    return (
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        drop_private,
    )


def _rendering(format: Format) -> Sequence[Processor]:
    """Neither form shows a traceback's local variables: they hold addresses and credentials."""
    on_terminal = sys.stderr.isatty()
    if format is Format.CONSOLE or (format is Format.AUTO and on_terminal):
        return (
            structlog.dev.ConsoleRenderer(
                colors=on_terminal, exception_formatter=structlog.dev.plain_traceback
            ),
        )
    transform = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    return (
        structlog.processors.ExceptionRenderer(transform),
        structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
    )
