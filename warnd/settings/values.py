"""Every setting as the program sees it: frozen, with its type, its bounds and its default."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, with_config

from warnd.logs import Format
from warnd.model.audience import EVERY_HAZARD
from warnd.model.color import Color
from warnd.model.policy import Policies, RetryPolicy
from warnd.model.region import level_of
from warnd.settings.amounts import Duration, PerSecond, Size, TargetRate

closed = with_config(extra="forbid")
"""A table of the file in which a key that is not known is a fault."""

SQLITE = "sqlite:///"


def _web_address(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", text):
        raise ValueError("write it as https://warnd.example, without a query")
    return text.rstrip("/")


def _store_url(url: str) -> str:
    if url.startswith(("postgresql:", "postgres:")):
        raise ValueError(f"PostgreSQL comes later; until then the store is {SQLITE}PATH")
    if not url.startswith(SQLITE) or url == SQLITE or ":memory:" in url or "?" in url:
        raise ValueError(f"write it as {SQLITE}PATH, a file that outlives the process")
    return url


def _queue_url(url: str) -> str:
    if url.startswith(("redis:", "rediss:", "valkey:")):
        raise ValueError('Redis comes later; until then the queue is "local"')
    if url != "local":
        raise ValueError('the queue is "local"')
    return url


def default_time_zone() -> ZoneInfo:
    return ZoneInfo("Asia/Shanghai")


def _division_code(code: str) -> str:
    level_of(code)
    return code


LanguageTag = Annotated[str, Field(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")]
DivisionCode = Annotated[str, AfterValidator(_division_code)]


@closed
@dataclass(frozen=True, slots=True)
class ServerSettings:
    """
    Where the daemon listens. ``port`` 0 is any free one; ``max_body`` is in bytes.

    ``public_url`` is how providers and browsers reach it, without a slash at the end; None when nobody
    outside does. ``grace`` is how long a stop waits for sends that are under way.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    max_body: Annotated[Size, Field(ge=1024)] = 4 * 1024 * 1024
    public_url: Annotated[str, AfterValidator(_web_address)] | None = None
    grace: Duration = timedelta(seconds=10)


@closed
@dataclass(frozen=True, slots=True)
class StoreSettings:
    url: Annotated[str, AfterValidator(_store_url)] = f"{SQLITE}var/warnd.db"

    @property
    def path(self) -> Path:
        """The database file; relative ones start at the working directory."""
        return Path(self.url.removeprefix(SQLITE))


@closed
@dataclass(frozen=True, slots=True)
class QueueSettings:
    url: Annotated[str, AfterValidator(_queue_url)] = "local"


@closed
@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """
    One configured channel.

    ``options`` are the adapter's own keys, credentials wrapped in ``Secret``. ``rate`` is in segments a
    second over all targets, ``target_rate`` in requests to each; None is no limit. ``slots`` (requests at
    once) and ``quiet`` (it wakes nobody) are the adapter's own when None; ``lifts`` (an end or a lowering is told
    on it) goes by its kind. ``emulated``: no provider stands behind it, so that test messages may pass.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=64)]
    adapter: Annotated[str, Field(min_length=1)]
    options: Mapping[str, Any] = field(default_factory=dict)
    rate: PerSecond | None = None
    target_rate: TargetRate | None = None
    slots: Annotated[int, Field(ge=1, le=1024)] | None = None
    emulated: bool = False
    quiet: bool | None = None
    lifts: bool | None = None


@closed
@dataclass(frozen=True, slots=True)
class SourceSettings:
    """
    What a feed may speak for.

    ``regions`` are the divisions in which it may warn, with all below them. An ``official`` source releases
    at once at every color.
    """

    name: Annotated[str, Field(min_length=1, max_length=64)]
    regions: Annotated[tuple[DivisionCode, ...], Field(min_length=1)]
    hazards: Annotated[tuple[str, ...], Field(min_length=1)] = (EVERY_HAZARD,)
    colors: Annotated[tuple[Color, ...], Field(min_length=1)] = tuple(Color)
    official: bool = False


@closed
@dataclass(frozen=True, slots=True)
class TemplateSettings:
    """``directory`` is searched before the templates that come with warnd."""

    directory: Path | None = None


@closed
@dataclass(frozen=True, slots=True)
class RetentionSettings:
    """For how long what is final is kept: deliveries with their story, and messages as they came in."""

    deliveries: Duration = timedelta(days=3650)
    raw_messages: Duration = timedelta(days=365)


@closed
@dataclass(frozen=True, slots=True)
class LogSettings:
    format: Format = Format.AUTO
    level: Literal["debug", "info", "warning", "error"] = "info"


@dataclass(frozen=True, slots=True)
class Settings:
    """
    All of it. ``channels`` and ``sources`` go by name and keep the file's order.

    ``language`` is what a message falls back to; ``time_zone`` is the one in which people read times.
    """

    policies: Policies
    server: ServerSettings = field(default_factory=ServerSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    queue: QueueSettings = field(default_factory=QueueSettings)
    channels: Mapping[str, ChannelSettings] = field(default_factory=dict)
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    sources: Mapping[str, SourceSettings] = field(default_factory=dict)
    templates: TemplateSettings = field(default_factory=TemplateSettings)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    logs: LogSettings = field(default_factory=LogSettings)
    language: str = "zh"
    time_zone: ZoneInfo = field(default_factory=default_time_zone)
