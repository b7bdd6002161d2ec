"""
What the operator decides: ``config/warnd.toml`` and ``WARND_*``, checked once and frozen.

``values`` says what there is; ``policy`` turns the file's channel policies into the model's; ``amounts``
reads ``500/s`` and ``60s``; ``reading`` brings the file, the ``environment`` and the ``secrets`` together.
"""

from warnd.settings.reading import load
from warnd.settings.values import (
    ChannelSettings,
    FeedSettings,
    IssueSettings,
    LogSettings,
    QueueSettings,
    ReleaseSettings,
    RetentionSettings,
    ServerSettings,
    Settings,
    SourceSettings,
    StoreSettings,
    TemplateSettings,
    WorkerSettings,
)

__all__ = [
    "ChannelSettings",
    "FeedSettings",
    "IssueSettings",
    "LogSettings",
    "QueueSettings",
    "ReleaseSettings",
    "RetentionSettings",
    "ServerSettings",
    "Settings",
    "SourceSettings",
    "StoreSettings",
    "TemplateSettings",
    "WorkerSettings",
    "load",
]
