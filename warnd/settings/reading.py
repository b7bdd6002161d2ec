"""File, environment and secrets brought together, and every fault named by its dotted key."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from warnd.errors import ConfigError
from warnd.model.release import BY_HAND
from warnd.settings import secrets
from warnd.settings.environment import override
from warnd.settings.feeds import check_feeds
from warnd.settings.policy import PolicyTables, RetryTable, check_quiet_hours, policies
from warnd.settings.values import (
    ChannelSettings,
    FeedSettings,
    IssueSettings,
    LanguageTag,
    LogSettings,
    QueueSettings,
    RegionSettings,
    ReleaseSettings,
    RetentionSettings,
    ServerSettings,
    Settings,
    SourceSettings,
    StoreSettings,
    TemplateSettings,
    WorkerSettings,
    closed,
    default_time_zone,
)


@closed
@dataclass(frozen=True, slots=True)
class File:
    """The tables of ``warnd.toml``, and the two keys that stand before them."""

    server: ServerSettings = field(default_factory=ServerSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    queue: QueueSettings = field(default_factory=QueueSettings)
    workers: WorkerSettings = field(default_factory=WorkerSettings)
    channels: dict[str, ChannelSettings] = field(default_factory=dict)
    policy: PolicyTables = field(default_factory=dict)
    retry: RetryTable = field(default_factory=RetryTable)
    sources: dict[str, SourceSettings] = field(default_factory=dict)
    regions: RegionSettings = field(default_factory=RegionSettings)
    release: ReleaseSettings = field(default_factory=ReleaseSettings)
    issue: IssueSettings = field(default_factory=IssueSettings)
    feeds: dict[str, FeedSettings] = field(default_factory=dict)
    templates: TemplateSettings = field(default_factory=TemplateSettings)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    logs: LogSettings = field(default_factory=LogSettings)
    language: LanguageTag = "zh"
    time_zone: ZoneInfo = field(default_factory=default_time_zone)


_FILE = TypeAdapter(File)
_TOP = frozenset(each.name for each in fields(File))
_CORE_KEYS = frozenset(each.name for each in fields(ChannelSettings)) - {"name", "options"}


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """
    The settings of this file under these overrides; without a file, the defaults.

    Raises ConfigError that names every key at fault. Whether an adapter exists and likes its options is seen
    when its channel is made, not here.
    """
    faults: dict[str, str] = {}
    tree = {} if path is None else _parse(path)
    override(tree, environ, top=_TOP, faults=faults)
    tree["channels"] = channels = _each(tree.get("channels", {}), _channel, "channels", faults)
    tree["sources"] = _each(tree.get("sources", {}), _source, "sources", faults)
    tree["feeds"] = _each(tree.get("feeds", {}), _feed, "feeds", faults)
    for section in ("store", "queue"):
        if isinstance(table := tree.get(section), dict):
            tree[section] = secrets.wrapped(table, section=section, faults=faults)
    try:
        file = _FILE.validate_python(tree, context=tuple(channels) if isinstance(channels, dict) else ())
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
        within = {each["loc"][:-1] for each in errors}
        for each in errors:
            if each["type"] == "too_short" and each["loc"] in within:
                continue  # what it had is at fault, and named
            faults.setdefault(_dotted(each["loc"]), _plain(each["type"], each["msg"]))
        raise _config_error(faults) from error
    faults |= check_feeds(file.feeds, file.sources) | check_quiet_hours(file.policy)
    if not file.workers.serve_sends and file.store.path is not None:
        faults["workers.serve_sends"] = "is false, but an SQLite file has no other process that could send"
    if not file.queue.is_local and file.store.path is not None:
        faults["queue.url"] = "is a server, but an SQLite file has no other process to share anything with"
    if faults:
        raise _config_error(faults)
    return Settings(
        server=file.server,
        store=file.store,
        queue=file.queue,
        workers=file.workers,
        channels=file.channels,
        policies=policies(file.policy, file.channels),
        retry=file.retry.policy(),
        sources=file.sources,
        regions=file.regions,
        release=file.release,
        issue=file.issue,
        feeds=file.feeds,
        templates=file.templates,
        retention=file.retention,
        logs=file.logs,
        language=file.language,
        time_zone=file.time_zone,
    )


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(str(path), f"cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(str(path), f"is not TOML: {error}") from error


def _each(tables: Any, shape: Any, section: str, faults: dict[str, str]) -> Any:
    """Each table of a section in the shape of its settings; what is no table is left to be refused."""
    if not isinstance(tables, dict):
        return tables
    return {
        name: shape(name, table, f"{section}.{name}", faults) if isinstance(table, dict) else table
        for name, table in tables.items()
    }


def _channel(name: str, table: Mapping[str, Any], key: str, faults: dict[str, str]) -> dict[str, Any]:
    """The core's own keys apart from the adapter's, which go to ``options``."""
    core = {each: value for each, value in table.items() if each in _CORE_KEYS}
    options = {each: value for each, value in table.items() if each not in _CORE_KEYS}
    return {"name": name, **core, "options": secrets.wrapped(options, section=key, faults=faults)}


def _source(name: str, table: Mapping[str, Any], key: str, faults: dict[str, str]) -> dict[str, Any]:
    if "name" in table:
        faults[f"{key}.name"] = "there is no such key; a source is named by its table"
    if name == BY_HAND:
        faults[key] = "is the name of what is issued by hand; call the source otherwise"
    credentials = {each: value for each, value in table.items() if each.startswith("hmac_secret")}
    others = {each: value for each, value in table.items() if each not in credentials}
    return {**others, **secrets.wrapped(credentials, section=key, faults=faults), "name": name}


def _feed(name: str, table: Mapping[str, Any], key: str, faults: dict[str, str]) -> dict[str, Any]:
    if "name" in table:
        faults[f"{key}.name"] = "there is no such key; a feed is named by its table"
    return {**secrets.wrapped(table, section=key, faults=faults), "name": name}


def _config_error(faults: Mapping[str, str]) -> ConfigError:
    """One error for all faults, under the key of the first."""
    (key, message), *others = faults.items()
    return ConfigError(key, message, *others)


def _dotted(location: tuple[int | str, ...]) -> str:
    """``policy.public.red.channels[2]``; pydantic's mark for a bad key of a table is left out."""
    parts = (part for part in location if part != "[key]")
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).lstrip(".")


def _plain(kind: str, message: str) -> str:
    match kind:
        case "unexpected_keyword_argument":
            return "there is no such key"
        case "missing":
            return "is missing"
        case "too_short":
            return "must name at least one"
        case "dataclass_type" | "dict_type":
            return "must be a table"
        case _:
            text = re.sub(r"^(Value error,|Input) ", "", message)
            return text[:1].lower() + text[1:] if kind != "value_error" else text
