"""Every setting as the program sees it: frozen, with its type, its bounds and its default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, InstanceOf, with_config

from warnd.contract.secret import Secret
from warnd.intake.feeds import READERS
from warnd.logs import Format
from warnd.model.audience import EVERY_HAZARD
from warnd.model.color import Color
from warnd.model.policy import Policies, RetryPolicy
from warnd.model.region import level_of
from warnd.model.release import DEFAULT_HOLDS, HoldRule, Then
from warnd.settings.addresses import (
    LOCAL,
    SQLITE,
    DetailUrl,
    FeedUrl,
    Host,
    Listening,
    QueueUrl,
    StoreUrl,
    WebAddress,
    listening_at,
)
from warnd.settings.amounts import Duration, PerSecond, Size, TargetRate

closed = with_config(extra="forbid")
"""A table of the file in which a key that is not known is a fault."""

SHORTEST_SECRET = 16


def default_time_zone() -> ZoneInfo:
    return ZoneInfo("Asia/Shanghai")


def _division_code(code: str) -> str:
    level_of(code)
    return code


def _strong(secret: Secret) -> Secret:
    if len(secret.reveal()) < SHORTEST_SECRET:
        raise ValueError(f"has fewer than {SHORTEST_SECRET} characters: it could be guessed")
    return secret


def _feed_kind(kind: str) -> str:
    if kind not in READERS:
        raise ValueError(f"is one of {', '.join(READERS)}")
    return kind


LanguageTag = Annotated[str, Field(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")]
FeedKind = Annotated[str, AfterValidator(_feed_kind)]
DivisionCode = Annotated[str, AfterValidator(_division_code)]


@closed
@dataclass(frozen=True, slots=True)
class ServerSettings:
    """
    Where the daemon listens. ``port`` 0 is any free one; ``max_body`` is in bytes.

    ``public_url`` is how providers and browsers reach it, without a slash at the end; None when nobody
    outside does. ``public_feed``: anybody may read what is in force, without a key. ``grace`` is how long a stop
    waits for sends that are under way.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    max_body: Annotated[Size, Field(ge=1024)] = 4 * 1024 * 1024
    public_url: WebAddress | None = None
    public_feed: bool = False
    grace: Duration = timedelta(seconds=10)


@closed
@dataclass(frozen=True, slots=True)
class StoreSettings:
    """``password`` is that of a PostgreSQL server, when it asks for one."""

    url: StoreUrl = f"{SQLITE}var/warnd.db"
    password: InstanceOf[Secret] | None = None

    @property
    def path(self) -> Path | None:
        """The database file, relative ones starting at the working directory; None when a server has the store."""
        return Path(self.url.removeprefix(SQLITE)) if self.url.startswith(SQLITE) else None


@closed
@dataclass(frozen=True, slots=True)
class QueueSettings:
    """``password`` is that of a Redis or Valkey server, when it asks for one."""

    url: QueueUrl = LOCAL
    password: InstanceOf[Secret] | None = None

    @property
    def is_local(self) -> bool:
        return self.url == LOCAL


@closed
@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """
    ``serve_sends``: ``warnd serve`` sends too; else that is left to the processes of ``warnd worker``. ``metrics`` is
    where each of those shows its figures; None is nowhere.
    """

    serve_sends: bool = True
    metrics: Listening | None = None

    @property
    def metrics_at(self) -> tuple[str, int] | None:
        """Host and port of the same."""
        return None if self.metrics is None else listening_at(self.metrics)


@closed
@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """
    One configured channel.

    ``options`` are the adapter's own keys, credentials wrapped in ``Secret``. ``rate`` is in segments a
    second over all targets, ``target_rate`` in requests to each; None is no limit. ``slots`` (requests at
    once) and ``quiet`` (it wakes nobody) are the adapter's own when None; ``lifts`` (an end or a lowering is told
    on it) goes by its kind. ``emulated``: no provider stands behind it, so that test messages may pass. ``bundle``: what has
    waited for ``bundle_after`` for one address goes as one message; None is where there is a ``target_rate``.
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
    bundle: bool | None = None
    bundle_after: Duration = timedelta(seconds=5)


@closed
@dataclass(frozen=True, slots=True)
class HoldTable:
    """How long a warning of one color waits for a second person, and what happens then; None is as more general."""

    after: Duration | None = None
    then: Then | None = None


Holds = Mapping[Color, HoldTable]


def hold_rules(*tables: Holds) -> Mapping[Color, HoldRule]:
    """The rule of each color: its parts from the first table that has them, else the default's."""
    rules = dict(DEFAULT_HOLDS)
    for table in reversed(tables):
        for color, one in table.items():
            rules[color] = HoldRule(one.after or rules[color].after, one.then or rules[color].then)
    return rules


@closed
@dataclass(frozen=True, slots=True)
class ReleaseSettings:
    """``unusual_reds``: more of one source within ``unusual_within`` sound an alarm, and are released all the same."""

    hold: Holds = field(default_factory=dict)
    unusual_reds: Annotated[int, Field(ge=1)] = 5
    unusual_within: Duration = timedelta(minutes=10)


@closed
@dataclass(frozen=True, slots=True)
class IssueSettings:
    """
    For whom operators issue warnings by hand; without a ``sender`` they issue none.

    ``regions`` empty is everywhere. ``sender`` stands in every such warning, ``sender_name`` where it gives none.
    """

    sender: Annotated[str, Field(pattern=r"^[^\s,<&]{1,256}$")] | None = None
    sender_name: str = ""
    regions: tuple[DivisionCode, ...] = ()
    hazards: Annotated[tuple[str, ...], Field(min_length=1)] = (EVERY_HAZARD,)
    colors: Annotated[tuple[Color, ...], Field(min_length=1)] = tuple(Color)
    hold: Holds = field(default_factory=dict)


@closed
@dataclass(frozen=True, slots=True)
class SourceSettings:
    """
    What a feed may speak for.

    ``regions`` are the divisions in which it may warn, with all below them. An ``official`` source releases
    at once at every color; what another says is held, as ``hold`` has it. ``hmac_secret`` signs its requests.
    Over its ``rate`` only what is urgent is taken in. ``unusual_reds`` None is as for all. ``signature`` says what
    becomes of its messages that are not signed by one of the keys in ``signature_key_file``, which it may lack only
    when signatures are ignored.
    """

    name: Annotated[str, Field(min_length=1, max_length=64)]
    regions: Annotated[tuple[DivisionCode, ...], Field(min_length=1)]
    hazards: Annotated[tuple[str, ...], Field(min_length=1)] = (EVERY_HAZARD,)
    colors: Annotated[tuple[Color, ...], Field(min_length=1)] = tuple(Color)
    official: bool = False
    hold: Holds = field(default_factory=dict)
    hmac_secret: Annotated[InstanceOf[Secret], AfterValidator(_strong)] | None = None
    rate: TargetRate | None = None
    unusual_reds: Annotated[int, Field(ge=1)] | None = None
    signature: Literal["require", "verify", "ignore"] = "ignore"
    signature_key_file: Path | None = None
    signature_sha1: bool = False


@closed
@dataclass(frozen=True, slots=True)
class RegionSettings:
    """
    ``boundaries`` is a GeoJSON file by which polygons and circles find divisions; ``code_property`` the property
    of its features that holds the division's code, ``code`` or ``adcode`` when None.
    """

    boundaries: Path | None = None
    code_property: Annotated[str, Field(min_length=1)] | None = None


@closed
@dataclass(frozen=True, slots=True)
class FeedSettings:
    """
    A feed that warnd asks by itself.

    ``source`` is the source it speaks as. ``hosts`` are further hosts that its entries and redirects
    may lead to beside the feed's own. ``key`` takes the place of ``{key}`` in ``url``, or goes
    into the header ``key_header``. ``silent_after`` and ``stale_after`` are when the lack of answers, or of new
    entries, is an alarm; a ``stale_after`` of None is never.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=64)]
    kind: FeedKind
    url: FeedUrl
    source: Annotated[str, Field(min_length=1)]
    detail_url: DetailUrl | None = None
    hosts: tuple[Host, ...] = ()
    key: InstanceOf[Secret] | None = None
    key_header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")] | None = None
    every: Annotated[Duration, Field(ge=timedelta(seconds=1))] = timedelta(seconds=60)
    timeout: Duration = timedelta(seconds=20)
    max_body: Annotated[Size, Field(ge=1024)] = 16 * 1024 * 1024
    silent_after: Duration = timedelta(minutes=30)
    stale_after: Duration | None = None


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
    All of it. ``channels``, ``sources`` and ``feeds`` go by name and keep the file's order.

    ``language`` is what a message falls back to; ``time_zone`` is the one in which people read times.
    """

    policies: Policies
    server: ServerSettings = field(default_factory=ServerSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    queue: QueueSettings = field(default_factory=QueueSettings)
    workers: WorkerSettings = field(default_factory=WorkerSettings)
    channels: Mapping[str, ChannelSettings] = field(default_factory=dict)
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    sources: Mapping[str, SourceSettings] = field(default_factory=dict)
    regions: RegionSettings = field(default_factory=RegionSettings)
    release: ReleaseSettings = field(default_factory=ReleaseSettings)
    issue: IssueSettings = field(default_factory=IssueSettings)
    feeds: Mapping[str, FeedSettings] = field(default_factory=dict)
    templates: TemplateSettings = field(default_factory=TemplateSettings)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    logs: LogSettings = field(default_factory=LogSettings)
    language: str = "zh"
    time_zone: ZoneInfo = field(default_factory=default_time_zone)
