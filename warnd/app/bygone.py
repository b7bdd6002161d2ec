"""Alarms about what is no more when a process starts: a channel that was taken out, a template that was mended."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from warnd.app.board import AlarmBoard
from warnd.pipeline.templates import Templates
from warnd.store import alarms
from warnd.store.alarms import Alarm
from warnd.store.threads import ThreadedStore


@dataclass(frozen=True, slots=True)
class Bygone:
    """
    By the settings and files of this process, which all processes on a store share.

    One that still runs with others, while they are changed, sounds its own again.
    """

    channels: Collection[str]
    feeds: Collection[str]
    sources: Collection[str]
    templates: Templates
    with_redis: bool

    def has(self, alarm: Alarm) -> bool:
        """Whether nothing is left that could end it."""
        match alarm.kind:
            case "channel_down" | "channel_paused":
                return alarm.subject not in self.channels
            case "feed_silent" | "feed_stale" | "feed_unreadable":
                return alarm.subject not in self.feeds
            case "source_over_rate":
                return alarm.subject not in self.sources
            case "redis_away":
                return not self.with_redis
            case "template_failed" if "/" in alarm.subject:  # else it is an alert's, and ends with it
                path, _, _ = alarm.subject.rpartition("@")
                return alarm.subject != self.templates.version_of(path)
            case _:
                return False

    async def end(self, store: ThreadedStore, board: AlarmBoard) -> None:
        """Those that stand, of which ``board`` remembers all. Raises StoreError."""
        for alarm in await store.read(alarms.open_alarms):
            if self.has(alarm):
                board.clear(alarm.kind, alarm.subject)
